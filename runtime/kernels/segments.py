"""Reductions of consecutive segments of one dimension; semantics of `torch.segment_reduce`."""

from math import inf, prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .copy import assign
from .promotion import compute_dtype
from .shapes import dimension, fit

REDUCTIONS: dict[str, tuple[Any, float]] = {
    "sum": (np.add, 0),
    "mean": (np.add, 0),
    "prod": (np.multiply, 1),
    "max": (np.maximum, -inf),
    "min": (np.minimum, inf),
}
"""Per name of a reduction: its ufunc and its neutral element."""


@kernel("aten::segment_reduce.out")
def segment_reduce(
    data: Any,
    reduce: str,
    lengths: Any,
    indices: Any,
    offsets: Any,
    axis: int,
    unsafe: bool,
    initial: Any,
    out: Any,
) -> Any:
    """Each segment of `axis` reduced to one element; a mean of none is nan unless there is
    an `initial` value. `lengths` [*outer, segments], or their first elements and the end in
    `offsets` [*outer, segments + 1]."""
    if reduce not in REDUCTIONS or (lengths is None and offsets is None):
        raise ProgramError(f"segment_reduce by {reduce!r} needs lengths or offsets")
    dim = dimension(axis, data.ndim)
    sizes = np.diff(offsets) if lengths is None else lengths
    outer, inner = data.shape[:dim], data.shape[dim + 1 :]
    if sizes.shape[:-1] != outer or (sizes < 0).any() or (sizes.sum(-1) > data.shape[dim]).any():
        raise ProgramError(f"segment_reduce: segments that do not fit {list(data.shape)}")
    count, first = data.shape[dim], np.cumsum(sizes, axis=-1) - sizes
    if offsets is not None and lengths is None:
        first = offsets[..., :-1]
    rows = (first + np.arange(prod(outer)).reshape(*outer, 1) * count).reshape(-1)
    flat = sizes.reshape(-1)
    ends = np.cumsum(flat)
    # The elements of all segments, one after the other.
    places: Any = np.arange(int(flat.sum())) + np.repeat(rows - ends + flat, flat)
    elements = data.reshape(prod(outer) * count, *inner)[places].astype(
        compute_dtype(data.dtype), copy=False
    )
    result = _reduced(elements, reduce, flat, initial).reshape(*sizes.shape, *inner)
    out = fit(out, result.shape)
    assign(out, result)
    return out


def _reduced(elements: Any, reduce: str, sizes: Any, initial: Any) -> Any:
    """The reductions of consecutive segments of these sizes."""
    ufunc, neutral = REDUCTIONS[reduce]
    start = neutral if initial is None else initial
    result = np.full((len(sizes), *elements.shape[1:]), start, elements.dtype)
    filled = sizes > 0
    if filled.any():
        starts = (np.cumsum(sizes) - sizes)[filled]
        result[filled] = ufunc(result[filled], ufunc.reduceat(elements, starts, axis=0))
    if reduce == "mean":
        column = sizes.reshape(len(sizes), *(1,) * (elements.ndim - 1))
        if initial is None:
            result = np.where(column == 0, np.nan, result)
        result = result / np.maximum(column, 1)
    return result
