"""Sampling of volumes against PyTorch eager."""

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.registry import find_kernel

NAME = "aten::grid_sampler_3d.out"
sample = torch.ops.aten.grid_sampler_3d


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("mode", [0, 1])
def test_modes(mode: int, padding: int, align: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 5, 4)
    for scale in (0.9, 3.0):
        grid = (torch.rand(2, 3, 4, 7, 3) * 2 - 1) * scale
        check(NAME, sample, x, grid, mode, padding, align, dynamic=True, rtol=1e-4, atol=1e-5)
    check(NAME, sample, x[:0], grid[:0], mode, padding, align)


def test_errors() -> None:
    run = find_kernel(NAME)
    assert run is not None
    image, grid, out = np.zeros((1, 1, 2, 2, 2)), np.zeros((1, 2, 2, 2, 3)), np.zeros((1,) * 5)
    with pytest.raises(ProgramError, match="cannot sample"):
        run(image, grid[..., :2], 0, 0, False, out)
    with pytest.raises(ProgramError, match="mode is 2"):
        run(image, grid, 2, 0, False, out)
