"""Columns of windows to images, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from steps import Array, with_gaps
from torch_step import check_against_torch

from edgeir.dialects import edge
from edgeir.lowering.llvm import fold

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
@pytest.mark.parametrize(
    ("size", "kernel", "dilation", "padding", "stride"),
    [
        ([8, 9], [3, 3], [1, 1], [1, 1], [1, 1]),
        ([8, 19], [2, 3], [2, 1], [1, 0], [2, 2]),
        ([5, 5], [2, 2], [1, 1], [0, 0], [3, 3]),
        ([4, 3], [3, 5], [3, 1], [4, 3], [2, 1]),
    ],
)
def test_windows(
    size: list[int],
    kernel: list[int],
    dilation: list[int],
    padding: list[int],
    stride: list[int],
    order: tuple[int, ...],
) -> None:
    """Windows that overlap, that leave gaps and that are partly outside."""
    counts = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(size, kernel, dilation, padding, stride, strict=True)
    ]
    shape = (2, 3 * int(np.prod(kernel)), int(np.prod(counts)))
    x = with_gaps(RNG.standard_normal(shape, dtype=np.float32), order)
    _check(x, size, kernel, dilation, padding, stride)


def test_one_image() -> None:
    """Without a batch dim; channels are tasks."""
    x = RNG.standard_normal((16 * 9, 24 * 24), dtype=np.float32)
    _check(x, [24, 24], [3, 3], [1, 1], [1, 1], [1, 1])


def _check(
    x: Array,
    size: list[int],
    kernel: list[int],
    dilation: list[int],
    padding: list[int],
    stride: list[int],
) -> None:
    check_against_torch(
        fold,
        edge.Col2imOp,
        [x],
        output_size=size,
        kernel_size=kernel,
        dilation=dilation,
        padding=padding,
        stride=stride,
    )
