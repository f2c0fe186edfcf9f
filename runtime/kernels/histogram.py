"""Histograms; semantics of `torch.histc` and `torch.histogram`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .copy import assign
from .promotion import compute_dtype
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


def _count(values: Any, weights: Any, low: float, high: float, bins: int) -> Any:
    """The number, or the sum of the weights, of the values in each of `bins` equal bins."""
    inside = (values >= low) & (values <= high)
    kept = values[inside]
    wide = np.dtype(np.float64) if kept.dtype.kind in "iu" else kept.dtype
    place = (kept.astype(wide) - wide.type(low)) * wide.type(bins) / wide.type(high - low)
    index = np.minimum(place.astype(np.int64), bins - 1)
    return np.bincount(index, None if weights is None else weights[inside], minlength=bins)


@kernel("aten::histc.out")
def histc(self: Any, bins: int, min: Any, max: Any, out: Any) -> Any:
    """The number of elements in each of `bins` equal parts of [min, max]."""
    if bins <= 0:
        raise ProgramError(f"histc: {bins} bins")
    values = self.astype(compute_dtype(self.dtype), copy=False).reshape(-1)
    low, high = _limits(values, float(min), float(max))
    out = fit(out, (bins,))
    assign(out, _count(values, None, low, high, bins))
    return out


def _finish(counts: Any, edges: Any, density: bool, hist: Any, bin_edges: Any) -> Any:
    hist, bin_edges = fit(hist, counts.shape), fit(bin_edges, edges.shape)
    if density:
        counts = counts / (counts.sum() * np.diff(edges))
    assign(hist, counts)
    assign(bin_edges, edges)
    return hist, bin_edges


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
    values = self.reshape(-1)
    low, high = range or ((values.min(), values.max()) if values.size else (0.0, 1.0))
    low, high = _checked("histogram", float(low), float(high), 0.5)
    weights = None if weight is None else weight.reshape(-1)
    counts = _count(values, weights, low, high, bins)
    edges = np.linspace(low, high, bins + 1)
    return _finish(counts, edges, density, hist, bin_edges)


@kernel("aten::histogram.bins_tensor_out")
def histogram_of_bins(
    self: Any, bins: Any, weight: Any, density: bool, hist: Any, bin_edges: Any
) -> Any:
    """The sums of weights between given limits; the last one belongs to the last bin."""
    values = self.reshape(-1)
    weights = None if weight is None else weight.reshape(-1)
    count = len(bins) - 1
    inside = (values >= bins[0]) & (values <= bins[-1])
    index: Any = _np.minimum(_np.searchsorted(bins, values[inside], "right") - 1, count - 1)
    counts = np.bincount(index, None if weights is None else weights[inside], minlength=count)
    return _finish(counts, bins, density, hist, bin_edges)
