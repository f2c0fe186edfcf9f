"""Sampling of images at given places, semantics of `torch.nn.functional.grid_sample`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .resize import cubic_weight
from .shapes import fit

BILINEAR, NEAREST, BICUBIC = 0, 1, 2
ZEROS, BORDER, REFLECTION = 0, 1, 2


def _unnormalize(place: Any, size: int, align: bool) -> Any:
    """From [-1, 1] to pixels, rounded as eager does."""
    number = place.dtype.type
    if align:
        return (place + number(1)) * number((size - 1) / 2)
    return (place + number(1)) * number(size / 2) - number(0.5)


def _reflect(place: Any, size: int, align: bool) -> Any:
    """Fold places back at the centers (`align`) or outer edges of the border pixels."""
    low, span = (0.0, size - 1.0) if align else (-0.5, float(size))
    if span <= 0:
        return np.zeros_like(place)
    distance = np.abs(place - place.dtype.type(low))
    extra = np.fmod(distance, place.dtype.type(span))
    flips = np.floor(distance / place.dtype.type(span))
    # An odd number of flips runs backwards.
    extra = np.abs(extra - (flips % 2) * place.dtype.type(span))
    return extra + place.dtype.type(low)


def pad_places(place: Any, size: int, padding: int, align: bool) -> Any:
    """Bring places outside of an image back to it, unless there are zeros around it."""
    if padding == ZEROS:
        return place
    if padding == REFLECTION:
        place = _reflect(place, size, align)
    # nan goes to 0 with the order of PyTorch's minimum and maximum.
    return np.fmin(np.fmax(place, 0), size - 1)


def _gather(image: Any, row: Any, column: Any) -> Any:
    """Pixels of `image` [N, C, H, W] at places [N, h, w] as [N, C, h, w], 0 outside of it."""
    height, width = image.shape[2:]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    # Clipped before the cast, because a far or nan place has no integer.
    rows = np.where(inside, row, 0).astype(np.int64)
    columns = np.where(inside, column, 0).astype(np.int64)
    flat = image.reshape(*image.shape[:2], height * width)
    index = (rows * width + columns).reshape(row.shape[0], 1, -1)
    values = np.take_along_axis(flat, index, axis=2).reshape(*image.shape[:2], *row.shape[1:])
    return np.where(inside[:, None], values, values.dtype.type(0))


def _bilinear(x: Any, y: Any, pixel: Callable[..., Any]) -> Any:
    left, top = np.floor(x), np.floor(y)
    one = x.dtype.type(1)
    west, north = x - left, y - top
    east, south = one - west, one - north
    right, bottom = left + one, top + one
    total = pixel(top, left) * (south * east)[:, None]
    total += pixel(top, right) * (south * west)[:, None]
    total += pixel(bottom, left) * (north * east)[:, None]
    total += pixel(bottom, right) * (north * west)[:, None]
    return total


def _bicubic(x: Any, y: Any, pixel: Callable[..., Any]) -> Any:
    left, top = np.floor(x), np.floor(y)
    sharpness = x.dtype.type(-0.75)
    total: Any = 0
    for down in range(-1, 3):
        row: Any = 0
        for along in range(-1, 3):
            weight = cubic_weight(x - left - x.dtype.type(along), sharpness)
            row = row + pixel(top + down, left + along) * weight[:, None]
        total = total + row * cubic_weight(y - top - y.dtype.type(down), sharpness)[:, None]
    return total


@kernel("aten::grid_sampler_2d.out")
def grid_sampler_2d(self: Any, grid: Any, mode: int, padding: int, align: bool, out: Any) -> Any:
    """`self` [N, C, H, W] at `grid` [N, h, w, (x, y)] in [-1, 1]; `out` [N, C, h, w].

    `mode` is 0 bilinear, 1 nearest, 2 bicubic; `padding` 0 zeros, 1 border, 2 reflection.
    """
    if self.ndim != 4 or grid.ndim != 4 or grid.shape[3] != 2 or grid.shape[0] != self.shape[0]:
        raise ProgramError(f"cannot sample {list(self.shape)} at a grid {list(grid.shape)}")
    out = fit(out, (*self.shape[:2], *grid.shape[1:3]))
    if out.size == 0:
        return out
    # In half precision throughout, as eager does it.
    image, grid = self.astype(out.dtype, copy=False), grid.astype(out.dtype, copy=False)
    height, width = image.shape[2:]
    x, y = _unnormalize(grid[..., 0], width, align), _unnormalize(grid[..., 1], height, align)

    def pixel(row: Any, column: Any) -> Any:
        return _gather(image, row, column)

    def padded_pixel(row: Any, column: Any) -> Any:
        rows = pad_places(row, height, padding, align)
        return _gather(image, rows, pad_places(column, width, padding, align))

    if mode == BICUBIC:
        result = _bicubic(x, y, padded_pixel)
    else:
        x, y = pad_places(x, width, padding, align), pad_places(y, height, padding, align)
        nearest = mode == NEAREST
        result = pixel(np.rint(y), np.rint(x)) if nearest else _bilinear(x, y, pixel)
    np.copyto(out, result, casting="unsafe")
    return out
