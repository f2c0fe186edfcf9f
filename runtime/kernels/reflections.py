"""Householder reflections, of which a QR decomposition consists; semantics of `torch.<name>`.

Reflection k is `I - tau[k] v v*`; v is column k of a matrix below the diagonal, 1 on it, 0 above.
"""

from typing import Any

import numpy as np

from ..registry import kernel
from .linear_algebra import linalg, store

_np: Any = np  # whose stubs lose the dtypes


@kernel("aten::geqrf.a")
def geqrf(self: Any, a: Any, tau: Any) -> Any:
    """R in the upper triangle, the reflections below it, and their factors."""
    if self.size == 0:
        return store((a, tau), self, np.zeros((*self.shape[:-2], min(self.shape[-2:])), self.dtype))
    columns, factors = linalg.qr(self, "raw")
    return store((a, tau), columns.swapaxes(-1, -2), factors)


def _direction(reflections: Any, k: int) -> Any:
    """The vector v of reflection k as a column."""
    rows = reflections.shape[-2]
    v = _np.where(_np.arange(rows) < k, 0, reflections[..., k]).astype(reflections.dtype)
    v[..., k] = 1
    return v[..., None]


@kernel("aten::linalg_householder_product.out")
def householder_product(input: Any, tau: Any, out: Any) -> Any:
    """The first columns of the product of the reflections."""
    rows, columns = input.shape[-2:]
    result = np.broadcast_to(np.eye(rows, columns, dtype=input.dtype), input.shape).copy()
    for k in reversed(range(tau.shape[-1])):
        v = _direction(input, k)
        result = result - tau[..., k, None, None] * v * (v.conj().swapaxes(-1, -2) @ result)
    return store((out,), result)


@kernel("aten::ormqr.out")
def ormqr(self: Any, input2: Any, input3: Any, left: bool, transpose: bool, out: Any) -> Any:
    """`Q input3`, or `input3 Q` unless `left`; Q, or its adjoint, is the product of all
    reflections of `self` with the factors `input2`."""
    result = input3 if left else input3.swapaxes(-1, -2).conj()
    order = range(input2.shape[-1])
    # From the right, (C Q)* = Q* C*: what is transposed is not, and the other way round.
    adjoint = transpose == left
    for k in order if adjoint else reversed(order):
        v = _direction(self, k)
        factor = input2[..., k, None, None]
        factor = factor.conj() if adjoint else factor
        result = result - factor * v * (v.conj().swapaxes(-1, -2) @ result)
    return store((out,), result if left else result.swapaxes(-1, -2).conj())
