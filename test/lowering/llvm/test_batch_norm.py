"""Batch normalization that no convolution took becomes elementwise operations of one step."""

import numpy as np
import pytest
import torch
from torch import nn

import edgeir


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("rank", [2, 3, 4])
def test_batch_norm(rank: int, affine: bool) -> None:
    """With given statistics, of inputs with any number of dims."""
    generator = torch.Generator().manual_seed(rank)
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}[rank]
    norm = kind(6, affine=affine)
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.normal_(generator=generator)
    norm.running_var.uniform_(0.5, 2, generator=generator)
    model = nn.Sequential(nn.ReLU(), norm, nn.Hardswish()).eval()
    x = torch.randn(2, 6, 5, 7, generator=generator)[(..., *(0,) * (4 - rank))]
    program = edgeir.compile(model, (x,), backends=["llvm"], require_full_delegation=True)
    with torch.inference_mode():
        wanted = np.asarray(model(x))
    result = edgeir.load(program.buffer, backends=["llvm"])(x)
    np.testing.assert_allclose(result, wanted, 1e-5, 1e-6)
