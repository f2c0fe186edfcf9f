"""Reductions of segments against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

NAME = "aten::segment_reduce.out"


def reduce(data: Any, how: str, lengths: Any, _: Any, offsets: Any, *rest: Any) -> torch.Tensor:
    axis, unsafe, initial = rest
    more = {"lengths": lengths, "offsets": offsets, "initial": initial}
    return torch.segment_reduce(data, how, axis=axis, unsafe=unsafe, **more)


@pytest.mark.parametrize("initial", [None, 2.0])
@pytest.mark.parametrize("how", ["sum", "mean", "max", "min", "prod"])
def test_segments(how: str, initial: float | None) -> None:
    data = torch.randn(6, 3)
    data[1, 1] = float("nan")
    lengths, offsets = torch.tensor([1, 0, 3, 2]), torch.tensor([0, 1, 1, 4, 6])
    check(NAME, reduce, data, how, lengths, None, None, 0, False, initial, dynamic=True)
    check(NAME, reduce, data, how, None, None, offsets, 0, False, initial)
    batch = torch.tensor([[1, 2], [3, 0]])
    check(NAME, reduce, torch.randn(2, 3), how, batch, None, None, 1, True, initial)
    check(NAME, reduce, data[:0], how, torch.tensor([0, 0]), None, None, 0, False, initial)


@pytest.mark.parametrize("lengths", [None, np.array([3, 4]), np.array([-1, 2])])
def test_errors(lengths: Any) -> None:
    kernel = find_kernel(NAME)
    assert kernel is not None
    with pytest.raises(ProgramError, match="segment_reduce"):
        kernel(np.zeros(5), "sum", lengths, None, None, 0, False, None, np.zeros(2))
