"""Windows over an image, channel by channel."""

from __future__ import annotations

import numpy as np

from ....dialects import kernel
from ....dialects.kernel.types import int_lists, ints
from ..arrays import Array
from .maps import COMBINE
from .memory import Pointer
from .registry import Values, evaluates, run_block


@evaluates(kernel.StencilOp)
def run_stencil(op: kernel.StencilOp, values: Values) -> None:
    """Row by row and tap by tap, all columns and channels at once."""
    first, rows = values[op.row], op.rows.value.data
    shape = (rows, op.columns.value.data, op.channels.value.data)
    totals = np.array([_combine_row(op, values, row) for row in range(first, first + rows)])
    extras = [
        values[extra].advance(first * strides[0]).view(op, shape, strides)
        for extra, strides in zip(op.extras, int_lists(op.extra_strides), strict=True)
    ]
    (result,) = run_block(op.epilogue.block, [totals, *extras], values)
    strides = (*ints(op.output_strides), 1)
    np.copyto(values[op.output].advance(first * strides[0]).view(op, shape, strides), result)


def _combine_row(op: kernel.StencilOp, values: Values, row: int) -> Array:
    """One row of combined windows, [columns, channels]."""
    function = COMBINE[op.combination.data]
    columns, channels = op.columns.value.data, op.channels.value.data
    element: Array = values[op.input].memory
    total = np.full((columns, channels), -np.inf if function is np.maximum else 0, element.dtype)
    if op.bias is not None:
        total = total + values[op.bias].view(op, (channels,), (1,))
    window, steps, spread, padding = map(ints, (op.window, op.stride, op.dilation, op.padding))
    for i in range(window[0]):
        source = _source_row(op, values, row * steps[0] + i * spread[0] - padding[0])
        if source is None:
            continue
        for j in range(window[1]):
            at = np.arange(columns) * steps[1] + j * spread[1] - padding[1]
            inside = (at >= 0) & (at < len(source))
            tap = source[at[inside]]
            if op.weights is not None:
                weights = values[op.weights].view(
                    op, (*window, channels), (window[1] * channels, channels, 1)
                )
                tap = tap * weights[i, j]
            total[inside] = function(total[inside], tap)
    return total


def _source_row(op: kernel.StencilOp, values: Values, row: int) -> Array | None:
    """A row of the input; None for one that is outside."""
    size, strides = ints(op.size), ints(op.input_strides)
    slot = row if op.ring is None else row % op.ring.value.data
    pointer: Pointer = values[op.input].advance(slot * strides[0])
    shape, steps = (size[1], op.channels.value.data), (strides[1], 1)
    if op.outside is not None and not 0 <= row < size[0]:
        values[op.outside].view(op, shape, steps)
        return None
    return pointer.view(op, shape, steps)
