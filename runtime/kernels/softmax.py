"""Softmax and its logarithm over one dimension, semantics of `torch.softmax` and `log_softmax`.

Computed block by block, so that the passes over a block find it in the cache; narrow floats in f32.
"""

from functools import partial
from math import prod
from typing import Any

import numpy as np

from .promotion import compute_dtype
from .shapes import dimension, fit
from .steps import Steps, blocks, merged, planned_kernel

BLOCK = 1 << 15
"""Elements of a block."""


def add_softmax(x: Any, dim: int, out: Any, steps: Steps, log: bool = False) -> None:
    """Append steps for the softmax of `x` over `dim`; `out` has its shape and may be its memory."""
    if x.size == 0:
        return
    axis = dimension(dim, x.ndim)
    shape = x.shape or (1,)
    view = (prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :]))
    dtype = compute_dtype(out.dtype)
    # Eager keeps the sums and their logarithms of the last dimension in half precision.
    logarithm: Any = np.log
    if out.dtype != dtype and axis == x.ndim - 1:
        logarithm = partial(_rounded_log, out.dtype)
    target = merged(out, view)
    work = target
    if target is None or out.dtype != dtype:
        work = np.empty(view, dtype)
    source = merged(x, view)
    if source is None or x.dtype != dtype:
        steps.copy(work.reshape(x.shape), x)
        source = work
    limit = max(1, BLOCK // view[1])
    boxes = list(blocks((view[0], view[2]), limit))
    largest = max(prod(s.stop - s.start for s in box) for box in boxes)
    totals = np.empty(largest, dtype)
    powers = np.empty(largest * view[1] if log else 0, dtype)
    for rows, columns in boxes:
        values, result = source[rows, :, columns], work[rows, :, columns]
        total = totals[: result[:, 0].size].reshape(result.shape[0], 1, result.shape[2])
        steps.add(np.maximum.reduce, values, 1, None, total, True)
        steps.add(np.subtract, values, total, result)
        power = powers[: result.size].reshape(result.shape) if log else result
        steps.add(np.exp, result, power)
        steps.add(np.add.reduce, power, 1, None, total, True)
        if log:
            steps.add(logarithm, total, total)
            steps.add(np.subtract, result, total, result)
        else:
            steps.add(np.divide, result, total, result)
    if work is not target:
        steps.copy(out, work.reshape(out.shape))


def _rounded_log(dtype: Any, total: Any, out: Any) -> None:
    out[...] = np.log(total.astype(dtype).astype(out.dtype)).astype(dtype)


def _plan(log: bool, x: Any, dim: int, dtype: Any, out: Any) -> tuple[Steps, tuple[Any, ...]]:
    # `dtype`, or half_to_float in its place, only says what the dtype of `out` is.
    steps = Steps()
    out = fit(out, x.shape)
    add_softmax(x, dim, out, steps, log)
    return steps, (out,)


for _name in ("_softmax.out", "softmax.int_out"):
    planned_kernel(f"aten::{_name}", partial(_plan, False))
for _name in ("_log_softmax.out", "log_softmax.int_out"):
    planned_kernel(f"aten::{_name}", partial(_plan, True))
