"""Copies, casts and fills against PyTorch eager."""

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.registry import find_kernel

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.bool]
DTYPES += [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]


@pytest.mark.parametrize("target", DTYPES, ids=str)
@pytest.mark.parametrize("source", DTYPES, ids=str)
def test_casts(source: torch.dtype, target: torch.dtype) -> None:
    x = torch.tensor([[0.0, 1.0, 2.7], [3.5, 100.25, 0.3]]).to(source)
    check(
        "aten::_to_copy.out", lambda x, *_: x.to(target), x, False, None, exact=True, dynamic=True
    )
    dim_order = [0, 1]
    name = "dim_order_ops::_to_dim_order_copy.out"
    check(name, lambda x, *_: x.to(target), x, False, dim_order, exact=True)


def test_narrowing_overflows_like_pytorch() -> None:
    x = torch.tensor([1e6, -1e6, 65520.0, 3.4e38, float("nan"), float("-inf"), 1e-8])
    for target in (torch.float16, torch.bfloat16):
        check("aten::_to_copy.out", lambda x, *_, t=target: x.to(t), x, False, None, exact=True)
    x = torch.tensor([-1, 300, 70000, -(2**40)])
    for target in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.bool):
        check("aten::_to_copy.out", lambda x, *_, t=target: x.to(t), x, False, None, exact=True)


@pytest.mark.parametrize("name", ["alias_copy", "detach_copy", "lift_fresh_copy"])
def test_plain_copies(name: str) -> None:
    for x in (torch.randn(2, 3), torch.tensor(1.5), torch.zeros(0, 2), torch.tensor([True, False])):
        check(f"aten::{name}.out", torch.clone, x, exact=True, dynamic=True)


def test_clones() -> None:
    x = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    check("aten::clone.out", lambda x, _: x.clone(), x, None, exact=True)
    name = "dim_order_ops::_clone_dim_order.out"
    check(name, lambda x, *_: x.clone(), x, False, [0, 1, 2, 3], exact=True)


def test_copy_broadcasts() -> None:
    x, source = torch.zeros(2, 3), torch.tensor([1.5, 2.5, 3.5])
    check("aten::copy.out", torch.ops.aten.copy, x, source, False, exact=True)
    check("aten::copy.out", torch.ops.aten.copy, x.long(), source, False, exact=True)


def test_copy_in_place_writes_and_returns_self() -> None:
    kernel = find_kernel("aten::copy_")
    assert kernel is not None and kernel.specializer is not None
    target, source = np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32)
    assert kernel(target, source, False) is target
    assert (target == 1).all()
    thunk = kernel.specializer(target, source, False)
    source[...] = 2
    assert thunk is not None
    thunk()
    assert (target == 2).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_fills(dtype: torch.dtype) -> None:
    x = torch.zeros(2, 3, dtype=dtype)
    check("aten::fill.Scalar_out", torch.fill, x, 1.0, exact=True, dynamic=True)
    check("aten::fill.Tensor_out", torch.fill, x, torch.tensor(3), exact=True)


@pytest.mark.parametrize("size", [[2, 3], [4, 2, 3], [2, -1], [0, 2, 3]])
def test_expand(size: list[int]) -> None:
    x = torch.randn(2, 1)
    size = [2 if n == 2 else n for n in size]
    check(
        "aten::expand_copy.out",
        lambda x, n, _: x.expand(n),
        x,
        size,
        False,
        exact=True,
        dynamic=True,
    )
    check("aten::expand_copy.out", lambda x, n, _: x.expand(n), torch.tensor(2), [3, 2], False)
