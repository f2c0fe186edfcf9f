"""Distances against PyTorch eager."""

from typing import Any

import pytest
import torch
from eager import check

aten: Any = torch.ops.aten


@pytest.mark.parametrize("p", [0.0, 1.0, 1.5, 2.0, 3.0, float("inf")])
def test_distances(p: float) -> None:
    x, y = torch.randn(2, 5, 3), torch.randn(2, 4, 3)
    limits: Any = {"rtol": 1e-4, "atol": 1e-5}
    check("aten::_cdist_forward.out", aten._cdist_forward, x, y, p, None, **limits)
    check("aten::_pdist_forward.out", aten._pdist_forward, x[0], p, **limits)
    check("aten::dist.out", aten.dist, x, x.flip(1), p, **limits)


def test_many_rows() -> None:
    x, y = torch.randn(30, 3), torch.randn(40, 3)
    check("aten::_cdist_forward.out", aten._cdist_forward, x, y, 2.0, None, rtol=1e-4, atol=1e-3)
