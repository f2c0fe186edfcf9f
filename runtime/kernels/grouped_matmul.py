"""Matrix products whose groups of rows or columns have each a matrix of their own.

Semantics of `torch.nn.functional.grouped_mm`, and of the operator that `transformers` has in its
place for mixtures of experts. Groups are given by where they end.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .promotion import compute_dtype
from .shapes import fit


def _groups(ends: Any, size: int) -> list[slice]:
    """The slices of the groups. Raises ProgramError."""
    limits = [0, *map(int, ends)]
    if limits != sorted(limits) or limits[-1] > size:
        raise ProgramError(f"grouped_mm: groups that end at {limits[1:]} of {size}")
    return [slice(*pair) for pair in pairwise(limits)]


def _wide(matrix: Any) -> Any:
    return matrix.astype(compute_dtype(matrix.dtype), copy=False)


@kernel("aten::_grouped_mm.out")
def grouped_mm(self: Any, mat2: Any, offs: Any, bias: Any, out_dtype: Any, out: Any) -> Any:
    """Rows of `self` by the matrices of `mat2` (2-d, 3-d), matrices by columns (3-d, 2-d), or the
    products of parts of the inner dimension (2-d, 2-d); without groups as `bmm`."""
    left, right = _wide(self), _wide(mat2)
    if offs is None:
        result = np.asarray(np.matmul(left, right))
    elif left.ndim == 2 and right.ndim == 3:
        result = np.zeros((left.shape[0], right.shape[2]), left.dtype)
        for rows, matrix in zip(_groups(offs, left.shape[0]), right, strict=True):
            np.matmul(left[rows], matrix, out=result[rows])
    elif left.ndim == 3 and right.ndim == 2:
        result = np.zeros((left.shape[1], right.shape[1]), left.dtype)
        for columns, matrix in zip(_groups(offs, right.shape[1]), left, strict=True):
            result[:, columns] = matrix @ right[:, columns]
    else:
        result = np.stack([left[:, g] @ right[g] for g in _groups(offs, left.shape[1])])
    if bias is not None:
        result = result + _wide(bias)
    out = fit(out, result.shape)
    np.copyto(out, result, casting="unsafe")
    return out


@kernel("transformers::grouped_mm_fallback.out")
def grouped_mm_fallback(input: Any, weight: Any, offs: Any, out: Any) -> Any:
    """Rows of `input` by the matrices of `weight`, one for each group."""
    return grouped_mm.function(input, weight, offs, None, None, out)
