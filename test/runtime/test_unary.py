"""Elementwise kernels of one tensor against PyTorch eager."""

import pytest
import torch
from eager import check

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, 3.5, -1e-6, 1e-3, 20.0, -20.0, 90.0, -90.0]
SPECIAL += [float("inf"), float("-inf"), float("nan")]
FUNCTIONS = """abs neg sign reciprocal sqrt rsqrt exp exp2 expm1 log log2 log10 log1p sin cos tan
asin acos atan sinh cosh tanh asinh acosh atanh erf ceil floor round trunc square isinf isnan
logical_not""".split()
INTEGER_FUNCTIONS = "abs neg sign ceil floor round trunc bitwise_not isinf isnan square".split()
TO_FLOAT = "reciprocal sqrt rsqrt exp exp2 expm1 log1p sin tanh erf acosh".split()


def values(dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    torch.manual_seed(0)
    return (torch.randn(shape, dtype=torch.float64) * 3).to(dtype)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_floats(function: str, dtype: torch.dtype) -> None:
    reference = getattr(torch, function)
    rtol, atol = (2e-6, 1e-6) if dtype == torch.float32 else (None, None)
    if reference(torch.zeros(1)).dtype == torch.bool:
        rtol = atol = None
    for x in (values(dtype, (2, 3, 5)), torch.tensor(SPECIAL, dtype=dtype)):
        check(f"aten::{function}.out", reference, x, rtol=rtol, atol=atol, dynamic=True)
    check(f"aten::{function}.out", reference, torch.tensor(0.25, dtype=dtype), rtol=rtol, atol=atol)
    check(f"aten::{function}.out", reference, torch.zeros(0, 3, dtype=dtype), dynamic=True)
    if rtol is not None:
        check(
            f"aten::{function}.out",
            reference,
            values(dtype, (7,)),
            in_place=0,
            rtol=rtol,
            atol=atol,
        )


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64], ids=str
)
@pytest.mark.parametrize("function", INTEGER_FUNCTIONS)
def test_integers(function: str, dtype: torch.dtype) -> None:
    x = torch.tensor([[0, 1, 2], [100, 127, 5]], dtype=dtype)
    x = torch.cat([x, -x, ~x]) if dtype.is_signed else x
    check(f"aten::{function}.out", getattr(torch, function), x, exact=True, dynamic=True)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64], ids=str)
@pytest.mark.parametrize("function", TO_FLOAT)
def test_integers_to_float(function: str, dtype: torch.dtype) -> None:
    x = torch.tensor([1, 0, 1, 1, 0]).to(dtype)
    check(f"aten::{function}.out", getattr(torch, function), x, rtol=2e-6, atol=1e-6)


def test_bools() -> None:
    x = torch.tensor([True, False])
    for function in ("sign", "bitwise_not", "logical_not", "isnan"):
        check(f"aten::{function}.out", getattr(torch, function), x, exact=True)


@pytest.mark.parametrize("decimals", [0, 2, -1])
def test_round_decimals(decimals: int) -> None:
    x = torch.tensor([1.25, 2.345, -25.0, 35.0, 149.9])
    check(
        "aten::round.decimals_out",
        lambda x, decimals: torch.round(x, decimals=decimals),
        x,
        decimals=decimals,
    )


def test_erf_is_accurate_over_its_range() -> None:
    x = torch.linspace(-7, 7, 70001)
    check("aten::erf.out", torch.erf, x, rtol=5e-7, atol=0)
    check("aten::erf.out", torch.erf, x.double(), rtol=2e-15, atol=0)
    tiny = torch.logspace(-37, -2, 1000)
    check("aten::erf.out", torch.erf, tiny, rtol=5e-7, atol=0)


def test_large_tensors_go_in_blocks() -> None:
    x = torch.randn(3, 70000)
    check("aten::rsqrt.out", torch.rsqrt, x.abs())
    check("aten::erf.out", torch.erf, x)
    image = torch.randn(2, 8, 90, 90).to(memory_format=torch.channels_last)
    check("aten::sign.out", torch.sign, image)


def test_erfc_keeps_its_digits() -> None:
    x = torch.tensor([0.0, 0.5, -0.5, 1.99, 2.01, 3.0, -3.0, 9.0, -9.0, 30.0, float("nan")])
    check("aten::erfc.out", torch.erfc, x, rtol=2e-6, atol=0)
    check("aten::erfc.out", torch.erfc, x.double()[:-3], rtol=1e-13, atol=0)
    check("aten::erfc.out", torch.erfc, x.bfloat16(), dynamic=True)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128], ids=str)
def test_complex_numbers(dtype: torch.dtype) -> None:
    x = torch.randn(2, 3, dtype=dtype)
    check("aten::abs.out", torch.abs, x, dynamic=True)
    check("aten::_conj_physical.out", torch.conj_physical, x)
    for function in ("neg", "exp", "sqrt"):
        check(f"aten::{function}.out", getattr(torch, function), x)
