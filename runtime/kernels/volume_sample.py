"""Sampling of volumes at given places, semantics of `torch.nn.functional.grid_sample` in 3-d."""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .grid_sample import BILINEAR, NEAREST, pad_places
from .shapes import fit


def _voxels(places: Any, size: int, align: bool) -> Any:
    """From [-1, 1] to voxels."""
    return (places + 1) / 2 * (size - 1) if align else ((places + 1) * size - 1) / 2


def _gather(volume: Any, places: Sequence[Any]) -> Any:
    """Voxels of `volume` [N, C, D, H, W] at places [N, d, h, w], one array each; 0 outside."""
    inside: Any = np.ones(places[0].shape, np.bool_)
    index: Any = np.zeros(places[0].shape, np.int64)
    for place, size in zip(places, volume.shape[2:], strict=True):
        within = (place >= 0) & (place < size)
        inside &= within
        # Clipped before the cast, because a far or nan place has no integer.
        index = index * size + np.where(within, place, 0).astype(np.int64)
    flat = volume.reshape(*volume.shape[:2], prod(volume.shape[2:]))
    lines = index.reshape(len(index), 1, prod(index.shape[1:]))
    values = np.take_along_axis(flat, lines, axis=2).reshape(*volume.shape[:2], *index.shape[1:])
    return np.where(inside[:, None], values, values.dtype.type(0))


def _linear(volume: Any, places: Sequence[Any]) -> Any:
    """The sum of the eight neighbours, each weighted by how near it is in every dimension."""
    low = [np.floor(place) for place in places]
    total: Any = 0
    for corner in product((0, 1), repeat=len(places)):
        weight: Any = 1
        for place, first, step in reversed(list(zip(places, low, corner, strict=True))):
            weight = weight * (place - first if step else first + 1 - place)
        neighbour = [first + step for first, step in zip(low, corner, strict=True)]
        total = total + _gather(volume, neighbour) * weight[:, None]
    return total


@kernel("aten::grid_sampler_3d.out")
def grid_sampler_3d(self: Any, grid: Any, mode: int, padding: int, align: bool, out: Any) -> Any:
    """`self` [N, C, D, H, W] at `grid` [N, d, h, w, (x, y, z)] in [-1, 1]; `out` [N, C, d, h, w].

    `mode` is 0 bilinear, 1 nearest; `padding` 0 zeros, 1 border, 2 reflection.
    """
    if self.ndim != 5 or grid.ndim != 5 or grid.shape[4] != 3 or grid.shape[0] != self.shape[0]:
        raise ProgramError(f"cannot sample {list(self.shape)} at a grid {list(grid.shape)}")
    if mode not in (BILINEAR, NEAREST):
        raise ProgramError(f"grid_sampler_3d: mode is {mode}; expected 0 bilinear or 1 nearest")
    out = fit(out, (*self.shape[:2], *grid.shape[1:4]))
    if out.size == 0:
        return out
    volume, grid = self.astype(out.dtype, copy=False), grid.astype(out.dtype, copy=False)
    places = [
        pad_places(_voxels(grid[..., 2 - dim], size, align), size, padding, align)
        for dim, size in enumerate(volume.shape[2:])
    ]
    nearest = mode == NEAREST
    result = _gather(volume, [np.rint(p) for p in places]) if nearest else _linear(volume, places)
    np.copyto(out, result, casting="unsafe")
    return out
