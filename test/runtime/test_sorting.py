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
