"""Maximum and average pooling over one or two dims, with fixed windows or adaptive ones."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

import numpy as np
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .adaptive_pooling import launch_adaptive
from .family import Order, no_halo
from .global_pooling import launch_global
from .program_builder import ProgramBuilder
from .stencils import Pair, Windows, as_pair, channels_last, launch_windows
from .step import Array, Step, Tensor, element_type, shape_of

_SPATIAL: dict[type[SchemaOp], int] = {
    edge.MaxPool1dOp: 1,
    edge.MaxPool2dOp: 2,
    edge.MaxPool2dWithIndicesOp: 2,
    edge.AvgPool1dOp: 1,
    edge.AvgPool2dOp: 2,
    edge.AdaptiveAvgPool1dOp: 1,
    edge.AdaptiveAvgPool2dOp: 2,
    edge.OPERATORS["aten::_adaptive_avg_pool2d"]: 2,
}
"""The pooling operations, and over how many dims they go."""
_ADAPTIVE = (
    edge.AdaptiveAvgPool1dOp,
    edge.AdaptiveAvgPool2dOp,
    edge.OPERATORS["aten::_adaptive_avg_pool2d"],
)

OPERATIONS = tuple(_SPATIAL)
FUSES = True

halo = no_halo


def supports(op: SchemaOp) -> str | None:
    """Pooling in f32; of a maximum the places must not be asked for."""
    if element_type(op.operands[0]) != f32:
        return f"pooling of {element_type(op.operands[0])}"
    if any(_is_used(result) for result in op.results[1:]):
        return "the places of the maxima are used"
    return None


def _is_used(result: SSAValue) -> bool:
    """Whether something reads a result: not only the yield of a step whose result nobody reads."""
    for use in result.uses:
        step = use.operation.parent_op()
        if not isinstance(step, kernel.StepOp) or list(step.outputs[use.index].uses):
            return True
    return False


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
    """One launch over bands of rows."""
    spatial = _SPATIAL[type(step.op)]
    source = step.tensor(step.op.operands[0])
    sizes = as_pair(source.shape[-spatial:], 1)
    results = as_pair(step.output.shape[-spatial:], 1)
    if _is_global(step.op):
        launch_global(step, program, spatial, 1 / prod(sizes))
    elif not isinstance(step.op, _ADAPTIVE):
        launch_windows(step, program, "pool", _fixed(step.op, sizes, results), spatial)
    elif all(size % count == 0 for size, count in zip(sizes, results, strict=True)):
        window = (sizes[0] // results[0], sizes[1] // results[1])
        windows = Windows(window, window, (1, 1), (0, 0), factor=1 / prod(window))
        launch_windows(step, program, "pool", windows, spatial)
    else:
        launch_adaptive(step, program, spatial)


def _is_global(op: SchemaOp) -> bool:
    """Whether one number is left of each channel."""
    shape = shape_of(op.results[0])
    return isinstance(op, _ADAPTIVE) and prod(shape[-_SPATIAL[type(op)] :]) == 1


def _fixed(op: SchemaOp, sizes: Pair, results: Pair) -> Windows:
    """The windows of a pooling that are all of one size."""

    def pair(name: str, default: int) -> Pair:
        value = op.value_of(name)
        return as_pair(cast("list[int]", value), default) if value else window

    window = as_pair(cast("list[int]", op.value_of("kernel_size")), 1)
    stride, padding = pair("stride", 1), pair("padding", 0)
    if isinstance(op, edge.AvgPool1dOp | edge.AvgPool2dOp):
        factor = _reciprocals(op, window, stride, padding, sizes, results)
        return Windows(window, stride, (1, 1), padding, factor=factor)
    return Windows(window, stride, pair("dilation", 1), padding, "max")


def _reciprocals(
    op: edge.AvgPool1dOp | edge.AvgPool2dOp,
    window: Pair,
    stride: Pair,
    padding: Pair,
    sizes: Pair,
    results: Pair,
) -> float | Array:
    """1 / what each window averages: the elements of the input in it, or of the padding as well."""
    if isinstance(op, edge.AvgPool2dOp):
        divisor = cast("int | None", op.value_of("divisor_override"))
        if divisor is not None:
            return 1 / divisor
    counts: list[Array] = []
    for k, step, pad, size, count in zip(window, stride, padding, sizes, results, strict=True):
        start = np.arange(count) * step - pad
        end = np.minimum(start + k, size + pad)
        if not op.value_of("count_include_pad"):
            start, end = np.maximum(start, 0), np.minimum(end, size)
        counts.append(end - start)
    elements = np.outer(*counts)
    if elements.min() == elements.max():
        return 1 / int(elements[0, 0])
    return (1 / elements).astype(np.float32)
