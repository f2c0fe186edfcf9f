"""Pads with elements of the tensor: reflection and replication over the last 1, 2 or 3 dimensions.

`padding` is (before, after) from the last dimension backwards; negative numbers cut off.
"""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .shapes import fit


def reflected(position: Any, size: int) -> Any:
    """The element that stands at each position when the edges are mirrors."""
    if ((position <= -size) | (position >= 2 * size - 1)).any():
        raise ProgramError(f"reflection_pad: padding is not less than the size {size}")
    return (size - 1) - np.abs((size - 1) - np.abs(position))


def replicated(position: Any, size: int) -> Any:
    """The element that stands at each position when the edges go on."""
    if size == 0:
        raise ProgramError("replication_pad: the tensor has no elements")
    return np.clip(position, 0, size - 1)


def _padding_kernel(name: str, rank: int, element: Callable[[Any, int], Any]) -> None:
    def sources(self: Any, padding: list[int]) -> tuple[tuple[int, ...], Any]:
        """The result's shape and, for its last dimensions, the flat element of `self`'s."""
        lines: list[Any] = []
        for axis in range(-rank, 0):
            size = self.shape[axis]
            before, after = padding[-2 * axis - 2], padding[-2 * axis - 1]
            lines.append(element(np.arange(-before, size + after), size))
        sizes = self.shape[-rank:]
        flat = lines[0]
        for size, line in zip(sizes[1:], lines[1:], strict=True):
            flat = flat[..., None] * size + line
        return (*self.shape[:-rank], *flat.shape), flat.reshape(-1)

    def gather(self: Any, index: Any, out: Any) -> None:
        rows = self.reshape(-1, prod(self.shape[-rank:]))
        target = out if out.flags.c_contiguous else np.empty(out.shape, out.dtype)
        np.take(rows, index, axis=1, out=target.reshape(rows.shape[0], index.size), mode="clip")
        if target is not out:
            out[...] = target

    @kernel(name)
    def call(self: Any, padding: list[int], out: Any) -> Any:
        shape, index = sources(self, padding)
        out = fit(out, shape)
        if out.size:
            gather(self, index, out)
        return out

    @call.specialize
    def _(self: Any, padding: list[int], out: Any) -> Callable[[], object] | None:
        shape, index = sources(self, padding)
        return partial(gather, self, index, out) if out.shape == shape and out.size else None


for _rank in (1, 2, 3):
    _padding_kernel(f"aten::reflection_pad{_rank}d.out", _rank, reflected)
    _padding_kernel(f"aten::replication_pad{_rank}d.out", _rank, replicated)
