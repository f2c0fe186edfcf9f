"""The matrix product of a tile."""

from __future__ import annotations

import numpy as np

from ....dialects import kernel
from ....dialects.kernel.types import int_lists, ints
from ..arrays import Array
from .memory import Pointer
from .registry import Values, evaluates, run_block


@evaluates(kernel.TileOp)
def run_tile(op: kernel.TileOp, values: Values) -> None:
    """All rows and columns at once."""
    columns = np.arange(op.columns.value.data)
    a: Pointer = values[op.a]
    c: Pointer = values[op.c]
    depths = _depths(op)
    positions = a.positions(op, np.add.outer(np.array(ints(op.a_rows)), depths))
    b = values[op.b].view(op, (depths.size, columns.size), (op.b_step.value.data, 1))
    where = c.positions(op, np.add.outer(np.array(ints(op.c_rows)), columns * op.c_step.value.data))
    total = a.memory[positions] @ b
    if op.accumulate.value.data:
        total = total + c.memory[where]
    if op.bias is not None:
        total = total + values[op.bias].view(op, (columns.size,), (1,))
    extras: list[Array] = []
    steps = ints(op.extra_steps)
    for pointer, rows, step in zip(op.extras, int_lists(op.extra_rows), steps, strict=True):
        extra: Pointer = values[pointer]
        distances = np.add.outer(np.array(rows), columns * step)
        extras.append(extra.memory[extra.positions(op, distances)])
    (result,) = run_block(op.epilogue.block, [total, *extras], values)
    c.memory[where] = result


def _depths(op: kernel.TileOp) -> Array:
    """The distance in A of every k from the row's begin."""
    depths = np.arange(op.depth.value.data) * op.a_step.value.data
    for count, stride in reversed(int_lists(op.chunks)):
        depths = np.add.outer(np.arange(count) * stride, depths).reshape(-1)
    return depths
