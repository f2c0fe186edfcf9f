"""Scalar types: the format's numbers, their names in the IR and their numpy dtypes."""

from dataclasses import dataclass

import ml_dtypes
import numpy as np


@dataclass(frozen=True)
class ScalarType:
    """One scalar type: `code` in the program format, `name` as IR and messages spell it."""

    code: int
    name: str
    dtype: np.dtype


SCALAR_TYPES: tuple[ScalarType, ...] = (
    ScalarType(0, "ui8", np.dtype(np.uint8)),
    ScalarType(1, "i8", np.dtype(np.int8)),
    ScalarType(2, "i16", np.dtype(np.int16)),
    ScalarType(3, "i32", np.dtype(np.int32)),
    ScalarType(4, "i64", np.dtype(np.int64)),
    ScalarType(5, "f16", np.dtype(np.float16)),
    ScalarType(6, "f32", np.dtype(np.float32)),
    ScalarType(7, "f64", np.dtype(np.float64)),
    ScalarType(8, "complex<f16>", np.dtype(ml_dtypes.complex32)),
    ScalarType(9, "complex<f32>", np.dtype(np.complex64)),
    ScalarType(10, "complex<f64>", np.dtype(np.complex128)),
    ScalarType(11, "i1", np.dtype(np.bool_)),
    ScalarType(15, "bf16", np.dtype(ml_dtypes.bfloat16)),
    ScalarType(23, "f8E5M2", np.dtype(ml_dtypes.float8_e5m2)),
    ScalarType(24, "f8E4M3FN", np.dtype(ml_dtypes.float8_e4m3fn)),
    ScalarType(25, "f8E5M2FNUZ", np.dtype(ml_dtypes.float8_e5m2fnuz)),
    ScalarType(26, "f8E4M3FNUZ", np.dtype(ml_dtypes.float8_e4m3fnuz)),
    ScalarType(27, "ui16", np.dtype(np.uint16)),
    ScalarType(28, "ui32", np.dtype(np.uint32)),
    ScalarType(29, "ui64", np.dtype(np.uint64)),
)
"""Every scalar type that a tensor may have; the numbers are those of c10::ScalarType."""

BY_CODE = {t.code: t for t in SCALAR_TYPES}
BY_NAME = {t.name: t for t in SCALAR_TYPES}
BY_DTYPE = {t.dtype: t for t in SCALAR_TYPES}
