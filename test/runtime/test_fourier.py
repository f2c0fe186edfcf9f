"""Fourier transforms against PyTorch eager."""

from typing import Any

import pytest
import torch
from eager import check

aten: Any = torch.ops.aten


@pytest.mark.parametrize("dims", [[0], [1], [0, 1]])
@pytest.mark.parametrize("normalization", [0, 1, 2])
def test_transforms(dims: list[int], normalization: int) -> None:
    x, z = torch.randn(5, 6), torch.randn(5, 6, dtype=torch.complex64)
    limits: Any = {"rtol": 1e-4, "atol": 1e-4}
    for forward in (False, True):
        args = (z, dims, normalization, forward)
        check("aten::_fft_c2c.out", aten._fft_c2c, *args, **limits)
    for onesided in (False, True):
        args = (x, dims, normalization, onesided)
        check("aten::_fft_r2c.out", aten._fft_r2c, *args, **limits)
    for size in (8, 9):
        half = torch.randn(5, 5, dtype=torch.complex64)
        check("aten::_fft_c2r.out", aten._fft_c2r, half, dims, normalization, size, **limits)
