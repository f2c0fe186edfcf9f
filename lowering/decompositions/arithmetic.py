"""Elementwise arithmetic and its reductions by simpler operators."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from xdsl.dialects.builtin import ComplexType, i64
from xdsl.ir import SSAValue

from ...dialects.layout import tensor_type
from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder
from .calls import binary, dims, element, pad, rank, reduce, static_sizes, unary, where
from .conversions import in_full_precision
from .registry import NoDecompositionError, decomposition


@decomposition("exp2")
def exp2(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`pow(2, x)`."""
    (value,) = op.operands
    return [builder.result("aten::pow.Scalar", 2.0, value, type=value.type)]


@decomposition("erfc")
@in_full_precision
def erfc(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`1 - erf(x)`; the absolute error is that of erf."""
    return [unary(builder, "rsub.Scalar", unary(builder, "erf", op.operands[0]), 1)]


@decomposition("rsub.Scalar")
@in_full_precision
def rsub(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`other - alpha * x`."""
    (value,) = op.operands
    alpha = cast(Any, op.value_of("alpha"))
    value = unary(builder, "mul.Scalar", value, -alpha)
    return [unary(builder, "add.Scalar", value, op.value_of("other"))]


@decomposition("hypot")
@in_full_precision
def hypot(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`m * sqrt(1 + (n / m)²)` for the larger magnitude m and the smaller one n."""
    left, right = (unary(builder, "abs", operand) for operand in op.operands)
    larger = binary(builder, "maximum", left, right)
    smaller = binary(builder, "minimum", left, right)
    ratio = binary(builder, "div.Tensor", smaller, larger)
    square = unary(builder, "add.Scalar", binary(builder, "mul.Tensor", ratio, ratio), 1)
    result = binary(builder, "mul.Tensor", larger, unary(builder, "sqrt", square))
    # 0 / 0 and inf / inf are nan, where the larger magnitude is the result.
    whole = _or(builder, unary(builder, "eq.Scalar", larger, 0), unary(builder, "isinf", larger))
    return [where(builder, whole, larger, result)]


def _or(builder: EdgeBuilder, left: SSAValue, right: SSAValue) -> SSAValue:
    return binary(builder, "logical_or", left, right)


@decomposition("copysign.Tensor")
def copysign(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`-|x|` where the other is negative, -0 included, else `|x|`."""
    value, other = op.operands
    # 1 / -0 is -inf.
    negative = _or(
        builder,
        unary(builder, "lt.Scalar", other, 0),
        unary(builder, "lt.Scalar", unary(builder, "reciprocal", other), 0),
    )
    magnitude = unary(builder, "abs", value)
    return [where(builder, negative, unary(builder, "neg", magnitude), magnitude)]


@decomposition("floor_divide")
def floor_divide(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`div` rounded down."""
    return [binary(builder, "div.Tensor_mode", *op.operands, rounding_mode="floor")]


@decomposition("remainder.Tensor")
@in_full_precision
def remainder(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`x - floor(x / y) * y`."""
    value, other = op.operands
    quotient = binary(builder, "div.Tensor_mode", value, other, rounding_mode="floor")
    return [binary(builder, "sub.Tensor", value, binary(builder, "mul.Tensor", quotient, other))]


@decomposition("remainder.Scalar")
@in_full_precision
def remainder_of_number(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`x - floor(x / y) * y` for a number y."""
    (value,) = op.operands
    other = op.value_of("other")
    quotient = builder.result(
        "aten::div.Scalar_mode", value, other, rounding_mode="floor", type=value.type
    )
    product = unary(builder, "mul.Scalar", quotient, other)
    return [binary(builder, "sub.Tensor", value, product)]


@decomposition("sum.dim_IntList", "cumsum")
def scalar_sum(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Of a tensor without dims, the tensor itself."""
    (value,) = op.operands
    if rank(value):
        raise NoDecompositionError(f"only the {op.SCHEMA.name} of 0-d tensors has a decomposition")
    return [builder.cast(value, element(op.results[0]))]


@decomposition("linalg_vector_norm")
@in_full_precision
def vector_norm(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`sum(|x| ** ord) ** (1 / ord)`, and its limits for an infinite order and 0."""
    arguments = cast(dict[str, Any], op.arguments())
    result = op.results[0]
    value = arguments["self"]
    if isinstance(part := element(value), ComplexType):
        part = cast(ComplexType, part).element_type
        value = builder.result("aten::abs", value, type=tensor_type(part, dims(value)))
    value = builder.cast(value, element(result))
    axes = arguments["dim"] or list(range(rank(value)))
    order: float = arguments["ord"]
    if math.isinf(order):
        name = "amax" if order > 0 else "amin"
        norm = reduce(builder, name, unary(builder, "abs", value), axes)
    elif order == 0:
        nonzero = builder.cast(unary(builder, "ne.Scalar", value, 0), element(value))
        norm = reduce(builder, "sum.dim_IntList", nonzero, axes)
    elif order == 2:
        squares = binary(builder, "mul.Tensor", value, value)
        norm = unary(builder, "sqrt", reduce(builder, "sum.dim_IntList", squares, axes))
    else:
        powers = unary(builder, "abs", value)
        if order != 1:
            powers = unary(builder, "pow.Tensor_Scalar", powers, order)
        norm = reduce(builder, "sum.dim_IntList", powers, axes)
        if order != 1:
            norm = unary(builder, "pow.Tensor_Scalar", norm, 1 / order)
    return [builder.view(norm, dims(result))]


@decomposition("var.dim")
def variance(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`var` with a correction of 1 or 0."""
    arguments = cast(dict[str, Any], op.arguments())
    return builder.results(
        "aten::var.correction",
        arguments["self"], arguments["dim"],
        correction=int(arguments["unbiased"]), keepdim=arguments["keepdim"], types=op.result_types,
    )  # fmt: skip


@decomposition("cumprod")
@in_full_precision
def cumprod(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Products over 2, 4, 8, … elements, each of two halves, by doubling shifts."""
    value = builder.cast(op.operands[0], element(op.results[0]))
    if rank(value) == 0:
        return [value]
    dim = cast(int, op.value_of("dim")) % rank(value)
    size = static_sizes(op, value)[dim]
    shift = 1
    while shift < size:
        earlier = pad(builder, builder.slice(value, dim, 0, size - shift), dim, shift, 0, 1)
        value = binary(builder, "mul.Tensor", value, earlier)
        shift *= 2
    return [value]


@decomposition("bucketize.Tensor", "searchsorted.Tensor")
def searchsorted(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """The number of boundaries that are less than x, or not greater for `right`."""
    arguments = cast(dict[str, Any], op.arguments())
    if arguments.get("sorter") is not None:
        raise NoDecompositionError("searchsorted with a sorter has no decomposition")
    value: SSAValue = arguments["self"]
    boundaries: SSAValue = arguments.get("boundaries") or arguments["sorted_sequence"]
    right = arguments["right"] or arguments.get("side") == "right"
    *outer, count = dims(boundaries)
    if outer:
        boundaries = builder.view(boundaries, (*outer, 1, count))
    column = builder.view(value, (*dims(value), 1))
    counted = binary(builder, "le.Tensor" if right else "lt.Tensor", boundaries, column)
    result = reduce(
        builder, "sum.dim_IntList", counted, [-1], keepdim=False, element_type=i64, dtype=i64
    )
    return [builder.cast(builder.view(result, dims(op.results[0])), element(op.results[0]))]
