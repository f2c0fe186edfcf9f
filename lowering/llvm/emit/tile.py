"""`kernel.tile`: rows x columns of sums in registers, vectors along the columns.

At every k the vectors of B are loaded once, and each row's element of A is broadcast to all of
them: (rows x vectors) multiplications and additions for rows + vectors loads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from xdsl.ir import SSAValue

from ....dialects import kernel
from ....dialects.kernel.types import element_type, int_lists, ints
from .emitter import Emitter, handles
from .space import Stream, load_lanes, store_lanes
from .value import Value, element_bits, element_of, literal

_CHAINS = 8
"""Sums that must be under way to hide the latency of fma."""
_UNROLL = 8
"""A depth up to this is written out."""
_LONG_EPILOGUE = 8
"""An epilogue of more operations runs in a loop over rows: written out for every vector of the tile
it would be slow to compile, and to run when its values do not fit the registers."""
_LINE = 64
"""Bytes that a prefetch fetches."""


@dataclass(frozen=True)
class Columns:
    """The columns of one vector: `active` of its lanes, from `start` on."""

    start: int
    lanes: int
    active: int


def split_columns(columns: int, lanes: int, masks: bool) -> list[Columns]:
    """Columns as vectors: full ones, then the rest in a masked one or in ever narrower ones."""
    vectors = [Columns(start, lanes, lanes) for start in range(0, columns - lanes + 1, lanes)]
    start = len(vectors) * lanes
    while start < columns:
        rest = columns - start
        up = 1 << (rest - 1).bit_length()
        width = up if masks else 1 << (rest.bit_length() - 1)
        active = min(width, rest)
        vectors.append(Columns(start, width, active))
        start += active
    return vectors


@handles(kernel.TileOp)
def emit_tile(e: Emitter, op: kernel.TileOp) -> None:
    """The sums through the loops over K, then the epilogue."""
    tile = _Tile(e, op)
    finished = tile.sums()
    if sum(1 for _ in op.epilogue.block.ops) - 1 > _LONG_EPILOGUE and len(tile.a_rows) > 1:
        tile.finish_in_memory(finished)
    else:
        tile.finish_in_registers(finished)


class _Tile:
    def __init__(self, e: Emitter, op: kernel.TileOp) -> None:
        self.e, self.op = e, op
        self.element = element_of(element_type(op.c.type))
        self.a_element = element_of(element_type(op.a.type))
        self.b_element = element_of(element_type(op.b.type))
        lanes = e.target.lanes(element_bits(self.element))
        self.vectors = split_columns(op.columns.value.data, lanes, e.has_masks)
        self.masks = [
            None if v.active == v.lanes else e.mask(v.active, v.lanes) for v in self.vectors
        ]
        self.a_rows, self.c_rows = ints(op.a_rows), ints(op.c_rows)
        self.a_step, self.b_step = op.a_step.value.data, op.b_step.value.data
        self.c_step = op.c_step.value.data
        self.depth = op.depth.value.data
        self.prefetch = op.prefetch.value.data
        self.distance: Value | None = None
        """From B to what is fetched meanwhile, in bytes."""
        width = len(self.a_rows) * len(self.vectors)
        self.sets = max(1, min(_CHAINS // width, self.depth))
        """Sums of a row and a vector, for every so manieth k one."""

    # --- sums

    def sums(self) -> list[Value]:
        """The complete sums, row by row."""
        e, op = self.e, self.op
        if op.ahead is not None:
            begins = [
                e.op(f"ptrtoint ptr {e.get(pointer).text} to i64", "i64")
                for pointer in (op.ahead, op.b)
            ]
            self.distance = e.binary("sub", *begins)
        if self.c_step == 1 and not op.accumulate.value.data:
            self._own()
        start: list[Value] = []
        for row in range(len(self.a_rows)):
            for number in range(len(self.vectors)):
                start.append(self._begin(row, number))
        for _ in range(self.sets - 1):
            start += [e.zero(self.element, v.lanes) for _ in self.a_rows for v in self.vectors]
        _, sums = self._nest(int_lists(op.chunks), e.get(op.a), e.get(op.b), start)
        width = len(sums) // self.sets
        sets = [sums[number * width : (number + 1) * width] for number in range(self.sets)]
        while len(sets) > 1:
            last = sets.pop()
            into = len(sets) // 2 if len(sets) > 1 else 0
            sets[into] = [e.binary("fadd", a, b) for a, b in zip(sets[into], last, strict=True)]
        return sets[0]

    def _own(self) -> None:
        """Fetch the lines of C, to be written: stores wait for each other."""
        e = self.e
        step = _LINE * 8 // element_bits(self.element)
        for row in self.c_rows:
            for column in range(0, self.op.columns.value.data, step):
                e.prefetch(e.gep(e.get(self.op.c), self.element, row + column), write=True)

    def _begin(self, row: int, number: int) -> Value:
        e, op, vector, mask = self.e, self.op, self.vectors[number], self.masks[number]
        if op.accumulate.value.data:
            c = e.gep(e.get(op.c), self.element, self.c_rows[row] + vector.start * self.c_step)
            return load_lanes(e, Stream(c, self.element), self.c_step, vector.lanes, mask)
        if op.bias is None:
            return e.zero(self.element, vector.lanes)
        bias = e.gep(e.get(op.bias), self.element, vector.start)
        return e.load(bias, self.element, vector.lanes, mask)

    def _nest(
        self, chunks: Sequence[Sequence[int]], a: Value, b: Value, sums: list[Value]
    ) -> tuple[Value, list[Value]]:
        """Loops over the chunks and the depth; where B goes on, and the sums."""
        e = self.e
        if not chunks:
            return self._depth(a, b, sums)
        count, stride = chunks[0]

        def body(_: Value, carried: list[Value]) -> list[Value]:
            b, sums = self._nest(chunks[1:], carried[0], carried[1], carried[2:])
            return [e.gep(carried[0], self.a_element, stride), b, *sums]

        _, b, *sums = e.loop(count, body, [a, b, *sums])
        return b, sums

    def _depth(self, a: Value, b: Value, sums: list[Value]) -> tuple[Value, list[Value]]:
        """The innermost loop over K."""
        e, depth = self.e, self.depth
        unroll = self.sets if len(sums) > _CHAINS else max(self.sets, 4)
        unroll = -(-unroll // max(1, self.prefetch)) * max(1, self.prefetch)
        unroll = depth if depth <= _UNROLL else unroll

        def body(_: Value, carried: list[Value]) -> list[Value]:
            a, b, sums = carried[0], carried[1], carried[2:]
            for k in range(unroll):
                sums = self._multiply(a, b, k, sums)
            a = e.gep(a, self.a_element, unroll * self.a_step)
            return [a, e.gep(b, self.b_element, unroll * self.b_step), *sums]

        rounds = depth // unroll if unroll else 0
        a, b, *sums = e.loop(rounds, body, [a, b, *sums])
        left = depth - rounds * unroll
        for k in range(left):
            sums = self._multiply(a, b, k, sums)
        return e.gep(b, self.b_element, left * self.b_step), sums

    def _multiply(self, a: Value, b: Value, k: int, sums: list[Value]) -> list[Value]:
        """Add the products of one k."""
        e, at = self.e, k * self.b_step
        loaded = [
            e.load(e.gep(b, self.b_element, at + v.start), self.b_element, v.lanes, mask)
            for v, mask in zip(self.vectors, self.masks, strict=True)
        ]
        if self.distance is not None and k % self.prefetch == 0:
            step = _LINE * 8 // element_bits(self.b_element)
            ahead = e.gep(b, "i8", self.distance)
            for column in range(0, self.op.columns.value.data, step):
                e.prefetch(e.gep(ahead, self.b_element, at + column))
        sums = list(sums)
        slot = (k % self.sets) * len(self.a_rows) * len(self.vectors)
        for row in self.a_rows:
            scalar = e.load(e.gep(a, self.a_element, row + k * self.a_step), self.a_element)
            splats: dict[int, Value] = {}
            for vector, value in zip(self.vectors, loaded, strict=True):
                if vector.lanes not in splats:
                    splats[vector.lanes] = e.splat(scalar, vector.lanes)
                sums[slot] = e.fma(splats[vector.lanes], value, sums[slot])
                slot += 1
        return sums

    # --- epilogue

    def finish_in_registers(self, sums: list[Value]) -> None:
        """The epilogue of every vector, and the store."""
        values = iter(sums)
        for row in range(len(self.a_rows)):
            rows = [distances[row] for distances in int_lists(self.op.extra_rows)]
            for number in range(len(self.vectors)):
                c = self._at(self.op.c, self.c_rows[row])
                extras = [self._at(p, d) for p, d in zip(self.op.extras, rows, strict=True)]
                self._finish(next(values), number, c, extras)

    def finish_in_memory(self, sums: list[Value]) -> None:
        """Keep the sums on the stack (an extra may be in C's memory), then run the epilogue row by
        row."""
        e, lanes = self.e, self.vectors[0].lanes
        values = iter(sums)
        width = lanes * len(self.vectors)
        kept = e.allocate(self.element, width * len(self.a_rows))
        for row in range(len(self.a_rows)):
            for number in range(len(self.vectors)):
                at = e.gep(kept, self.element, row * width + number * lanes)
                e.store(next(values), at)
        distances = [self.c_rows, *int_lists(self.op.extra_rows)]
        steps = [_step(row) for row in distances]

        def finish_row(row: Value, places: Sequence[Value]) -> None:
            c = self._at(self.op.c, places[0])
            extras = [self._at(p, d) for p, d in zip(self.op.extras, places[1:], strict=True)]
            for number, vector in enumerate(self.vectors):
                index = e.add(e.multiply(row, width), number * lanes)
                total = e.load(e.gep(kept, self.element, index), self.element, vector.lanes)
                self._finish(total, number, c, extras)

        def body(row: Value, _: list[Value]) -> list[Value]:
            finish_row(
                row,
                [
                    e.add(e.multiply(row, step or 0), rows[0])
                    for rows, step in zip(distances, steps, strict=True)
                ],
            )
            return []

        if None not in steps:
            e.loop(len(self.a_rows), body)
            return
        for row in range(len(self.a_rows)):
            finish_row(literal(row, "i64"), [literal(rows[row], "i64") for rows in distances])

    def _at(self, pointer: SSAValue, distance: int | Value) -> Value:
        return self.e.gep(self.e.get(pointer), element_of(element_type(pointer.type)), distance)

    def _finish(self, total: Value, number: int, c: Value, extras: list[Value]) -> None:
        """The epilogue of one vector; `c` and `extras` point to the begin of its row."""
        e, vector, mask = self.e, self.vectors[number], self.masks[number]
        arguments = [total]
        for pointer, start, step in zip(
            self.op.extras, extras, ints(self.op.extra_steps), strict=True
        ):
            element = element_of(element_type(pointer.type))
            at = e.gep(start, element, vector.start * step)
            arguments.append(load_lanes(e, Stream(at, element), step, vector.lanes, mask))
        (result,) = e.apply_body(self.op.epilogue, arguments, vector.lanes)
        self._store(result, number, c)

    def _store(self, value: Value, number: int, c: Value) -> None:
        vector = self.vectors[number]
        at = self.e.gep(c, self.element, vector.start * self.c_step)
        store_lanes(self.e, value, Stream(at, self.element), self.c_step, self.masks[number])


def _step(distances: Sequence[int]) -> int | None:
    """How far each row is from the one before, if it is always the same."""
    steps = {b - a for a, b in pairwise(distances)}
    return steps.pop() if len(steps) == 1 else None if steps else 0
