"""Inputs as numpy arrays: from numpy, PyTorch, and whatever speaks DLPack or `__array__`."""

import sys
from typing import Any, cast

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_NUMPY = (np.ndarray, np.generic)
BIT_PATTERNS = {
    "bfloat16": ("int16", ml_dtypes.bfloat16),
    "complex32": ("int32", ml_dtypes.complex32),
    "float8_e4m3fn": ("uint8", ml_dtypes.float8_e4m3fn),
    "float8_e4m3fnuz": ("uint8", ml_dtypes.float8_e4m3fnuz),
    "float8_e5m2": ("uint8", ml_dtypes.float8_e5m2),
    "float8_e5m2fnuz": ("uint8", ml_dtypes.float8_e5m2fnuz),
}
"""torch dtypes that numpy has not: the torch dtype to view them as, and the ml_dtypes one."""


def to_array(value: Any) -> Array:
    """`value` as an array, without a copy where its memory can be shared.

    Takes numpy arrays and scalars, torch tensors (detached, brought to the CPU; bfloat16 and
    float8 become the ml_dtypes ones), objects with `__dlpack__` or `__array__`, and whatever
    `numpy.asarray` makes numbers of. Raises TypeError, with a message for the user, for the rest.
    """
    if isinstance(value, _NUMPY):
        return np.asarray(cast(Any, value))
    # A caller who has a tensor has imported torch; this file must not.
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _from_torch(torch, value)
    if hasattr(value, "__dlpack__"):
        try:
            return np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError) as error:
            if not hasattr(value, "__array__"):
                raise TypeError(f"a {_name(value)} that numpy cannot read: {error}") from error
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise TypeError(f"a {_name(value)} that is no tensor: {error}") from error
    if array.dtype.kind not in "biufcV":
        raise TypeError(f"a {_name(value)}, which is no tensor")
    return array


def _from_torch(torch: Any, tensor: Any) -> Array:
    try:
        return tensor.numpy()
    except (RuntimeError, TypeError):
        # Not plain memory of the CPU, or of a dtype that numpy has not.
        pass
    name = str(tensor.dtype).removeprefix("torch.")
    try:
        tensor = tensor.detach().cpu().resolve_conj().resolve_neg()
        if name in BIT_PATTERNS:
            bits, dtype = BIT_PATTERNS[name]
            return tensor.view(getattr(torch, bits)).numpy().view(dtype)
        return tensor.numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise TypeError(f"a tensor ({name}, {tensor.layout}) without plain values") from error


def _name(value: Any) -> str:
    return type(value).__name__
