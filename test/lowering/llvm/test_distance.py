"""Distances of rows, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from steps import with_gaps
from torch_step import check_against_torch

from edgeir.dialects import edge
from edgeir.lowering.llvm import distance

RNG = np.random.default_rng(0)
CDIST = edge.OPERATORS["aten::_cdist_forward"]


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.5, inf])
def test_orders(p: float) -> None:
    """All orders, with several matrices."""
    a, b = (RNG.integers(-3, 3, (2, rows, 19)).astype(np.float32) for rows in (7, 5))
    check_against_torch(
        distance, CDIST, [with_gaps(a), with_gaps(b, (0, 2, 1))], 1e-5, p=p, compute_mode=None
    )


@pytest.mark.parametrize("shape", [(1, 1, 1), (40, 33, 3), (130, 9, 64)])
def test_sizes(shape: tuple[int, int, int]) -> None:
    """One matrix; rows of the result are tasks."""
    a, b = (RNG.standard_normal((rows, shape[2]), dtype=np.float32) for rows in shape[:2])
    check_against_torch(distance, CDIST, [a, b], 1e-5, 1e-5, p=2.0, compute_mode=2)
