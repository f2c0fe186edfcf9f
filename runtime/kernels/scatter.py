"""Writes to the places that an index names along one dimension; semantics of `torch.<name>`.

`out[index[i][j]][j] = src[i][j]` for dimension 0 of two; the index may be smaller than the source
and than `self`. Of several writes to one place without a reduction the last remains.
"""

from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .copy import assign
from .indexing import at_least_1d, check_range, grid
from .promotion import compute_dtype, operand
from .shapes import dimension, fit

REDUCTIONS: dict[str, tuple[Any, float]] = {
    "sum": (np.add, 0),
    "add": (np.add, 0),
    "prod": (np.multiply, 1),
    "multiply": (np.multiply, 1),
    "mean": (np.add, 0),
    "amax": (np.maximum, -np.inf),
    "amin": (np.minimum, np.inf),
}
"""Per name of a reduction: its ufunc and its neutral element."""


def scatter(
    self: Any,
    dim: int,
    index: Any,
    source: Any,
    out: Any,
    reduce: str | None = None,
    include_self: bool = True,
    rounded: bool = False,
) -> Any:
    """Write a tensor or number to a copy of `self`, combining by `reduce` if that is given.

    Narrow floats are combined in f32, or, if `rounded`, in their own dtype.
    """
    if reduce is not None and reduce not in REDUCTIONS:
        raise ProgramError(f"scatter: reduce is {reduce!r}; expected one of {sorted(REDUCTIONS)}")
    axis = dimension(dim, self.ndim)
    out = fit(out, self.shape)
    assign(out, self)
    places, target = at_least_1d(index), at_least_1d(out)
    check_range("scatter", places, target.shape[axis])
    if places.size == 0:
        return out
    values = at_least_1d(operand(source, out.dtype))
    if values.ndim == places.ndim and values.shape != (1,):
        values = values[tuple(slice(size) for size in places.shape)]
    where = grid(places, axis)
    if reduce is None:
        target[where] = values
    elif rounded or compute_dtype(out.dtype) == out.dtype:
        _combine(target, where, values, reduce, include_self)
    else:
        wide = target.astype(compute_dtype(out.dtype))
        _combine(wide, where, values.astype(wide.dtype), reduce, include_self)
        target[...] = wide
    return out


def _combine(target: Any, where: Any, values: Any, reduce: str, include_self: bool) -> None:
    ufunc, neutral = REDUCTIONS[reduce]
    if not include_self:
        target[where] = _neutral(neutral, target.dtype)
    ufunc.at(target, where, values)
    if reduce == "mean":
        count = np.full(target.shape, int(include_self))
        np.add.at(count, where, 1)
        np.maximum(count, 1, out=count)
        divide = np.floor_divide if target.dtype.kind in "iu" else np.divide
        divide(target, count.astype(target.dtype), out=target, casting="unsafe")


def _neutral(value: float, dtype: Any) -> Any:
    if np.isfinite(value) or dtype.kind not in "biu":
        return value
    if dtype == np.bool_:
        return value > 0
    return np.iinfo(dtype).max if value > 0 else np.iinfo(dtype).min


@kernel("aten::scatter.src_out")
def scatter_source(self: Any, dim: int, index: Any, src: Any, out: Any) -> Any:
    """Write `src`."""
    return scatter(self, dim, index, src, out)


@kernel("aten::scatter.value_out")
def scatter_value(self: Any, dim: int, index: Any, value: Any, out: Any) -> Any:
    """Write one number."""
    return scatter(self, dim, index, value, out)


@kernel("aten::scatter.reduce_out")
def scatter_source_reduce(self: Any, dim: int, index: Any, src: Any, reduce: str, out: Any) -> Any:
    """Add or multiply `src` to what is there."""
    return scatter(self, dim, index, src, out, reduce)


@kernel("aten::scatter.value_reduce_out")
def scatter_value_reduce(self: Any, dim: int, index: Any, value: Any, reduce: str, out: Any) -> Any:
    """Add or multiply one number to what is there."""
    return scatter(self, dim, index, value, out, reduce)


@kernel("aten::scatter_add.out")
def scatter_add(self: Any, dim: int, index: Any, src: Any, out: Any) -> Any:
    """Add `src` to what is there."""
    return scatter(self, dim, index, src, out, "sum")


@kernel("aten::scatter_reduce.two_out")
def scatter_reduce(
    self: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool, out: Any
) -> Any:
    """Reduce `src`, and what is there if `include_self`, by sum, prod, mean, amax or amin."""
    return scatter(self, dim, index, src, out, reduce, include_self)


@kernel("aten::index_reduce.out")
def index_reduce(
    self: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool, out: Any
) -> Any:
    """Reduce the slices of `source` along `dim` into those of `self` that a 1-d index names."""
    axis = dimension(dim, self.ndim)
    shape = [1] * max(source.ndim, 1)
    shape[axis] = -1
    places = np.broadcast_to(index.reshape(shape), at_least_1d(source).shape)
    return scatter(self, dim, places, source, out, reduce, include_self, rounded=True)


@kernel("aten::put.out")
def put(self: Any, index: Any, source: Any, accumulate: bool, out: Any) -> Any:
    """Write, or add, to the places that an index names among all elements in order."""
    out = fit(out, self.shape)
    flat = self.reshape(-1).copy()
    places = index.reshape(-1)
    check_range("put", places, flat.size, from_back=True)
    if accumulate:
        np.add.at(flat, places, source.reshape(-1))
    else:
        flat[places] = source.reshape(-1)
    out[...] = flat.reshape(self.shape)
    return out
