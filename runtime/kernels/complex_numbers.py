"""Complex numbers and their parts; semantics of `torch.<name>`.

Arithmetic and functions of complex numbers are in the files of their families, views in view.py.
"""

from typing import Any

import numpy as np

from ..registry import kernel
from .copy import assign
from .elementwise import ufunc_kernel
from .shapes import broadcast, fit

ufunc_kernel("aten::_conj_copy.out", np.conjugate)
ufunc_kernel("aten::_conj_physical.out", np.conjugate)
ufunc_kernel("aten::_neg_view_copy.out", np.negative)


@kernel("aten::complex.out")
def make_complex(real: Any, imag: Any, out: Any) -> Any:
    """`real + i imag`."""
    out = fit(out, broadcast(real, imag))
    if out.dtype.kind != "c":  # complex32, whose parts numpy does not know
        parts = np.stack(np.broadcast_arrays(real, imag), axis=-1)
        out[...] = parts.view(out.dtype)[..., 0]
        return out
    out.real = real
    out.imag = imag
    return out


@kernel("aten::polar.out")
def polar(abs: Any, angle: Any, out: Any) -> Any:
    """`abs * (cos(angle) + i sin(angle))`."""
    out = fit(out, broadcast(abs, angle))
    out.real = abs * np.cos(angle)
    out.imag = abs * np.sin(angle)
    return out


@kernel("aten::angle.out")
def angle(self: Any, out: Any) -> Any:
    """The angle in the complex plane; of real numbers 0 or pi, of nan nan."""
    out = fit(out, self.shape)
    if self.dtype.kind == "c":
        assign(out, np.arctan2(self.imag, self.real))
    else:
        assign(out, np.where(np.isnan(self), self, np.where(self < 0, np.pi, 0)))
    return out
