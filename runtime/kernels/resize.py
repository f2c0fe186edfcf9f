"""Resampling of the last one to three dimensions, semantics of `torch.nn.functional.interpolate`.

Every mode is separable: along one dimension each output is a weighted sum of a few inputs, the
taps (`Taps`), computed once from the sizes. Coordinates are rounded as PyTorch does: in f32, or in
f64 for f64 tensors and bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ProgramError
from .promotion import compute_dtype
from .shapes import fit
from .steps import Steps, planned_kernel


@dataclass(frozen=True)
class Taps:
    """`out[i] = sum over t of weights[t][i] * x[indices[t][i]]`; no weights means a plain copy."""

    indices: Sequence[Any]
    weights: Sequence[Any] | None


@dataclass(frozen=True)
class Dimension:
    """One resampled dimension: sizes, the user's scale factor or None, and `align_corners`.

    `real` is the dtype of coordinates and weights.
    """

    size: int
    count: int
    factor: float | None
    align: bool
    real: Any

    @property
    def step(self) -> Any:
        """Distance of neighbouring outputs in input coordinates."""
        if self.align:
            return self.real((self.size - 1) / (self.count - 1) if self.count > 1 else 0)
        if self.factor is not None and self.factor > 0:
            return self.real(1 / self.factor)
        return self.real(self.real(self.size) / self.real(self.count))

    def coordinates(self) -> Any:
        """Where the outputs lie in the input."""
        index = np.arange(self.count, dtype=self.real)
        if self.align:
            return self.step * index
        half = self.real(0.5)
        return self.step * (index + half) - half


def _nearest(dim: Dimension) -> Taps:
    place = np.arange(dim.count, dtype=dim.real) * dim.step
    return Taps([np.minimum(place.astype(np.int64), dim.size - 1)], None)


def _nearest_exact(dim: Dimension) -> Taps:
    place = (np.arange(dim.count, dtype=dim.real) + dim.real(0.5)) * dim.step
    return Taps([np.minimum(place.astype(np.int64), dim.size - 1)], None)


def _linear(dim: Dimension) -> Taps:
    if dim.size == dim.count:
        return Taps([np.arange(dim.count)], None)
    place = np.maximum(dim.coordinates(), dim.real(0))
    first = np.minimum(place.astype(np.int64), dim.size - 1)
    second = np.minimum(first + 1, dim.size - 1)
    rest = np.clip(place - first.astype(dim.real), 0, 1)
    return Taps([first, second], [dim.real(1) - rest, rest])


def cubic_weight(distance: Any, a: float) -> Any:
    """Keys' cubic convolution kernel with parameter `a`."""
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0)).astype(x.dtype)


def _cubic(dim: Dimension) -> Taps:
    place = dim.coordinates()
    base = np.floor(place)
    rest = place - base
    taps = range(-1, 3)
    first = base.astype(np.int64)
    return Taps(
        [np.clip(first + tap, 0, dim.size - 1) for tap in taps],
        [cubic_weight(rest - dim.real(tap), -0.75) for tap in taps],
    )


def _antialias(radius: int, weight: Callable[[Any], Any]) -> Callable[[Dimension], Taps]:
    """Filters that widen with the step where the image shrinks, normalized in each window."""

    def taps(dim: Dimension) -> Taps:
        step = float(dim.step)
        width = max(step, 1.0)
        center = step * (np.arange(dim.count) + 0.5)
        support = radius * width
        start = np.maximum((center - support + 0.5).astype(np.int64), 0)
        stop = np.minimum((center + support + 0.5).astype(np.int64), dim.size)
        number = range(int((stop - start).max()))
        weights = [
            np.where(start + tap < stop, weight((start + tap - center + 0.5) / width), 0.0)
            for tap in number
        ]
        total = sum(weights)
        return Taps(
            [np.minimum(start + tap, dim.size - 1) for tap in number],
            [(w / total).astype(dim.real) for w in weights],
        )

    return taps


def _triangle(distance: Any) -> Any:
    return np.maximum(1 - np.abs(distance), 0)


def _smooth(distance: Any) -> Any:
    return cubic_weight(distance, -0.5)


Mode = Callable[[Dimension], Taps]


def plan(
    mode: Mode,
    x: Any,
    counts: Sequence[int],
    align: bool,
    factors: Sequence[float | None],
    out: Any,
) -> tuple[Steps, tuple[Any, ...]]:
    """Steps that resample the last dimensions of `x` [N, C, *sizes] to `counts`."""
    rank = len(counts)
    if x.ndim != rank + 2 or (x.size and min(*x.shape[2:], *counts) < 1):
        raise ProgramError(
            f"cannot resize {list(x.shape)} to {list(counts)}; "
            f"expected {rank + 2} dimensions and sizes above 0"
        )
    steps = Steps()
    out = fit(out, (*x.shape[:2], *counts))
    if out.size == 0:
        return steps, (out,)
    real = np.float32 if compute_dtype(out.dtype) == np.float32 else np.float64
    dims = [
        Dimension(size, count, factor, align, real)
        for size, count, factor in zip(x.shape[2:], counts, factors, strict=True)
    ]
    value = x
    if out.dtype == np.uint8:
        # As eager does it: the last dimension first, each rounded.
        for index, dim in reversed(list(enumerate(dims, start=2))):
            value = _resample_bytes(value, index, mode(dim), steps)
        steps.copy(out, value)
        return steps, (out,)
    # Rows first: that copies long contiguous runs, and leaves fewer of them for the last dimension.
    for index, dim in enumerate(dims, start=2):
        value = _resample(value, index, mode(dim), compute_dtype(out.dtype), steps)
    steps.copy(out, value)
    return steps, (out,)


def _resample_bytes(x: Any, axis: int, taps: Taps, steps: Steps) -> Any:
    """Append the steps along one dimension of bytes, with weights that are integers of 16 bits.

    Products of bytes with such weights, and their sums, are exact in f32.
    """
    if taps.weights is None:
        return _resample(x, axis, taps, x.dtype, steps)
    count = len(taps.indices[0])
    weights = np.zeros((x.shape[axis], count))
    for index, weight in zip(taps.indices, taps.weights, strict=True):
        np.add.at(weights, (index, np.arange(count)), weight)
    # As many bits as the largest weight leaves of the 15, but no more than 22.
    bits = next(n for n in range(23) if n == 22 or int(0.5 + weights.max() * 2 ** (n + 1)) >= 2**15)
    scaled = weights * 2**bits
    whole = np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.float32)
    lines = np.empty(x.shape, np.float32)
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    total, result = np.empty(shape, np.float32), np.empty(shape, x.dtype)
    steps.copy(lines, x)
    steps.add(np.matmul, lines.swapaxes(axis, -1), whole, total.swapaxes(axis, -1))
    steps.add(np.add, total, np.float32(2 ** (bits - 1)), total)
    steps.add(np.multiply, total, np.float32(2.0**-bits), total)
    steps.add(np.floor, total, total)
    steps.add(np.clip, total, 0, 255, out=total)
    steps.copy(result, total)
    return result


def _resample(x: Any, axis: int, taps: Taps, dtype: Any, steps: Steps) -> Any:
    """Append the steps along one dimension; their result, in `dtype` unless it is a plain copy."""
    count = len(taps.indices[0])
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    if taps.weights is None:
        if count == x.shape[axis] and (taps.indices[0] == np.arange(count)).all():
            return x
        taken = np.empty(shape, x.dtype)
        steps.add(np.take, x, taps.indices[0], axis=axis, out=taken, mode="clip")
        return taken
    column = (-1, *(1,) * (x.ndim - axis - 1))
    taken, total, term = np.empty(shape, x.dtype), np.empty(shape, dtype), np.empty(shape, dtype)
    for tap, (index, weight) in enumerate(zip(taps.indices, taps.weights, strict=True)):
        target = term if tap else total
        steps.add(np.take, x, index, axis=axis, out=taken, mode="clip")
        factor = weight.astype(dtype).reshape(column)
        steps.add(np.multiply, taken, factor, target, dtype=dtype, casting="unsafe")
        if tap:
            steps.add(np.add, total, term, total)
    return total


# --- names ----------------------------------------------------------------------------------------

MODES: dict[str, tuple[Mode, int, bool]] = {
    **{f"upsample_nearest{rank}d": (_nearest, rank, False) for rank in (1, 2, 3)},
    **{f"_upsample_nearest_exact{rank}d": (_nearest_exact, rank, False) for rank in (1, 2, 3)},
    "upsample_linear1d": (_linear, 1, True),
    "upsample_bilinear2d": (_linear, 2, True),
    "upsample_trilinear3d": (_linear, 3, True),
    "upsample_bicubic2d": (_cubic, 2, True),
    "_upsample_bilinear2d_aa": (_antialias(1, _triangle), 2, True),
    "_upsample_bicubic2d_aa": (_antialias(2, _smooth), 2, True),
}
"""Operator: its mode, the number of dimensions, and whether it takes `align_corners`."""


def _register_mode(name: str, mode: Mode, rank: int, aligns: bool) -> None:
    def sized(x: Any, counts: Any, *rest: Any) -> tuple[Steps, tuple[Any, ...]]:
        align, *factors = rest[:-1] if aligns else (False, *rest[:-1])
        return plan(mode, x, counts, align, factors, rest[-1])

    def scaled(x: Any, counts: Any, *rest: Any) -> tuple[Steps, tuple[Any, ...]]:
        align, factors = rest[:-1] if aligns else (False, rest[0])
        if counts is None:
            counts = [int(n * factor) for n, factor in zip(x.shape[2:], factors, strict=True)]
        return plan(mode, x, counts, align, factors or [None] * rank, rest[-1])

    planned_kernel(f"aten::{name}.out", sized)
    planned_kernel(f"aten::{name}.vec_out", scaled)


for _name, (_mode, _rank, _aligns) in MODES.items():
    _register_mode(_name, _mode, _rank, _aligns)
