"""Symmetric and Hermitian matrices as L D L*, by Bunch and Kaufman's method (LAPACK's sytf2).

D has blocks of one or two rows. A pivot p > 0 says that row k was exchanged with row p - 1; two
equal negative ones that rows k and k + 1 are a block, whose second was exchanged with row -p - 1.
"""

from math import prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .linear_algebra import checked, linalg, store

THRESHOLD = (1 + 17**0.5) / 8


def _size(values: Any) -> Any:
    """Complex numbers are measured by |re| + |im|, as LAPACK does."""
    return np.abs(values.real) + np.abs(values.imag)


def _pivot(a: Any, k: int, hermitian: bool) -> tuple[int, int]:
    """The row to exchange with, and the rows of the block that starts at k; (k, 0) for a zero."""
    entries: Any = np.diagonal(a)
    diagonal = np.abs(entries.real) if hermitian else _size(entries)
    column = _size(a[k + 1 :, k])
    largest = column.max(initial=0)
    if not max(diagonal[k], largest) > 0:
        return k, 0
    if diagonal[k] >= THRESHOLD * largest:
        return k, 1
    best = k + 1 + int(column.argmax())
    across = max(_size(a[best, k:best]).max(), _size(a[best + 1 :, best]).max(initial=0))
    if diagonal[k] >= THRESHOLD * largest * (largest / across):
        return k, 1
    return (best, 1) if diagonal[best] >= THRESHOLD * across else (best, 2)


def _exchange(a: Any, first: int, second: int, start: int, conjugate: Any) -> None:
    """Exchange rows and columns of the lower triangle, those from `start` on."""
    a[[first, second], start:first] = a[[second, first], start:first]
    below = a[second + 1 :]
    below[:, [first, second]] = below[:, [second, first]]
    between = conjugate(a[first + 1 : second, first]).copy()
    a[first + 1 : second, first] = conjugate(a[second, first + 1 : second])
    a[second, first + 1 : second] = between
    a[second, first] = conjugate(a[second, first])
    a[[first, second], [first, second]] = a[[second, first], [second, first]]


def _factor(a: Any, pivots: Any, hermitian: bool) -> int:
    """Factor the lower triangle of one matrix in place; its first zero block, from 1, or 0."""
    info, k = 0, 0
    conjugate: Any = np.conj if hermitian else np.asarray
    while k < len(a):
        row, rows = _pivot(a, k, hermitian)
        if hermitian:
            a[k, k] = a[k, k].real
        if rows == 0:
            info, pivots[k], k = info or k + 1, k + 1, k + 1
            continue
        last = k + rows - 1
        if row != last:
            _exchange(a, last, row, k, conjugate)
        block, below = a[k : last + 1, k : last + 1], a[last + 1 :, k : last + 1]
        factors = below @ linalg.inv(_whole(block, conjugate))
        a[last + 1 :, last + 1 :] -= np.tril(factors @ conjugate(below).T)
        a[last + 1 :, k : last + 1] = factors
        pivots[k : last + 1] = row + 1 if rows == 1 else -row - 1
        k += rows
    return info


def _whole(lower: Any, conjugate: Any) -> Any:
    """The matrix whose lower triangle is given."""
    return np.tril(lower) + conjugate(np.tril(lower, -1)).T


def _factors(matrix: Any, hermitian: bool) -> tuple[Any, Any, Any]:
    size = matrix.shape[-1]
    factors = np.tril(matrix).reshape(-1, size, size) if matrix.size else matrix[None][:0]
    pivots = np.zeros((len(factors), size), np.int32)
    info = [_factor(a, p, hermitian) for a, p in zip(factors, pivots, strict=True)]
    lead = matrix.shape[:-2]
    infos: Any = np.array(info, np.int32) if info else np.zeros(prod(lead), np.int32)
    return factors.reshape(matrix.shape), pivots.reshape(*lead, size), infos.reshape(lead)


@kernel("aten::linalg_ldl_factor_ex.out")
def ldl_factor_ex(self: Any, hermitian: bool, check_errors: bool, *outs: Any) -> Any:
    """L and D in one matrix, the pivots, and for each matrix its first zero block."""
    factors, pivots, info = _factors(self, hermitian)
    if check_errors:
        checked("linalg.ldl_factor", info)
    return store(outs, factors, pivots, info)


@kernel("aten::linalg_ldl_factor.out")
def ldl_factor(self: Any, hermitian: bool, LD: Any, pivots: Any) -> Any:
    """`linalg_ldl_factor_ex` without the last result."""
    factors, exchanged, info = _factors(self, hermitian)
    checked("linalg.ldl_factor", info)
    return store((LD, pivots), factors, exchanged)


def _blocks(pivots: Any) -> list[tuple[int, int, int]]:
    """First and last row of each block, and the row that the last was exchanged with."""
    blocks: list[tuple[int, int, int]] = []
    k = 0
    while k < len(pivots):
        last = k if pivots[k] > 0 else k + 1
        blocks.append((k, last, abs(int(pivots[k])) - 1))
        k = last + 1
    return blocks


def _solve(a: Any, pivots: Any, x: Any, conjugate: Any) -> None:
    """Replace `x` by the solution for one matrix."""
    blocks = _blocks(pivots)
    for first, last, row in blocks:
        x[[last, row]] = x[[row, last]]
        part = slice(first, last + 1)
        x[last + 1 :] -= a[last + 1 :, part] @ x[part]
        x[part] = linalg.solve(_whole(a[part, part], conjugate), x[part])
    for first, last, row in reversed(blocks):
        part = slice(first, last + 1)
        x[part] -= conjugate(a[last + 1 :, part]).T @ x[last + 1 :]
        x[[last, row]] = x[[row, last]]


@kernel("aten::linalg_ldl_solve.out")
def ldl_solve(self: Any, pivots: Any, B: Any, hermitian: bool, out: Any) -> Any:
    """Solve `A X = B` with the factors of A; the batches broadcast."""
    lead = np.broadcast_shapes(self.shape[:-2], B.shape[:-2])
    result = np.array(np.broadcast_to(B, (*lead, *B.shape[-2:])))
    factors = np.broadcast_to(self, (*lead, *self.shape[-2:]))
    exchanged = np.broadcast_to(pivots, (*lead, pivots.shape[-1]))
    conjugate: Any = np.conj if hermitian else np.asarray
    try:
        for index in np.ndindex(*lead):
            _solve(factors[index], exchanged[index], result[index], conjugate)
    except np.linalg.LinAlgError:
        raise ProgramError("linalg.ldl_solve: a matrix is singular") from None
    return store((out,), result)
