"""Dimension numbers and result shapes, as kernels of every family need them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ProgramError


def fit(out: Any, shape: tuple[int, ...]) -> Any:
    """`out` if it has the result's `shape`, otherwise a new array of that shape and its dtype."""
    return out if out.shape == shape else np.empty(shape, out.dtype)


def dimension(dim: int, rank: int) -> int:
    """`dim` counted from the front; a 0-d tensor counts as 1-d, as in PyTorch.

    Raises ProgramError if there is no such dimension.
    """
    limit = max(rank, 1)
    if not -limit <= dim < limit:
        raise ProgramError(f"dimension {dim} is out of range for a tensor of rank {rank}")
    return dim % limit


def dimensions(dims: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """The dimensions to reduce: `dims` counted from the front, all of them for None and `[]`."""
    if isinstance(dims, int):
        dims = [dims]
    if not dims:
        return tuple(range(rank))
    found = tuple(dimension(dim, rank) for dim in dims)
    if len(set(found)) != len(found):
        raise ProgramError(f"dimensions {list(dims)} name one dimension twice")
    return found if rank else ()


def broadcast(*operands: Any) -> tuple[int, ...]:
    """The common shape of arrays under broadcasting; ProgramError if there is none."""
    first = operands[0].shape
    if all(operand.shape == first for operand in operands[1:]):
        return first
    try:
        return np.broadcast(*operands).shape
    except ValueError:
        shapes = ", ".join(str(list(operand.shape)) for operand in operands)
        raise ProgramError(f"shapes {shapes} do not broadcast") from None
