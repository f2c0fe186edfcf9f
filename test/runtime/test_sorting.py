"""Sorts and top-k against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

NAN, INF = float("nan"), float("inf")
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
DTYPES += [torch.int64, torch.uint8, torch.int8, torch.bool]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("descending", [False, True])
def test_sort_keeps_the_order_of_equals(descending: bool, dtype: torch.dtype) -> None:
    x = torch.randint(0, 4, (3, 4, 5)).to(dtype)
    for y in (x, x[:, :0], x[0, 0, 0]):
        for dim in (0, -1) if y.dim() else (0,):
            arguments: Any = {"stable": True, "dim": dim, "descending": descending}
            check("aten::sort.values_stable", torch.sort, y, **arguments, exact=True, dynamic=True)
            check("aten::argsort.stable_out", torch.argsort, y, **arguments, exact=True)
    x = torch.randperm(50).to(dtype) if dtype not in (torch.bool, torch.bfloat16) else x[:0]
    check("aten::sort.values", torch.sort, x, 0, descending, exact=True)


@pytest.mark.parametrize("descending", [False, True])
def test_nan_is_the_greatest(descending: bool) -> None:
    x = torch.tensor([1.0, NAN, -INF, INF, NAN, 0.0])
    arguments: Any = {"stable": True, "dim": 0, "descending": descending}
    check("aten::sort.values_stable", torch.sort, x, **arguments, exact=True)
    check("aten::topk.values", torch.topk, x[:4], 3, 0, descending, True, exact=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int32], ids=str)
@pytest.mark.parametrize("largest", [False, True])
def test_topk(largest: bool, dtype: torch.dtype) -> None:
    # No two elements are equal: which index PyTorch takes of equal ones is not determined.
    x = torch.stack([torch.randperm(200), torch.randperm(200)]).to(dtype)
    for k in (0, 1, 5, 100, 200):
        check("aten::topk.values", torch.topk, x, k, -1, largest, True, exact=True, dynamic=True)
    check("aten::topk.values", torch.topk, x.t(), 3, 0, largest, True, exact=True)
    check("aten::topk.values", torch.topk, x[0, 0], 1, -1, largest, True, exact=True)


def test_topk_of_too_many_is_an_error() -> None:
    kernel: Any = find_kernel("aten::topk.values")
    with pytest.raises(ProgramError, match="k is 4, but dimension -1 has size 3"):
        kernel(np.zeros(3), 4, -1, True, True, np.zeros(4), np.zeros(4, np.int64))


@pytest.mark.parametrize("right", [False, True])
def test_search(right: bool) -> None:
    lines = torch.tensor([[1.0, 2.0, 2.0, 5.0, 8.0], [0.0, 1.0, 3.0, 3.0, INF]])
    values = torch.tensor([[0.0, 2.0, 9.0, INF, NAN], [1.0, 3.0, -INF, INF, NAN]])
    plain = {"out_int32": False, "right": right}
    for name in (lines, lines[0]):
        check(
            "aten::searchsorted.Tensor_out",
            torch.searchsorted,
            name,
            values,
            **plain,
            side=None,
            sorter=None,
            dynamic=True,
        )
    sorter = torch.tensor([2, 0, 1])
    shuffled = torch.tensor([3, 9, 1])
    arguments: Any = {"out_int32": True, "right": False, "side": "right", "sorter": sorter}
    check("aten::searchsorted.Tensor_out", torch.searchsorted, shuffled, sorter, **arguments)
    check("aten::bucketize.Tensor_out", torch.bucketize, values, lines[0], **plain)
    check("aten::bucketize.Tensor_out", torch.bucketize, sorter, shuffled.sort()[0], **plain)
