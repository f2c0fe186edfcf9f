"""Unfolding of images into columns and its adjoint, semantics of `torch.nn.functional.unfold`."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .convolution_problem import overlap
from .promotion import compute_dtype
from .shapes import fit


def _counts(
    sizes: Sequence[int],
    kernel_size: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> tuple[int, ...]:
    """How many windows stand along each dimension."""
    counts = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(sizes, kernel_size, dilation, padding, stride, strict=True)
    )
    if min(counts) < 1:
        raise ProgramError(f"a window of {list(kernel_size)} does not fit the image {list(sizes)}")
    return counts


def _taps(
    sizes: Sequence[int],
    counts: Sequence[int],
    kernel_size: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """For each tap of the window: its place in the columns, and the part of the image there."""
    for tap in product(*map(range, kernel_size)):
        dims = zip(sizes, counts, tap, dilation, padding, stride, strict=True)
        cuts = [overlap(n, p, s, count, t * d) for n, count, t, d, p, s in dims]
        yield (
            (..., *tap, *(places for places, _ in cuts)),
            (..., *(source for _, source in cuts)),
        )


@kernel("aten::im2col.out")
def im2col(self: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any, out: Any) -> Any:
    """`self` [N, C, H, W] or [C, H, W]; `out` [N, C * kernel, windows]."""
    sizes = self.shape[-2:]
    counts = _counts(sizes, kernel_size, dilation, padding, stride)
    channels = self.shape[-3]
    shape = (*self.shape[:-3], channels * prod(kernel_size), prod(counts))
    columns = np.zeros((*self.shape[:-2], *kernel_size, *counts), out.dtype)
    for places, source in _taps(sizes, counts, kernel_size, dilation, padding, stride):
        columns[places] = self[source]
    out = fit(out, shape)
    np.copyto(out, columns.reshape(shape))
    return out


@kernel("aten::col2im.out")
def col2im(
    self: Any,
    output_size: Any,
    kernel_size: Any,
    dilation: Any,
    padding: Any,
    stride: Any,
    out: Any,
) -> Any:
    """`self` [N, C * kernel, windows] or without N; `out` [N, C, *output_size] sums overlaps."""
    counts = _counts(output_size, kernel_size, dilation, padding, stride)
    rows, windows = self.shape[-2:]
    if rows % prod(kernel_size) or windows != prod(counts):
        raise ProgramError(
            f"columns {list(self.shape)} do not fit an image of {list(output_size)} with windows "
            f"of {list(kernel_size)}"
        )
    leading = (*self.shape[:-2], rows // prod(kernel_size))
    columns = self.reshape(*leading, *kernel_size, *counts)
    image = np.zeros((*leading, *output_size), compute_dtype(out.dtype))
    for places, source in _taps(output_size, counts, kernel_size, dilation, padding, stride):
        image[source] += columns[places]
    out = fit(out, image.shape)
    np.copyto(out, image, casting="unsafe")
    return out
