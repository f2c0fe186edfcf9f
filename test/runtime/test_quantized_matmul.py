"""Products of quantized matrices against PyTorch eager."""

from typing import Any

import pytest
import torch
from eager import check

aten: Any = torch.ops.aten


def integers(*shape: int) -> torch.Tensor:
    return torch.randint(-128, 128, shape, dtype=torch.int8)


def test_int_mm() -> None:
    left, right = integers(32, 24), integers(24, 16)
    check("aten::_int_mm.out", aten._int_mm, left, right, exact=True, dynamic=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_weight_int8pack_mm(dtype: torch.dtype) -> None:
    x, scales = torch.randn(4, 32).to(dtype), torch.rand(8).to(dtype)
    name = "aten::_weight_int8pack_mm.out"
    check(name, aten._weight_int8pack_mm, x, integers(8, 32), scales, rtol=1e-2, atol=1e-4)
