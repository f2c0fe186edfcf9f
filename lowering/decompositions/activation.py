"""Activations, by arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from xdsl.ir import SSAValue

from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder
from .calls import binary, dims, element, rank, reduce, unary, where
from .conversions import in_full_precision
from .registry import decomposition


def _number(op: SchemaOp, name: str) -> Any:
    return cast(Any, op.value_of(name))


@decomposition("silu")
@in_full_precision
def silu(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`x * sigmoid(x)`."""
    (value,) = op.operands
    return [binary(builder, "mul.Tensor", value, unary(builder, "sigmoid", value))]


@decomposition("hardsigmoid")
@in_full_precision
def hardsigmoid(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`clamp(x + 3, 0, 6) / 6`."""
    return [_hard_step(builder, op.operands[0])]


@decomposition("hardswish")
@in_full_precision
def hardswish(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`x * clamp(x + 3, 0, 6) / 6`."""
    (value,) = op.operands
    return [binary(builder, "mul.Tensor", value, _hard_step(builder, value))]


def _hard_step(builder: EdgeBuilder, value: SSAValue) -> SSAValue:
    shifted = unary(builder, "add.Scalar", value, 3)
    clamped = unary(builder, "clamp", shifted, 0, 6)
    return unary(builder, "mul.Scalar", clamped, 1 / 6)


@decomposition("softplus")
@in_full_precision
def softplus(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`x` where `beta * x > threshold`, else `log1p(exp(beta * x)) / beta`."""
    return [_softplus(builder, op.operands[0], _number(op, "beta"), _number(op, "threshold"))]


def _softplus(builder: EdgeBuilder, value: SSAValue, beta: float, threshold: float) -> SSAValue:
    scaled = value if beta == 1 else unary(builder, "mul.Scalar", value, beta)
    result = unary(builder, "log1p", unary(builder, "exp", scaled))
    if beta != 1:
        result = unary(builder, "mul.Scalar", result, 1 / beta)
    linear = unary(builder, "gt.Scalar", scaled, threshold)
    return where(builder, linear, value, result)


@decomposition("mish")
@in_full_precision
def mish(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`x * tanh(softplus(x))`."""
    (value,) = op.operands
    gate = unary(builder, "tanh", _softplus(builder, value, 1, 20))
    return [binary(builder, "mul.Tensor", value, gate)]


@decomposition("log_sigmoid")
@in_full_precision
def log_sigmoid(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`min(x, 0) - log1p(exp(-|x|))`."""
    (value,) = op.operands
    decay = unary(builder, "exp", unary(builder, "neg", unary(builder, "abs", value)))
    lower = unary(builder, "clamp", value, None, 0)
    return [binary(builder, "sub.Tensor", lower, unary(builder, "log1p", decay))]


@decomposition("glu")
@in_full_precision
def glu(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`a * sigmoid(b)` for the halves of x."""
    (value,) = op.operands
    dim = cast(int, op.value_of("dim")) % rank(value)
    half = dims(op.results[0])[dim]
    left = builder.slice(value, dim, 0, half)
    right = builder.slice(value, dim, half, half * 2)
    return [binary(builder, "mul.Tensor", left, unary(builder, "sigmoid", right))]


@decomposition("softmax.int", "log_softmax.int")
def softmax(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`_softmax` of x in the dtype of the result."""
    value = builder.cast(op.operands[0], element(op.results[0]))
    return [unary(builder, f"_{op.SCHEMA.name}", value, _number(op, "dim"), False)]


@decomposition("_log_softmax")
@in_full_precision
def log_softmax(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`x - m - log(sum(exp(x - m)))` for the largest element m."""
    (value,) = op.operands
    value = builder.cast(value, element(op.results[0]))
    if rank(value) == 0:
        return [unary(builder, "mul.Scalar", value, 0)]
    axes = [cast(int, op.value_of("dim"))]
    largest = reduce(builder, "amax", value, axes)
    shifted = binary(builder, "sub.Tensor", value, largest)
    total = reduce(builder, "sum.dim_IntList", unary(builder, "exp", shifted), axes)
    return [binary(builder, "sub.Tensor", shifted, unary(builder, "log", total))]
