"""Reduction and scan kernels against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
INTEGERS = [torch.uint8, torch.int8, torch.int32, torch.int64]
DIMS: list[Any] = [[0], [-1], [1, 2], [0, 2], [], None]
NAN, INF = float("nan"), float("inf")
aten = torch.ops.aten


def values(dtype: torch.dtype, *shape: int) -> torch.Tensor:
    torch.manual_seed(0)
    if dtype.is_floating_point:
        return torch.randn(shape).to(dtype)
    return torch.randint(0, 5, shape).to(dtype)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, torch.bool], ids=str)
@pytest.mark.parametrize("keepdim", [False, True])
def test_sum(keepdim: bool, dtype: torch.dtype) -> None:
    x = values(dtype, 2, 3, 4)
    for dim in DIMS:
        check("aten::sum.IntList_out", torch.sum, x, dim, keepdim, dtype=None, dynamic=True)
    check("aten::sum.IntList_out", torch.sum, x, [1], keepdim, dtype=torch.float32)
    check("aten::sum.IntList_out", torch.sum, x[:, :0], [1], keepdim, dtype=None)
    check("aten::sum.IntList_out", torch.sum, x[0, 0, 0], [0], keepdim, dtype=None)
    check("aten::sum.out", torch.sum, x, dtype=None)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("keepdim", [False, True])
def test_mean(keepdim: bool, dtype: torch.dtype) -> None:
    x = values(dtype, 2, 3, 4)
    for dim in DIMS:
        check("aten::mean.out", torch.mean, x, dim, keepdim, dtype=None, dynamic=True)
    check("aten::mean.out", torch.mean, x[:, :0], [1], keepdim, dtype=None)
    check("aten::mean.dtype_out", torch.mean, x, dtype=None)
    check("aten::mean.dtype_out", torch.mean, x, dtype=torch.float64)


def test_long_sums_keep_their_digits() -> None:
    x = torch.rand(200_000, 4)
    for dim in ([0], [1], [0, 1]):
        check("aten::sum.IntList_out", torch.sum, x, dim, False, dtype=None, rtol=1e-6, atol=0)
        check("aten::mean.out", torch.mean, x, dim, False, dtype=None, rtol=1e-6, atol=0)
    check("aten::mean.out", torch.mean, x.bfloat16(), [0], False, dtype=None)
    check("aten::sum.IntList_out", torch.sum, x.half() / 100, [0], True, dtype=None)
    image = torch.rand(2, 3, 50, 50).to(memory_format=torch.channels_last)
    check("aten::mean.out", torch.mean, image, [-1, -2], True, dtype=None, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, torch.bool], ids=str)
def test_prod(dtype: torch.dtype) -> None:
    x = values(dtype, 2, 3)
    check("aten::prod.out", torch.prod, x, dtype=None)
    for dim in (0, -1):
        check("aten::prod.int_out", torch.prod, x, dim, True, dtype=None, dynamic=True)
        check("aten::prod.int_out", torch.prod, x, dim, False, dtype=torch.float64)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, torch.bool], ids=str)
@pytest.mark.parametrize("name", ["max", "min"])
def test_extremes(name: str, dtype: torch.dtype) -> None:
    x = values(dtype, 2, 3, 4)
    for dim in [[0], [-1], [0, 2], []]:
        for keepdim in (False, True):
            check(f"aten::a{name}.out", getattr(torch, f"a{name}"), x, dim, keepdim, dynamic=True)
    check(f"aten::{name}.unary_out", getattr(torch, name), x)
    check(f"aten::{name}.unary_out", getattr(torch, name), x[0, 0, 0])
    for dim in (0, 1, -1):
        reference = getattr(torch, name)
        check(f"aten::{name}.dim_{name}", reference, x, dim, dim == 1, dynamic=True)
    check(f"aten::{name}.dim_{name}", getattr(torch, name), x[0, 0, 0], 0, False)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS], ids=str)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_arg(name: str, dtype: torch.dtype) -> None:
    x = values(dtype, 2, 3, 4)
    for dim in (0, 1, -1, None):
        for keepdim in (False, True):
            check(f"aten::{name}.out", getattr(torch, name), x, dim, keepdim, dynamic=True)
    check(f"aten::{name}.out", getattr(torch, name), x[0, 0, 0], 0, False)


def test_nan_is_the_extreme() -> None:
    x = torch.tensor([[1.0, NAN, 3.0, NAN], [INF, -INF, 0.0, 1.0]])
    for dtype in FLOATS:
        for name in ("max", "min"):
            check(f"aten::{name}.dim_{name}", getattr(torch, name), x.to(dtype), 1, False)
            check(f"aten::arg{name}.out", getattr(torch, f"arg{name}"), x.to(dtype), 1, False)
            check(f"aten::a{name}.out", getattr(torch, f"a{name}"), x.to(dtype), [1], False)


def test_extremes_of_nothing_are_an_error() -> None:
    kernel: Any = find_kernel("aten::amax.out")
    with pytest.raises(ProgramError, match="no elements"):
        kernel(np.zeros((2, 0)), [1], False, np.zeros(2))
    with pytest.raises(ProgramError, match="out of range"):
        kernel(np.zeros((2, 3)), [2], False, np.zeros(2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.bool, torch.int64], ids=str)
@pytest.mark.parametrize("name", ["any", "all"])
def test_truth(name: str, dtype: torch.dtype) -> None:
    x = torch.tensor([[[0, 1], [0, 0]], [[1, 1], [0, 2]]]).to(dtype)
    operator = getattr(aten, name)
    for dim in (0, -1):
        check(f"aten::{name}.out", operator.dim, x, dim, dim == 0, dynamic=True)
    for dims in ([0, 1], [-1], [], None):
        check(f"aten::{name}.dims_out", operator.dims, x, dims, False, dynamic=True)
    check(f"aten::{name}.all_out", operator.default, x)
    check(f"aten::{name}.all_out", operator.default, x[:0])
    check(f"aten::{name}.out", operator.dim, x[:, :0], 1, False)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("dim", [[0], [-1, 1], None, []], ids=str)
@pytest.mark.parametrize("name", ["var", "std"])
def test_moments(name: str, dim: Any, dtype: torch.dtype) -> None:
    x = values(dtype, 4, 3, 5) + 10
    operator = getattr(aten, name)
    for correction in (1, 0, 2.5, None):
        arguments = {"correction": correction, "keepdim": True}
        check(f"aten::{name}.correction_out", operator.correction, x, dim, **arguments)
    check(f"aten::{name}.out", operator.dim, x, dim, False, False, dynamic=True)
    check("aten::var_mean.correction_out", torch.var_mean, x, dim, correction=1, keepdim=False)


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
def test_variance_of_one() -> None:
    arguments = {"correction": 1, "keepdim": False}
    check("aten::var.correction_out", torch.var, torch.randn(1, 3), [0], **arguments)
    check(
        "aten::var.correction_out", torch.var, torch.tensor(3.0), None, correction=0, keepdim=True
    )


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("order", [2, 1, 0, 3, 0.5, -1, INF, -INF])
def test_vector_norm(order: float, dtype: torch.dtype) -> None:
    x = values(dtype, 2, 3, 4)
    reference = torch.linalg.vector_norm
    for dim in ([1], [0, -1], None):
        check(
            "aten::linalg_vector_norm.out", reference, x, order, dim, True, dtype=None, dynamic=True
        )
    wide = torch.float64
    check("aten::linalg_vector_norm.out", reference, x, order, [0], False, dtype=wide)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_logsumexp(dtype: torch.dtype) -> None:
    x = values(dtype, 2, 3, 4)
    for dim in ([0], [1, -1]):
        limits = {"rtol": 2e-3, "atol": 1e-5} if dtype == torch.float16 else {}
        check("aten::logsumexp.out", torch.logsumexp, x, dim, True, dynamic=True, **limits)
    edges = torch.tensor([[INF, 1.0], [-INF, -INF], [1000.0, 1000.0], [NAN, 0.0]], dtype=dtype)
    check("aten::logsumexp.out", torch.logsumexp, edges, [1], False)
    check("aten::logsumexp.out", torch.logsumexp, torch.tensor(2.0, dtype=dtype), [0], False)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, torch.bool], ids=str)
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_scans(name: str, dtype: torch.dtype) -> None:
    x = values(dtype, 2, 3, 4)
    for dim in (0, 1, -1):
        check(f"aten::{name}.out", getattr(torch, name), x, dim, dtype=None, dynamic=True)
    check(f"aten::{name}.out", getattr(torch, name), x[:, :0], 1, dtype=None)
    check(f"aten::{name}.out", getattr(torch, name), x[0, 0, 0], 0, dtype=None)
    check(f"aten::{name}.out", getattr(torch, name), x, 0, dtype=torch.float32)


def test_long_scan_keeps_its_digits() -> None:
    check("aten::cumsum.out", torch.cumsum, torch.rand(100_000), 0, dtype=None, rtol=1e-6, atol=0)
