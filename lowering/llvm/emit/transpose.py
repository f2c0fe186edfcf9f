"""Maps that read along one axis and write along another: squares are transposed in registers.

A square of as many vectors as a vector has lanes is read, zipped with itself as often as its size
can be halved, and written: n loads, n log2(n) shuffles and n stores for n * n elements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ....dialects import kernel
from .emitter import Emitter
from .space import Axis, Stream, advance, nest
from .value import Value, element_bits, literal, memory_element


@dataclass(frozen=True)
class Transposition:
    """The axis along which the input lies side by side, and the one along which the output does."""

    read: Axis
    written: Axis
    outer: tuple[Axis, ...]


def transposition(op: kernel.MapOp, axes: Sequence[Axis]) -> Transposition | None:
    """The two axes, if a map has one input and one output that lie side by side along different
    ones, both long enough for a square; None if it has not."""
    if len(op.inputs) != 1 or len(op.outputs) != 1 or op.reductions.data:
        return None
    read = next((a for a in axes if a.strides[0] == 1 and a.strides[1] > 1), None)
    written = next((a for a in axes if a.strides[1] == 1 and a.strides[0] > 1), None)
    if read is None or written is None or min(read.size, written.size) < _LEAST:
        return None
    outer = tuple(axis for axis in axes if axis is not read and axis is not written)
    return Transposition(read, written, outer)


_LEAST = 4
"""The lanes of the smallest square."""


def emit_transposition(
    e: Emitter, op: kernel.MapOp, found: Transposition, streams: Sequence[Stream]
) -> None:
    """Squares as large as the vectors allow, smaller ones at the edges, single elements last."""
    elements = [memory_element(stream.element) for stream in streams]
    lanes = e.target.lanes(max(map(element_bits, elements)))
    most = min(lanes, e.target.registers // 2)

    def square(read: Stream, written: Stream, lanes: int) -> None:
        rows = [
            e.load(
                e.gep(read.pointer, read.element, i * found.written.strides[0]),
                read.element,
                lanes,
            )
            for i in range(lanes)
        ]
        rows = [e.apply_body(op.body, [row], lanes)[0] for row in rows]
        for j, column in enumerate(transposed(e, rows)):
            at = j * found.read.strides[1]
            e.store(column, e.gep(written.pointer, written.element, at))

    def inner(streams: list[Stream], _: list[Value]) -> list[Value]:
        for i, i_count, lanes in _squares(found.written.size, most):
            for j, j_count, width in _squares(found.read.size, lanes):
                for part in range(0, lanes, width):
                    start = advance(e, streams, found.written.strides, literal(i + part, "i64"))
                    start = advance(e, start, found.read.strides, literal(j, "i64"))
                    _grid(e, found, start, (i_count, j_count), (lanes, width), square)
        return []

    nest(e, found.outer, streams, [], inner)


def _grid(
    e: Emitter,
    found: Transposition,
    streams: Sequence[Stream],
    counts: tuple[int, int],
    steps: tuple[int, int],
    square: Callable[[Stream, Stream, int], None],
) -> None:
    """Loops over squares of the size of the second step."""

    def rows(i: Value, _: list[Value]) -> list[Value]:
        at = advance(e, streams, found.written.strides, e.multiply(i, steps[0]))

        def columns(j: Value, _: list[Value]) -> list[Value]:
            read, written = advance(e, at, found.read.strides, e.multiply(j, steps[1]))
            square(read, written, steps[1])
            return []

        e.loop(counts[1], columns)
        return []

    e.loop(counts[0], rows)


def _squares(size: int, lanes: int) -> list[tuple[int, int, int]]:
    """A length as (begin, count, lanes): full vectors, then ever shorter ones."""
    result: list[tuple[int, int, int]] = []
    begin = 0
    while begin < size:
        count = (size - begin) // lanes
        if count:
            result.append((begin, count, lanes))
            begin += count * lanes
        lanes //= 2
    return result


def transposed(e: Emitter, rows: Sequence[Value]) -> list[Value]:
    """The columns of a square of vectors."""
    lanes = len(rows)
    half = lanes // 2
    low = [lane for i in range(half) for lane in (i, lanes + i)]
    rounds = 1
    while rounds < lanes:
        pairs = [(rows[i], rows[i + half]) for i in range(half)]
        rows = [
            e.shuffle(a, b, [lane + start for lane in low]) for a, b in pairs for start in (0, half)
        ]
        rounds *= 2
    return list(rows)
