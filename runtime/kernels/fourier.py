"""Discrete Fourier transforms over some dimensions, semantics of `torch.fft`.

`normalization` is PyTorch's code: 0 nothing, 1 divides by the root of the number of elements that
are transformed, 2 by that number.
"""

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

import numpy as np

from ..registry import kernel
from .shapes import dimensions, fit


def _normalized(result: Any, sizes: Sequence[int], normalization: int, out: Any) -> Any:
    """Put `result`, a sum without a factor, into `out` with the factor."""
    out = fit(out, result.shape)
    count = prod(sizes)
    factor = {0: 1.0, 1: sqrt(count), 2: float(count)}[normalization]
    np.copyto(out, result if factor == 1 else result / result.dtype.type(factor))
    return out


@kernel("aten::_fft_r2c.out")
def fft_r2c(self: Any, dim: Any, normalization: int, onesided: bool, out: Any) -> Any:
    """Of real numbers; `onesided` leaves out the second half of the last of `dim`."""
    axes = dimensions(dim, self.ndim)
    if self.size == 0:
        result = np.zeros(out.shape, out.dtype)
    else:
        result = (np.fft.rfftn if onesided else np.fft.fftn)(self, axes=axes)
    return _normalized(result, [self.shape[axis] for axis in axes], normalization, out)


@kernel("aten::_fft_c2r.out")
def fft_c2r(self: Any, dim: Any, normalization: int, last_dim_size: int, out: Any) -> Any:
    """The inverse of the onesided `_fft_r2c`; the last of `dim` gets `last_dim_size` elements."""
    axes = dimensions(dim, self.ndim)
    sizes = [*(self.shape[axis] for axis in axes[:-1]), last_dim_size]
    if 0 in self.shape:
        result = np.zeros(out.shape, out.dtype)
    else:
        # In this order: numpy too transforms the last axis last, where imaginary parts are dropped.
        result = np.fft.irfftn(self, s=sizes, axes=axes, norm="forward")
    return _normalized(result, sizes, normalization, out)


@kernel("aten::_fft_c2c.out")
def fft_c2c(self: Any, dim: Any, normalization: int, forward: bool, out: Any) -> Any:
    """Of complex numbers, forward or back."""
    if not dim or self.size == 0:
        out = fit(out, self.shape)
        np.copyto(out, self)
        return out
    axes = dimensions(dim, self.ndim)
    if forward:
        result = np.fft.fftn(self, axes=axes)
    else:
        result = np.fft.ifftn(self, axes=axes, norm="forward")
    return _normalized(result, [self.shape[axis] for axis in axes], normalization, out)
