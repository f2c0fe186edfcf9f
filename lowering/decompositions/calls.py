"""Calls of edge operators whose result types follow from their operands.

Operators are named without their namespace: `unary(builder, "sigmoid", x)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute, SSAValue

from ...dialects.expr import Expr
from ...dialects.layout import dims_of, tensor_type
from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder, tensor
from .registry import NoDecompositionError

Dims = tuple[Expr, ...]
"""The sizes of a tensor."""

_COMPARISONS = frozenset("eq ne lt le gt ge isinf isnan logical_and logical_or".split())


def dims(value: SSAValue) -> Dims:
    """The sizes of a value."""
    return dims_of(tensor(value))


def element(value: SSAValue) -> Attribute:
    """The element type of a value."""
    return tensor(value).element_type


def rank(value: SSAValue) -> int:
    """The number of dims of a value."""
    return tensor(value).get_num_dims()


def product(sizes: Sequence[Expr]) -> Expr:
    """The product of sizes."""
    total = Expr.of(1)
    for size in sizes:
        total = total * size
    return total


def static_sizes(op: SchemaOp, value: SSAValue) -> list[int]:
    """The sizes of a value as integers; NoDecompositionError where one is not known."""
    sizes = [size.constant for size in dims(value)]
    if None in sizes:
        raise NoDecompositionError(
            f"{op.SCHEMA.op_name} on sizes that are known only at run time has no decomposition"
        )
    return [size for size in sizes if size is not None]


def broadcast(first: Dims, second: Dims) -> Dims:
    """The sizes of a broadcast result."""
    if len(first) < len(second):
        first, second = second, first
    second = (*[Expr.of(1)] * (len(first) - len(second)), *second)
    return tuple(b if a.constant == 1 else a for a, b in zip(first, second, strict=True))


def unary(builder: EdgeBuilder, name: str, value: SSAValue, *args: Any) -> SSAValue:
    """An operator whose result has the type of its first operand, or i1 for comparisons."""
    type = tensor(value)
    if name.partition(".")[0] in _COMPARISONS:
        type = tensor_type(i1, dims_of(type))
    return builder.result(f"aten::{name}", value, *args, type=type)


def binary(
    builder: EdgeBuilder, name: str, left: SSAValue, right: SSAValue, **kwargs: Any
) -> SSAValue:
    """An operator of two tensors that are broadcast; comparisons give i1."""
    result = i1 if name.partition(".")[0] in _COMPARISONS else element(left)
    type = tensor_type(result, broadcast(dims(left), dims(right)))
    return builder.result(f"aten::{name}", left, right, type=type, **kwargs)


def where(builder: EdgeBuilder, condition: SSAValue, value: SSAValue, other: SSAValue) -> SSAValue:
    """`where(condition, value, other)`, all broadcast."""
    sizes = broadcast(dims(condition), broadcast(dims(value), dims(other)))
    type = tensor_type(element(value), sizes)
    return builder.result("aten::where.self", condition, value, other, type=type)


def reduce(
    builder: EdgeBuilder,
    name: str,
    value: SSAValue,
    axes: Sequence[int],
    *,
    keepdim: bool = True,
    element_type: Attribute | None = None,
    **kwargs: Any,
) -> SSAValue:
    """A reduction over a list of dims, `sum.dim_IntList`, `mean.dim`, `amax`, …."""
    sizes = list(dims(value))
    axes = sorted(axis % len(sizes) for axis in axes) if sizes else []
    for axis in reversed(axes):
        sizes[axis : axis + 1] = [Expr.of(1)] if keepdim else []
    type = tensor_type(element_type or element(value), sizes)
    return builder.result(f"aten::{name}", value, axes, keepdim, type=type, **kwargs)


def concatenate(builder: EdgeBuilder, values: Sequence[SSAValue], dim: int) -> SSAValue:
    """Values joined along a dim that counts from the front."""
    if len(values) == 1:
        return values[0]
    sizes = list(dims(values[0]))
    for value in values[1:]:
        sizes[dim] = sizes[dim] + dims(value)[dim]
    type = tensor_type(element(values[0]), sizes)
    return builder.result("aten::cat", list(values), dim, type=type)


def pad(
    builder: EdgeBuilder, value: SSAValue, dim: int, before: int, after: int, number: float = 0
) -> SSAValue:
    """A value with constants before and after along a dim that counts from the front."""
    if not before and not after:
        return value
    sizes = list(dims(value))
    amounts = [0, 0] * (len(sizes) - 1 - dim) + [before, after]
    sizes[dim] = sizes[dim] + before + after
    type = tensor_type(element(value), sizes)
    return builder.result("aten::constant_pad_nd", value, amounts, number, type=type)


def strided_slice(
    builder: EdgeBuilder, value: SSAValue, dim: int, start: int, count: int, step: int
) -> SSAValue:
    """`count` elements of a dim, `step` apart."""
    if step == 1 or count == 1:
        return builder.slice(value, dim, start, start + count)
    sizes = list(dims(value))
    sizes[dim] = Expr.of(count)
    end = start + (count - 1) * step + 1
    type = tensor_type(element(value), sizes)
    return builder.result("aten::slice.Tensor", value, dim, start, end, step, type=type)


def arange(builder: EdgeBuilder, size: Expr | int, element_type: Attribute) -> SSAValue:
    """The numbers from 0 up to a size."""
    end = Expr.of(size)
    bound = end if (c := end.constant) is None else c
    type = tensor_type(element_type, [end])
    return builder.result("aten::arange.start_step", 0, bound, 1, dtype=element_type, type=type)
