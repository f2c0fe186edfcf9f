"""`kernel.stencil`: blocks of rows x columns in registers, vectors along the channels.

Every vector of input is loaded once for a block. Columns at the edges are blocks of their own, in
which the taps outside are left out; instead of a row outside one is read that changes nothing.
Loops go over channels, then over blocks, and over the rows of a large window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from xdsl.ir import SSAValue

from ....dialects import kernel
from ....dialects.kernel.types import element_type, int_lists, ints
from .emitter import Emitter, handles
from .reduction import identity
from .space import Stream, load_lanes
from .value import Value, element_bits, element_of, literal


@dataclass(frozen=True)
class Run:
    """`count` blocks of `width` columns each, from column `start` on."""

    start: int
    width: int
    count: int


@dataclass(frozen=True)
class Shape:
    """What the choice of blocks depends on: a window over the columns of an image."""

    rows: int
    columns: int
    size: int
    window: tuple[int, int]
    stride: int
    dilation: int
    padding: int
    weighted: bool

    def reads(self, width: int) -> int:
        """The columns of input that a block of result columns reads."""
        return len({x * self.stride + j * self.dilation for x, j in self.pairs(width)})

    def pairs(self, width: int) -> list[tuple[int, int]]:
        """Columns of a block with taps of the window."""
        return [(x, j) for x in range(width) for j in range(self.window[1])]

    def keeps_weights(self, width: int, registers: int) -> bool:
        """Whether all weights stay in registers beside a block."""
        taps = self.window[0] * self.window[1]
        return self.weighted and self._registers(width) + taps <= registers

    def widest(self, registers: int) -> int:
        """The most columns that a block can have; those that leave room for the weights if they
        are not too few."""
        fits = [w for w in range(1, _WIDEST + 1) if self._registers(w) <= registers] or [1]
        keeps = [w for w in fits if self.keeps_weights(w, registers)]
        return keeps[-1] if keeps and keeps[-1] >= min(4, fits[-1]) else fits[-1]

    def _registers(self, width: int) -> int:
        """Sums, a row of input, one weight, and one for the bias or a temporary."""
        return self.rows * width + self.reads(width) + 2

    def edges(self) -> tuple[int, int]:
        """How many columns at the left and at the right have windows that reach outside."""
        reach = (self.window[1] - 1) * self.dilation
        outside = [
            x * self.stride - self.padding < 0
            or x * self.stride - self.padding + reach >= self.size
            for x in range(self.columns)
        ]
        left = next((x for x, out in enumerate(outside) if not out), self.columns)
        right = next((x for x, out in enumerate(reversed(outside)) if not out), 0)
        return left, min(right, self.columns - left)


Sums = dict[tuple[int, int], Value]
"""The sums of a block by row and column."""

_ROWS = 7
"""Rows of a window up to which they are written out."""
_WIDEST = 8
"""Columns of a block; more would only be more code."""
_ROUND = 30
"""What a block costs besides its taps, in taps."""
_CACHED = 512 << 10
"""Bytes of an image up to which it may still be in the cache from the step before."""
_AHEAD = 2
"""How many blocks ahead a large image is fetched into the cache."""
_CODE = 1.5
"""How many times a block could run in the time that is worth saving its code."""


def column_runs(shape: Shape, registers: int) -> list[Run]:
    """How the columns of a row are cut into blocks: those at the edges, a loop between them."""
    widest = shape.widest(registers)
    left, right = shape.edges()
    if shape.columns <= widest:
        return [Run(0, shape.columns, 1)]
    best: tuple[float, list[Run]] | None = None
    for width in range(1, widest + 1):
        for begin in range(left, min(left + widest, shape.columns - right) + 1):
            count = (shape.columns - right - begin) // width
            end = begin + count * width
            runs = [
                *_split(0, begin, widest),
                *([Run(begin, width, count)] if count else []),
                *_split(end, shape.columns - end, widest),
            ]
            cost = sum(_block_cost(shape, run.width) * (run.count + _CODE) for run in runs)
            if best is None or cost < best[0]:
                best = cost, runs
    assert best is not None
    return best[1]


def _split(start: int, columns: int, widest: int) -> list[Run]:
    """Blocks of about the same width, each with code of its own."""
    blocks = -(-columns // widest)
    cuts = [start + columns * i // blocks for i in range(blocks)] if blocks else []
    ends = [*cuts[1:], start + columns]
    return [Run(cut, end - cut, 1) for cut, end in zip(cuts, ends, strict=False)]


def _block_cost(shape: Shape, width: int) -> float:
    taps = shape.window[0] * shape.window[1]
    reads = ((shape.rows - 1) * shape.stride + shape.window[0]) * shape.reads(width)
    return max(shape.rows * width * taps, reads) + reads / 4 + _ROUND


@handles(kernel.StencilOp)
def emit_stencil(e: Emitter, op: kernel.StencilOp) -> None:
    """All of the op's rows, columns and channels."""
    _StencilEmitter(e, op).emit()


class _StencilEmitter:
    def __init__(self, e: Emitter, op: kernel.StencilOp) -> None:
        self.e, self.op = e, op
        self.element = element_of(element_type(op.input.type))
        self.rows, self.channels = op.rows.value.data, op.channels.value.data
        self.window, self.dilation = ints(op.window), ints(op.dilation)
        self.stride, self.padding = ints(op.stride), ints(op.padding)
        self.size, self.strides = ints(op.size), ints(op.input_strides)
        most = min(e.target.lanes(element_bits(self.element)), self.channels)
        self.lanes = 1 << (most.bit_length() - 1)
        if self.op.extras and not e.has_masks:
            self.lanes = gcd(self.lanes, self.channels)
        self.shape = Shape(
            self.rows,
            op.columns.value.data,
            self.size[1],
            (self.window[0], self.window[1]),
            self.stride[1],
            self.dilation[1],
            self.padding[1],
            op.weights is not None,
        )
        self.mask: Value | None = None
        """Which channels of a vector are to be written."""
        bits = element_bits(self.element)
        image = self.size[0] * self.size[1] * self.channels * bits
        self.fetches = image > 8 * _CACHED
        """Whether input is fetched ahead: vectors of a block stand too far apart for the CPU to
        see what comes."""
        self.loops = self.rows == 1 and self.window[0] > _ROWS
        """Whether the rows of the window are a loop."""
        self.taps: dict[int, list[tuple[int, int]]] = {}
        """For each row of input, counted from the first: the (result row, window row) it is in."""
        for r in range(self.rows):
            for i in range(self.window[0]):
                read = r * self.stride[0] + i * self.dilation[0]
                self.taps.setdefault(read, []).append((r, i))

    def emit(self) -> None:
        """The loop over channels, in vectors; the last one begins early where they do not fit."""
        e, lanes = self.e, self.lanes
        self.row = e.get(self.op.row)
        runs = column_runs(self.shape, e.target.registers)
        if self.op.outside is not None:
            self._fill_outside(e.get(self.op.outside), runs)
        self.input_rows = {} if self.loops else {n: self._input_row(n) for n in self.taps}
        self.hoists = not self.loops and all(
            self.shape.keeps_weights(run.width, e.target.registers) for run in runs
        )

        def block(index: Value, _: list[Value]) -> list[Value]:
            channel, self.mask = index, None
            if self.channels % lanes:
                channel = e.minimum(index, literal(self.channels - lanes, "i64"))
                if self.op.extras:
                    # What was written already may have been written over an extra.
                    numbers = ", ".join(f"i64 {lane}" for lane in range(lanes))
                    own = e.binary("add", channel, Value(f"<{numbers}>", "i64", lanes))
                    self.mask = e.compare("sge", own, index)
            self._channels(channel, runs)
            return []

        e.loop(self.channels, block, step=lanes)

    def _fill_outside(self, outside: Value, runs: Sequence[Run]) -> None:
        """Write what changes nothing wherever blocks read the row."""
        e = self.e
        nothing = e.splat(identity(self.op.combination.data, self.element), self.lanes)
        columns: set[int] = set()
        for run in runs:
            taps = [at for _, _, at in self._taps_of(run)]
            columns.update(at - min(taps) for at in taps)
        for column in sorted(columns):
            e.store(nothing, e.gep(outside, self.element, column * self.strides[1]))

    def _taps_of(self, run: Run) -> list[tuple[int, int, int]]:
        """Columns of a block with the window's columns that are inside, and where these are read,
        counted from the first column that the block would read."""
        first = run.start * self.stride[1] - self.padding[1]
        taps = [
            (x, j, at)
            for x, j in self.shape.pairs(run.width)
            if 0 <= first + (at := x * self.stride[1] + j * self.dilation[1]) < self.size[1]
            or run.count > 1
        ]
        return sorted(taps, key=lambda tap: tap[1])

    def _input_row(self, read: int | Value) -> tuple[Value, Value | None]:
        """A row of input, counted from the first: its first element, and whether it is inside."""
        e, op = self.e, self.op
        first = e.add(e.multiply(self.row, self.stride[0]), -self.padding[0])
        row = e.add(first, read)
        slot = row
        if op.ring is not None:
            # A row in front of the image gives any slot: it is not read.
            slot = e.binary("urem", row, literal(op.ring.value.data, "i64"))
        pointer = e.gep(e.get(op.input), self.element, e.multiply(slot, self.strides[0]))
        if op.outside is None:
            return pointer, None
        return pointer, e.compare("ult", row, literal(self.size[0], "i64"))

    def _channels(self, channel: Value, runs: Sequence[Run]) -> None:
        """All blocks for one vector of channels."""
        e, op = self.e, self.op
        self.bias = self.weights = None
        if op.bias is not None:
            self.bias = self._load(e.gep(e.get(op.bias), self.element, channel))
        if op.weights is not None:
            self.weights = e.gep(e.get(op.weights), self.element, channel)
        self.kept: dict[tuple[int, int], Value] = {}
        if self.hoists:
            for i in range(self.window[0]):
                for j in range(self.window[1]):
                    self.kept[i, j] = self._load_weight(self.weights, i, j)
        for run in runs:

            def body(index: Value, _: list[Value], run: Run = run) -> list[Value]:
                self._block(channel, run, index)
                return []

            e.loop(run.count, body)

    def _load(self, pointer: Value, offset: int = 0) -> Value:
        return self.e.load(self.e.gep(pointer, self.element, offset), self.element, self.lanes)

    def _load_weight(self, weights: Value | None, i: int, j: int) -> Value:
        assert weights is not None
        return self._load(weights, (i * self.window[1] + j) * self.channels)

    def _block(self, channel: Value, run: Run, index: Value) -> None:
        """One block: the sums of rows x columns, row of input by row of input."""
        taps = self._taps_of(run)
        first = min((at for _, _, at in taps), default=0)
        if self.loops:
            self._finish(channel, run, index, self._loop_rows(channel, run, index, taps, first))
            return
        offset = self._offset(channel, run, index)
        sums: Sums = {}
        for read, users in sorted(self.taps.items()):
            pointer = self._at(*self.input_rows[read], offset, first)
            if self.fetches and run.count > 1:
                self._fetch(pointer, run, taps)
            self._add_row(sums, pointer, [(r, i, self.weights) for r, i in users], taps)
        self._finish(channel, run, index, sums)

    def _loop_rows(
        self,
        channel: Value,
        run: Run,
        index: Value,
        taps: Sequence[tuple[int, int, int]],
        first: int,
    ) -> Sums:
        """The sums of a block of one row, in a loop over the rows of the window."""
        e, offset = self.e, self._offset(channel, run, index)
        places = [(0, x) for x in range(run.width)]
        nothing = e.splat(identity(self.op.combination.data, self.element), self.lanes)
        step = self.dilation[0]

        def body(i: Value, carried: list[Value]) -> list[Value]:
            sums = dict(zip(places, carried, strict=True))
            row = self._input_row(e.multiply(i, step))
            weights = self.weights
            if weights is not None:
                distance = e.multiply(i, self.window[1] * self.channels)
                weights = e.gep(weights, self.element, distance)
            self._add_row(sums, self._at(*row, offset, first), [(0, 0, weights)], taps)
            return [sums[place] for place in places]

        start = [self.bias or nothing] * run.width
        return dict(zip(places, e.loop(self.window[0], body, start), strict=True))

    def _fetch(self, pointer: Value, run: Run, taps: Sequence[tuple[int, int, int]]) -> None:
        """Fetch into the cache what a later block reads of a row and none before it."""
        e, step = self.e, run.width * self.stride[1]
        columns = sorted({at for _, _, at in taps})
        for at in (at for at in columns if at > columns[-1] - step):
            distance = (at + _AHEAD * step) * self.strides[1]
            e.prefetch(e.gep(pointer, self.element, distance))

    def _add_row(
        self,
        sums: Sums,
        pointer: Value,
        users: Sequence[tuple[int, int, Value | None]],
        taps: Sequence[tuple[int, int, int]],
    ) -> None:
        """Combine a row of input with all rows of a block that it is for: the row of the result,
        that of the window, and the weights."""
        loaded: dict[int, Value] = {}
        for j in range(self.window[1]):
            own = [(x, at) for x, other, at in taps if other == j]
            for _, at in own:
                if at not in loaded:
                    loaded[at] = self._load(pointer, at * self.strides[1])
            for r, i, weights in users:
                weight = None
                if weights is not None and own:
                    weight = self.kept.get((i, j)) or self._load_weight(weights, i, j)
                for x, at in own:
                    self._add_tap(sums, (r, x), loaded[at], weight)

    def _add_tap(
        self, sums: Sums, place: tuple[int, int], value: Value, weight: Value | None
    ) -> None:
        e, total = self.e, sums.get(place, self.bias)
        if weight is not None:
            sums[place] = e.fma(value, weight, total or e.zero(self.element, self.lanes))
        elif total is None:
            sums[place] = value
        else:
            sums[place] = e.combine(self.op.combination.data, total, value)

    def _offset(self, channel: Value, run: Run, index: Value) -> Value:
        """From a row's begin to the first column that a block would read."""
        e = self.e
        column = run.start * self.stride[1] - self.padding[1]
        step = run.width * self.stride[1] * self.strides[1]
        return e.add(e.add(channel, e.multiply(index, step)), column * self.strides[1])

    def _at(self, row: Value, inside: Value | None, offset: Value, first: int) -> Value:
        """Where a block's first column is in a row, or in the one for those outside; `first` is
        the first column that is read."""
        e = self.e
        pointer = e.gep(row, self.element, offset)
        if inside is None:
            return pointer
        assert self.op.outside is not None
        outside = e.gep(e.get(self.op.outside), self.element, -first * self.strides[1])
        return e.select(inside, pointer, outside)

    def _finish(
        self, channel: Value, run: Run, index: Value, sums: dict[tuple[int, int], Value]
    ) -> None:
        """The epilogue and the stores of a block."""
        e, op = self.e, self.op
        rows, columns = ints(op.output_strides)
        output = self._result(op.output, (rows, columns, 1), channel, run, index).pointer
        extras = [
            (self._result(pointer, strides, channel, run, index), strides)
            for pointer, strides in zip(op.extras, int_lists(op.extra_strides), strict=True)
        ]
        for r in range(self.rows):
            for x in range(run.width):
                total = sums.get((r, x), self.bias) or e.zero(self.element, self.lanes)
                arguments = [total]
                for stream, strides in extras:
                    at = e.gep(stream.pointer, stream.element, r * strides[0] + x * strides[1])
                    moved = Stream(at, stream.element)
                    arguments.append(load_lanes(e, moved, strides[2], self.lanes))
                (result,) = e.apply_body(op.epilogue, arguments, self.lanes)
                at = e.gep(output, result.element, r * rows + x * columns)
                e.store(result, at, self.mask)

    def _result(
        self, pointer: SSAValue, strides: Sequence[int], channel: Value, run: Run, index: Value
    ) -> Stream:
        """Where a block begins in a tensor that lies like the result."""
        e = self.e
        offset = e.multiply(self.row, strides[0])
        offset = e.add(offset, e.multiply(channel, strides[2]))
        offset = e.add(offset, e.multiply(index, run.width * strides[1]))
        offset = e.add(offset, run.start * strides[1])
        element = element_of(element_type(pointer.type))
        return Stream(e.gep(e.get(pointer), element, offset), element)
