"""Rows of scores to rows of weights."""

from __future__ import annotations

import numpy as np

from ....dialects import kernel
from ....dialects.kernel.types import ints
from ..arrays import Array
from .registry import Values, evaluates


@evaluates(kernel.SoftmaxOp)
def run_softmax(op: kernel.SoftmaxOp, values: Values) -> None:
    """All rows at once."""
    shape = rows, columns = op.rows.value.data, op.columns.value.data
    scores: Array = values[op.scores].view(op, shape, (op.stride.value.data, 1))
    counts = np.ones(shape, np.bool_)
    total = scores.copy()
    if op.mask is not None:
        mask = values[op.mask].view(op, shape, ints(op.mask_strides))
        if mask.dtype == np.bool_:
            counts = mask.copy()
        else:
            total += mask
    if op.visible is not None:
        counts &= np.arange(columns) < values[op.visible] + np.arange(rows)[:, None]
    limits = np.finfo(scores.dtype)
    total[~counts] = -np.inf
    largest = np.maximum(total.max(axis=1, keepdims=True), limits.min)
    with np.errstate(invalid="ignore"):
        np.exp(total - largest, out=scores)
    factors = 1 / np.maximum(scores.sum(axis=1), limits.tiny)
    np.copyto(values[op.factors].view(op, (rows,), (1,)), factors)
