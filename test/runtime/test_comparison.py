"""Comparison and logical kernels against PyTorch eager."""

import itertools

import pytest
import torch
from eager import check

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.bool]
DTYPES += [torch.uint8, torch.int8, torch.int32, torch.int64]
NAMES = ["eq", "ne", "lt", "le", "gt", "ge"]


@pytest.mark.parametrize("name", NAMES)
def test_every_pair_of_dtypes(name: str) -> None:
    for left, right in itertools.product(DTYPES, DTYPES):
        a = torch.tensor([[0.0, 1.0, 2.0], [1.1, 0.0, 1.0]]).to(left)
        for b in (torch.tensor([1.0, 1.0, 2.1]).to(right), torch.tensor(1.1).to(right)):
            check(f"aten::{name}.Tensor_out", getattr(torch, name), a, b, dynamic=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_numbers(name: str, dtype: torch.dtype) -> None:
    x = torch.tensor([0.0, 1.0, 2.0, 1.1]).to(dtype)
    for number in (1, 1.1, 0, True):
        check(f"aten::{name}.Scalar_out", getattr(torch, name), x, number)


@pytest.mark.parametrize("name", NAMES)
def test_edges(name: str) -> None:
    x = torch.tensor([float("nan"), float("inf"), float("-inf"), 0.0, -0.0])
    check(f"aten::{name}.Tensor_out", getattr(torch, name), x[:, None], x)
    check(f"aten::{name}.Tensor_out", getattr(torch, name), torch.zeros(0, 3), torch.zeros(3))
    # A 0-d f64 tensor does not widen an f32 one; big integers are rounded to f32.
    tenth = torch.tensor(0.1, dtype=torch.float64)
    check(f"aten::{name}.Tensor_out", getattr(torch, name), torch.tensor([0.1]), tenth)
    big = torch.tensor([2**24 + 1, 2**53 + 1])
    check(f"aten::{name}.Tensor_out", getattr(torch, name), torch.tensor([2.0**24]), big)
    check(f"aten::{name}.Tensor_out", getattr(torch, name), big, big - 1)


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor"])
def test_logical(name: str) -> None:
    for left, right in itertools.product(DTYPES, DTYPES):
        a = torch.tensor([0.0, 1.0, 2.0]).to(left)
        b = torch.tensor([[0.0], [1.5]]).to(right)
        check(f"aten::{name}.out", getattr(torch, name), a, b, dynamic=True)
