"""Householder reflections against PyTorch eager."""

from typing import Any

import pytest
import torch
from eager import check

aten: Any = torch.ops.aten
LIMITS: Any = {"rtol": 1e-8, "atol": 1e-8}
DTYPES = [torch.float64, torch.complex128]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 3), (0, 3, 3), (3, 0)])
def test_factors(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    x = torch.randn(shape, dtype=dtype)
    check("aten::geqrf.a", aten.geqrf, x, **LIMITS)
    reflections, factors = torch.geqrf(x)
    if shape[-2] >= shape[-1]:
        name = "aten::linalg_householder_product.out"
        check(name, aten.linalg_householder_product, reflections, factors, **LIMITS)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("lead", [(), (2,)])
def test_products(lead: tuple[int, ...], left: bool, transpose: bool, dtype: torch.dtype) -> None:
    reflections, factors = torch.geqrf(torch.randn(*lead, 5, 3, dtype=dtype))
    other = torch.randn(*lead, *((5, 2) if left else (2, 5)), dtype=dtype)
    args = (reflections, factors, other, left, transpose)
    check("aten::ormqr.out", aten.ormqr, *args, **LIMITS)
