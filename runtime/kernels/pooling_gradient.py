"""Gradients of pooling with respect to its input, semantics of `torch.ops.aten.*pool2d_backward`.

Tensors are [N, C, H, W] or [C, H, W].
"""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .promotion import compute_dtype
from .shapes import fit


@kernel("aten::avg_pool2d_backward.grad_input")
def avg_pool2d_backward(
    grad_output: Any,
    self: Any,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    out: Any,
) -> Any:
    """Each window gives its gradient in equal parts to the elements that it averages."""
    windows = _pair(kernel_size)
    steps = _pair(stride) if stride else windows
    pads = _pair(padding)
    counts, sizes = grad_output.shape[-2:], self.shape[-2:]
    dtype = compute_dtype(out.dtype)
    lengths: list[Any] = []
    for size, count, window, step, pad in zip(sizes, counts, windows, steps, pads, strict=True):
        lengths.append(_window_lengths(size, count, window, step, pad, count_include_pad))
    divisor = divisor_override or np.multiply.outer(*lengths).astype(dtype)
    parts = grad_output.astype(dtype, copy=False) / divisor
    # Windows may reach beyond the padding: what falls there is cut off below.
    room = [
        max(size + pad, (count - 1) * step - pad + window) + pad
        for size, count, window, step, pad in zip(sizes, counts, windows, steps, pads, strict=True)
    ]
    total = np.zeros((*self.shape[:-2], *room), dtype)
    for tap in product(*map(range, windows)):
        place = [
            slice(t, t + (count - 1) * step + 1, step)
            for t, count, step in zip(tap, counts, steps, strict=True)
        ]
        total[..., *place] += parts
    inside = [slice(pad, pad + size) for pad, size in zip(pads, sizes, strict=True)]
    out = fit(out, self.shape)
    np.copyto(out, total[..., *inside], casting="unsafe")
    return out


def _window_lengths(
    size: int, count: int, window: int, step: int, pad: int, include_pad: bool
) -> Any:
    low, high = (-pad, size + pad) if include_pad else (0, size)
    start = np.arange(count) * step - pad
    return (start + window).clip(low, high) - start.clip(low, high)


@kernel("aten::_adaptive_avg_pool2d_backward.out")
def adaptive_avg_pool2d_backward(grad_output: Any, self: Any, out: Any) -> Any:
    """As matrix products with the weights that the rows and the columns have in each window."""
    dtype = compute_dtype(out.dtype)
    rows, columns = (
        _adaptive_weights(size, count, dtype)
        for size, count in zip(self.shape[-2:], grad_output.shape[-2:], strict=True)
    )
    out = fit(out, self.shape)
    grad = grad_output.astype(dtype, copy=False)
    np.copyto(out, np.matmul(np.matmul(rows.T, grad), columns), casting="unsafe")
    return out


def _adaptive_weights(size: int, count: int, dtype: Any) -> Any:
    """[count, size]: the weight of each element in each of the windows along a dimension."""
    index, places = np.arange(count)[:, None], np.arange(size)
    start, end = index * size // count, -(-(index + 1) * size // count)
    return (((start <= places) & (places < end)) / (end - start)).astype(dtype)


@kernel("aten::max_pool2d_with_indices_backward.grad_input")
def max_pool2d_with_indices_backward(
    grad_output: Any,
    self: Any,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
    indices: Any,
    out: Any,
) -> Any:
    """Each gradient goes to the element of its plane that `indices` numbers."""
    area = self.shape[-2] * self.shape[-1]
    if indices.size and not 0 <= indices.min() <= indices.max() < area:
        raise ProgramError(f"an index of a maximum is outside the plane of {area} elements")
    planes = prod(self.shape[:-2])
    places = indices.reshape(planes, -1) + np.arange(planes)[:, None] * area
    total = np.bincount(
        places.ravel(), grad_output.ravel().astype(np.float64), minlength=planes * area
    )
    out = fit(out, self.shape)
    np.copyto(out, total.reshape(self.shape), casting="unsafe")
    return out


def _pair(values: Sequence[int]) -> tuple[int, int]:
    return (values[0], values[-1])
