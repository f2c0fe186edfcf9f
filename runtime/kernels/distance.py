"""Distances between the rows of matrices, semantics of `torch.cdist` and `pdist`."""

from math import inf, prod
from typing import Any

import numpy as np

from ..registry import kernel
from .promotion import compute_dtype
from .shapes import fit

BLOCK = 1 << 18
"""Differences that are in memory at once."""

_MANY_ROWS = 25
"""From more rows than these on PyTorch computes Euclidean distances by a matrix product."""


def _norm(differences: Any, p: float) -> Any:
    """The p-norm over the last dimension; `differences` is overwritten."""
    if p == 0:
        return np.count_nonzero(differences, axis=-1)
    np.abs(differences, out=differences)
    if p == inf:
        return differences.max(axis=-1, initial=0)
    if p == 1:
        return differences.sum(axis=-1)
    if p == 2:
        np.square(differences, out=differences)
        return np.sqrt(differences.sum(axis=-1))
    np.power(differences, p, out=differences)
    return differences.sum(axis=-1) ** (1 / p)


def _by_differences(x1: Any, x2: Any, p: float) -> Any:
    """All distances of the rows of `x1` [..., P, M] to those of `x2` [..., R, M]: [..., P, R]."""
    batch = np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    rows, columns, width = x1.shape[-2], x2.shape[-2], x1.shape[-1]
    result = np.empty((*batch, rows, columns), x1.dtype)
    step = max(1, BLOCK // max(1, prod(batch) * columns * width))
    for start in range(0, rows, step):
        part = x1[..., start : start + step, None, :] - x2[..., None, :, :]
        result[..., start : start + step, :] = _norm(part, p)
    return result


def _by_product(x1: Any, x2: Any) -> Any:
    """Euclidean distances as the root of |a|² + |b|² - 2ab."""
    squares1 = np.square(x1).sum(axis=-1, keepdims=True)
    squares2 = np.square(x2).sum(axis=-1, keepdims=True)
    result = np.matmul(x1 * -2, np.swapaxes(x2, -1, -2))
    result += squares1
    result += np.swapaxes(squares2, -1, -2)
    return np.sqrt(np.maximum(result, 0, out=result), out=result)


@kernel("aten::_cdist_forward.out")
def cdist(x1: Any, x2: Any, p: float, compute_mode: int | None, out: Any) -> Any:
    """`compute_mode` 1 asks for a matrix product, 2 forbids it, else the number of rows decides."""
    dtype = compute_dtype(out.dtype)
    x1, x2 = x1.astype(dtype, copy=False), x2.astype(dtype, copy=False)
    many = max(x1.shape[-2], x2.shape[-2]) > _MANY_ROWS
    if p == 2 and (compute_mode == 1 or (compute_mode in (None, 0) and many)):
        result = _by_product(x1, x2)
    else:
        result = _by_differences(x1, x2, p)
    out = fit(out, result.shape)
    np.copyto(out, result, casting="unsafe")
    return out


@kernel("aten::_pdist_forward.out")
def pdist(self: Any, p: float, out: Any) -> Any:
    """The distances of each row to the later ones."""
    dtype = compute_dtype(out.dtype)
    rows = self.astype(dtype, copy=False)
    first, second = np.triu_indices(rows.shape[0], 1)
    out = fit(out, first.shape)
    step = max(1, BLOCK // max(1, rows.shape[1]))
    for start in range(0, len(first), step):
        pairs = slice(start, start + step)
        out[pairs] = _norm(rows[first[pairs]] - rows[second[pairs]], p)
    return out
