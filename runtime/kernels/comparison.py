"""Comparisons and logical connectives: two tensors or a tensor and a number, to bool (or `out`).

The operands are compared in the dtype to which PyTorch promotes them: i64 against an f32 tensor in
f32, where numpy would take f64.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..registry import kernel
from .promotion import operand, result_type
from .shapes import broadcast, fit

COMPARISONS: dict[str, Any] = {
    "aten::eq.Tensor_out": np.equal,
    "aten::eq.Scalar_out": np.equal,
    "aten::ne.Tensor_out": np.not_equal,
    "aten::ne.Scalar_out": np.not_equal,
    "aten::lt.Tensor_out": np.less,
    "aten::lt.Scalar_out": np.less,
    "aten::le.Tensor_out": np.less_equal,
    "aten::le.Scalar_out": np.less_equal,
    "aten::gt.Tensor_out": np.greater,
    "aten::gt.Scalar_out": np.greater,
    "aten::ge.Tensor_out": np.greater_equal,
    "aten::ge.Scalar_out": np.greater_equal,
    "aten::logical_and.out": np.logical_and,
    "aten::logical_or.out": np.logical_or,
    "aten::logical_xor.out": np.logical_xor,
}


def _comparison_kernel(name: str, ufunc: Any) -> None:
    @kernel(name)
    def call(self: Any, other: Any, out: Any) -> Any:
        dtype = result_type(self, other)
        left, right = operand(self, dtype), operand(other, dtype)
        out = fit(out, broadcast(left, right))
        ufunc(left, right, out=out, signature=(dtype, dtype, np.bool_), casting="unsafe")
        return out

    @call.specialize
    def _(self: Any, other: Any, out: Any) -> Callable[[], object] | None:
        dtype = result_type(self, other)
        left, right = operand(self, dtype), operand(other, dtype)
        if out.shape != broadcast(left, right):
            return None
        if left.dtype == right.dtype == dtype and out.dtype == np.bool_:
            return partial(ufunc, left, right, out)
        signature = (dtype, dtype, np.bool_)
        return partial(ufunc, left, right, out, signature=signature, casting="unsafe")


for _name, _ufunc in COMPARISONS.items():
    _comparison_kernel(_name, _ufunc)
