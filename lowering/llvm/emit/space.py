"""Iteration spaces: which dims are one, which runs along the vector, and loops over the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .emitter import Emitter
from .value import Value


@dataclass(frozen=True)
class Axis:
    """A dim: its size, and for each operand the distance of neighbours in elements."""

    size: int
    strides: tuple[int, ...]

    def pick(self, operands: slice) -> Axis:
        """Only the strides of some operands."""
        return Axis(self.size, self.strides[operands])


@dataclass(frozen=True)
class Stream:
    """Where an operand is read or written; `value` once it is loaded and stays the same."""

    pointer: Value
    element: str
    value: Value | None = None


def axes_of(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> list[Axis]:
    """The dims of a space, those that every operand walks as one merged, the longest strides first.

    `strides` has for each operand a list over the dims.
    """
    axes = [
        Axis(size, tuple(row[dim] for row in strides))
        for dim, size in enumerate(shape)
        if size != 1
    ]
    axes.sort(key=lambda axis: sum(map(abs, axis.strides)), reverse=True)
    merged = True
    while merged:
        merged = False
        for inner in axes:
            whole = tuple(stride * inner.size for stride in inner.strides)
            outer = next((a for a in axes if a is not inner and a.strides == whole), None)
            if outer is not None:
                axes[axes.index(inner)] = Axis(outer.size * inner.size, inner.strides)
                axes.remove(outer)
                merged = True
                break
    return axes


def vector_axis(axes: Sequence[Axis], outputs: int) -> Axis | None:
    """The axis to run vectors along: the one where most operands lie side by side.

    The last `outputs` operands are written: those must move, and want stride 1 most. None if
    nothing is side by side along any axis.
    """

    def rank(axis: Axis) -> tuple[int, int, int]:
        split = len(axis.strides) - outputs
        read, written = axis.strides[:split], axis.strides[split:]
        strided = sum(s not in (0, 1) for s in read) + sum(2 * (s != 1) for s in written)
        return (-strided, min(axis.size, 64), sum(s == 1 for s in axis.strides))

    candidates = [axis for axis in axes if 1 in axis.strides]
    return max(candidates, key=rank, default=None)


def settle(
    e: Emitter, streams: Sequence[Stream], axes: Sequence[Axis], inputs: int, lanes: int
) -> list[Stream]:
    """Load the inputs (the first `inputs` operands) that are the same all over these axes."""
    result = list(streams)
    for number, stream in enumerate(streams[:inputs]):
        if stream.value is None and not any(axis.strides[number] for axis in axes):
            loaded = e.splat(e.load(stream.pointer, stream.element), lanes)
            result[number] = replace(stream, value=loaded)
    return result


def advance(
    e: Emitter, streams: Sequence[Stream], strides: Sequence[int], index: Value
) -> list[Stream]:
    """The operands at an index of an axis; what is loaded already stays."""
    return [
        stream
        if stream.value is not None or stride == 0
        else replace(
            stream, pointer=e.gep(stream.pointer, stream.element, e.multiply(index, stride))
        )
        for stream, stride in zip(streams, strides, strict=True)
    ]


Inner = Callable[[list[Stream], list[Value]], Sequence[Value]]


def nest(
    e: Emitter,
    axes: Sequence[Axis],
    streams: Sequence[Stream],
    carried: Sequence[Value],
    inner: Inner,
    enter: Callable[[list[Stream], Sequence[Axis]], list[Stream]] = lambda streams, _: streams,
) -> list[Value]:
    """Loops over all axes around `inner`; `enter` may change the operands ahead of each loop."""
    streams = enter(list(streams), axes)
    if not axes:
        return list(inner(streams, list(carried)))

    def body(index: Value, values: list[Value]) -> list[Value]:
        moved = advance(e, streams, axes[0].strides, index)
        return nest(e, axes[1:], moved, values, inner, enter)

    return e.loop(axes[0].size, body, carried)


def load_lanes(
    e: Emitter, stream: Stream, stride: int, lanes: int, mask: Value | None = None
) -> Value:
    """Elements along the vector axis: neighbours at once, else one by one.

    With a mask its first lanes are read; lanes that are off hold anything.
    """
    if stream.value is not None:
        return stream.value if mask is None else e.splat(stream.value, lanes)
    if stride == 0:
        return e.splat(e.load(stream.pointer, stream.element), lanes)
    if stride == 1:
        return e.load(stream.pointer, stream.element, lanes, mask)
    count = lanes if mask is None else active_lanes(mask)
    vector = e.zero(stream.element, lanes)
    for lane in range(count):
        pointer = e.gep(stream.pointer, stream.element, lane * stride)
        scalar = e.load(pointer, stream.element)
        vector = scalar if lanes == 1 else e.insert(vector, scalar, lane)
    return vector


def store_lanes(
    e: Emitter, value: Value, stream: Stream, stride: int, mask: Value | None = None
) -> None:
    """Write elements along the vector axis, those of a mask's first lanes only."""
    if stride == 1 or value.lanes == 1:
        e.store(value, stream.pointer, mask)
        return
    count = value.lanes if mask is None else active_lanes(mask)
    for lane in range(count):
        e.store(e.extract(value, lane), e.gep(stream.pointer, stream.element, lane * stride))


def active_lanes(mask: Value) -> int:
    """How many lanes of a constant mask are on."""
    return mask.text.count("i1 1")


@dataclass(frozen=True)
class Piece:
    """A run of vectors along an axis: `count` times `unroll` vectors of `lanes` from `start` on;
    `active` lanes of a last vector that is not full are on."""

    start: int
    count: int
    unroll: int
    lanes: int
    active: int = 0


def pieces(size: int, lanes: int, unroll: int, masks: bool) -> list[Piece]:
    """Split an axis: unrolled vectors, single ones, then a masked one or ever shorter ones."""
    vectors = size // lanes
    exact = next((u for u in range(unroll, 1, -1) if u <= vectors and vectors % u == 0), 0)
    if not exact and vectors < 2 * unroll:
        exact = 1 if vectors > unroll else max(1, vectors)
    unroll = exact or unroll
    result: list[Piece] = []
    position = 0
    rounds = vectors // unroll
    if rounds:
        result.append(Piece(0, rounds, unroll, lanes))
        position = rounds * unroll * lanes
    if vectors % unroll:
        result.append(Piece(position, vectors % unroll, 1, lanes))
        position = vectors * lanes
    left = size - position
    if left and masks and left > 1:
        result.append(Piece(position, 1, 1, lanes, active=left))
        return result
    while left:
        width = 1 << (left.bit_length() - 1)
        result.append(Piece(position, 1, 1, width))
        position, left = position + width, left - width
    return result


def best_lanes(size: int, most: int) -> int:
    """Lanes for an axis: a full vector, or the power of two that holds a shorter axis."""
    return min(most, 1 << (size - 1).bit_length())
