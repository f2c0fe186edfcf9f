"""Images sampled at places that are computed: `torch.nn.functional.grid_sample` over two dims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects import math
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from ...runtime.kernels.grid_sample import BICUBIC, NEAREST, REFLECTION, ZEROS
from .body import Body
from .elementwise import epilogue
from .family import Order, no_halo
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .scalars import Scalars
from .stencils import channels_last
from .step import Step, Tensor, element_type
from .tasks import parts

OPERATIONS: tuple[type[SchemaOp], ...] = (edge.GridSampler2dOp,)
FUSES = True

halo = no_halo

_RATE = 2_000
"""Elements that are made in a microsecond."""
_SHARPNESS = -0.75
"""PyTorch's constant of cubic convolution."""


def supports(op: SchemaOp) -> str | None:
    """Images and places in f32."""
    for operand in op.operands:
        if element_type(operand) != f32:
            return f"sampling with {element_type(operand)}"
    return None


def input_order(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
    """The channels of the image must be side by side."""
    if operand is not op.operands[0] or tensor.strides[1] == 1:
        return None
    return channels_last(4, 2)


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """Channels side by side."""
    return channels_last(4, 2)


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch over the places, all channels at once."""
    op, fused, output = step.op, epilogue(step), step.output
    assert isinstance(op, edge.GridSampler2dOp)
    image, grid = step.tensor(op.input), step.tensor(op.grid)
    extras = [step.broadcast(extra) for extra in fused.extras]
    images, channels, rows, columns = output.shape
    points = images * rows * columns
    per_task = -(-points // parts(points, output.size / _RATE))
    tasks = -(-points // per_task)
    sampler = _Sampler(
        cast(int, op.value_of("interpolation_mode")),
        cast(int, op.value_of("padding_mode")),
        bool(op.value_of("align_corners")),
    )

    def build(k: KernelBuilder) -> None:
        x, places, y, *others = k.arguments
        s = Scalars(k)
        count = k.chunk(k.task, per_task, points) if tasks > 1 else None
        with k.loop(per_task, count) as number:
            point = k.index([(k.task, per_task), (number, 1)]) if tasks > 1 else number
            n, h, w = k.split(point, (images, rows, columns))

            def at(pointer: SSAValue, strides: Sequence[int]) -> SSAValue:
                return k.at(pointer, [(n, strides[0]), (h, strides[2]), (w, strides[3])])

            own = k.at(places, list(zip((n, h, w), grid.strides, strict=False)))
            across, down = (
                k.insert(kernel.LoadOp(k.at(own, [], number * grid.strides[3]))).result
                for number in range(2)
            )
            lines = [
                sampler.taps(s, coordinate, size)
                for coordinate, size in zip((down, across), image.shape[2:], strict=True)
            ]
            begin = k.at(x, [(n, image.strides[0])])
            taps = [
                k.at(begin, [(row.place, image.strides[2]), (column.place, image.strides[3])])
                for row in lines[0]
                for column in lines[1]
            ]
            make = _Weighted(s, lines[0], lines[1])
            k.insert(
                kernel.MapOp(
                    [*taps, *(at(p, own) for p, own in zip(others, extras, strict=True))],
                    [at(y, output.strides)],
                    (channels,),
                    [*[(image.strides[1],)] * len(taps), *((own[1],) for own in extras)],
                    [(output.strides[1],)],
                    fused.after([f32] * len(taps), make),
                )
            )

    operands = [op.input, op.grid, step.results[0], *fused.extras]
    key = (image, grid, output, tuple(extras), sampler, tasks, fused.key)
    program.launch("sample", key, [program.pointer(v) for v in operands], tasks, build)


@dataclass(frozen=True)
class _Tap:
    """A row or a column of the image: its number, whether it is inside, how much it counts."""

    place: SSAValue
    inside: SSAValue
    weight: SSAValue


class _Weighted:
    """Makes the sum of pixels times their weights; those outside of the image are zero."""

    def __init__(self, s: Scalars, rows: Sequence[_Tap], columns: Sequence[_Tap]) -> None:
        self._taps = [
            (s.both(row.inside, column.inside), s.multiply(row.weight, column.weight))
            for row in rows
            for column in columns
        ]

    def __call__(self, body: Body, pixels: Sequence[SSAValue]) -> SSAValue:
        """The body's operations."""
        total: SSAValue | None = None
        for pixel, (inside, weight) in zip(pixels, self._taps, strict=True):
            pixel = body.select(inside, pixel, 0.0)
            if total is None:
                total = body.multiply(pixel, weight)
            else:
                total = body.fma(pixel, weight, total)
        assert total is not None
        return total


@dataclass(frozen=True)
class _Sampler:
    """How coordinates from -1 to 1 become rows or columns of an image."""

    mode: int
    padding: int
    align: bool

    def taps(self, s: Scalars, coordinate: SSAValue, size: int) -> list[_Tap]:
        """The rows or columns that a sample is made of."""
        shifted = s.add(coordinate, 1.0)
        if self.align:
            at = s.multiply(s.multiply(shifted, 0.5), size - 1.0)
        else:
            at = s.multiply(s.subtract(s.multiply(shifted, float(size)), 1.0), 0.5)
        if self.mode != BICUBIC:
            at = self._pad(s, at, size)
        if self.mode == NEAREST:
            return [_tap(s, s.unary(math.RoundEvenOp, at), size, s.constant(1.0, f32))]
        first = s.unary(math.FloorOp, at)
        rest = s.subtract(at, first)
        if self.mode == BICUBIC:
            places = [self._pad(s, s.add(first, float(by)), size) for by in range(-1, 3)]
            weights = _cubic_weights(s, rest)
        else:
            places, weights = [first, s.add(first, 1.0)], [s.subtract(1.0, rest), rest]
        return [_tap(s, p, size, weight) for p, weight in zip(places, weights, strict=True)]

    def _pad(self, s: Scalars, at: SSAValue, size: int) -> SSAValue:
        """A coordinate that may be outside, brought inside."""
        if self.padding == ZEROS:
            return at
        if self.padding == REFLECTION:
            at = self._reflect(s, at, size)
        at = s.select(s.compare("gt", at, 0.0), at, 0.0)
        return s.select(s.compare("lt", at, size - 1.0), at, size - 1.0)

    def _reflect(self, s: Scalars, at: SSAValue, size: int) -> SSAValue:
        """Folded back at the centers (`align`) or the outer edges of the first and last pixel."""
        low, span = (0.0, size - 1.0) if self.align else (-0.5, float(size))
        if span <= 0:
            return s.constant(0.0, f32)
        distance = s.absolute(s.subtract(at, low))
        flips = s.unary(math.FloorOp, s.divide(distance, span))
        rest = s.fma(s.negate(flips), span, distance)
        half = s.unary(math.FloorOp, s.multiply(flips, 0.5))
        # An odd number of flips runs backwards.
        odd = s.fma(half, -2.0, flips)
        return s.add(s.absolute(s.fma(s.negate(odd), span, rest)), low)


def _tap(s: Scalars, at: SSAValue, size: int, weight: SSAValue) -> _Tap:
    inside = s.both(s.compare("ge", at, 0.0), s.compare("lt", at, float(size)))
    return _Tap(s.index(s.select(inside, at, 0.0)), inside, weight)


def _cubic_weights(s: Scalars, rest: SSAValue) -> list[SSAValue]:
    """What the two pixels before a place and the two behind it count; `rest` is the distance from
    the second."""
    a = _SHARPNESS

    def near(x: SSAValue) -> SSAValue:
        """((a + 2) x - (a + 3)) x² + 1, up to a distance of 1."""
        inner = s.fma(x, a + 2, s.constant(-(a + 3), f32))
        return s.fma(s.multiply(inner, x), x, 1.0)

    def far(x: SSAValue) -> SSAValue:
        """((a x - 5 a) x + 8 a) x - 4 a, up to 2."""
        inner = s.fma(x, a, s.constant(-5 * a, f32))
        return s.fma(s.fma(inner, x, s.constant(8 * a, f32)), x, s.constant(-4 * a, f32))

    other = s.subtract(1.0, rest)
    return [far(s.add(rest, 1.0)), near(rest), near(other), far(s.add(other, 1.0))]
