"""Softmax kernels against PyTorch eager."""

import pytest
import torch
from eager import check

aten = torch.ops.aten
FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
NAMES = ["softmax", "log_softmax"]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("shape", [[4, 5, 6], [7], [1], [], [0, 3], [3, 0], [2, 3, 4, 5]], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_shapes(name: str, shape: list[int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = (torch.randn(shape) * 4).to(dtype)
    # Eager rounds intermediate values of narrow logarithms.
    limits = {"rtol": 2e-2, "atol": 5e-3} if name == "log_softmax" and dtype.itemsize == 2 else {}
    for dim in range(-max(1, len(shape)), max(1, len(shape))):
        inner = getattr(aten, f"_{name}")
        check(f"aten::_{name}.out", inner, x, dim, False, in_place=0, dynamic=True, **limits)
        check(f"aten::{name}.int_out", getattr(aten, name), x, dim, None, in_place=0, **limits)


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_several_blocks(name: str, dim: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(60, 50, 70)
    check(f"aten::_{name}.out", getattr(aten, f"_{name}"), x, dim, False, in_place=0)


@pytest.mark.parametrize("name", NAMES)
def test_dtype_argument(name: str) -> None:
    operator = getattr(aten, name)
    check(f"aten::{name}.int_out", operator, torch.randn(3, 4), 1, torch.float64)
    check(f"aten::{name}.int_out", operator, torch.randn(3, 4).half(), 1, torch.float32)
    check(f"aten::{name}.int_out", operator, torch.arange(6).view(2, 3), 0, torch.float32)


@pytest.mark.parametrize("name", NAMES)
def test_infinities(name: str) -> None:
    inf = float("inf")
    x = torch.tensor(
        [[1, -inf, 2], [-inf, -inf, -inf], [inf, 0, 1], [float("nan"), 1, 2], [1e4, -1e4, 0]]
    )
    for dim in (0, 1):
        check(f"aten::_{name}.out", getattr(aten, f"_{name}"), x, dim, False)
