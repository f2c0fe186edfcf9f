"""Maximum and average pooling over one to three dims, with fixed windows or adaptive ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

import numpy as np
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .family import Order, no_halo
from .global_pooling import launch_global
from .program_builder import ProgramBuilder
from .stencils import RowWindow, Stencil, Windows, as_pair, channels_last, launch_windows
from .step import Array, Step, Tensor, element_type, shape_of
from .tabled_pooling import Spans, even_spans, launch_tabled, outer_reciprocals

_AVERAGES = (
    edge.AdaptiveAvgPool1dOp,
    edge.AdaptiveAvgPool2dOp,
    edge.OPERATORS["aten::_adaptive_avg_pool2d"],
    edge.OPERATORS["aten::_adaptive_avg_pool3d"],
)
_ADAPTIVE = (*_AVERAGES, edge.AdaptiveMaxPool2dOp, edge.AdaptiveMaxPool3dOp)
_MAXIMA = (
    edge.MaxPool1dOp,
    edge.MaxPool2dOp,
    edge.MaxPool3dOp,
    edge.MaxPool2dWithIndicesOp,
    edge.MaxPool3dWithIndicesOp,
    edge.AdaptiveMaxPool2dOp,
    edge.AdaptiveMaxPool3dOp,
)
_SPATIAL: dict[type[SchemaOp], int] = {
    edge.MaxPool1dOp: 1,
    edge.MaxPool2dOp: 2,
    edge.MaxPool2dWithIndicesOp: 2,
    edge.MaxPool3dOp: 3,
    edge.MaxPool3dWithIndicesOp: 3,
    edge.AvgPool1dOp: 1,
    edge.AvgPool2dOp: 2,
    edge.AvgPool3dOp: 3,
    **dict(zip(_ADAPTIVE, (1, 2, 2, 3, 2, 3), strict=True)),
}
"""The pooling operations, and over how many dims they go."""

OPERATIONS = tuple(_SPATIAL)
FUSES = True

halo = no_halo


def supports(op: SchemaOp) -> str | None:
    """Pooling in f32."""
    if element_type(op.operands[0]) != f32:
        return f"pooling of {element_type(op.operands[0])}"
    return None


def _is_ignored(result: SSAValue) -> bool:
    """Whether nothing reads a result: only the yield of a step whose result nobody reads."""
    steps = [(use.operation.parent_op(), use.index) for use in result.uses]
    return bool(steps) and all(
        isinstance(step, kernel.StepOp) and not list(step.outputs[index].uses)
        for step, index in steps
    )


def input_order(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
    """Channels must be side by side, but for a window that is the whole image."""
    order = output_order(op, [tensor])
    if _is_global(op):
        return None
    return None if tensor.strides[order[-1]] == 1 else order


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """Channels side by side."""
    return channels_last(len(inputs[0].shape), _SPATIAL[type(op)])


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch: over bands of rows, if windows of one size go over one or two dims."""
    op, spatial = step.op, _SPATIAL[type(step.op)]
    sizes = step.tensor(op.operands[0]).shape[-spatial:]
    counts = step.output.shape[-spatial:]
    places = next((value for value in op.results[1:] if not _is_ignored(value)), None)
    if _is_global(op):
        launch_global(step, program, spatial, 1 / prod(sizes))
        return
    dims, factor = _dims(op, sizes, counts), 1.0
    combination = "max" if isinstance(op, _MAXIMA) else "add"
    if dims is None:
        spans = [even_spans(*pair) for pair in zip(sizes, counts, strict=True)]
        if combination == "add":
            factor = outer_reciprocals([own.counts for own in spans])
        launch_tabled(step, program, spans, combination, factor, places)
        return
    if combination == "add":
        factor = _factor(op, dims)
    if spatial == 3 or places is not None:
        spans = [dim.spans for dim in dims]
        launch_tabled(step, program, spans, combination, factor, places)
        return
    launch_windows(step, program, "pool", _windows(dims, combination, factor), spatial)


def row_window(op: SchemaOp) -> RowWindow | None:
    """The window over the rows of an image; None for windows of several sizes, and where the places
    of the maxima are used."""
    sizes, counts = (shape_of(value)[-2:] for value in (op.operands[0], op.results[0]))
    dims = _dims(op, sizes, counts)
    if _SPATIAL[type(op)] != 2 or dims is None or not all(map(_is_ignored, op.results[1:])):
        return None
    return RowWindow.of(_windows(dims), sizes[0], counts[0])


def stencil_of(step: Step) -> Stencil:
    """The windows of a step over images."""
    dims = _dims(step.op, step.tensor(step.op.operands[0]).shape[-2:], step.output.shape[-2:])
    assert dims is not None
    if isinstance(step.op, _MAXIMA):
        return Stencil.of(step, _windows(dims, "max"), 2)
    return Stencil.of(step, _windows(dims, factor=_factor(step.op, dims)), 2)


def _windows(
    dims: Sequence[_Dim], combination: str = "add", factor: float | Array = 1.0
) -> Windows:
    return Windows(
        as_pair([dim.window for dim in dims], 1),
        as_pair([dim.stride for dim in dims], 1),
        as_pair([dim.dilation for dim in dims], 1),
        as_pair([dim.padding for dim in dims], 0),
        combination,
        factor=factor.reshape(-1, dims[-1].count) if isinstance(factor, np.ndarray) else factor,
    )


def _is_global(op: SchemaOp) -> bool:
    """Whether one average is left of each channel."""
    shape = shape_of(op.results[0])
    return isinstance(op, _AVERAGES) and prod(shape[-_SPATIAL[type(op)] :]) == 1


@dataclass(frozen=True)
class _Dim:
    """A dim of so many elements, and windows of one size over it."""

    size: int
    count: int
    window: int
    stride: int
    padding: int = 0
    dilation: int = 1

    @property
    def spans(self) -> Spans:
        """The elements of the windows that are inside."""
        begins: list[int] = []
        counts: list[int] = []
        for number in range(self.count):
            start = number * self.stride - self.padding
            taps = range(start, start + self.window * self.dilation, self.dilation)
            inside = [place for place in taps if 0 <= place < self.size]
            begins.append(inside[0] if inside else 0)
            counts.append(len(inside))
        return Spans(tuple(begins), tuple(counts), self.dilation)

    def averaged(self, padding: bool) -> list[int]:
        """How many elements an average is taken of, with those of the padding or without."""
        starts = [number * self.stride - self.padding for number in range(self.count)]
        ends = [min(start + self.window, self.size + self.padding) for start in starts]
        if not padding:
            starts, ends = [max(start, 0) for start in starts], [min(e, self.size) for e in ends]
        return [end - start for start, end in zip(starts, ends, strict=True)]


def _dims(op: SchemaOp, sizes: Sequence[int], counts: Sequence[int]) -> list[_Dim] | None:
    """The dims that are pooled; None if the windows are not all of one size."""
    if isinstance(op, _ADAPTIVE):
        if any(size % count for size, count in zip(sizes, counts, strict=True)):
            return None
        windows = [size // count for size, count in zip(sizes, counts, strict=True)]
        return [_Dim(*own, own[2]) for own in zip(sizes, counts, windows, strict=True)]

    def numbers(name: str, default: Sequence[int]) -> Sequence[int]:
        values = cast("list[int]", op.value_of(name) or default)
        return values * len(sizes) if len(values) == 1 else values

    windows = numbers("kernel_size", [])
    stride, padding = numbers("stride", windows), numbers("padding", [0])
    dilation = numbers("dilation", [1]) if isinstance(op, _MAXIMA) else [1] * len(sizes)
    columns = zip(sizes, counts, windows, stride, padding, dilation, strict=True)
    return [_Dim(*own) for own in columns]


def _factor(op: SchemaOp, dims: Sequence[_Dim]) -> float | Array:
    """1 / what each window averages: the elements of the input in it, or of the padding as well."""
    if isinstance(op, edge.AvgPool2dOp | edge.AvgPool3dOp):
        divisor = cast("int | None", op.value_of("divisor_override"))
        if divisor is not None:
            return 1 / divisor
    padding = not isinstance(op, _ADAPTIVE) and bool(op.value_of("count_include_pad"))
    return outer_reciprocals([dim.averaged(padding) for dim in dims])
