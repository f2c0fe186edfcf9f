"""Cumulative sums and products along a dimension; semantics of `torch.cumsum`, `torch.cumprod`."""

from typing import Any

import numpy as np

from ..registry import kernel
from .copy import assign
from .promotion import compute_dtype
from .shapes import dimension, fit

SCANS: dict[str, Any] = {"aten::cumsum.out": np.add, "aten::cumprod.out": np.multiply}


def _scan_kernel(name: str, ufunc: Any) -> None:
    @kernel(name)
    def call(self: Any, dim: int, dtype: Any, out: Any) -> Any:
        axis = dimension(dim, self.ndim)
        out = fit(out, self.shape)
        if self.ndim == 0:
            assign(out, self)
            return out
        # One term on the other loses digits: f32 runs in f64 and f16, bf16 in f32, as in PyTorch.
        running = np.float64 if out.dtype == np.float32 else compute_dtype(out.dtype)
        assign(out, ufunc.accumulate(self, axis=axis, dtype=running))
        return out


for _name, _ufunc in SCANS.items():
    _scan_kernel(_name, _ufunc)
