"""`kernel.window`: combine over a window for every point, then finish."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from ....dialects import kernel
from ....dialects.kernel.types import element_type, int_lists, ints
from .emitter import Emitter, handles
from .map import VectorLoop
from .reduction import identity
from .space import (
    Axis,
    Piece,
    Stream,
    advance,
    axes_of,
    best_lanes,
    load_lanes,
    nest,
    pieces,
    settle,
    store_lanes,
    vector_axis,
)
from .value import Value, element_bits, element_of, literal, memory_element

ACCUMULATORS = 8
"""Enough to hide the latency of an addition."""

UNROLLED = 9
"""Windows of so many points are written out."""


@handles(kernel.WindowOp)
def emit_window(e: Emitter, op: kernel.WindowOp) -> None:
    """Vectors along the points if those lie side by side, else along the window."""
    _Window(e, op).emit()


class _Window:
    """The parts of a window operation; operands are the inputs, the extras, the output."""

    def __init__(self, e: Emitter, op: kernel.WindowOp) -> None:
        self.e, self.op = e, op
        self.inputs = len(op.inputs)
        self.combination = op.combination.data
        last = op.body.block.last_op
        assert last is not None
        self.element = element_of(last.operands[0].type)
        pointers = [*op.inputs, *op.extras, op.output]
        self.streams = [Stream(e.get(p), element_of(element_type(p.type))) for p in pointers]
        rank = len(ints(op.shape))
        rows = int_lists(op.input_strides)
        outer = [row[:rank] for row in rows] + int_lists(op.extra_strides)
        self.axes = axes_of(ints(op.shape), [*outer, ints(op.output_strides)])
        self.window = axes_of(ints(op.window), [row[rank:] for row in rows])
        self.empty = 0 in ints(op.window)
        bits = [element_bits(memory_element(s.element)) for s in self.streams]
        self.most = e.target.lanes(max(*bits, element_bits(memory_element(self.element))))

    def emit(self) -> None:
        """Choose the axis of the vectors."""
        if 0 in ints(self.op.shape):
            return
        points = vector_axis(self.axes, 1)
        if points is not None and any(s not in (0, 1) for s in points.strides):
            points = None
        row = vector_axis(self.window, 0)
        if row is not None and any(s not in (0, 1) for s in row.strides):
            row = None
        if row is not None and not self.empty:
            short = points is None or points.size < min(row.size, self.most)
            if short:
                self._along_window(row)
                return
        self._along_points(points)

    # Vectors along the points

    def _along_points(self, axis: Axis | None) -> None:
        e, op = self.e, self.op
        contiguous = axis is not None
        axis = axis or vector_axis(self.axes, 1) or Axis(1, (0,) * len(self.streams))
        lanes = best_lanes(axis.size, self.most)
        if not contiguous and axis.strides[-1] != 1:
            lanes = 1
        unroll = 4 if contiguous else 2
        plan = pieces(axis.size, lanes, unroll, e.has_masks)
        lanes = plan[0].lanes
        outer = [other for other in self.axes if other is not axis]
        reads = len(self.streams) - 1

        def enter(streams: list[Stream], axes: Sequence[Axis]) -> list[Stream]:
            # An input that does not move over the points may yet move in the window.
            own = [*axes, axis]
            fixed = [Axis(a.size, (*a.strides, *(0,) * (reads - self.inputs))) for a in self.window]
            return settle(e, streams, [*own, *fixed], reads, lanes)

        def inner(streams: list[Stream], values: list[Value]) -> list[Value]:
            for piece in plan:
                self._piece(piece, advance(e, streams, axis.strides, _at(piece.start)), axis, lanes)
            return values

        with e.captures(op.body, lanes), e.captures(op.finish, lanes):
            nest(e, outer, self.streams, [], inner, enter)

    def _piece(self, piece: Piece, streams: list[Stream], axis: Axis, whole: int) -> None:
        e, lanes = self.e, piece.lanes
        mask = e.mask(piece.active, lanes) if piece.active else None
        if lanes != whole:
            streams = [
                s if s.value is None else Stream(s.pointer, s.element, e.narrow(s.value, lanes))
                for s in streams
            ]

        def body(index: Value, values: list[Value]) -> list[Value]:
            at = advance(e, streams, axis.strides, index)
            vectors = [
                advance(e, at, axis.strides, _at(number * lanes)) for number in range(piece.unroll)
            ]
            sums = self._combine([v[: self.inputs] for v in vectors], axis, lanes, mask)
            for own, total in zip(vectors, sums, strict=True):
                extras = [
                    load_lanes(e, stream, stride, lanes, mask)
                    for stream, stride in zip(
                        own[self.inputs : -1], axis.strides[self.inputs : -1], strict=True
                    )
                ]
                (result,) = e.apply_body(self.op.finish, [total, *extras], lanes)
                store_lanes(e, result, own[-1], axis.strides[-1], mask)
            return values

        step = piece.unroll * lanes
        with e.captures(self.op.body, lanes), e.captures(self.op.finish, lanes):
            e.loop(piece.count * step, body, [], step)

    def _combine(
        self, vectors: list[list[Stream]], axis: Axis, lanes: int, mask: Value | None
    ) -> list[Value]:
        """The combined vectors: several at once, and several points of the window if those are
        few, so that enough additions are under way."""
        e, unroll = self.e, len(vectors)
        first = e.splat(identity(self.combination, self.element), lanes)
        if self.empty:
            return [first] * unroll

        def tap(streams: list[list[Stream]], sums: Sequence[Value]) -> list[Value]:
            results: list[Value] = []
            for own, total in zip(streams, sums, strict=True):
                arguments = [
                    load_lanes(e, stream, stride, lanes, mask)
                    for stream, stride in zip(own, axis.strides, strict=False)
                ]
                (value,) = e.apply_body(self.op.body, arguments, lanes)
                results.append(e.combine(self.combination, total, value))
            return results

        if prod(other.size for other in self.window) <= UNROLLED:
            sums = [first] * unroll
            for indices in product(*(range(other.size) for other in self.window)):
                moved = vectors
                for other, index in zip(self.window, indices, strict=True):
                    moved = [advance(e, own, other.strides, _at(index)) for own in moved]
                sums = tap(moved, sums)
            return sums
        innermost = self.window[-1]
        plan = pieces(innermost.size, 1, max(1, ACCUMULATORS // unroll), masks=False)
        sets = max(piece.unroll for piece in plan)

        def walk(axes: Sequence[Axis], vectors: list[list[Stream]], sums: list[Value]):
            if len(axes) > 1:

                def outer(index: Value, sums: list[Value]) -> list[Value]:
                    moved = [advance(e, own, axes[0].strides, index) for own in vectors]
                    return walk(axes[1:], moved, sums)

                return e.loop(axes[0].size, outer, sums)
            for piece in plan:

                def inner(index: Value, sums: list[Value], piece: Piece = piece) -> Sequence[Value]:
                    for number in range(piece.unroll):
                        at = e.add(index, piece.start + number)
                        moved = [advance(e, own, innermost.strides, at) for own in vectors]
                        part = slice(number * unroll, (number + 1) * unroll)
                        sums = [*sums[: part.start], *tap(moved, sums[part]), *sums[part.stop :]]
                    return sums

                sums = e.loop(piece.count * piece.unroll, inner, sums, piece.unroll)
            return sums

        sums = walk(self.window, vectors, [first] * (unroll * sets))
        for number in range(1, sets):
            own = sums[number * unroll : (number + 1) * unroll]
            sums[:unroll] = [
                e.combine(self.combination, a, b) for a, b in zip(sums[:unroll], own, strict=True)
            ]
        return sums[:unroll]

    # Vectors along the window

    def _along_window(self, row: Axis) -> None:
        e, op = self.e, self.op
        inputs = slice(0, self.inputs)
        plan = pieces(row.size, best_lanes(row.size, self.most), 4, e.has_masks)
        others = [other for other in self.window if other is not row]
        reductions = [(self.combination, self.element)]
        loop = VectorLoop(e, op.body, self.inputs, row, plan, reductions)

        def point(streams: list[Stream], values: list[Value]) -> list[Value]:
            sums = nest(e, others, streams[inputs], loop.start(), loop.inner, loop.enter)
            extras = [load_lanes(e, stream, 0, 1) for stream in streams[self.inputs : -1]]
            (result,) = e.apply_body(op.finish, [*loop.totals(sums), *extras], 1)
            e.store(result, streams[-1].pointer)
            return values

        def enter(streams: list[Stream], axes: Sequence[Axis]) -> list[Stream]:
            own = settle(e, streams[inputs], [a.pick(inputs) for a in axes] + self.window, 0, 1)
            extras = [a.pick(slice(self.inputs, None)) for a in axes]
            return own + settle(e, streams[self.inputs :], extras, len(op.extras), 1)

        # The finish runs on scalars: what it shares with the body must not become vectors.
        with e.captures(op.body, loop.lanes), e.captures(op.finish, 1):
            nest(e, self.axes, self.streams, [], point, enter)


def _at(index: int) -> Value:
    return literal(index, "i64")
