"""Matrix products of quantized weights; semantics of PyTorch's operators of the same name."""

from typing import Any

import numpy as np

from ..registry import kernel
from .matmul import product_shape
from .promotion import compute_dtype
from .shapes import fit


@kernel("aten::_int_mm.out")
def int_mm(self: Any, mat2: Any, out: Any) -> Any:
    """The product of i8 matrices in i32, exact in f64, for which there is BLAS."""
    out = fit(out, product_shape(self, mat2))
    np.copyto(out, np.matmul(*(x.astype(np.float64) for x in (self, mat2))), casting="unsafe")
    return out


@kernel("aten::_weight_int8pack_mm.out")
def weight_int8pack_mm(self: Any, mat2: Any, scales: Any, out: Any) -> Any:
    """`self @ mat2.T`, of an i8 weight whose rows are scaled."""
    dtype = compute_dtype(self.dtype)
    left, right, factors = (x.astype(dtype, copy=False) for x in (self, mat2.T, scales))
    out = fit(out, product_shape(self, mat2.T))
    np.copyto(out, np.matmul(left, right) * factors, casting="unsafe")
    return out
