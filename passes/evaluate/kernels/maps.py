"""Maps and windows: a body runs once, on arrays that hold all its points."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.dialects.builtin import StringAttr

from ....dialects import kernel
from ....dialects.kernel.types import int_lists, ints
from .registry import Values, evaluates, run_block

COMBINE: dict[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}
"""How reductions combine; numpy's maximum and minimum give nan where either is nan."""


@evaluates(kernel.MapOp)
def run_map(op: kernel.MapOp, values: Values) -> list[Any]:
    """All points at once; the results are the reduced values."""
    shape = ints(op.shape)
    inputs = [
        values[pointer].view(op, shape, strides)
        for pointer, strides in zip(op.inputs, int_lists(op.input_strides), strict=True)
    ]
    yielded = run_block(op.body.block, inputs, values)
    reduced: list[Any] = []
    for name, value in zip(op.reductions, yielded, strict=False):
        assert isinstance(name, StringAttr)
        value = np.asarray(value)
        everywhere = np.broadcast_to(value, shape)
        reduced.append(COMBINE[name.data].reduce(everywhere, axis=None, dtype=value.dtype))
    rows = int_lists(op.output_strides)
    # An output may be the memory of an input.
    new = [np.array(value) for value in yielded[len(reduced) :]]
    for pointer, strides, value in zip(op.outputs, rows, new, strict=True):
        np.copyto(values[pointer].view(op, shape, strides), value)
    return reduced


@evaluates(kernel.WindowOp)
def run_window(op: kernel.WindowOp, values: Values) -> None:
    """The body for all points and places in their windows, combined; then `finish`."""
    shape, window = ints(op.shape), ints(op.window)
    inputs = [
        values[pointer].view(op, shape + window, strides)
        for pointer, strides in zip(op.inputs, int_lists(op.input_strides), strict=True)
    ]
    extras = [
        values[pointer].view(op, shape, strides)
        for pointer, strides in zip(op.extras, int_lists(op.extra_strides), strict=True)
    ]
    (value,) = map(np.asarray, run_block(op.body.block, inputs, values))
    axes = tuple(range(len(shape), len(shape) + len(window)))
    everywhere = np.broadcast_to(value, shape + window)
    combined = COMBINE[op.combination.data].reduce(everywhere, axis=axes, dtype=value.dtype)
    (result,) = run_block(op.finish.block, [combined, *extras], values)
    output = values[op.output].view(op, shape, ints(op.output_strides))
    np.copyto(output, np.array(result))
