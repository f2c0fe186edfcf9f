"""Convolutions by two-dimensional ones, and what else a convolution can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import i64
from xdsl.ir import Attribute, SSAValue

from ...dialects.expr import Expr
from ...dialects.layout import tensor_type
from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder
from .calls import (
    arange,
    binary,
    concatenate,
    dims,
    element,
    pad,
    product,
    rank,
    static_sizes,
    strided_slice,
)
from .conversions import in_full_precision
from .registry import NoDecompositionError, decomposition

_ONE = Expr.of(1)


@dataclass(frozen=True)
class _Depth:
    """The arguments of a 3-d convolution in its first spatial dim."""

    kernel: int
    stride: int
    padding: int
    dilation: int
    output_padding: int


@decomposition("convolution")
@in_full_precision
def convolution(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A 3-d convolution is a 2-d one of each window of frames, the frames as more channels."""
    if rank(op.operands[0]) != 5:
        raise NoDecompositionError("only 3-d convolutions have a decomposition")
    static_sizes(op, op.operands[0])
    if op.value_of("transposed"):
        return [_transposed(op, builder)]
    weight = cast(SSAValue, op.operand_of("weight"))
    channels, inputs, frames, *kernel = dims(weight)
    planes = builder.view(weight, (channels, inputs * frames, *kernel))
    return [_by_windows(op, builder, op.operands[0], planes, _depth(op), transposed=False)]


def _depth(op: SchemaOp) -> _Depth:
    numbers = [cast("list[int]", op.value_of(name))[0] for name in _PER_DIM]
    return _Depth(_size(dims(cast(SSAValue, op.operand_of("weight")))[2]), *numbers)


_PER_DIM = ("stride", "padding", "dilation", "output_padding")


def _transposed(op: SchemaOp, builder: EdgeBuilder) -> SSAValue:
    """In depth that is a convolution of the frames, spread out, with the flipped kernel."""
    value, weight = op.operands[0], cast(SSAValue, op.operand_of("weight"))
    depth = _depth(op)
    batch, channels, frames, *plane = dims(value)
    if depth.stride > 1:
        value = builder.view(value, (batch, channels, frames, _ONE, product(plane)))
        value = pad(builder, value, 3, 0, depth.stride - 1)
        spread = frames * depth.stride
        value = builder.view(value, (batch, channels, spread, *plane))
        value = builder.slice(value, 2, 0, spread - (depth.stride - 1))
    around = depth.dilation * (depth.kernel - 1) - depth.padding
    value = _padded(builder, value, around, around + depth.output_padding)
    inputs, outputs, kernel_frames, *kernel = dims(weight)
    flipped = builder.result("aten::flip", weight, [2], type=weight.type)
    flipped = builder.permute(flipped, [0, 2, 1, 3, 4])
    flipped = builder.view(flipped, (inputs * kernel_frames, outputs, *kernel))
    windows = _Depth(depth.kernel, 1, 0, depth.dilation, 0)
    return _by_windows(op, builder, value, flipped, windows, transposed=True)


def _padded(builder: EdgeBuilder, value: SSAValue, before: int, after: int) -> SSAValue:
    """Frames before and after; a negative number cuts them off."""
    end = dims(value)[2] + min(after, 0)
    value = builder.slice(value, 2, max(-before, 0), end)
    return pad(builder, value, 2, max(before, 0), max(after, 0))


def _by_windows(
    op: SchemaOp,
    builder: EdgeBuilder,
    value: SSAValue,
    weight: SSAValue,
    depth: _Depth,
    *,
    transposed: bool,
) -> SSAValue:
    """Convolve windows `[N * windows, C * kernel, H, W]` in two dims, and bring them in order."""
    batch, channels, _, *plane = dims(value)
    _, out_channels, count, *out_plane = dims(op.results[0])
    value = pad(builder, value, 2, depth.padding, depth.padding)
    windows = _windows(builder, value, depth, _size(count))
    windows = builder.view(windows, (batch * count, channels * depth.kernel, *plane))
    lists = [cast("list[int]", op.value_of(name))[1:] for name in _PER_DIM]
    stride, padding, dilation, output_padding = lists
    type = tensor_type(element(value), (batch * count, out_channels, *out_plane))
    result = builder.result(
        "aten::convolution",
        windows, weight, op.operand_of("bias"), stride, padding, dilation, transposed,
        output_padding, op.value_of("groups"), type=type,
    )  # fmt: skip
    result = builder.view(result, (batch, count, out_channels, *out_plane))
    if _ONE == count:
        return builder.view(result, (batch, out_channels, count, *out_plane))
    return builder.permute(result, [0, 2, 1, 3, 4])


def _windows(builder: EdgeBuilder, value: SSAValue, depth: _Depth, count: int) -> SSAValue:
    """`[N, windows, C, kernel, H * W]` from `[N, C, D, H, W]`."""
    batch, channels, _, *plane = dims(value)
    if depth.dilation == 1 and depth.stride == depth.kernel:
        value = builder.slice(value, 2, 0, count * depth.kernel)
        sizes = (batch, channels, Expr.of(count), Expr.of(depth.kernel), product(plane))
        windows = builder.view(value, sizes)
        if count == 1:
            return windows
        return builder.permute(windows, [0, 2, 1, 3, 4])
    parts: list[SSAValue] = []
    for frame in range(depth.kernel):
        part = strided_slice(builder, value, 2, frame * depth.dilation, count, depth.stride)
        parts.append(builder.view(part, (batch, channels, _ONE, Expr.of(count), product(plane))))
    return builder.permute(concatenate(builder, parts, 2), [0, 3, 1, 2, 4])


def _size(dim: Expr) -> int:
    size = dim.constant
    if size is None:
        raise NoDecompositionError("a 3-d convolution of unknown size has no decomposition")
    return size


@decomposition("col2im")
def col2im(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """The transposed convolution that puts each element of a block in its place."""
    (value,) = op.operands
    kernel, dilation, padding, stride = (
        cast("list[int]", op.value_of(name))
        for name in ("kernel_size", "dilation", "padding", "stride")
    )
    *_, height, width = (_size(dim) for dim in dims(op.results[0]))
    channels = _size(dims(op.results[0])[-3])
    blocks = [
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, k, d, p, s in zip((height, width), kernel, dilation, padding, stride, strict=True)
    ]
    spread = [
        (b - 1) * s - 2 * p + d * (k - 1) + 1
        for b, k, d, p, s in zip(blocks, kernel, dilation, padding, stride, strict=True)
    ]
    batch = dims(value)[0] if rank(value) == 3 else _ONE
    places = kernel[0] * kernel[1]
    value = builder.view(value, (batch, Expr.of(channels * places), *map(Expr.of, blocks)))
    out_sizes = (batch, Expr.of(channels), Expr.of(height), Expr.of(width))
    result = builder.result(
        "aten::convolution",
        value, _one_hot(builder, channels, places, kernel, element(value)), None,
        stride, padding, dilation, True,
        [size - base for size, base in zip((height, width), spread, strict=True)], channels,
        type=tensor_type(element(value), out_sizes),
    )  # fmt: skip
    return [builder.view(result, dims(op.results[0]))]


def _one_hot(
    builder: EdgeBuilder, channels: int, places: int, kernel: list[int], element_type: Attribute
) -> SSAValue:
    """`[channels * places, 1, kernel…]`, a 1 at each place once a channel."""
    row = arange(builder, places, i64)
    column = builder.view(row, (Expr.of(places), _ONE))
    identity = builder.cast(binary(builder, "eq.Tensor", column, row), element_type)
    sizes = (_ONE, Expr.of(places), _ONE, *map(Expr.of, kernel))
    expanded = builder.expand(builder.view(identity, sizes), (channels, *sizes[1:]))
    return builder.view(expanded, (Expr.of(channels * places), _ONE, *sizes[-2:]))
