"""Depthwise convolution over three dims, interpreted and compiled, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from steps import with_gaps
from torch_step import check_against_torch

from edgeir.dialects import edge
from edgeir.lowering.llvm import depthwise_volume

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(
    ("shape", "window", "stride", "padding", "dilation"),
    [
        ((2, 19, 4, 5, 6), [3, 3, 3], [1, 1, 1], [1, 1, 1], [1, 1, 1]),
        ((1, 32, 5, 9, 8), [2, 3, 1], [2, 2, 1], [1, 0, 0], [1, 1, 1]),
        ((1, 5, 7, 6, 6), [3, 2, 3], [1, 2, 1], [2, 1, 2], [2, 1, 2]),
    ],
)
def test_windows(
    shape: tuple[int, ...],
    window: list[int],
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    biased: bool,
) -> None:
    """Windows that reach outside at every side, in memory with gaps."""
    x = with_gaps(RNG.standard_normal(shape, dtype=np.float32), (0, 2, 3, 4, 1))
    weight = RNG.standard_normal((shape[1], 1, *window), dtype=np.float32)
    bias = RNG.standard_normal(shape[1], dtype=np.float32) if biased else None
    check_against_torch(
        depthwise_volume,
        edge.ConvolutionOp,
        [x, weight, bias],
        1e-5,
        1e-5,
        constants=[1, 2],
        stride=stride,
        padding=padding,
        dilation=dilation,
        transposed=False,
        output_padding=[0, 0, 0],
        groups=shape[1],
    )
