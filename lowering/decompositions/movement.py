"""Operators that move elements, by slices, views, permutes and `cat`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from xdsl.ir import SSAValue

from ...dialects.expr import Expr
from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder, shape_values
from .calls import concatenate, dims, element, product, rank, static_sizes
from .registry import NoDecompositionError, decomposition

_ONE = Expr.of(1)


@decomposition("stack")
def stack(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`cat` along a new dim."""
    dim = cast(int, op.value_of("dim")) % rank(op.results[0])
    sizes = list(dims(op.operands[0]))
    sizes.insert(dim, _ONE)
    return [concatenate(builder, [builder.view(v, sizes) for v in op.operands], dim)]


@decomposition("roll")
def roll(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """The end of a dim before its start; without dims, of the flattened tensor."""
    (value,) = op.operands
    shifts = cast("list[int]", op.value_of("shifts"))
    axes = cast("list[int]", op.value_of("dims"))
    if not axes:
        value = builder.view(value, [product(dims(value))])
        axes = [0]
    for shift, axis in zip(shifts, axes, strict=True):
        axis %= rank(value)
        size = static_sizes(op, value)[axis]
        split = -shift % size if size else 0
        if split:
            end = builder.slice(value, axis, split, size)
            value = concatenate(builder, [end, builder.slice(value, axis, 0, split)], axis)
    return [builder.view(value, dims(op.results[0]))]


@decomposition("pixel_shuffle")
def pixel_shuffle(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Channels `[C, f, f]` move to height and width."""
    (value,) = op.operands
    factor = Expr.of(cast(int, op.value_of("upscale_factor")))
    *outer, _, height, width = dims(value)
    channels = dims(op.results[0])[-3]
    value = builder.view(value, (product(outer), channels, factor, factor, height, width))
    return [builder.view(builder.permute(value, [0, 1, 4, 2, 5, 3]), dims(op.results[0]))]


@decomposition("pixel_unshuffle")
def pixel_unshuffle(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Blocks of height and width move to channels `[C, f, f]`."""
    (value,) = op.operands
    factor = Expr.of(cast(int, op.value_of("downscale_factor")))
    *outer, channels, _, _ = dims(value)
    *_, height, width = dims(op.results[0])
    value = builder.view(value, (product(outer), channels, height, factor, width, factor))
    return [builder.view(builder.permute(value, [0, 1, 3, 5, 2, 4]), dims(op.results[0]))]


@decomposition("transpose.int", "t")
def transpose(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A permute."""
    arguments = cast(dict[str, Any], op.arguments())
    value: SSAValue = arguments["self"]
    if rank(value) < 2:
        return [value]
    return [builder.transpose(value, arguments.get("dim0", 0), arguments.get("dim1", 1))]


@decomposition("alias", "clone", "detach", "lift_fresh_copy")
def identity(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A tensor is a value: copies and aliases of it are the tensor itself."""
    return [op.operands[0]]


@decomposition("squeeze.dim", "squeeze.dims", "unsqueeze")
def reshape(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A view."""
    return [builder.view(op.operands[0], dims(op.results[0]))]


@decomposition("select.int", "unbind.int", "split.Tensor", "split_with_sizes")
def parts(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Slices, and views where the dim is dropped."""
    arguments = cast(dict[str, Any], op.arguments())
    value: SSAValue = arguments["self"]
    dim = cast(int, op.value_of("dim")) % rank(value)
    dropped = op.SCHEMA.name in ("select", "unbind")
    start = Expr.of(cast(int, op.value_of("index")) if op.SCHEMA.name == "select" else 0)
    if (first := start.constant) is not None and first < 0:
        start = start + dims(value)[dim]
    results: list[SSAValue] = []
    for result in op.results:
        end = start + (_ONE if dropped else dims(result)[dim])
        part = builder.slice(value, dim, start, end)
        results.append(builder.view(part, dims(result)))
        start = end
    return results


@decomposition("repeat")
def repeat(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """An expand of dims between the dims, merged with them."""
    (value,) = op.operands
    repeats = [Expr.of(count) for count in cast("list[Any]", op.value_of("repeats"))]
    sizes = [_ONE] * (len(repeats) - rank(value)) + list(dims(value))
    single = [size for pair in zip([_ONE] * len(sizes), sizes, strict=True) for size in pair]
    many = [size for pair in zip(repeats, sizes, strict=True) for size in pair]
    value = builder.expand(builder.view(value, single), many)
    return [builder.view(value, dims(op.results[0]))]


@decomposition("full_like")
def full_like(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`full` in the shape and dtype of the result."""
    (result,) = op.results
    return builder.results(
        "aten::full",
        shape_values(dims(result)),
        op.value_of("fill_value"),
        dtype=element(result),
        types=op.result_types,
    )


@decomposition("constant_pad_nd")
def constant_pad(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """What a negative amount cuts off is sliced off, the rest is padded."""
    value, result = op.operands[0], op.results[0]
    amounts = cast("list[Any]", op.value_of("pad"))
    if not all(isinstance(amount, int) for amount in amounts):
        raise NoDecompositionError("padding by sizes known only at run time has no decomposition")
    for index in range(0, len(amounts), 2):
        before, after = amounts[index : index + 2]
        dim = rank(value) - 1 - index // 2
        end = dims(value)[dim] + min(after, 0)
        value = builder.slice(value, dim, max(-before, 0), end)
    amounts = [max(amount, 0) for amount in amounts]
    if not any(amounts):
        return [value]
    number = op.value_of("value")
    return [builder.result("aten::constant_pad_nd", value, amounts, number, type=result.type)]
