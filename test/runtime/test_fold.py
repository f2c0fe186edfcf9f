"""Unfolding kernels against PyTorch eager."""

from itertools import product

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.registry import find_kernel

aten = torch.ops.aten


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("batch", [[], [2], [0]], ids=str)
@pytest.mark.parametrize(
    ("dilation", "padding", "stride"), list(product([1, 2], [0, 1], [1, 2, 3]))
)
def test_both(
    dilation: int, padding: int, stride: int, batch: list[int], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    x = torch.randn(*batch, 3, 7, 6).to(dtype)
    args = [[3, 2], [dilation, 1], [padding, 0], [stride, 1]]
    check("aten::im2col.out", aten.im2col, x, *args, exact=True, dynamic=True)
    columns = aten.im2col(x, *args)
    limits = {"rtol": 2e-2, "atol": 2e-2} if dtype == torch.bfloat16 else {}
    check("aten::col2im.out", aten.col2im, columns, [7, 6], *args, **limits, dynamic=True)


def test_errors() -> None:
    unfold, fold = find_kernel("aten::im2col.out"), find_kernel("aten::col2im.out")
    assert unfold is not None and fold is not None
    x, args = np.zeros((1, 3, 4, 4), np.float32), [[2, 2], [1, 1], [0, 0], [1, 1]]
    with pytest.raises(ProgramError, match="does not fit the image"):
        unfold(x, [5, 5], *args[1:], x)
    with pytest.raises(ProgramError, match="do not fit an image"):
        fold(np.zeros((1, 12, 8), np.float32), [4, 4], *args, x)
