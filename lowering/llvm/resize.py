"""Resampling of images: nearest, bilinear and antialiased, by tables of places and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

import numpy as np
from xdsl.dialects.builtin import IndexType, f32, i64
from xdsl.ir import SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from ...runtime.kernels.resize import MODES, Dimension, Taps
from .body import Body, region
from .elementwise import Epilogue, epilogue
from .family import Order, no_halo
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .stencils import Images, channels_last, step_images
from .step import Step, Tensor, element_type, shape_of
from .tasks import parts

_NEAREST = edge.UpsampleNearest2dVecOp
OPERATIONS = (
    _NEAREST,
    edge.UpsampleBilinear2dVecOp,
    edge.OPERATORS["aten::_upsample_bilinear2d_aa"],
    edge.OPERATORS["aten::_upsample_bicubic2d_aa"],
)
FUSES = True

halo = no_halo

_RATE = 4_000
"""Elements that are made in a microsecond."""
_MOST_TAPS = 40
"""Elements of the input along a dim that one of the result depends on."""


def supports(op: SchemaOp) -> str | None:
    """Images of f32; of what shrinks, filters that are not too wide."""
    if element_type(op.operands[0]) != f32:
        return f"resampling of {element_type(op.operands[0])}"
    taps = _taps(op, shape_of(op.operands[0]), shape_of(op.results[0]))
    if max(len(dim.indices) for dim in taps) > _MOST_TAPS:
        return "the image shrinks too much"
    return None


def input_order(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
    """Channels must be side by side."""
    return None if tensor.strides[1] == 1 else channels_last(4, 2)


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """Channels side by side."""
    return channels_last(4, 2)


def _taps(op: SchemaOp, source: Sequence[int], result: Sequence[int]) -> list[Taps]:
    """What each row and each column of the result is made of."""
    name = op.SCHEMA.key.removeprefix("aten::").removesuffix(".vec")
    mode, _, aligns = MODES[name]
    if "scale_factors" in op.arguments():
        factors = op.value_of("scale_factors")
    else:
        factors = [op.value_of("scales_h"), op.value_of("scales_w")]
    factors = cast("list[float | None]", factors or [None, None])
    align = bool(op.value_of("align_corners")) if aligns else False
    return [
        mode(Dimension(size, count, factor, align, np.float32))
        for size, count, factor in zip(source[2:], result[2:], factors, strict=True)
    ]


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch over bands of rows: a row of the result combines rows of the input, then columns
    of what they gave."""
    fused, output = epilogue(step), step.output
    source = step.tensor(step.op.operands[0])
    taps = _taps(step.op, source.shape, output.shape)
    read, written, extras = step_images(step, fused, 2)
    images, channels, rows, _ = written.shape
    per_band = -(-rows // parts(rows, prod(written.shape) / _RATE, copies=images))
    bands = -(-rows // per_band)
    arguments = [program.pointer(step.op.operands[0]), program.pointer(step.results[0])]
    for dim in taps:
        arguments.append(program.weight(np.stack(dim.indices, axis=1).astype(np.int64), i64))
        if dim.weights is not None:
            arguments.append(program.weight(np.stack(dim.weights, axis=1).astype(np.float32), f32))
    if taps[0].weights is not None:
        arguments.append(program.scratch(4 * read.shape[3] * channels, f32))
    arguments += [program.pointer(extra) for extra in fused.extras]
    counts = tuple((len(dim.indices), dim.weights is not None) for dim in taps)

    def build(k: KernelBuilder) -> None:
        _Rows(k, read, written, counts, fused, extras).build(bands, per_band)

    key = (read, written, counts, tuple(extras), bands, fused.key)
    program.launch("resize", key, arguments, images * bands, build)


@dataclass(frozen=True)
class _Table:
    """For each row or column of the result: `count` places in the input, maybe their weights."""

    count: int
    places: SSAValue
    weights: SSAValue | None

    def load(self, k: KernelBuilder, index: SSAValue) -> tuple[list[SSAValue], list[SSAValue]]:
        """The places and the weights for one row or column."""
        values: list[list[SSAValue]] = [[], []]
        for number, table in enumerate((self.places, self.weights)):
            for tap in range(self.count if table is not None else 0):
                assert table is not None
                at = k.at(table, [(index, self.count)], tap)
                type = f32 if number else IndexType()
                values[number].append(k.insert(kernel.LoadOp(at, type)).result)
        return values[0], values[1]


class _Rows:
    def __init__(
        self,
        k: KernelBuilder,
        read: Images,
        written: Images,
        counts: Sequence[tuple[int, bool]],
        fused: Epilogue,
        extras: Sequence[Images],
    ) -> None:
        self.k, self.read, self.written, self.fused = k, read, written, fused
        arguments = iter(k.arguments)
        self.source, self.target = next(arguments), next(arguments)
        self.rows, self.columns = (
            _Table(count, next(arguments), next(arguments) if weighted else None)
            for count, weighted in counts
        )
        self.scratch = next(arguments) if self.rows.weights is not None else None
        self.extras = list(zip(arguments, extras, strict=True))
        self.channels = written.shape[1]

    def build(self, bands: int, per_band: int) -> None:
        """The rows of a task."""
        k, (images, _, rows, columns) = self.k, self.written.shape
        image, band = k.split(k.task, (images, bands))
        count = k.chunk(band, per_band, rows) if bands > 1 else None
        with k.loop(per_band, count) as number:
            row = k.index([(band, per_band), (number, 1)]) if bands > 1 else number
            line, stride = self._line(image, row)
            with k.loop(columns) as column:
                self._pixel(image, row, column, line, stride)

    def _line(self, image: SSAValue, row: SSAValue) -> tuple[SSAValue, int]:
        """A row of the input, or several combined in scratch memory; the distance of columns."""
        k, (n, _, h, w) = self.k, self.read.strides
        places, weights = self.rows.load(k, row)
        lines = [k.at(self.source, [(image, n), (place, h)]) for place in places]
        if self.scratch is None:
            return lines[0], w
        shape = (self.read.shape[3], self.channels)
        combined = region([f32] * len(lines), lambda body, v: _weighted(body, v, weights))
        strides = [(w, 1)] * len(lines)
        target = [(self.channels, 1)]
        k.insert(kernel.MapOp(lines, [self.scratch], shape, strides, target, combined))
        return self.scratch, self.channels

    def _pixel(
        self, image: SSAValue, row: SSAValue, column: SSAValue, line: SSAValue, stride: int
    ) -> None:
        """All channels of one element of the result."""
        k = self.k
        places, weights = self.columns.load(k, column)
        inputs = [k.at(line, [(place, stride)]) for place in places]
        taps = len(inputs)

        def at(pointer: SSAValue, tensor: Images) -> SSAValue:
            n, _, h, w = tensor.strides
            return k.at(pointer, [(image, n), (row, h), (column, w)])

        inputs += [at(pointer, tensor) for pointer, tensor in self.extras]
        strides = [(1,)] * taps + [(tensor.strides[1],) for _, tensor in self.extras]
        target = at(self.target, self.written)
        finish = self.fused.after([f32] * taps, lambda body, v: _weighted(body, v, weights))
        k.insert(kernel.MapOp(inputs, [target], (self.channels,), strides, [(1,)], finish))


def _weighted(body: Body, values: Sequence[SSAValue], weights: Sequence[SSAValue]) -> SSAValue:
    """The sum of values times weights; without weights there is one value."""
    if not weights:
        return values[0]
    total = body.multiply(values[0], weights[0])
    for value, weight in zip(values[1:], weights[1:], strict=True):
        total = body.fma(value, weight, total)
    return total
