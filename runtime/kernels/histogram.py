"""Histograms; semantics of `torch.histc`, `histogram`, `histogramdd` and `bincount`."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .copy import assign
from .linspace import spaced
from .shapes import fit

_np: Any = np  # whose stubs lose the dtypes


def _limits(values: Any, low: float, high: float) -> tuple[float, float]:
    """The range of the bins of histc: that of the values where it is empty, and never empty."""
    if low == high and values.size:
        low, high = float(values.min()), float(values.max())
    return _checked("histc", low, high, 1.0)


def _checked(name: str, low: float, high: float, margin: float) -> tuple[float, float]:
    """A range, with a margin around it where it is empty. Raises ProgramError."""
    if low == high:
        low, high = low - margin, high + margin
    if not np.isfinite([low, high]).all():
        raise ProgramError(f"{name}: the range [{low}, {high}] is not finite")
    if low > high:
        raise ProgramError(f"{name}: the range [{low}, {high}] is not ascending")
    return low, high


def _count(values: Any, low: float, high: float, bins: int) -> Any:
    """The number of the values in each of `bins` equal bins."""
    inside = (values >= low) & (values <= high)
    kept = values[inside]
    wide = np.dtype(np.float64) if kept.dtype.kind in "iu" else kept.dtype
    place = (kept.astype(wide) - wide.type(low)) * wide.type(bins) / wide.type(high - low)
    index = np.minimum(place.astype(np.int64), bins - 1)
    return np.bincount(index, minlength=bins)


@kernel("aten::histc.out")
def histc(self: Any, bins: int, min: Any, max: Any, out: Any) -> Any:
    """The number of elements in each of `bins` equal parts of [min, max]."""
    if bins <= 0:
        raise ProgramError(f"histc: {bins} bins")
    # Eager finds the bins of narrow floats in their own dtype.
    values = self.reshape(-1)
    low, high = _limits(values, float(min), float(max))
    out = fit(out, (bins,))
    assign(out, _count(values, low, high, bins))
    return out


def _finish(counts: Any, edges: Any, density: bool, hist: Any, bin_edges: Any) -> Any:
    hist, bin_edges = fit(hist, counts.shape), fit(bin_edges, edges.shape)
    if density:
        counts = counts / (counts.sum() * np.diff(edges))
    assign(hist, counts)
    assign(bin_edges, edges)
    return hist, bin_edges


def _spread(
    values: Any, bins: Sequence[int], ranges: Sequence[float] | None, name: str = "histogramdd"
) -> list[Any]:
    """The limits of the bins of each column of `values` [elements, columns]."""
    edges: list[Any] = []
    for column, count in enumerate(bins):
        line = values[:, column]
        low, high = (line.min(), line.max()) if line.size else (0.0, 1.0)
        if ranges is not None:
            low, high = ranges[2 * column : 2 * column + 2]
        low, high = _checked(name, float(low), float(high), 0.5)
        edges.append(spaced(low, high, count + 1, values.dtype))
    return edges


def _counted(self: Any, edges: Any, weight: Any) -> Any:
    """The number, or the sum of the weights, of the elements between limits; the last one belongs
    to the last bin."""
    values, count = self.reshape(-1), len(edges) - 1
    inside = (values >= edges[0]) & (values <= edges[-1])
    index: Any = _np.minimum(_np.searchsorted(edges, values[inside], "right") - 1, count - 1)
    weights = None if weight is None else weight.reshape(-1)[inside]
    return np.bincount(index, weights, minlength=count)


@kernel("aten::histogram.bin_ct_out")
def histogram(
    self: Any,
    bins: int,
    range: Sequence[float] | None,
    weight: Any,
    density: bool,
    hist: Any,
    bin_edges: Any,
) -> Any:
    """The sums of weights in `bins` equal parts of the range, and their limits."""
    (edges,) = _spread(self.reshape(-1, 1), [bins], range, "histogram")
    counts = _counted(self, edges, weight)
    return _finish(counts, edges, density, hist, bin_edges)


@kernel("aten::histogram.bins_tensor_out")
def histogram_of_bins(
    self: Any, bins: Any, weight: Any, density: bool, hist: Any, bin_edges: Any
) -> Any:
    """The sums of weights between given limits; the last one belongs to the last bin."""
    counts = _counted(self, bins, weight)
    return _finish(counts, bins, density, hist, bin_edges)


def _joint_histogram(self: Any, edges: Sequence[Any], weight: Any, density: bool, out: Any) -> Any:
    """The sums of weights in the boxes between the limits of each column."""
    values = self.reshape(-1, self.shape[-1])
    weights = np.ones(len(values)) if weight is None else weight.reshape(-1).astype(np.float64)
    counts = tuple(len(line) - 1 for line in edges)
    inside: Any = np.ones(len(values), np.bool_)
    place: Any = np.zeros(len(values), np.int64)
    for column, (line, count) in enumerate(zip(edges, counts, strict=True)):
        value = values[:, column]
        inside &= (value >= line[0]) & (value <= line[-1])
        index: Any = _np.searchsorted(line, value, "right") - 1
        place = place * count + np.clip(index, 0, count - 1)
    sums: Any = np.bincount(place[inside], weights[inside], minlength=prod(counts))
    sums = sums.reshape(counts)
    if density:
        sums = sums / sums.sum()
        for column, line in enumerate(edges):
            sums = sums / np.diff(line).reshape(-1, *(1,) * (len(counts) - column - 1))
    out = fit(out, counts)
    assign(out, sums)
    return out


@kernel("aten::_histogramdd_bin_edges.out")
def histogramdd_bin_edges(
    self: Any, bins: list[int], range: Any, weight: Any, density: bool, outs: Any
) -> Any:
    """The limits of the bins of each column."""
    edges = _spread(self.reshape(-1, self.shape[-1]), bins, range)
    results = [fit(out, line.shape) for out, line in zip(outs, edges, strict=True)]
    for result, line in zip(results, edges, strict=True):
        assign(result, line)
    return results


@kernel("aten::_histogramdd_from_bin_cts.out")
def histogramdd(
    self: Any, bins: list[int], range: Any, weight: Any, density: bool, out: Any
) -> Any:
    """The sums of weights in the boxes of equal bins."""
    edges = _spread(self.reshape(-1, self.shape[-1]), bins, range)
    return _joint_histogram(self, edges, weight, density, out)


@kernel("aten::_histogramdd_from_bin_tensors.out")
def histogramdd_of_bins(self: Any, bins: list[Any], weight: Any, density: bool, out: Any) -> Any:
    """The sums of weights in boxes between given limits."""
    return _joint_histogram(self, bins, weight, density, out)


@kernel("aten::bincount.out")
def bincount(self: Any, weights: Any, minlength: int, out: Any) -> Any:
    """How often each number from 0 to the largest occurs in a 1-d tensor, or its weights' sum."""
    if self.ndim != 1 or (self.size and self.min() < 0):
        raise ProgramError("bincount: expected a 1-d tensor of numbers that are not negative")
    if weights is not None and weights.shape != self.shape:
        raise ProgramError(f"bincount: {list(weights.shape)} weights for {list(self.shape)}")
    counts = np.bincount(self.astype(np.int64), weights, minlength=minlength)
    out = fit(out, counts.shape)
    assign(out, counts)
    return out
