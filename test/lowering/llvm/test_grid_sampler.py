"""Sampling at given places, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from steps import Array, check_step, with_gaps
from torch_step import check_against_torch

from edgeir.dialects import edge
from edgeir.lowering.llvm import grid_sampler

RNG = np.random.default_rng(0)
NHWC = (0, 2, 3, 1)


def numbers(*shape: int) -> Array:
    """Random numbers."""
    return RNG.standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_modes(mode: int, padding: int, align: bool) -> None:
    """Places inside and far outside, and one that is nan."""
    x, grid = numbers(2, 19, 5, 4), numbers(2, 3, 4, 2)
    grid[0, 0, 0, 1] = np.nan
    grid[0, 1, 0] = 1.0
    check_against_torch(
        grid_sampler,
        edge.GridSampler2dOp,
        [with_gaps(x, NHWC), with_gaps(grid, NHWC)],
        2e-5,
        2e-5,
        interpolation_mode=mode,
        padding_mode=padding,
        align_corners=align,
    )


def test_fused() -> None:
    """What is fused comes after the sampling, in tasks."""
    x, grid, other = numbers(1, 128, 6, 7), numbers(1, 16, 11, 2) / 2, numbers(1, 128, 16, 11)
    wanted = F.grid_sample(torch.as_tensor(x), torch.as_tensor(grid), align_corners=False)
    check_step(
        grid_sampler,
        edge.GridSampler2dOp,
        [with_gaps(x, NHWC), grid],
        [wanted.numpy() + other],
        interpolation_mode=0,
        padding_mode=0,
        align_corners=False,
        extras=[with_gaps(other, NHWC)],
        fuse=lambda v, e: [edge.AddTensorOp(v, e[0], result_types=[v.type])],
    )


def test_outside_of_the_image() -> None:
    """Pixels outside count nothing, whatever the first one is."""
    x, grid = numbers(1, 3, 4, 4), np.full((1, 1, 1, 2), 9, np.float32)
    x[0, :, 0, 0] = np.inf
    check_against_torch(
        grid_sampler,
        edge.GridSampler2dOp,
        [with_gaps(x, NHWC), grid],
        interpolation_mode=0,
        padding_mode=0,
        align_corners=False,
    )
