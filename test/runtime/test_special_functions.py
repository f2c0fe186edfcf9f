"""Special functions against PyTorch eager, in f64 and on odd values."""

from typing import Any

import pytest
import torch
from eager import check

aten: Any = torch.ops.aten
NAN = float("nan")
X = torch.cat([torch.linspace(-12, 40, 301), torch.tensor([0.0, -0.0, 1e-3, NAN])]).double()

ANYWHERE = "lgamma digamma special_erfcx special_i0e special_i1e special_bessel_j0".split()
ANYWHERE += "special_bessel_j1 special_bessel_y0 special_bessel_y1 special_airy_ai".split()
ANYWHERE += [f"special_{s}modified_bessel_k{n}" for s in ("", "scaled_") for n in (0, 1)]
POLYNOMIALS = [
    *(f"{shifted}chebyshev_polynomial_{kind}" for shifted in ("", "shifted_") for kind in "tuvw"),
    "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l",
    "legendre_polynomial_p",
]  # fmt: skip


@pytest.mark.parametrize("name", ANYWHERE)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_function(name: str, dtype: torch.dtype) -> None:
    # Eager itself is exact to some 1e-8 only in bessel_j0, and to 1e-6 in airy_ai.
    check(f"aten::{name}.out", getattr(aten, name), X.to(dtype), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["i0", "special_i1"])
def test_growing(name: str) -> None:
    check(f"aten::{name}.out", getattr(aten, name), X, rtol=1e-9, atol=1e-12)


def test_inverses() -> None:
    x = torch.cat([torch.linspace(-1.1, 1.1, 99), torch.tensor([1 - 1e-12, 1e-20, NAN])]).double()
    check("aten::erfinv.out", aten.erfinv, x, rtol=1e-9, atol=1e-12)
    check("aten::special_ndtri.out", aten.special_ndtri, x.abs(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_polygamma(n: int) -> None:
    x = torch.linspace(0.1, 30, 99).double()
    check("aten::polygamma.out", aten.polygamma, n, x, rtol=1e-9, atol=1e-12)


def test_functions_of_two() -> None:
    a, x = torch.rand(2, 99).double() * 20
    limits: Any = {"rtol": 1e-7, "atol": 1e-9}
    check("aten::special_zeta.out", aten.special_zeta, a + 1.1, x + 0.1, **limits)
    check("aten::igamma.out", aten.igamma, a, x, **limits)
    check("aten::igammac.out", aten.igammac, a, x, **limits)


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomial(name: str) -> None:
    x, n = torch.linspace(-3, 3, 60).double(), torch.arange(60).double() % 12 - 2
    function = getattr(aten, f"special_{name}")
    check(f"aten::special_{name}.out", function, x, n, rtol=1e-9, atol=1e-9)
