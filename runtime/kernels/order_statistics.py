"""Medians, the k-th smallest and the most frequent elements of lines; semantics of `torch.<name>`.

nan is the greatest of all; a median of a line with nan is nan, unless the name says nan-median.
Where several elements are equal, the index may be that of another one than eager's.
"""

from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .copy import assign
from .indexing import at_least_1d
from .promotion import compute_dtype
from .shapes import dimension, fit
from .sorting import ordered

_np: Any = np  # whose stubs lose the dtypes


def _line(name: str, self: Any, dim: int) -> tuple[Any, int]:
    """The operand with at least one dimension, and which of its dimensions to reduce."""
    axis = dimension(dim, self.ndim)
    lines = at_least_1d(self)
    if lines.shape[axis] == 0:
        raise ProgramError(f"{name}: dimension {dim} of shape {list(self.shape)} has no elements")
    return lines, axis


def _take(self: Any, lines: Any, index: Any, axis: int, keepdim: bool, outs: Any) -> Any:
    """The elements at an index [.., 1, ..] and the index, in the shapes of the results."""
    found = np.take_along_axis(lines, index, axis)
    shape = found.shape if keepdim else found.squeeze(axis).shape
    shape = shape if self.ndim else ()
    results: list[Any] = []
    for out, result in zip(outs, (found, index), strict=True):
        target = fit(out, shape)
        assign(target, result.reshape(shape))
        results.append(target)
    return tuple(results)


def _is_nan(values: Any) -> Any:
    if values.dtype.kind in "iub":
        return np.zeros(values.shape, np.bool_)
    return np.isnan(values.astype(compute_dtype(values.dtype), copy=False))


def _middle(lines: Any, axis: int, ignore_nan: bool) -> Any:
    """The index, with the dimension kept, of the lower median of each line."""
    order = ordered(lines, axis, False)
    nans: Any = _np.count_nonzero(_is_nan(lines), axis=axis, keepdims=True)
    size = lines.shape[axis]
    if ignore_nan:
        place: Any = _np.maximum(size - nans - 1, 0) // 2
    else:
        # The first nan follows all numbers.
        place = _np.where(nans > 0, size - nans, (size - 1) // 2)
    return np.take_along_axis(order, place, axis)


def _median_kernels(name: str, ignore_nan: bool) -> None:
    @kernel(f"aten::{name}.out")
    def of_all(self: Any, out: Any) -> Any:
        out = fit(out, ())
        flat = self.reshape(-1)
        if flat.size:
            assign(out, flat[_middle(flat, 0, ignore_nan)[0]])
        else:
            out[...] = np.nan if out.dtype.kind in "fV" else np.iinfo(out.dtype).min
        return out

    @kernel(f"aten::{name}.dim_values")
    def of_lines(self: Any, dim: int, keepdim: bool, values: Any, indices: Any) -> Any:
        lines, axis = _line(name, self, dim)
        index = _middle(lines, axis, ignore_nan)
        return _take(self, lines, index, axis, keepdim, (values, indices))


_median_kernels("median", ignore_nan=False)
_median_kernels("nanmedian", ignore_nan=True)


@kernel("aten::kthvalue.values")
def kthvalue(self: Any, k: int, dim: int, keepdim: bool, values: Any, indices: Any) -> Any:
    """The k-th smallest element of each line, counted from 1."""
    lines, axis = _line("kthvalue", self, dim)
    if not 1 <= k <= lines.shape[axis]:
        raise ProgramError(f"kthvalue: k is {k}, but dimension {dim} has {lines.shape[axis]}")
    index = np.take(ordered(lines, axis, False), [k - 1], axis)
    return _take(self, lines, index, axis, keepdim, (values, indices))


@kernel("aten::mode.values")
def mode(self: Any, dim: int, keepdim: bool, values: Any, indices: Any) -> Any:
    """The most frequent element of each line, of several the smallest, and its last place."""
    lines, axis = _line("mode", self, dim)
    order = ordered(lines, axis, False)
    line = np.moveaxis(np.take_along_axis(lines, order, axis), axis, -1)
    size = line.shape[-1]
    # Where in a run of equal elements each one is: the longest run has the largest place.
    starts = np.ones(line.shape, np.bool_)
    starts[..., 1:] = line[..., 1:] != line[..., :-1]
    first = _np.maximum.accumulate(_np.where(starts, np.arange(size), 0), axis=-1)
    last = _np.argmax(np.arange(size) - first, axis=-1, keepdims=True)
    index = np.take_along_axis(order, np.moveaxis(last, -1, axis), axis)
    return _take(self, lines, index, axis, keepdim, (values, indices))
