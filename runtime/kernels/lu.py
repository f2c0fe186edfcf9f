"""LU factors with pivots, and what is solved with them; semantics of `torch.linalg.<name>`.

numpy solves and inverts, but does not show its LU factors: these are computed column by column,
over all matrices of the batch at once. Pivots count from 1 and say with which row each one was
exchanged.
"""

from math import prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .linear_algebra import adjoint, checked, linalg, store

_np: Any = np  # whose stubs lose the dtypes


def lu_factor(matrix: Any, pivot: bool = True) -> tuple[Any, Any, Any]:
    """L and U in one matrix, the pivots, and the first zero pivot, from 1, or 0."""
    rows, columns = matrix.shape[-2:]
    lu = matrix.reshape(prod(matrix.shape[:-2]), rows, columns).copy()
    batch, count = np.arange(len(lu)), min(rows, columns)
    pivots = np.broadcast_to(np.arange(1, count + 1, dtype=np.int32), (len(lu), count)).copy()
    info = _np.zeros(len(lu), np.int32)
    for k in range(count):
        if pivot:
            # As LAPACK's izamax does, complex numbers are measured by |re| + |im|.
            column = lu[:, k:, k]
            size = np.abs(column.real) + np.abs(column.imag)
            best = k + np.argmax(size, axis=1)
            pivots[:, k] = best + 1
            top = lu[batch, k].copy()
            lu[batch, k] = lu[batch, best]
            lu[batch, best] = top
        diagonal = lu[:, k, k]
        np.copyto(info, k + 1, where=(info == 0) & (diagonal == 0))
        lu[:, k + 1 :, k] /= np.where(diagonal == 0, 1, diagonal)[:, None]
        lu[:, k + 1 :, k + 1 :] -= lu[:, k + 1 :, k, None] * lu[:, k, None, k + 1 :]
    lead = matrix.shape[:-2]
    return lu.reshape(matrix.shape), pivots.reshape(*lead, count), info.reshape(lead)


def _turned(matrix: Any) -> Any:
    """What eager factors where it only wants to solve: of real matrices the transpose."""
    return matrix if matrix.dtype.kind == "c" else matrix.swapaxes(-1, -2)


def _permutation(pivots: Any, rows: int) -> Any:
    """The order of rows [.., rows] that the exchanges lead to."""
    flat = pivots.reshape(prod(pivots.shape[:-1]), pivots.shape[-1])
    order = np.broadcast_to(np.arange(rows), (len(flat), rows)).copy()
    batch = np.arange(len(flat))
    for k in range(flat.shape[1]):
        other = flat[:, k] - 1
        first = order[batch, k].copy()
        order[batch, k] = order[batch, other]
        order[batch, other] = first
    return order.reshape(*pivots.shape[:-1], rows)


def _permutation_matrix(pivots: Any, rows: int, dtype: Any) -> Any:
    """P of `A = P L U`."""
    order = _permutation(pivots, rows)
    return (np.arange(rows)[:, None] == order[..., None, :]).astype(dtype)


def _unpack(lu: Any) -> tuple[Any, Any]:
    rows, columns = lu.shape[-2:]
    count = min(rows, columns)
    lower = np.tril(lu[..., :count], -1) + np.eye(rows, count, dtype=lu.dtype)
    return lower, np.triu(lu[..., :count, :])


@kernel("aten::linalg_lu_factor_ex.out")
def linalg_lu_factor_ex(A: Any, pivot: bool, check_errors: bool, *outs: Any) -> Any:
    """The factors in one matrix, the pivots, and for each matrix its first zero pivot."""
    lu, pivots, info = lu_factor(A, pivot)
    if check_errors:
        checked("linalg.lu_factor", info)
    return store(outs, lu, pivots, info)


@kernel("aten::linalg_lu_factor.out")
def linalg_lu_factor(A: Any, pivot: bool, LU: Any, pivots: Any) -> Any:
    """`linalg_lu_factor_ex` without the last result."""
    lu, exchanged, info = lu_factor(A, pivot)
    checked("linalg.lu_factor", info)
    return store((LU, pivots), lu, exchanged)


@kernel("aten::linalg_lu.out")
def linalg_lu(A: Any, pivot: bool, P: Any, L: Any, U: Any) -> Any:
    """`A = P L U`; P is empty without pivoting."""
    lu, pivots, _ = lu_factor(A, pivot)
    order = _permutation_matrix(pivots, A.shape[-2], A.dtype) if pivot else np.empty(0, A.dtype)
    return store((P, L, U), order, *_unpack(lu))


@kernel("aten::lu_unpack.out")
def lu_unpack(
    LU_data: Any, LU_pivots: Any, unpack_data: bool, unpack_pivots: bool, *outs: Any
) -> Any:
    """P, L and U of factors in one matrix; those that are not asked for are empty."""
    empty = np.empty(0, LU_data.dtype)
    lower, upper = _unpack(LU_data) if unpack_data else (empty, empty)
    order = empty
    if unpack_pivots:
        order = _permutation_matrix(LU_pivots, LU_data.shape[-2], LU_data.dtype)
    return store(outs, order, lower, upper)


def _matrix(lu: Any, pivots: Any) -> Any:
    """The matrix whose factors are given."""
    lower, upper = _unpack(lu)
    return _permutation_matrix(pivots, lu.shape[-2], lu.dtype) @ lower @ upper


@kernel("aten::linalg_lu_solve.out")
def linalg_lu_solve(LU: Any, pivots: Any, B: Any, left: bool, adjoint: bool, out: Any) -> Any:
    """Solve `A X = B`, or `X A = B`, with the factors of A, or of its adjoint."""
    matrix = _matrix(LU, pivots)
    return store((out,), _solve(_adjoint(matrix) if adjoint else matrix, B, left))


_adjoint = adjoint


def _solve(matrix: Any, right: Any, left: bool) -> Any:
    """`X` of `matrix X = right`, or of `X matrix = right`; the batches broadcast."""
    try:
        if left:
            return linalg.solve(matrix, right)
        return linalg.solve(matrix.swapaxes(-1, -2), right.swapaxes(-1, -2)).swapaxes(-1, -2)
    except np.linalg.LinAlgError:
        raise ProgramError("linalg.solve: a matrix is singular") from None


def _solve_any(matrix: Any, right: Any, left: bool) -> Any:
    """`_solve` for a vector, or a batch of them, too."""
    shape = matrix.shape[:-1]
    vector = right.ndim == 1 or (right.ndim == matrix.ndim - 1 and right.shape == shape)
    if not vector:
        return _solve(matrix, right, left)
    return _solve(matrix, right[..., None], True)[..., 0]


@kernel("aten::linalg_solve.out")
def linalg_solve(A: Any, B: Any, left: bool, out: Any) -> Any:
    """`X` of `A X = B`, or of `X A = B`."""
    return store((out,), _solve_any(A, B, left))


@kernel("aten::_linalg_solve_ex.result")
def linalg_solve_ex(A: Any, B: Any, left: bool, check_errors: bool, *outs: Any) -> Any:
    """The solution, the factors of A, their pivots, and for each matrix its first zero pivot."""
    lu, pivots, info = lu_factor(_turned(A))
    if check_errors:
        checked("linalg.solve", info)
    if info.any():
        result = np.full(np.broadcast_shapes(B.shape), np.nan, B.dtype)
    else:
        result = _solve_any(A, B, left)
    return store(outs, result, lu, pivots, info)


def _inverse(matrix: Any) -> tuple[Any, Any]:
    info = np.zeros(matrix.shape[:-2], np.int32)
    try:
        return linalg.inv(matrix), info
    except np.linalg.LinAlgError:
        info = lu_factor(matrix)[2]
        fine = np.where((info == 0)[..., None, None], matrix, np.eye(matrix.shape[-1]))
        return np.where((info == 0)[..., None, None], linalg.inv(fine), np.nan), info


@kernel("aten::linalg_inv_ex.inverse")
def linalg_inv_ex(A: Any, check_errors: bool, inverse: Any, info: Any) -> Any:
    """The inverse, and for each matrix its first zero pivot."""
    result, failed = _inverse(A)
    if check_errors:
        checked("linalg.inv", failed)
    return store((inverse, info), result, failed)


@kernel("aten::linalg_inv.out")
def linalg_inv(A: Any, out: Any) -> Any:
    """The inverse."""
    result, failed = _inverse(A)
    checked("linalg.inv", failed)
    return store((out,), result)


@kernel("aten::_linalg_det.result")
def linalg_det(A: Any, *outs: Any) -> Any:
    """The determinant, and the factors it comes from."""
    lu, pivots, _ = lu_factor(_turned(A))
    return store(outs, linalg.det(A), lu, pivots)


@kernel("aten::_linalg_slogdet.sign")
def linalg_slogdet(A: Any, *outs: Any) -> Any:
    """Sign and logarithm of the determinant, and the factors they come from."""
    lu, pivots, _ = lu_factor(_turned(A))
    return store(outs, *linalg.slogdet(A), lu, pivots)


def _triangle(matrix: Any, upper: bool, unit: bool) -> Any:
    part = np.triu(matrix) if upper else np.tril(matrix)
    if unit:
        places: Any = _np.arange(matrix.shape[-1])
        part[..., places, places] = 1
    return part


@kernel("aten::linalg_solve_triangular.out")
def linalg_solve_triangular(
    self: Any, B: Any, upper: bool, left: bool, unitriangular: bool, out: Any
) -> Any:
    """`X` of `A X = B`, or of `X A = B`, with one triangle of A."""
    return store((out,), _solve(_triangle(self, upper, unitriangular), B, left))


@kernel("aten::triangular_solve.X")
def triangular_solve(
    self: Any, A: Any, upper: bool, transpose: bool, unitriangular: bool, X: Any, M: Any
) -> Any:
    """`X` of `A X = self` with one triangle of A, and a copy of A."""
    part = _triangle(A, upper, unitriangular)
    solution = _solve(part.swapaxes(-1, -2) if transpose else part, self, True)
    shape = np.broadcast_shapes(A.shape[:-2], self.shape[:-2])
    return store((X, M), solution, np.broadcast_to(A, (*shape, *A.shape[-2:])))
