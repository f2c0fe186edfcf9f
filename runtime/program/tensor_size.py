"""How many bytes a tensor of the format takes."""

from math import prod

from ..dtypes import SCALAR_TYPES
from .schema import Tensor

ITEM_SIZES: dict[int, int] = {
    # What the format numbers but no kernel of ours computes with: the quantized types and the
    # bit types.
    12: 1,
    13: 1,
    14: 4,
    16: 1,
    17: 1,
    18: 1,
    19: 1,
    20: 1,
    21: 1,
    22: 2,
} | {t.code: t.dtype.itemsize for t in SCALAR_TYPES}
"""Bytes of one element, by scalar type number; a number that is not here is no scalar type."""


def tensor_nbytes(tensor: Tensor) -> int:
    """The bytes that a tensor's stored sizes (the upper bound of a dynamic one) take.

    Its scalar type must be one of `ITEM_SIZES`.
    """
    return prod(tensor.sizes) * ITEM_SIZES[tensor.scalar_type]
