"""Cumulative sums, products and extremes along a dimension; semantics of `torch.<name>`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..registry import kernel
from .copy import assign
from .promotion import compute_dtype
from .shapes import dimension, fit

_np: Any = np  # whose stubs lose the dtypes

SCANS: dict[str, Any] = {"aten::cumsum.out": np.add, "aten::cumprod.out": np.multiply}


def _scan_kernel(name: str, ufunc: Any) -> None:
    @kernel(name)
    def call(self: Any, dim: int, dtype: Any, out: Any) -> Any:
        axis = dimension(dim, self.ndim)
        out = fit(out, self.shape)
        if self.ndim == 0:
            assign(out, self)
            return out
        _accumulate(ufunc, self, axis, out, np.empty(self.shape, _running_dtype(out)))
        return out

    @call.specialize
    def _(self: Any, dim: int, dtype: Any, out: Any) -> Callable[[], object] | None:
        if self.ndim == 0 or out.shape != self.shape:
            return None
        axis, running = dimension(dim, self.ndim), np.empty(self.shape, _running_dtype(out))
        return partial(_accumulate, ufunc, self, axis, out, running)


def _running_dtype(out: Any) -> Any:
    """One term on the other loses digits: f32 runs in f64 and f16, bf16 in f32, as in PyTorch."""
    return np.float64 if out.dtype == np.float32 else compute_dtype(out.dtype)


def _accumulate(ufunc: Any, self: Any, axis: int, out: Any, running: Any) -> None:
    # Cast before: numpy casts within an accumulation element by element.
    assign(running, self)
    ufunc.accumulate(running, axis=axis, out=running)
    assign(out, running)


for _name, _ufunc in SCANS.items():
    _scan_kernel(_name, _ufunc)


def _extreme_kernel(name: str, ufunc: Any, better: Any) -> None:
    @kernel(name)
    def call(self: Any, dim: int, values: Any, indices: Any) -> Any:
        axis = dimension(dim, self.ndim)
        values, indices = fit(values, self.shape), fit(indices, self.shape)
        if self.ndim == 0 or self.size == 0:
            assign(values, self)
            indices[...] = 0
            return values, indices
        line = np.moveaxis(self.astype(compute_dtype(self.dtype), copy=False), axis, -1)
        best = ufunc.accumulate(line, axis=-1)
        # The last of equal elements counts; nan stays the best, and the last nan counts.
        latest = better(line, best)
        if line.dtype.kind == "f":
            latest |= np.isnan(line)
        places = _np.where(latest, np.arange(line.shape[-1]), 0)
        assign(values, np.moveaxis(best, -1, axis))
        assign(indices, np.moveaxis(np.maximum.accumulate(places, axis=-1), -1, axis))
        return values, indices


_extreme_kernel("aten::cummax.out", np.maximum, np.greater_equal)
_extreme_kernel("aten::cummin.out", np.minimum, np.less_equal)


@kernel("aten::logcumsumexp.out")
def logcumsumexp(self: Any, dim: int, out: Any) -> Any:
    """log(cumsum(exp(self))), without overflow."""
    axis = dimension(dim, self.ndim)
    out = fit(out, self.shape)
    if self.ndim == 0 or self.dtype.kind == "c":
        total = self if self.ndim == 0 else _complex_logcumsumexp(self, axis)
        assign(out, total)
        return out
    running = np.float64 if out.dtype == np.float32 else compute_dtype(out.dtype)
    assign(out, np.logaddexp.accumulate(self, axis=axis, dtype=running))
    return out


def _complex_logcumsumexp(self: Any, axis: int) -> Any:
    peak = np.maximum.reduce(self.real, axis=axis, keepdims=True, initial=-np.inf)
    peak = np.where(np.isfinite(peak), peak, 0)
    powers = np.exp(self.astype(np.complex128) - peak)
    return np.log(np.add.accumulate(powers, axis=axis)) + peak
