"""Selection and three-operand kernels against PyTorch eager."""

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.registry import find_kernel

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
NAN = float("nan")


@pytest.mark.parametrize("dtype", [*FLOATS, torch.int32, torch.int64, torch.uint8], ids=str)
@pytest.mark.parametrize("limits", [(1, 4), (None, 3), (2, None), (5, 1)], ids=str)
def test_clamp(limits: tuple[int | None, int | None], dtype: torch.dtype) -> None:
    x = torch.arange(12).reshape(3, 4).to(dtype)
    check("aten::clamp.out", torch.clamp, x, *limits, in_place=0, dynamic=True)
    tensors = [n if n is None else torch.tensor([n, 2, 3, n], dtype=dtype) for n in limits]
    check("aten::clamp.Tensor_out", torch.clamp, x, *tensors, in_place=0, dynamic=True)
    check("aten::clamp_min.out", torch.clamp_min, x, 2)
    check("aten::clamp_max.out", torch.clamp_max, x, 2)


def test_clamp_nan() -> None:
    x = torch.tensor([1.0, NAN, -2.0, float("inf")])
    check("aten::clamp.out", torch.clamp, x, -1.5, 0.5)
    check("aten::clamp.Tensor_out", torch.clamp, x, torch.tensor([0.0, 0.0, NAN, 1.0]), None)
    check("aten::clamp.out", torch.clamp, torch.arange(4), 1.5, None)


@pytest.mark.parametrize(
    "dtype", [*FLOATS, torch.bool, torch.int64, torch.complex64, torch.complex128], ids=str
)
def test_where(dtype: torch.dtype) -> None:
    condition = torch.tensor([[True], [False]])
    a, b = torch.ones(2, 3).to(dtype), torch.zeros(3).to(dtype)
    check(
        "aten::where.self_out", torch.where, condition, a, b, exact=True, dynamic=True, in_place=1
    )
    check("aten::where.self_out", torch.where, condition, b, a, exact=True, in_place=2)
    check("aten::where.self_out", torch.where, condition, torch.tensor(2.0), b, exact=True)
    check("aten::where.self_out", torch.where, condition[:0], b, b, exact=True, dynamic=True)


def test_where_may_overwrite_its_condition() -> None:
    condition = torch.tensor([True, False, True])
    check("aten::where.self_out", torch.where, condition, ~condition, condition, in_place=0)


def test_where_takes_uint8_conditions() -> None:
    kernel = find_kernel("aten::where.self_out")
    assert kernel is not None
    out = np.zeros(3, np.float32)
    one = np.ones(3, np.float32)
    kernel(np.array([2, 0, 1], np.uint8), one, one * 3, out)
    assert out.tolist() == [1, 3, 1]


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bool, torch.int64], ids=str)
def test_masked_fill(dtype: torch.dtype) -> None:
    x = torch.tensor([[1, 2, 3], [4, 5, 6]]).to(dtype)
    mask = torch.tensor([True, False, True])
    check("aten::masked_fill.Scalar_out", torch.masked_fill, x, mask, 1, exact=True, in_place=0)
    check("aten::masked_fill.Tensor_out", torch.masked_fill, x, mask, torch.tensor(1), exact=True)


def test_masked_fill_infinity() -> None:
    mask = torch.ones(4, 4, dtype=torch.bool).triu(1)
    value = float("-inf")
    check("aten::masked_fill.Scalar_out", torch.masked_fill, torch.randn(2, 4, 4), mask, value)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_fused_arithmetic(dtype: torch.dtype) -> None:
    a, b, c = (torch.randn(2, 3).to(dtype) + 3 for _ in range(3))
    check("aten::addcmul.out", torch.addcmul, a, b, c[:1], value=2, dynamic=True)
    check("aten::addcdiv.out", torch.addcdiv, a, b, c, value=0.5)
    check("aten::lerp.Scalar_out", torch.lerp, a, b, 0.3)
    check("aten::lerp.Scalar_out", torch.lerp, a, b, 0.8)
    check("aten::lerp.Tensor_out", torch.lerp, a, b, torch.rand(3).to(dtype))
