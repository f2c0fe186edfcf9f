"""Sorting along a dimension; semantics of `torch.sort` and `torch.topk`: nan is the greatest."""

from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .copy import assign
from .promotion import compute_dtype
from .shapes import dimension, fit


def ordered(self: Any, axis: int, descending: bool) -> Any:
    """The indices that sort `self` along `axis`, equal elements in their order."""
    keys = self.astype(compute_dtype(self.dtype), copy=False)
    if not descending:
        return np.argsort(keys, axis=axis, kind="stable")
    # Reversed before and after, so that equal elements keep their order and nan comes first.
    backwards = np.argsort(np.flip(keys, axis), axis=axis, kind="stable")
    return (self.shape[axis] - 1) - np.flip(backwards, axis)


def _finish(self: Any, order: Any, axis: int, values: Any, indices: Any) -> Any:
    values, indices = fit(values, order.shape), fit(indices, order.shape)
    picked = np.take_along_axis(self, order, axis)
    indices[...] = order
    values[...] = picked
    return values, indices


@kernel("aten::sort.values_stable")
def sort_stable(
    self: Any, stable: bool | None, dim: int, descending: bool, values: Any, indices: Any
) -> Any:
    """The elements of each line in order, and where they were."""
    axis = dimension(dim, self.ndim)
    if self.ndim == 0:
        return _of_scalar(self, values, indices)
    return _finish(self, ordered(self, axis, descending), axis, values, indices)


@kernel("aten::sort.values")
def sort(self: Any, dim: int, descending: bool, values: Any, indices: Any) -> Any:
    """`sort.values_stable`; the order of equal elements is kept too."""
    return sort_stable.function(self, True, dim, descending, values, indices)


@kernel("aten::argsort.stable_out")
def argsort(self: Any, stable: bool, dim: int, descending: bool, out: Any) -> Any:
    """The indices that sort each line."""
    axis = dimension(dim, self.ndim)
    out = fit(out, self.shape)
    out[...] = ordered(self, axis, descending) if self.ndim else 0
    return out


@kernel("aten::topk.values")
def topk(
    self: Any, k: int, dim: int, largest: bool, sorted: bool, values: Any, indices: Any
) -> Any:
    """The k largest (or smallest) elements of each line, in order, and where they were."""
    axis = dimension(dim, self.ndim)
    size = self.shape[axis] if self.ndim else 1
    if not 0 <= k <= size:
        raise ProgramError(f"topk: k is {k}, but dimension {dim} has size {size}")
    if self.ndim == 0:
        return _of_scalar(self, values, indices)
    if 0 < 8 * k < size:
        keys = self.astype(compute_dtype(self.dtype), copy=False)
        pivot = size - k if largest else k - 1
        parts = np.argpartition(keys, pivot, axis=axis)
        chosen = np.take(parts, range(size - k, size) if largest else range(k), axis=axis)
        inner = ordered(np.take_along_axis(self, chosen, axis), axis, largest)
        order = np.take_along_axis(chosen, inner, axis)
    else:
        order = np.take(ordered(self, axis, largest), range(k), axis=axis)
    return _finish(self, order, axis, values, indices)


def _positions(sequence: Any, self: Any, side: str, sorter: Any, out: Any) -> Any:
    """Where each element of `self`, nan last, would stand in its line of the sorted sequence."""
    out = fit(out, self.shape)
    if sorter is not None:
        sequence = np.take_along_axis(sequence, sorter, -1)
    lines, values = (a.astype(compute_dtype(a.dtype), copy=False) for a in (sequence, self))
    if sequence.ndim == 1:
        out[...] = lines.searchsorted(values, side)
        return out
    if sequence.shape[:-1] != self.shape[:-1]:
        raise ProgramError(
            f"searchsorted: sequences {list(sequence.shape)} for values {list(self.shape)}"
        )
    reached = np.greater_equal if side == "left" else np.greater
    out[...] = np.count_nonzero(~reached(lines[..., None, :], values[..., :, None]), axis=-1)
    return out


def _searchsorted(
    sorted_sequence: Any,
    self: Any,
    out_int32: bool,
    right: bool,
    side: str | None,
    sorter: Any,
    out: Any,
) -> Any:
    """The index in the sorted sequence, or in each of its last dimension, of each element or of a
    number."""
    side = side or ("right" if right else "left")
    return _positions(sorted_sequence, np.asarray(self), side, sorter, out)


for _overload in ("Tensor_out", "Scalar_out"):
    kernel(f"aten::searchsorted.{_overload}")(_searchsorted)


@kernel("aten::bucketize.Tensor_out")
def bucketize(self: Any, boundaries: Any, out_int32: bool, right: bool, out: Any) -> Any:
    """The bucket of each element between sorted 1-d boundaries."""
    return _positions(boundaries, self, "right" if right else "left", None, out)


def _of_scalar(self: Any, values: Any, indices: Any) -> Any:
    values, indices = fit(values, ()), fit(indices, ())
    assign(values, self)
    indices[...] = 0
    return values, indices
