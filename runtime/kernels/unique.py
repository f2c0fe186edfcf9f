"""Distinct elements or slices; semantics of `torch.unique` and `torch.unique_consecutive`.

Three results: the distinct elements, where each element went, and how many there are of each; the
last two are nothing where they are not asked for. nan is distinct from itself, as in PyTorch.
"""

from typing import Any

import numpy as np

from ..registry import kernel
from .copy import assign
from .promotion import compute_dtype
from .shapes import dimension, fit


def _finish(outs: Any, found: Any, inverse: Any, counts: Any, wanted: tuple[bool, bool]) -> Any:
    results: list[Any] = []
    given = (found, inverse if wanted[0] else None, counts if wanted[1] else None)
    for out, result in zip(outs, given, strict=True):
        # What was not asked for has any values in the shape that it has.
        target = out if result is None else fit(out, result.shape)
        if result is not None:
            assign(target, result)
        results.append(target)
    return tuple(results)


def _runs(rows: Any) -> Any:
    """Which rows [n, m] differ from the one before."""
    starts = np.ones(len(rows), np.bool_)
    starts[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return starts


def _distinct(rows: Any, order: Any) -> tuple[Any, Any, Any]:
    """Which row each run of equal rows starts with, where every row went, and the runs' lengths.

    `rows` are in the order of the indices `order`.
    """
    starts = _runs(rows)
    firsts = np.flatnonzero(starts)
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = np.cumsum(starts) - 1
    return firsts, inverse, np.diff(np.append(firsts, len(rows)))


def _comparable(self: Any) -> Any:
    return self.astype(compute_dtype(self.dtype), copy=False)


@kernel("aten::_unique2.out")
def unique(self: Any, sorted: bool, return_inverse: bool, return_counts: bool, *outs: Any) -> Any:
    """The distinct elements in ascending order."""
    flat = _comparable(self).reshape(-1)
    order = np.argsort(flat, kind="stable")
    firsts, inverse, counts = _distinct(flat[order][:, None], order)
    found = self.reshape(-1)[order][firsts]
    wanted = return_inverse, return_counts
    return _finish(outs, found, inverse.reshape(self.shape), counts, wanted)


@kernel("aten::unique_dim.out")
def unique_dim(
    self: Any, dim: int, sorted: bool, return_inverse: bool, return_counts: bool, *outs: Any
) -> Any:
    """The distinct slices of a dimension, in lexicographic order."""
    axis = dimension(dim, self.ndim)
    rows = np.moveaxis(_comparable(self), axis, 0).reshape(
        self.shape[axis], self.size // max(1, self.shape[axis])
    )
    order = np.lexsort(rows.T[::-1]) if rows.size else np.arange(len(rows))
    firsts, inverse, counts = _distinct(rows[order], order)
    return _finish(outs, np.take(self, order[firsts], axis), inverse, counts, (True, True))


@kernel("aten::unique_consecutive.out")
def unique_consecutive(
    self: Any, return_inverse: bool, return_counts: bool, dim: int | None, *outs: Any
) -> Any:
    """The first element, or slice of a dimension, of each run of equal ones."""
    if dim is None:
        rows, axis, source = _comparable(self).reshape(-1, 1), 0, self.reshape(-1)
    else:
        axis, source = dimension(dim, self.ndim), self
        rows = np.moveaxis(_comparable(self), axis, 0).reshape(
            self.shape[axis], self.size // max(1, self.shape[axis])
        )
    firsts, inverse, counts = _distinct(rows, np.arange(len(rows)))
    if dim is None:
        inverse = inverse.reshape(self.shape)
    wanted = return_inverse, return_counts
    return _finish(outs, np.take(source, firsts, axis), inverse, counts, wanted)
