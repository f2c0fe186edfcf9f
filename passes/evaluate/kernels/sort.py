"""Sorting a row of keys."""

from __future__ import annotations

import numpy as np

from ....dialects import kernel
from .registry import Values, evaluates


@evaluates(kernel.SortOp)
def run_sort(op: kernel.SortOp, values: Values) -> None:
    """A stable sort of all of them."""
    count, keep = op.count.value.data, op.keep.value.data
    keys, places = (
        values[pointer].view(op, (count + 1,), (1,))[:count] for pointer in (op.keys, op.places)
    )
    order = np.argsort(keys, kind="stable")[:keep]
    for array in (keys, places):
        array[:keep] = array[order]
    for pointer in (op.other_keys, op.other_places):
        values[pointer].view(op, (count + 1,), (1,))
