"""Histograms against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

aten: Any = torch.ops.aten


def test_histc() -> None:
    x = torch.randn(50)
    check("aten::histc.out", aten.histc, x, 7, -1, 1.5, exact=True)
    check("aten::histc.out", aten.histc, x, 5, 0, 0, exact=True)


def histogram(values: Any, bins: Any, *args: Any) -> Any:
    return torch.histogram(values, bins, range=args[0], weight=args[1], density=args[2])


def test_histogram() -> None:
    x = torch.randn(50)
    check("aten::histogram.bin_ct_out", histogram, x, 6, [-2.0, 2.0], x.abs(), True)
    for values, limits in ((torch.empty(0), None), (torch.ones(3), None), (x, [0.0, 0.0])):
        check("aten::histogram.bin_ct_out", histogram, values, 2, limits, None, False)


def test_values_at_limits() -> None:
    x = torch.arange(-20, 21).float() / 10
    check("aten::histogram.bin_ct_out", histogram, x, 40, [-2.0, 2.0], None, False)


def joint(values: Any, bins: Any, *args: Any) -> Any:
    return aten._histogramdd_from_bin_cts(
        values, bins, range=args[0], weight=args[1], density=args[2]
    )


def of_bins(values: Any, bins: Any, weight: Any, density: bool) -> Any:
    return aten._histogramdd_from_bin_tensors(values, bins, weight=weight, density=density)


@pytest.mark.parametrize("density", [False, True])
def test_joint_histograms(density: bool) -> None:
    x, weight = torch.randn(40, 2), torch.rand(40)
    limits = [-1.0, 1.5, -0.5, 2.0]
    for span, factor in ((None, None), (limits, None), (limits, weight)):
        check("aten::_histogramdd_from_bin_cts.out", joint, x, [3, 4], span, factor, density)
    bins = [torch.tensor([-1.0, 0.2, 3.0]), torch.tensor([-2.0, 0.0, 0.5, 0.5, 1.0])]
    if not density:
        check("aten::_histogramdd_from_bin_tensors.out", of_bins, x, bins, weight, density)
    lines = aten._histogramdd_bin_edges(x, [3, 4], range=limits)
    run = find_kernel("aten::_histogramdd_bin_edges.out")
    assert run is not None
    outs = [np.zeros(4, np.float32), np.zeros(5, np.float32)]
    run(x.numpy(), [3, 4], limits, None, density, outs)
    for out, line in zip(outs, lines, strict=True):
        torch.testing.assert_close(torch.from_numpy(out), line)


def test_bincount() -> None:
    x = torch.tensor([1, 5, 1, 0, 3])
    for weights in (None, torch.rand(5), torch.rand(5).double(), torch.arange(5)):
        check("aten::bincount.out", aten.bincount, x, weights, 0, dynamic=True)
        check("aten::bincount.out", aten.bincount, x, weights, 9, dynamic=True)
    check("aten::bincount.out", aten.bincount, x[:0], None, 3)
    kernel = find_kernel("aten::bincount.out")
    assert kernel is not None
    for values, weights in (([-1], None), ([[1]], None), ([1], np.zeros(2))):
        with pytest.raises(ProgramError, match="bincount"):
            kernel(np.array(values), weights, 0, np.zeros(2, np.int64))
