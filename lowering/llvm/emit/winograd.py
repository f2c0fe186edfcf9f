"""Winograd's transforms: a patch at a time, vectors along the channels.

The products with the matrices are written out with as few operations as they allow. Tiles at the
left and right edge are code of their own; rows outside of the image are masked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from ....dialects import kernel
from ....dialects.kernel.types import element_type, int_lists, ints
from .emitter import Emitter, handles
from .space import Stream, load_lanes, store_lanes
from .tile import split_columns
from .value import Value, element_of, literal

Vectors = list[Value]


def input_transform(e: Emitter, d: Sequence[Value]) -> Vectors:
    """Bt d: of 4 values for 2 outputs, of 6 for 4."""
    if len(d) == 4:
        return [
            e.binary("fsub", d[0], d[2]),
            e.binary("fadd", d[1], d[2]),
            e.binary("fsub", d[2], d[1]),
            e.binary("fsub", d[1], d[3]),
        ]
    a, b = _mad(e, d[2], -4, d[4]), _mad(e, d[1], -4, d[3])
    c, f = e.binary("fsub", d[4], d[2]), e.binary("fsub", d[3], d[1])
    return [
        _mad(e, d[0], 4, _mad(e, d[2], -5, d[4])),
        e.binary("fadd", a, b),
        e.binary("fsub", a, b),
        _mad(e, f, 2, c),
        _mad(e, f, -2, c),
        _mad(e, d[1], 4, _mad(e, d[3], -5, d[5])),
    ]


def output_transform(e: Emitter, d: Sequence[Value]) -> Vectors:
    """At d: 2 outputs of 4 values, 4 of 6."""
    if len(d) == 4:
        return [
            e.binary("fadd", e.binary("fadd", d[0], d[1]), d[2]),
            e.binary("fsub", e.binary("fsub", d[1], d[2]), d[3]),
        ]
    s, t = e.binary("fadd", d[1], d[2]), e.binary("fsub", d[1], d[2])
    u, v = e.binary("fadd", d[3], d[4]), e.binary("fsub", d[3], d[4])
    return [
        e.binary("fadd", e.binary("fadd", d[0], s), u),
        _mad(e, v, 2, t),
        _mad(e, u, 4, s),
        e.binary("fadd", _mad(e, v, 8, t), d[5]),
    ]


def _mad(e: Emitter, a: Value, factor: float, b: Value) -> Value:
    return e.fma(a, literal(factor, a.element), b)


@dataclass(frozen=True)
class Channels:
    """A vector of channels, at a distance from the first; a mask if some lanes are off."""

    at: Value
    lanes: int
    active: int

    def mask(self, e: Emitter) -> Value | None:
        """The lanes that are on."""
        return None if self.active == self.lanes else e.mask(self.active, self.lanes)


def each_channels(e: Emitter, channels: int, body: Callable[[Channels], None]) -> None:
    """A loop over full vectors of channels, then what is left."""
    lanes = e.target.lanes()
    vectors = split_columns(channels, lanes, e.has_masks)
    full = sum(vector.active == lanes for vector in vectors)

    def each(index: Value, _: Vectors) -> Vectors:
        body(Channels(index, lanes, lanes))
        return []

    e.loop(full * lanes, each, step=lanes)
    for vector in vectors[full:]:
        body(Channels(literal(vector.start, "i64"), vector.lanes, vector.active))


def _transform(
    transform: Callable[[Emitter, Sequence[Value]], Vectors],
    e: Emitter,
    columns: Sequence[Sequence[Value]],
) -> list[Vectors]:
    """Apply a transform to columns, then to the rows of the result; row by row."""
    once = [transform(e, column) for column in columns]
    rows = zip(*once, strict=True)
    return [transform(e, row) for row in rows]


@handles(kernel.WinogradInputOp)
def emit_winograd_input(e: Emitter, op: kernel.WinogradInputOp) -> None:
    """Tiles with the same columns outside of the image share a loop."""
    m, element = op.tile.value.data, element_of(element_type(op.input.type))
    n, (height, width) = m + 2, ints(op.size)
    (row_stride, column_stride), (above, left) = ints(op.input_strides), ints(op.padding)
    place, tile_stride = ints(op.output_strides)
    first = e.add(e.multiply(e.get(op.row), m), -above)
    rows = [e.add(first, i) for i in range(n)]
    inside = [
        e.binary(
            "and",
            e.compare("sge", row, literal(0, "i64")),
            e.compare("slt", row, literal(height, "i64")),
        )
        for row in rows
    ]
    if not e.has_masks:
        # Rows outside are read somewhere inside, then replaced by zeros.
        rows = [e.select(ok, row, literal(0, "i64")) for ok, row in zip(inside, rows, strict=True)]
    starts = [e.gep(e.get(op.input), element, e.multiply(row, row_stride)) for row in rows]

    lanes = e.target.lanes()
    masks = [e.splat(ok, lanes) if e.has_masks else ok for ok in inside]

    def load(pointer: Value, row: int, at: Channels) -> Value:
        mask = at.mask(e)
        if not e.has_masks:
            value = e.load(pointer, element, at.lanes, mask)
            return e.select(inside[row], value, e.zero(element, at.lanes))
        wide = masks[row] if at.lanes == lanes else e.splat(inside[row], at.lanes)
        if mask is not None:
            wide = e.binary("and", wide, mask)
        return e.load(pointer, element, at.lanes, wide)

    def tile(number: Value, off: frozenset[int]) -> None:
        column = e.multiply(number, m * column_stride)
        output = e.gep(e.get(op.output), element, e.multiply(number, tile_stride))
        corners = [e.gep(start, element, column) for start in starts]

        def vector(at: Channels) -> None:
            here = [e.gep(corner, element, at.at) for corner in corners]
            zero = e.zero(element, at.lanes)
            columns = [
                [
                    zero
                    if j in off
                    else load(e.gep(pointer, element, (j - left) * column_stride), row, at)
                    for row, pointer in enumerate(here)
                ]
                for j in range(n)
            ]
            result = _transform(input_transform, e, columns)
            target = e.gep(output, element, at.at)
            for i, row in enumerate(result):
                for j, value in enumerate(row):
                    to = e.gep(target, element, (i * n + j) * place)
                    e.store(value, to, at.mask(e))

        each_channels(e, op.channels.value.data, vector)

    def off(t: int) -> frozenset[int]:
        return frozenset(j for j in range(n) if not 0 <= t * m + j - left < width)

    for columns_off, group in groupby(range(op.tiles.value.data), off):
        numbers = list(group)
        begin = numbers[0]

        def body(
            index: Value, _: Vectors, begin: int = begin, off: frozenset[int] = columns_off
        ) -> Vectors:
            tile(e.add(index, begin), off)
            return []

        e.loop(len(numbers), body)


@handles(kernel.WinogradOutputOp)
def emit_winograd_output(e: Emitter, op: kernel.WinogradOutputOp) -> None:
    """Whole tiles in a loop, then the last one if it is cut off."""
    output = _Output(e, op)
    whole, rest = divmod(output.width, output.m)

    def body(index: Value, _: Vectors) -> Vectors:
        output.tile(index, output.m)
        return []

    e.loop(whole, body)
    if rest:
        output.tile(literal(whole, "i64"), rest)


class _Output:
    def __init__(self, e: Emitter, op: kernel.WinogradOutputOp) -> None:
        self.e, self.op = e, op
        self.m, self.element = op.tile.value.data, element_of(element_type(op.input.type))
        height, self.width = ints(op.size)
        self.strides = ints(op.output_strides)
        self.extras = list(zip(op.extras, int_lists(op.extra_strides), strict=True))
        self.first = e.multiply(e.get(op.row), self.m)
        self.left: list[Value | None] = [None] * self.m
        """For rows of a tile that may be cut off: whether they are there."""
        if height % self.m:
            for i in range(1, self.m):
                row = e.add(self.first, i)
                self.left[i] = e.compare("slt", row, literal(height, "i64"))

    def tile(self, number: Value, columns: int) -> None:
        """The outputs of a tile that has so many columns."""
        e, op, m = self.e, self.op, self.m
        n, (place, tile_stride) = m + 2, ints(op.input_strides)
        source = e.gep(e.get(op.input), self.element, e.multiply(number, tile_stride))
        column = e.multiply(number, m)
        target = self._corner(e.get(op.output), self.element, self.strides, column)
        extras = [
            self._corner(e.get(extra), element_of(element_type(extra.type)), strides, column)
            for extra, strides in self.extras
        ]

        def vector(at: Channels) -> None:
            here = e.gep(source, self.element, at.at)
            products = [
                [
                    e.load(
                        e.gep(here, self.element, (i * n + j) * place),
                        self.element,
                        at.lanes,
                        at.mask(e),
                    )
                    for i in range(n)
                ]
                for j in range(n)
            ]
            rows = _transform(output_transform, e, products)
            if op.bias is not None:
                pointer = e.gep(e.get(op.bias), self.element, at.at)
                bias = e.load(pointer, self.element, at.lanes, at.mask(e))
                rows = [[e.binary("fadd", value, bias) for value in row] for row in rows]
            output = e.gep(target, self.element, e.multiply(at.at, self.strides[2]))
            others = [
                e.gep(extra, element_of(element_type(value.type)), e.multiply(at.at, strides[2]))
                for extra, (value, strides) in zip(extras, self.extras, strict=True)
            ]
            for y, row in enumerate(rows):
                self._row(y, row[:columns], output, others, at)

        each_channels(e, op.channels.value.data, vector)

    def _corner(self, pointer: Value, element: str, strides: Sequence[int], column: Value) -> Value:
        """Where a tile begins in an operand."""
        pointer = self.e.gep(pointer, element, self.e.multiply(self.first, strides[0]))
        return self.e.gep(pointer, element, self.e.multiply(column, strides[1]))

    def _row(
        self, y: int, row: Vectors, output: Value, extras: Sequence[Value], at: Channels
    ) -> None:
        """The epilogue and the stores of a row of a tile."""
        e, mask = self.e, at.mask(self.e)

        def body() -> None:
            for x, value in enumerate(row):
                arguments = [value]
                for start, (extra, strides) in zip(extras, self.extras, strict=True):
                    element = element_of(element_type(extra.type))
                    place = e.gep(start, element, y * strides[0] + x * strides[1])
                    stream = Stream(place, element)
                    arguments.append(load_lanes(e, stream, strides[2], at.lanes, mask))
                (result,) = e.apply_body(self.op.epilogue, arguments, at.lanes)
                distance = y * self.strides[0] + x * self.strides[1]
                to = Stream(e.gep(output, self.element, distance), self.element)
                store_lanes(e, result, to, self.strides[2], mask)

        left = self.left[y]
        if left is None:
            body()
        else:
            e.when(left, body)
