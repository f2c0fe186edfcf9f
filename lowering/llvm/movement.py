"""Edge operations that put elements elsewhere, as pieces of their result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias, cast

import numpy as np
from xdsl.dialects import math
from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute, SSAValue

from ...dialects import edge
from ...dialects.schema_op import SchemaOp
from .body import Body, Number
from .step import Array, Step, Tensor, dense_strides, element_type, shape_of


@dataclass(frozen=True)
class Axis:
    """A loop of a piece: `size` elements, `step` apart along a dim of the result."""

    size: int
    dim: int
    step: int = 1


@dataclass(frozen=True)
class Source:
    """What a piece reads: a value of the program or an array, from `offset` on, and how far apart
    its elements are along each axis of the piece."""

    value: SSAValue | Array
    offset: int
    strides: tuple[int, ...]

    @property
    def element(self) -> Attribute:
        """The type of an element."""
        if isinstance(self.value, SSAValue):
            return element_type(self.value)
        assert self.value.dtype == np.bool_
        return i1


Combine: TypeAlias = Callable[[Body, Sequence[SSAValue]], SSAValue]


@dataclass(frozen=True)
class Piece:
    """A part of a result: its loops, where it begins, and what is written there.

    That is the first source, or `number` if there are none; with a `combine` what that makes of the
    sources.
    """

    axes: tuple[Axis, ...]
    begin: tuple[int, ...]
    sources: tuple[Source, ...] = ()
    number: Number = 0
    combine: Combine | None = None


Rule: TypeAlias = Callable[[SchemaOp, Step], list[Piece]]


def pieces_of(step: Step) -> list[Piece]:
    """How the first result of a step's operation is put together; no two pieces overlap."""
    return [p for p in _RULES[type(step.op)](step.op, step) if all(axis.size for axis in p.axes)]


def _box(shape: Sequence[int]) -> tuple[Axis, ...]:
    return tuple(Axis(size, dim) for dim, size in enumerate(shape))


def _numbers(op: SchemaOp, name: str) -> list[int]:
    return cast("list[int]", op.value_of(name))


def _dim(op: SchemaOp, rank: int, name: str = "dim") -> int:
    return cast(int, op.value_of(name)) % rank


def _pad(op: SchemaOp, step: Step) -> list[Piece]:
    """The inside, possibly cropped, and the sides of each dim."""
    source, shape = step.tensor(op.operands[0]), shape_of(op.results[0])
    pad = _numbers(op, "pad")
    rank = len(shape)
    before, after = [0] * rank, [0] * rank
    for number in range(len(pad) // 2):
        before[rank - 1 - number], after[rank - 1 - number] = pad[2 * number : 2 * number + 2]
    crop = [max(0, -size) for size in before]
    begin = [max(0, size) for size in before]
    sizes = [
        size + min(0, low) + min(0, high)
        for size, low, high in zip(source.shape, before, after, strict=True)
    ]
    offset = sum(c * stride for c, stride in zip(crop, source.strides, strict=True))
    inside = Piece(_box(sizes), tuple(begin), (Source(op.operands[0], offset, source.strides),))
    value = cast(Number, op.value_of("value"))
    result = [inside]
    for dim in range(rank):
        end = begin[dim] + sizes[dim]
        for low, high in ((0, begin[dim]), (end, shape[dim])):
            # Earlier dims are done over their whole extent.
            extent = [*shape[:dim], high - low, *sizes[dim + 1 :]]
            place = [*(0,) * dim, low, *begin[dim + 1 :]]
            result.append(Piece(_box(extent), tuple(place), number=value))
    return result


def _edge_pad(direction: int) -> Rule:
    """What lies at a border is repeated (direction 0) or mirrored (-1: read backwards, from behind
    the border on); negative sizes crop. Along every dim these are up to three parts."""

    def rule(op: SchemaOp, step: Step) -> list[Piece]:
        source, pad = step.tensor(op.operands[0]), _numbers(op, "padding")
        rank, away = len(source.shape), abs(direction)
        parts: list[list[_Part]] = [[_Part(0, 0, size)] for size in source.shape]
        for number in range(len(pad) // 2):
            dim = rank - 1 - number
            before, after = pad[2 * number : 2 * number + 2]
            size = source.shape[dim]
            begin, count = max(0, before), size + min(0, before) + min(0, after)
            parts[dim] = [
                _Part(before if away else 0, 0, begin, direction),
                _Part(max(0, -before), begin, count),
                _Part(size - 1 - away, begin + count, max(0, after), direction),
            ]
        return _parted(op.operands[0], source, parts)

    return rule


def _flip(op: SchemaOp, step: Step) -> list[Piece]:
    source = step.tensor(op.operands[0])
    dims = {dim % len(source.shape) for dim in _numbers(op, "dims")}
    strides = tuple(-s if d in dims else s for d, s in enumerate(source.strides))
    offset = sum((source.shape[d] - 1) * source.strides[d] for d in dims)
    axes = _box(source.shape)
    return [Piece(axes, (0,) * len(axes), (Source(op.operands[0], offset, strides),))]


def _roll(op: SchemaOp, step: Step) -> list[Piece]:
    """Two parts along each dim that moves."""
    source = step.tensor(op.operands[0])
    shifts, dims = _numbers(op, "shifts"), _numbers(op, "dims")
    rank = len(source.shape)
    shift = [0] * rank
    for by, dim in zip(shifts, dims, strict=True):
        shift[dim % rank] += by
    parts: list[list[_Part]] = []
    for size, by in zip(source.shape, shift, strict=True):
        cut = by % size if size else 0
        parts.append([_Part(0, cut, size - cut), _Part(size - cut, 0, cut)])
    return _parted(op.operands[0], source, parts)


@dataclass(frozen=True)
class _Part:
    """Part of a dim: `count` elements from `read` on, in a direction, to `write` on."""

    read: int
    write: int
    count: int
    direction: int = 1


def _parted(value: SSAValue, source: Tensor, parts: Sequence[Sequence[_Part]]) -> list[Piece]:
    """A piece for every choice of a part of each dim."""
    result: list[Piece] = []
    for choice in product(*([part for part in dim if part.count] for dim in parts)):
        moved = list(zip(choice, source.strides, strict=True))
        offset = sum(part.read * stride for part, stride in moved)
        strides = tuple(part.direction * stride for part, stride in moved)
        axes = _box([part.count for part in choice])
        begin = tuple(part.write for part in choice)
        result.append(Piece(axes, begin, (Source(value, offset, strides),)))
    return result


def _slice_scatter(op: SchemaOp, step: Step) -> list[Piece]:
    """The part, and the whole one's elements before, between and behind it. Nothing is written
    twice: what is fused may read, at the same place, the memory that the result is written to."""
    whole, part = (step.tensor(operand) for operand in op.operands)
    dim = _dim(op, len(whole.shape))
    size, by, count = whole.shape[dim], cast(int, op.value_of("step")), part.shape[dim]
    start = cast("int | None", op.value_of("start")) or 0
    start = min(max(start + size if start < 0 else start, 0), size)
    end = start + (count - 1) * by + 1 if count else start

    def place(index: int) -> tuple[int, ...]:
        return tuple(index if d == dim else 0 for d in range(len(whole.shape)))

    def kept(begin: int, axes: Sequence[Axis]) -> Piece:
        """What stays along the dim, from `begin` on."""
        others = [Axis(n, d) for d, n in enumerate(whole.shape) if d != dim]
        strides = tuple(axis.step * whole.strides[axis.dim] for axis in (*others, *axes))
        source = Source(op.operands[0], begin * whole.strides[dim], strides)
        return Piece((*others, *axes), place(begin), (source,))

    axes = tuple(Axis(n, d, by if d == dim else 1) for d, n in enumerate(part.shape))
    return [
        kept(0, [Axis(start, dim)]),
        Piece(axes, place(start), (Source(op.operands[1], 0, part.strides),)),
        kept(start + 1, [Axis(max(0, count - 1), dim, by), Axis(by - 1, dim)]),
        kept(end, [Axis(size - end, dim)]),
    ]


def _select_scatter(op: SchemaOp, step: Step) -> list[Piece]:
    """The part, and the whole one's elements before and behind it: nothing is written twice."""
    whole, part = (step.tensor(operand) for operand in op.operands)
    rank = len(whole.shape)
    dim = _dim(op, rank)
    index = cast(int, op.value_of("index")) % whole.shape[dim]
    others = [d for d in range(rank) if d != dim]
    axes = tuple(Axis(size, d) for size, d in zip(part.shape, others, strict=True))
    begin = tuple(index if d == dim else 0 for d in range(rank))
    sides = [[_Part(0, 0, size)] for size in whole.shape]
    size = whole.shape[dim]
    sides[dim] = [_Part(0, 0, index), _Part(index + 1, index + 1, size - index - 1)]
    return [
        Piece(axes, begin, (Source(op.operands[1], 0, part.strides),)),
        *_parted(op.operands[0], whole, sides),
    ]


def _stack(op: SchemaOp, step: Step) -> list[Piece]:
    rank = len(shape_of(op.results[0]))
    dim = _dim(op, rank)
    others = [d for d in range(rank) if d != dim]
    result: list[Piece] = []
    for number, operand in enumerate(op.operands):
        tensor = step.tensor(operand)
        axes = tuple(Axis(size, d) for size, d in zip(tensor.shape, others, strict=True))
        begin = tuple(number if d == dim else 0 for d in range(rank))
        result.append(Piece(axes, begin, (Source(operand, 0, tensor.strides),)))
    return result


def _repeat(op: SchemaOp, step: Step) -> list[Piece]:
    source, repeats = step.tensor(op.operands[0]), _numbers(op, "repeats")
    new = len(repeats) - len(source.shape)
    axes: list[Axis] = []
    strides: list[int] = []
    for dim, times in enumerate(repeats):
        size = source.shape[dim - new] if dim >= new else 1
        axes += [Axis(times, dim, size), Axis(size, dim)]
        strides += [0, source.strides[dim - new] if dim >= new else 0]
    sources = (Source(op.operands[0], 0, tuple(strides)),)
    return [Piece(tuple(axes), (0,) * len(repeats), sources)]


def _pixel_shuffle(op: SchemaOp, step: Step) -> list[Piece]:
    """[…, C r r, H, W] to […, C, H r, W r]."""
    source, r = step.tensor(op.operands[0]), cast(int, op.value_of("upscale_factor"))
    *batch, channels, height, width = source.shape
    *outer, channel, row, column = source.strides
    n = len(batch)
    axes = (
        *_box(batch),
        Axis(channels // (r * r), n),
        Axis(height, n + 1, r),
        Axis(r, n + 1),
        Axis(width, n + 2, r),
        Axis(r, n + 2),
    )
    strides = (*outer, channel * r * r, row, channel * r, column, channel)
    return [Piece(axes, (0,) * len(source.shape), (Source(op.operands[0], 0, strides),))]


def _pixel_unshuffle(op: SchemaOp, step: Step) -> list[Piece]:
    """[…, C, H r, W r] to […, C r r, H, W]."""
    source, r = step.tensor(op.operands[0]), cast(int, op.value_of("downscale_factor"))
    *batch, channels, height, width = source.shape
    *outer, channel, row, column = source.strides
    n = len(batch)
    axes = (
        *_box(batch),
        Axis(channels, n, r * r),
        Axis(r, n, r),
        Axis(r, n),
        Axis(height // r, n + 1),
        Axis(width // r, n + 2),
    )
    strides = (*outer, channel, row, column, row * r, column * r)
    return [Piece(axes, (0,) * len(source.shape), (Source(op.operands[0], 0, strides),))]


def _strided(strides: Callable[[SchemaOp, Tensor], tuple[int, tuple[int, ...]]]) -> Rule:
    """A view of other strides that the planner could not see."""

    def rule(op: SchemaOp, step: Step) -> list[Piece]:
        offset, own = strides(op, step.tensor(op.operands[0]))
        shape = shape_of(op.results[0])
        return [Piece(_box(shape), (0,) * len(shape), (Source(op.operands[0], offset, own),))]

    return rule


def _unfold(op: SchemaOp, source: Tensor) -> tuple[int, tuple[int, ...]]:
    dim = _dim(op, max(1, len(source.shape)), "dimension")
    by = cast(int, op.value_of("step"))
    strides = list(source.strides)
    own = strides[dim]
    strides[dim] *= by
    return 0, (*strides, own)


def _diagonal(op: SchemaOp, source: Tensor) -> tuple[int, tuple[int, ...]]:
    rank = len(source.shape)
    first, second = _dim(op, rank, "dim1"), _dim(op, rank, "dim2")
    offset = cast(int, op.value_of("offset"))
    begin = offset * source.strides[second] if offset > 0 else -offset * source.strides[first]
    rest = tuple(s for d, s in enumerate(source.strides) if d not in (first, second))
    return begin, (*rest, source.strides[first] + source.strides[second])


def _triangle(upper: bool) -> Rule:
    """Elements on one side of a diagonal, by a constant mask."""

    def keep(body: Body, values: Sequence[SSAValue]) -> SSAValue:
        return body.select(values[1], values[0], 0)

    def rule(op: SchemaOp, step: Step) -> list[Piece]:
        shape = shape_of(op.results[0])
        diagonal = cast(int, op.value_of("diagonal"))
        ones = np.ones(shape[-2:], np.bool_)
        mask = np.triu(ones, diagonal) if upper else np.tril(ones, diagonal)
        strides = (*(0,) * (len(shape) - 2), *dense_strides(shape[-2:]))
        source = Source(op.operands[0], 0, step.tensor(op.operands[0]).strides)
        sources = (source, Source(mask, 0, strides))
        return [Piece(_box(shape), (0,) * len(shape), sources, combine=keep)]

    return rule


def _glu(op: SchemaOp, step: Step) -> list[Piece]:
    """The first half of a dim, times the sigmoid of the second."""
    source, shape = step.tensor(op.operands[0]), shape_of(op.results[0])
    dim = _dim(op, len(shape))
    offset = shape[dim] * source.strides[dim]

    def gate(body: Body, values: Sequence[SSAValue]) -> SSAValue:
        power = body.unary(math.ExpOp, body.negate(values[1]))
        return body.divide(values[0], body.add(power, 1.0))

    sources = tuple(Source(op.operands[0], begin, source.strides) for begin in (0, offset))
    return [Piece(_box(shape), (0,) * len(shape), sources, combine=gate)]


def _full(name: str) -> Rule:
    def rule(op: SchemaOp, step: Step) -> list[Piece]:
        shape = shape_of(op.results[0])
        number = cast(Number, op.value_of(name))
        return [Piece(_box(shape), (0,) * len(shape), number=number)]

    return rule


def _empty(op: SchemaOp, step: Step) -> list[Piece]:
    """Any elements will do; zeros are the same each time."""
    return [Piece(_box(shape_of(op.results[0])), (0,) * len(shape_of(op.results[0])))]


_RULES: dict[type[SchemaOp], Rule] = {
    edge.ConstantPadNdOp: _pad,
    **dict.fromkeys(
        (edge.ReflectionPad1dOp, edge.ReflectionPad2dOp, edge.ReflectionPad3dOp), _edge_pad(-1)
    ),
    **dict.fromkeys(
        (edge.ReplicationPad1dOp, edge.ReplicationPad2dOp, edge.ReplicationPad3dOp), _edge_pad(0)
    ),
    edge.FlipOp: _flip,
    edge.RollOp: _roll,
    edge.SliceScatterOp: _slice_scatter,
    edge.SelectScatterOp: _select_scatter,
    edge.StackOp: _stack,
    edge.RepeatOp: _repeat,
    edge.PixelShuffleOp: _pixel_shuffle,
    edge.PixelUnshuffleOp: _pixel_unshuffle,
    edge.UnfoldOp: _strided(_unfold),
    edge.DiagonalOp: _strided(_diagonal),
    edge.TrilOp: _triangle(upper=False),
    edge.TriuOp: _triangle(upper=True),
    edge.GluOp: _glu,
    edge.FullOp: _full("fill_value"),
    edge.ScalarTensorOp: _full("s"),
    edge.EmptyMemoryFormatOp: _empty,
}

MOVEMENTS = tuple(_RULES)
"""The operations that `pieces_of` knows."""
