"""Histograms, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from steps import with_gaps
from torch_step import check_against_torch

from edgeir.dialects import edge
from edgeir.lowering.llvm import histogram

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("bins", "low", "high"), [(4, 0, 3), (7, -1.5, 2), (1, 0, 1)])
def test_bins(bins: int, low: float, high: float) -> None:
    """Elements at both ends, outside, and some that are nan."""
    x = (RNG.integers(-8, 8, (9, 7)) / 4).astype(np.float32)
    x[3, 3] = np.nan
    check_against_torch(histogram, edge.HistcOp, [with_gaps(x)], bins=bins, min=low, max=high)
