"""Decompositions and inverses that numpy has; semantics of `torch.linalg.<name>`.

Matrices are the last two dimensions, the others are a batch. numpy computes with the same LAPACK
routines as eager; signs and phases of singular and eigenvectors may differ, as they may there.
"""

from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .copy import assign
from .shapes import fit

_np: Any = np  # whose stubs lose the dtypes

linalg: Any = np.linalg


def adjoint(matrix: Any) -> Any:
    """The conjugate transpose."""
    return matrix.swapaxes(-1, -2).conj()


def store(outs: tuple[Any, ...], *results: Any) -> Any:
    """Write results to the outs; the outs, or new arrays where they do not fit."""
    stored: list[Any] = []
    for out, result in zip(outs, results, strict=True):
        result = np.asarray(result)
        target = fit(out, result.shape)
        assign(target, result)
        stored.append(target)
    return tuple(stored) if len(stored) > 1 else stored[0]


def checked(name: str, info: Any) -> None:
    """ProgramError for a matrix that could not be decomposed; `info` counts from 1, 0 is well."""
    failed = np.flatnonzero(info)
    if failed.size:
        raise ProgramError(
            f"{name}: matrix {failed[0]} of the batch is singular or not positive-definite "
            f"(at its row {info.reshape(-1)[failed[0]]})"
        )


@kernel("aten::_linalg_svd.U")
def svd(A: Any, full_matrices: bool, compute_uv: bool, driver: Any, *outs: Any) -> Any:
    """Singular values, and vectors where they are asked for."""
    if not compute_uv:
        values = linalg.svd(A, compute_uv=False)
        return store(outs, np.empty(0, A.dtype), values, np.empty(0, A.dtype))
    return store(outs, *linalg.svd(A, full_matrices=full_matrices))


@kernel("aten::linalg_qr.out")
def qr(A: Any, mode: str, Q: Any, R: Any) -> Any:
    """An orthogonal and an upper triangular factor, or with mode "r" the latter alone."""
    if mode == "r":
        return store((Q, R), np.empty(0, A.dtype), linalg.qr(A, "r"))
    return store((Q, R), *linalg.qr(A, mode))


@kernel("aten::_linalg_eigh.eigenvalues")
def eigh(A: Any, UPLO: str, compute_v: bool, values: Any, vectors: Any) -> Any:
    """Eigenvalues, and vectors, of the Hermitian matrix that one triangle gives."""
    if not compute_v:
        return store((values, vectors), linalg.eigvalsh(A, UPLO.upper()), np.empty(0, A.dtype))
    return store((values, vectors), *linalg.eigh(A, UPLO.upper()))


@kernel("aten::linalg_eig.out")
def eig(self: Any, values: Any, vectors: Any) -> Any:
    """Complex eigenvalues and vectors of any square matrix."""
    return store((values, vectors), *linalg.eig(self))


@kernel("aten::linalg_eigvals.out")
def eigvals(self: Any, out: Any) -> Any:
    """The eigenvalues alone."""
    return store((out,), linalg.eigvals(self))


def cholesky_factor(matrix: Any, upper: bool) -> tuple[Any, Any]:
    """The Cholesky factors of a batch; those of indefinite matrices as far as they go, and where.

    Like LAPACK, only one triangle is read.
    """
    source = adjoint(matrix) if upper else matrix
    lower = np.tril(source)
    info = np.zeros(matrix.shape[:-2], np.int32)
    try:
        # numpy reads the lower triangle only.
        factor = linalg.cholesky(lower)
    except np.linalg.LinAlgError:
        factor, info = _column_cholesky(lower)
    return (adjoint(factor) if upper else factor), info


def _column_cholesky(lower: Any) -> tuple[Any, Any]:
    """Column by column, over all matrices of the batch at once, up to the first bad pivot."""
    factor = lower.copy()
    info = np.zeros(lower.shape[:-2], np.int32)
    for k in range(lower.shape[-1]):
        pivot = factor[..., k, k].real
        info = np.where((info == 0) & ~(pivot > 0), k + 1, info).astype(np.int32)
        going = info == 0
        root = _np.sqrt(_np.where(going, pivot, 1.0))
        column = _np.where(
            going[..., None], factor[..., k:, k] / root[..., None], factor[..., k:, k]
        )
        factor[..., k:, k] = column
        below = column[..., 1:]
        update = below[..., :, None] * below[..., None, :].conj()
        factor[..., k + 1 :, k + 1 :] -= np.where(going[..., None, None], np.tril(update), 0)
    return factor, info


@kernel("aten::linalg_cholesky_ex.L")
def cholesky_ex(self: Any, upper: bool, check_errors: bool, L: Any, info: Any) -> Any:
    """The Cholesky factor, and for each matrix where it failed."""
    factor, failed = cholesky_factor(self, upper)
    if check_errors:
        checked("linalg.cholesky", failed)
    return store((L, info), factor, failed)


def _cholesky(self: Any, upper: bool, out: Any) -> Any:
    factor, failed = cholesky_factor(self, upper)
    checked("linalg.cholesky", failed)
    return store((out,), factor)


kernel("aten::linalg_cholesky.out")(_cholesky)
kernel("aten::cholesky.out")(_cholesky)


@kernel("aten::cholesky_inverse.out")
def cholesky_inverse(self: Any, upper: bool, out: Any) -> Any:
    """The inverse of the matrix whose Cholesky factor is given."""
    factor = adjoint(np.triu(self)) if upper else np.tril(self)
    return store((out,), linalg.inv(factor @ adjoint(factor)))


@kernel("aten::cholesky_solve.out")
def cholesky_solve(self: Any, input2: Any, upper: bool, out: Any) -> Any:
    """Solve for the right side `self` with the matrix whose Cholesky factor is `input2`."""
    factor = adjoint(np.triu(input2)) if upper else np.tril(input2)
    return store((out,), linalg.solve(adjoint(factor), linalg.solve(factor, self)))


@kernel("aten::linalg_pinv.atol_rtol_tensor_out")
def pinv(self: Any, atol: Any, rtol: Any, hermitian: bool, out: Any) -> Any:
    """The pseudo-inverse; singular values up to max(atol, rtol * the largest) count as 0."""
    if 0 in self.shape:
        return store((out,), np.zeros((*self.shape[:-2], *self.shape[:-3:-1]), self.dtype))
    if hermitian:
        values, left = linalg.eigh(self)
        right = adjoint(left)
    else:
        left, values, right = linalg.svd(self, full_matrices=False)
    size = np.abs(values)
    largest = size.max(axis=-1)
    if rtol is None:
        precision = np.finfo(self.dtype).eps * max(self.shape[-2:])
        rtol = np.where((0 if atol is None else np.asarray(atol)) > 0, 0.0, precision)
    limit = np.maximum(0.0 if atol is None else atol, np.asarray(rtol) * largest)
    limit = np.broadcast_to(limit, largest.shape)[..., None]
    inverse = np.where(size > limit, 1 / np.where(values == 0, 1, values), 0).astype(values.dtype)
    result = (adjoint(right) * inverse[..., None, :]) @ adjoint(left)
    return store((out,), result)


@kernel("aten::linalg_lstsq.out")
def lstsq(self: Any, b: Any, rcond: float | None, driver: Any, *outs: Any) -> Any:
    """Least squares by the pseudo-inverse, and the residuals, ranks and singular values."""
    limit = np.finfo(self.dtype).eps * max(self.shape[-2:]) if rcond is None else rcond
    vector = b.ndim == self.ndim - 1
    right = b[..., None] if vector else b
    solution = linalg.pinv(self, limit) @ right
    values = linalg.svd(self, compute_uv=False)
    rank = np.count_nonzero(values > limit * values[..., :1], axis=-1)
    rows, columns = self.shape[-2:]
    residuals = np.empty(0, self.real.dtype)
    if rows > columns and (rank == columns).all():
        residuals = (np.abs(self @ solution - right) ** 2).sum(axis=-2)
    svd_driver = driver in ("gelsd", "gelss")
    return store(
        outs,
        solution[..., 0] if vector else solution,
        np.empty(0, self.real.dtype) if driver == "gelsy" else residuals,
        np.empty(0, np.int64) if driver == "gels" else rank,
        values if svd_driver else np.empty(0, self.real.dtype),
    )


@kernel("aten::linalg_matrix_exp.out")
def matrix_exp(self: Any, out: Any) -> Any:
    """The exponential, by a Taylor series of the scaled matrix and repeated squaring."""
    if self.size == 0:
        return store((out,), self)
    norm = float(np.abs(self).sum(axis=-2).max())
    squarings = max(0, int(np.ceil(np.log2(norm))) + 3) if 0 < norm < np.inf else 0
    wide = np.complex128 if self.dtype.kind == "c" else np.float64
    scaled = self.astype(wide) / 2.0**squarings
    identity = np.eye(self.shape[-1], dtype=wide)
    result = np.broadcast_to(identity, self.shape)
    for n in range(18, 0, -1):
        result = identity + scaled @ result / n
    for _ in range(squarings):
        result = result @ result
    return store((out,), result)
