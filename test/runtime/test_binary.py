"""Arithmetic kernels of two operands against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
SHAPES = [((2, 3), (2, 3)), ((2, 1, 4), (3, 1)), ((), (3,)), ((0, 3), (1, 3)), ((), ())]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, -3.5, 7.0, float("inf"), float("-inf"), float("nan")]
aten = torch.ops.aten


def values(dtype: torch.dtype, shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    if dtype.is_floating_point:
        return (torch.randn(shape) * 3).to(dtype)
    return torch.randint(0 if dtype == torch.uint8 else -20, 20, shape, dtype=dtype)


def without_zeros(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x == 0, 3, x).to(x.dtype)


def pairs(dtype: torch.dtype) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(values(dtype, a), without_zeros(values(dtype, b, 1))) for a, b in SHAPES]


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
@pytest.mark.parametrize("alpha", [1, 2])
@pytest.mark.parametrize("name", ["add", "sub"])
def test_sums(name: str, alpha: int, dtype: torch.dtype) -> None:
    reference = getattr(torch, name)
    for a, b in pairs(dtype):
        check(f"aten::{name}.out", reference, a, b, alpha=alpha, dynamic=True)
    for operand in (0, 1):
        check(f"aten::{name}.out", reference, *pairs(dtype)[0], alpha=alpha, in_place=operand)
    for a, b in pairs(dtype):
        check("aten::rsub.Tensor_out", torch.rsub, a, b, alpha=alpha)
        check(f"aten::{name}.Scalar_out", getattr(aten, name).Scalar, a, 3, alpha, in_place=0)
        check("aten::rsub.Scalar_out", aten.rsub.Scalar, a, 3, alpha, in_place=0)


def test_sums_with_float_numbers() -> None:
    x = torch.randn(5)
    check("aten::add.out", torch.add, x, torch.tensor(0.1), alpha=0.3)
    check("aten::add.Scalar_out", aten.add.Scalar, x.bfloat16(), 0.1, 1)
    check("aten::add.Scalar_out", aten.add.Scalar, torch.arange(5), 2.5, 1)
    check("aten::sub.Scalar_out", aten.sub.Scalar, x, 2.5, 0.5)
    check("aten::add.out", torch.add, torch.tensor([True, False]), torch.tensor(True), alpha=1)


def test_mixed_dtypes_compute_in_the_result_dtype() -> None:
    x = torch.randn(2, 3)
    check("aten::add.out", torch.add, x, torch.tensor(3), alpha=1, dynamic=True)
    check("aten::mul.out", torch.mul, x, torch.tensor([1, 2, 3]), dynamic=True)
    check("aten::mul.out", torch.mul, x.half(), torch.tensor(2.5, dtype=torch.float64))
    check("aten::div.out", torch.div, torch.arange(6), torch.tensor(4, dtype=torch.int32))
    check("aten::add.out", torch.add, x.bfloat16(), torch.arange(3), alpha=1)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", "mul div maximum minimum fmax fmin atan2 hypot copysign".split())
def test_float_functions(name: str, dtype: torch.dtype) -> None:
    special = torch.tensor(SPECIAL, dtype=dtype)
    for a, b in [*pairs(dtype), (special[:, None], special)]:
        check(f"aten::{name}.out", getattr(torch, name), a, b, dynamic=True)
    a = values(dtype, (2, 3))
    check(f"aten::{name}.out", getattr(torch, name), a, a + 1, in_place=1)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("name", ["mul", "maximum", "minimum", "div"])
def test_integer_functions(name: str, dtype: torch.dtype) -> None:
    for a, b in pairs(dtype):
        check(f"aten::{name}.out", getattr(torch, name), a, b, exact=True, dynamic=True)
    if name != "maximum" and name != "minimum":
        scalar = getattr(aten, name).Scalar
        check(f"aten::{name}.Scalar_out", scalar, values(dtype, (3,)), 3, exact=True)


@pytest.mark.parametrize("dtype", [torch.bool, *INTEGERS], ids=str)
@pytest.mark.parametrize("name", ["and", "or", "xor"])
def test_bitwise(name: str, dtype: torch.dtype) -> None:
    operator = getattr(aten, f"bitwise_{name}")
    for a, b in SHAPES:
        left, right = torch.randint(0, 2, a).to(dtype), torch.randint(0, 2, b).to(dtype)
        check(
            f"aten::bitwise_{name}.Tensor_out",
            torch.ops.aten.__getattr__(f"bitwise_{name}").Tensor,
            left,
            right,
        )
    check(f"aten::bitwise_{name}.Scalar_out", operator.Scalar, left, 1)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("name", ["left", "right"])
def test_shifts(name: str, dtype: torch.dtype) -> None:
    x = torch.tensor([1, 5, 100, 127], dtype=dtype)
    x = torch.cat([x, -x]) if dtype.is_signed else x
    amounts = torch.tensor([0, 1, 7, 8, 31, 63, 64, 100], dtype=dtype)[:, None]
    operator = getattr(aten, f"bitwise_{name}_shift")
    check(f"aten::bitwise_{name}_shift.Tensor_out", operator.Tensor, x, amounts, exact=True)
    check(f"aten::bitwise_{name}_shift.Tensor_Scalar_out", operator.Tensor_Scalar, x, 2, exact=True)


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod"])
def test_divisions(name: str, dtype: torch.dtype) -> None:
    tensor = "floor_divide.out" if name == "floor_divide" else f"{name}.Tensor_out"
    for a, b in pairs(dtype):
        check(f"aten::{tensor}", getattr(torch, name), a, b, dynamic=True)
    check(f"aten::{tensor}", getattr(torch, name), *pairs(dtype)[0], in_place=1)
    x = values(dtype, (2, 5))
    check(f"aten::{name}.Scalar_out", getattr(torch, name), x, 3, in_place=0)
    if dtype.is_signed:
        check(f"aten::{name}.Scalar_out", getattr(torch, name), x, -7)
    if dtype.is_floating_point:
        special = torch.tensor(SPECIAL, dtype=dtype)
        check(f"aten::{tensor}", getattr(torch, name), special[:, None], special)


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
@pytest.mark.parametrize("mode", [None, "floor", "trunc"])
def test_division_modes(mode: str | None, dtype: torch.dtype) -> None:
    for a, b in pairs(dtype):
        check("aten::div.out_mode", torch.div, a, b, rounding_mode=mode, dynamic=True)
    if mode is not None or dtype.is_floating_point:
        for operand in (0, 1):
            same = pairs(dtype)[0]
            check("aten::div.out_mode", torch.div, *same, rounding_mode=mode, in_place=operand)
    x = values(dtype, (2, 5))
    check("aten::div.Scalar_mode_out", torch.div, x, 3, rounding_mode=mode)


@pytest.mark.parametrize("name", ["floor_divide.out", "remainder.Tensor_out", "fmod.Tensor_out"])
def test_integer_division_by_zero_is_an_error(name: str) -> None:
    kernel = find_kernel(f"aten::{name}")
    assert kernel is not None
    a = np.array([1, 2, 3])
    with np.errstate(all="ignore"), pytest.raises(ProgramError, match="division by zero"):
        kernel(a, np.array([1, 0, 2]), np.empty_like(a))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_float_powers(dtype: torch.dtype) -> None:
    special = torch.tensor(SPECIAL, dtype=dtype)
    check("aten::pow.Tensor_Tensor_out", torch.pow, special[:, None], special)
    check("aten::pow.Scalar_out", torch.pow, 2.5, special, dynamic=True)
    for exponent in (2, 3, 0.5, -0.5, -1, -2, 1, 0, 1.7, 4):
        x = torch.cat([special, values(dtype, (6,))])
        if dtype == torch.float16:  # eager's f16 pow takes the sign of -0.0 and -inf differently
            x = torch.cat([special[2:3], values(dtype, (6,)).abs()])
        check("aten::pow.Tensor_Scalar_out", torch.pow, x, exponent, in_place=0)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integer_powers(dtype: torch.dtype) -> None:
    x = torch.tensor([0, 1, 2, 3, 7, 11], dtype=dtype)
    exponents = torch.tensor([0, 1, 2, 5, 9], dtype=dtype)[:, None]
    if dtype.is_signed:
        x = torch.cat([x[1:], -x[1:]])
        exponents = torch.cat([exponents, -exponents])
    check("aten::pow.Tensor_Tensor_out", torch.pow, x, exponents, exact=True)
    check("aten::pow.Tensor_Tensor_out", torch.pow, x[:5], exponents[:5, 0], in_place=1)
    for exponent in (0, 1, 2, 3, 5):
        check("aten::pow.Tensor_Scalar_out", torch.pow, x, exponent, exact=True)
    check("aten::pow.Scalar_out", torch.pow, 3, exponents[:5], exact=True)


def test_large_and_channels_last() -> None:
    a = torch.randn(2, 8, 80, 80).to(memory_format=torch.channels_last)
    b = torch.randn(2, 8, 80, 80).to(memory_format=torch.channels_last)
    check("aten::add.out", torch.add, a, b, alpha=3)
    check("aten::add.out", torch.add, a, torch.randn(8, 1, 1), alpha=3)


def test_shapes_that_do_not_broadcast_are_an_error() -> None:
    kernel: Any = find_kernel("aten::mul.out")
    with pytest.raises(ProgramError, match=r"\[2\], \[3\] do not broadcast"):
        kernel(np.zeros(2), np.zeros(3), np.zeros(3))


def test_negative_alpha_of_unsigned_wraps() -> None:
    x = torch.tensor([1, 200], dtype=torch.uint8)
    check("aten::add.out", torch.add, x, x, alpha=-3, exact=True)


def test_narrow_quotients_are_rounded_before_they_are_truncated() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(2000).bfloat16() * 9, torch.randn(2000).bfloat16()
    check("aten::div.out_mode", torch.div, a, b, rounding_mode="trunc", exact=True)
    check("aten::div.out_mode", torch.div, a.half(), b.half(), rounding_mode="trunc", exact=True)
