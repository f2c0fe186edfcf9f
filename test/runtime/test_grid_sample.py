"""The grid sampling kernel against PyTorch eager."""

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.registry import find_kernel

NAME = "aten::grid_sampler_2d.out"
sample = torch.ops.aten.grid_sampler_2d


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_modes(mode: int, padding: int, align: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 5).to(dtype)
    for scale in (0.9, 3.0):
        grid = ((torch.rand(2, 4, 7, 2) * 2 - 1) * scale).to(dtype)
        check(NAME, sample, x, grid, mode, padding, align, dynamic=True, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_special_places(padding: int) -> None:
    x = torch.randn(1, 2, 4, 4)
    places = torch.tensor([-1.0, 1.0, 0.0, 1e6, -1e6, 1e-7])
    grid = torch.stack(torch.meshgrid(places, places, indexing="ij"), -1)[None]
    check(NAME, sample, x, grid, 0, padding, True, rtol=1e-4, atol=1e-4)
    check(NAME, sample, x[:0], grid[:0], 0, padding, True)


def test_errors() -> None:
    run = find_kernel(NAME)
    assert run is not None
    with pytest.raises(ProgramError, match="cannot sample"):
        run(np.zeros((1, 1, 2, 2)), np.zeros((1, 2, 2, 3)), 0, 0, False, np.zeros((1, 1, 2, 2)))
