"""The dtypes that kernels compute in, and PyTorch's type promotion for comparisons."""

from typing import Any

import ml_dtypes
import numpy as np

_CATEGORIES = {"b": 0, "i": 1, "u": 1, "f": 2, "V": 2, "c": 3}
_COMPUTE = {
    np.dtype(narrow): np.dtype(np.float32)
    for narrow in (
        np.float16,
        ml_dtypes.bfloat16,
        ml_dtypes.float8_e5m2,
        ml_dtypes.float8_e4m3fn,
        ml_dtypes.float8_e5m2fnuz,
        ml_dtypes.float8_e4m3fnuz,
    )
}


def compute_dtype(dtype: Any) -> Any:
    """The dtype in which values of `dtype` are computed: f32 for narrower floats, else itself."""
    return _COMPUTE.get(dtype, dtype)


def is_tensor(value: Any) -> bool:
    """Whether a kernel argument is a tensor, not a number."""
    return isinstance(value, np.ndarray)


def operand(value: Any, dtype: Any) -> Any:
    """A kernel argument as an array: tensors as they are, a Python number as 0-d of `dtype`."""
    if is_tensor(value):
        return value
    return np.array(value).astype(dtype)


def result_type(left: Any, right: Any) -> Any:
    """The dtype to which PyTorch promotes two arguments, tensors or Python numbers.

    Of two tensors of one category (bool, integer, float, complex) a 0-d one does not widen one with
    dimensions, and a number never widens a tensor; a float number makes integers f32.
    """
    if is_tensor(left) and is_tensor(right) and left.dtype == right.dtype:
        return left.dtype
    left_category, left_level, left_dtype = _rank(left)
    right_category, right_level, right_dtype = _rank(right)
    if left_category != right_category:
        return left_dtype if left_category > right_category else right_dtype
    if left_level != right_level:
        return left_dtype if left_level > right_level else right_dtype
    if left_dtype == right_dtype:
        return left_dtype
    if left_category == 2 and left_dtype.itemsize == right_dtype.itemsize:
        return np.dtype(np.float32)
    return np.promote_types(left_dtype, right_dtype)


def _rank(value: Any) -> tuple[int, int, Any]:
    if is_tensor(value):
        return _CATEGORIES[value.dtype.kind], 2 if value.ndim else 1, value.dtype
    if isinstance(value, bool):
        return 0, 0, np.dtype(np.bool_)
    return (1, 0, np.dtype(np.int64)) if isinstance(value, int) else (2, 0, np.dtype(np.float32))
