"""Between the IR's element types and the format's scalar type numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from xdsl.dialects.builtin import (
    ComplexType,
    IntegerType,
    Signedness,
    bf16,
    f8E4M3FN,
    f8E4M3FNUZ,
    f8E5M2,
    f8E5M2FNUZ,
    f16,
    f32,
    f64,
)
from xdsl.ir import Attribute

from ..dialects.raw_type import RAW_ELEMENTS, RawType
from ..runtime.dtypes import BY_CODE, BY_NAME
from ..runtime.program.tensor_size import ITEM_SIZES

ELEMENTS: Mapping[int, Attribute] = {
    BY_NAME[str(element)].code: element
    for element in (
        *(IntegerType(bits, Signedness.UNSIGNED) for bits in (8, 16, 32, 64)),
        *(IntegerType(bits) for bits in (1, 8, 16, 32, 64)),
        *(f16, f32, f64, bf16, *map(ComplexType, (f16, f32, f64))),
        *(f8E5M2, f8E4M3FN, f8E5M2FNUZ, f8E4M3FNUZ),
    )
} | {raw.code: RawType(name) for name, raw in RAW_ELEMENTS.items()}
"""The element type of every scalar type number."""


def scalar_code(element: Attribute) -> int | None:
    """The scalar type number of an element type, None where the format has none."""
    if isinstance(element, RawType):
        return element.code
    known = BY_NAME.get(str(element))
    return None if known is None else known.code


def stored_dtype(code: int) -> np.dtype[np.generic]:
    """The dtype in which weights files hold a scalar type: bare bytes for what they do not know."""
    known = BY_CODE.get(code)
    if known is None or known.name.endswith("FNUZ"):
        return np.dtype(f"u{ITEM_SIZES[code]}")
    return known.dtype
