"""Symmetric and Hermitian factors against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

aten: Any = torch.ops.aten
LIMITS: Any = {"rtol": 1e-8, "atol": 1e-8}


def factor(a: torch.Tensor, hermitian: bool, _: bool = False) -> Any:
    return aten.linalg_ldl_factor_ex(a, hermitian=hermitian)


def solve(factors: Any, pivots: Any, b: Any, hermitian: bool) -> Any:
    return aten.linalg_ldl_solve(factors, pivots, b, hermitian=hermitian)


@pytest.mark.parametrize("diagonal", [1.0, 0.01, 0.0])
@pytest.mark.parametrize("size", [1, 2, 3, 6, 9])
@pytest.mark.parametrize("kind", ["real", "symmetric", "hermitian"])
def test_factor_and_solve(kind: str, size: int, diagonal: float) -> None:
    torch.manual_seed(size)
    dtype = torch.float64 if kind == "real" else torch.complex128
    x = torch.randn(2, 3, size, size, dtype=dtype)
    x = x + (x.mH if kind == "hermitian" else x.mT)
    x.diagonal(dim1=-2, dim2=-1).mul_(diagonal)
    hermitian = kind == "hermitian"
    check("aten::linalg_ldl_factor_ex.out", factor, x, hermitian, False, **LIMITS)
    factors, pivots, info = factor(x, hermitian)
    if not info.any():
        name = "aten::linalg_ldl_solve.out"
        for b in (torch.randn(2, 3, size, 2, dtype=dtype), torch.randn(size, 1, dtype=dtype)):
            check(name, solve, factors, pivots, b, hermitian, rtol=1e-6, atol=1e-6)


def test_singular() -> None:
    check("aten::linalg_ldl_factor_ex.out", factor, torch.zeros(2, 3, 3), False, False)
    check("aten::linalg_ldl_factor_ex.out", factor, torch.zeros(0, 3, 3), False, False)
    zeros, pivots = np.zeros((2, 2)), np.array([1, 2], np.int32)
    for name, args in (
        ("factor", (zeros, False, zeros.copy(), pivots.copy())),
        ("solve", (zeros, pivots, zeros, False, zeros.copy())),
    ):
        kernel = find_kernel(f"aten::linalg_ldl_{name}.out")
        assert kernel is not None
        with pytest.raises(ProgramError, match="singular"):
            kernel(*args)
