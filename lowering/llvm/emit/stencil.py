"""`kernel.stencil`: blocks of rows x columns in registers, vectors along the channels.

Every vector of input is loaded once for a block. Columns at the edges are blocks of their own, in
which the taps outside are left out; rows outside are a choice between two pointers. Loops go over
channels, then over blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from xdsl.ir import SSAValue

from ....dialects import kernel
from ....dialects.kernel.types import element_type, int_lists, ints
from .emitter import Emitter, handles
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


_WIDEST = 8
"""Columns of a block; more would only be more code."""
_ROUND = 12
"""What a block costs besides its taps, in taps."""
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
        self.input_rows = self._input_rows()
        runs = column_runs(self.shape, e.target.registers)
        self.hoists = all(self.shape.keeps_weights(r.width, e.target.registers) for r in runs)

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

    def _input_rows(self) -> dict[int, tuple[Value, Value | None]]:
        """For each row of input: its first element, and whether it is inside."""
        e, op = self.e, self.op
        pointer, result = e.get(op.input), dict[int, tuple[Value, Value | None]]()
        first = e.add(e.multiply(self.row, self.stride[0]), -self.padding[0])
        start = e.gep(pointer, self.element, e.multiply(first, self.strides[0]))
        for read in sorted(self.taps):
            inside = None
            if op.outside is not None:
                row = e.add(first, read)
                inside = e.compare("ult", row, literal(self.size[0], "i64"))
            result[read] = e.gep(start, self.element, read * self.strides[0]), inside
        return result

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
                    self.kept[i, j] = self._load_weight(i, j)
        for run in runs:

            def body(index: Value, _: list[Value], run: Run = run) -> list[Value]:
                self._block(channel, run, index)
                return []

            e.loop(run.count, body)

    def _load(self, pointer: Value, offset: int = 0) -> Value:
        return self.e.load(self.e.gep(pointer, self.element, offset), self.element, self.lanes)

    def _load_weight(self, i: int, j: int) -> Value:
        assert self.weights is not None
        return self._load(self.weights, (i * self.window[1] + j) * self.channels)

    def _block(self, channel: Value, run: Run, index: Value) -> None:
        """One block: the sums of rows x columns, row of input by row of input."""
        first = run.start * self.stride[1] - self.padding[1]
        taps = [
            (x, j, at)
            for x, j in self.shape.pairs(run.width)
            if 0 <= first + (at := x * self.stride[1] + j * self.dilation[1]) < self.size[1]
            or run.count > 1
        ]
        taps.sort(key=lambda tap: tap[1])
        pointers = self._block_rows(channel, run, index, min((t[2] for t in taps), default=0))
        sums: dict[tuple[int, int], Value] = {}
        for read, users in sorted(self.taps.items()):
            loaded: dict[int, Value] = {}
            for j in range(self.window[1]):
                own = [(x, at) for x, other, at in taps if other == j]
                for _, at in own:
                    if at not in loaded:
                        loaded[at] = self._load(pointers[read], at * self.strides[1])
                for r, i in users:
                    self._add_taps(sums, r, i, j, [(x, loaded[at]) for x, at in own])
        self._finish(channel, run, index, sums)

    def _block_rows(self, channel: Value, run: Run, index: Value, first: int) -> dict[int, Value]:
        """Where a block's first column of input is in each row; `first` is the first one read."""
        e = self.e
        column = run.start * self.stride[1] - self.padding[1]
        step = run.width * self.stride[1] * self.strides[1]
        offset = e.add(e.add(channel, e.multiply(index, step)), column * self.strides[1])
        result: dict[int, Value] = {}
        for read, (pointer, inside) in self.input_rows.items():
            result[read] = e.gep(pointer, self.element, offset)
            if inside is not None:
                assert self.op.outside is not None
                outside = e.get(self.op.outside)
                outside = e.gep(outside, self.element, -first * self.strides[1])
                result[read] = e.select(inside, result[read], outside)
        return result

    def _add_taps(
        self,
        sums: dict[tuple[int, int], Value],
        r: int,
        i: int,
        j: int,
        taps: Sequence[tuple[int, Value]],
    ) -> None:
        """Combine one weight of the window with all columns of a block's row."""
        e, combination = self.e, self.op.combination.data
        weight = None
        if self.weights is not None and taps:
            weight = self.kept.get((i, j)) or self._load_weight(i, j)
        for x, value in taps:
            total = sums.get((r, x), self.bias)
            if weight is not None:
                total = total or e.zero(self.element, self.lanes)
                sums[r, x] = e.fma(value, weight, total)
            else:
                sums[r, x] = value if total is None else e.combine(combination, total, value)

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
