"""Matrix product kernels against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.registry import find_kernel

aten = torch.ops.aten
F = torch.nn.functional
LIMITS: dict[torch.dtype, dict[str, Any]] = {
    torch.float32: {"rtol": 1e-5, "atol": 1e-5},
    torch.float64: {},
    torch.float16: {"rtol": 2e-3, "atol": 2e-3},
    torch.bfloat16: {"rtol": 2e-2, "atol": 1e-2},
    torch.int64: {"exact": True},
    torch.int32: {"exact": True},
}
SHAPES = [
    ([3], [3]),
    ([3], [3, 4]),
    ([2, 3], [3]),
    ([2, 3], [3, 4]),
    ([1, 3], [3, 1]),
    ([3], [5, 3, 4]),
    ([5, 2, 3], [3]),
    ([5, 2, 3], [3, 4]),
    ([2, 3], [5, 3, 4]),
    ([5, 2, 3], [5, 3, 4]),
    ([6, 1, 2, 3], [5, 3, 4]),
    ([6, 5, 2, 3], [1, 1, 3, 4]),
    ([0, 3], [3, 4]),
    ([2, 0], [0, 4]),
    ([5, 0, 3], [3, 4]),
    ([0, 2, 3], [1, 3, 4]),
]


def data(*shape: int, dtype: torch.dtype) -> torch.Tensor:
    return (
        torch.randint(-9, 9, shape).to(dtype)
        if dtype in (torch.int64, torch.int32)
        else torch.randn(shape).to(dtype)
    )


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize(("left", "right"), SHAPES, ids=str)
def test_matmul(left: list[int], right: list[int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    a, b = data(*left, dtype=dtype), data(*right, dtype=dtype)
    check("aten::matmul.out", torch.matmul, a, b, dynamic=True, **LIMITS[dtype])
    name = {(1, 1): "dot", (2, 1): "mv", (2, 2): "mm"}.get((a.dim(), b.dim()))
    if name is not None:
        check(f"aten::{name}.out", getattr(torch, name), a, b, dynamic=True, **LIMITS[dtype])


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize(("beta", "alpha"), [(1, 1), (0, 1), (2, 3), (1, 0)])
def test_with_addend(beta: int, alpha: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    limits = {key: value * 8 for key, value in LIMITS[dtype].items()}
    factors = {"beta": beta, "alpha": alpha}
    a, b = data(5, 2, 3, dtype=dtype), data(5, 3, 4, dtype=dtype)
    for addend in ([2, 4], [4], [2, 1], []):
        c = data(*addend, dtype=dtype)
        check("aten::addmm.out", torch.addmm, c, a[0], b[0], **factors, **limits, dynamic=True)
        check("aten::baddbmm.out", torch.baddbmm, c, a, b, **factors, **limits, dynamic=True)
    c = data(2, dtype=dtype)
    check("aten::addmv.out", torch.addmv, c, a[0], b[0, :, 0], **factors, **limits, dynamic=True)


def test_beta_zero_ignores_nan() -> None:
    nan = torch.full((2, 4), float("nan"))
    check("aten::addmm.out", torch.addmm, nan, torch.ones(2, 3), torch.ones(3, 4), beta=0, alpha=1)


@pytest.mark.parametrize("dtype", list(LIMITS)[:4], ids=str)
@pytest.mark.parametrize("batch", [[], [1], [5], [2, 5], [2, 0], [64, 1]], ids=str)
@pytest.mark.parametrize("bias", [False, True])
def test_linear(batch: list[int], bias: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x, weight = data(*batch, 6, dtype=dtype), data(7, 6, dtype=dtype)
    offset = data(7, dtype=dtype) if bias else None
    check("aten::linear.out", F.linear, x, weight, offset, dynamic=True, **LIMITS[dtype])


def test_bmm_of_transposed() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(3, 4, 5).transpose(1, 2), torch.randn(6, 3, 4).permute(1, 2, 0)
    check("aten::bmm.out", torch.bmm, a, b)


@pytest.mark.parametrize(
    ("left", "right"), [((2, 3), (4, 3)), ((), (3,)), ((3,), (4,)), ((2, 2, 3), (3, 3, 2))]
)
def test_errors(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    run = find_kernel("aten::matmul.out")
    assert run is not None
    with pytest.raises(ProgramError, match=r"cannot be multiplied|do not broadcast"):
        run(np.zeros(left), np.zeros(right), np.zeros(()))
