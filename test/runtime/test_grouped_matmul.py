"""Products of groups against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

aten: Any = torch.ops.aten
ENDS = torch.tensor([4, 4, 16], dtype=torch.int32)


@pytest.mark.parametrize(
    ("left", "right", "ends"),
    [
        ((16, 8), (3, 8, 24), ENDS),
        ((3, 8, 24), (24, 16), ENDS),
        ((8, 16), (16, 24), ENDS),
        ((3, 8, 16), (3, 16, 8), None),
    ],
)
def test_grouped_mm(left: Any, right: Any, ends: Any) -> None:
    # Rows behind the last group are not written by eager: the last group ends with them.
    x, weight = torch.randn(left).bfloat16(), torch.randn(right).bfloat16()
    check("aten::_grouped_mm.out", aten._grouped_mm, x, weight, ends, None, None)


def test_fallback() -> None:
    def reference(x: torch.Tensor, weight: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
        parts = x.split(ends.diff(prepend=torch.zeros(1)).int().tolist())
        return torch.cat([part @ w for part, w in zip(parts, weight, strict=True)])

    name = "transformers::grouped_mm_fallback.out"
    check(name, reference, torch.randn(16, 5), torch.randn(3, 5, 7), ENDS, dynamic=True)


def test_wrong_ends() -> None:
    kernel = find_kernel("transformers::grouped_mm_fallback.out")
    assert kernel is not None
    x, weight, out = np.zeros((4, 2)), np.zeros((2, 2, 2)), np.zeros((4, 2))
    for ends in ([3, 2], [2, 5]):
        with pytest.raises(ProgramError, match="groups that end at"):
            kernel(x, weight, np.array(ends), out)
