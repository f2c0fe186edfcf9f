"""Pooling to a given size, whose windows differ: adaptive and fractional ones.

Semantics of `torch.nn.functional.adaptive_avg_pool2d` and the like. Windows overlap and are not of
one size, so each dimension is pooled on its own, by as many steps as its widest window has taps.
"""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import KernelFunction, kernel
from .pooling import divide, each
from .promotion import compute_dtype
from .shapes import fit
from .steps import Plan, Steps, planned_kernel


def _result_shape(x: Any, rank: int, sizes: Sequence[int]) -> tuple[int, ...]:
    if x.ndim not in (rank + 1, rank + 2):
        raise ProgramError(f"{rank}-d pooling of a {x.ndim}-d tensor; expected {rank + 2}-d")
    return (*x.shape[:-rank], *each(sizes, rank))


def _bounds(size: int, count: int) -> tuple[Any, Any]:
    """First and last + 1 element of each of `count` windows over `size` elements."""
    index = np.arange(count)
    return index * size // count, -(-(index + 1) * size // count)


# --- average --------------------------------------------------------------------------------------


def _average(rank: int, composite: bool) -> Plan:
    def plan(x: Any, output_size: Any, out: Any) -> tuple[Steps, tuple[Any, ...]]:
        steps = Steps()
        shape = _result_shape(x, rank, output_size)
        out = fit(out, shape)
        sizes, counts = x.shape[-rank:], shape[-rank:]
        # Of one window eager's composite takes the mean.
        by_element = rank == 3 and not (composite and prod(counts) == 1)
        if by_element and out.size and compute_dtype(out.dtype) != out.dtype:
            steps.add(_average_narrow, x, out)
            return steps, (out,)
        if out.size and all(n % count == 0 for n, count in zip(sizes, counts, strict=True)):
            split = [part for n, c in zip(sizes, counts, strict=True) for part in (c, n // c)]
            windows = x.reshape(*x.shape[:-rank], *split)
            axes = tuple(range(windows.ndim - 2 * rank + 1, windows.ndim, 2))
            total = np.empty(out.shape, compute_dtype(out.dtype))
            steps.add(np.add.reduce, windows, axis=axes, dtype=total.dtype, out=total)
            divisor = prod(split[1::2])
        elif out.size:
            total, divisor = _sums(x, counts, steps)
        else:
            return steps, (out,)
        divide(steps, total, divisor, out)
        return steps, (out,)

    return plan


def _sums(x: Any, counts: tuple[int, ...], steps: Steps) -> tuple[Any, Any]:
    """Steps that sum windows of unequal sizes, one dimension after the other; (sums, sizes)."""
    divisor = np.ones(counts, np.int64)
    for dim, count in enumerate(counts):
        axis = x.ndim - len(counts) + dim
        start, end = _bounds(x.shape[axis], count)
        column = (-1, *(1,) * (len(counts) - dim - 1))
        divisor *= (end - start).reshape(column)
        shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
        total = np.zeros(shape, compute_dtype(x.dtype))
        steps.add(total.fill, 0)
        for tap in range(int((end - start).max())):
            index = np.minimum(start + tap, end - 1)
            steps.add(_add_taken, total, x, index, axis, (start + tap < end).reshape(column))
        x = total
    return x, divisor.astype(x.dtype)


def _average_narrow(x: Any, out: Any) -> None:
    """Averages over 3-d windows whose sums are rounded at each element, as those of eager are."""
    bounds = [_bounds(*pair) for pair in zip(x.shape[-3:], out.shape[-3:], strict=True)]
    lengths = [
        (end - start).reshape(-1, *(1,) * (2 - dim)) for dim, (start, end) in enumerate(bounds)
    ]
    total = np.zeros(out.shape, out.dtype)
    for tap in product(*(range(int(length.max())) for length in lengths)):
        index = np.ix_(
            *(np.minimum(start + t, end - 1) for (start, end), t in zip(bounds, tap, strict=True))
        )
        inside = [t < length for t, length in zip(tap, lengths, strict=True)]
        np.add(total, x[(..., *index)], out=total, where=inside[0] & inside[1] & inside[2])
    for length in lengths:
        total = np.divide(total, length.astype(out.dtype))
    np.copyto(out, total)


def _add_taken(total: Any, x: Any, index: Any, axis: int, where: Any) -> None:
    np.add(total, np.take(x, index, axis), out=total, where=where, casting="unsafe")


# --- maximum --------------------------------------------------------------------------------------


def _maximum(rank: int) -> KernelFunction:
    def call(x: Any, output_size: Any, out: Any, indices: Any) -> Any:
        """The maxima, and the index of each among all elements of its image: the first of equal
        ones, the last nan."""
        shape = _result_shape(x, rank, output_size)
        if 0 in x.shape[1:]:
            raise ProgramError(f"adaptive_max_pool{rank}d of shape {list(x.shape)}")
        size: tuple[int, ...] = x.shape[-rank:]
        index: Any = np.broadcast_to(np.arange(prod(size)).reshape(size), x.shape)
        values = x
        for axis in range(x.ndim - 1, x.ndim - rank - 1, -1):
            values, index = _maxima(values, index, axis, *_bounds(x.shape[axis], shape[axis]))
        out, indices = fit(out, shape), fit(indices, shape)
        out[...], indices[...] = values, index
        return out, indices

    return call


def _maxima(values: Any, index: Any, axis: int, start: Any, end: Any) -> tuple[Any, Any]:
    """The maxima of windows of one dimension, and their part of `index`."""
    best, found = values.take(start, axis), index.take(start, axis)
    for tap in range(1, int((end - start).max(initial=0))):
        # A tap behind a window reads its last element once more, which changes no maximum.
        place = np.minimum(start + tap, end - 1)
        value = values.take(place, axis)
        better = value > best
        if value.dtype.kind not in "iu":
            better |= np.isnan(value)
        np.copyto(best, value, where=better)
        np.copyto(found, index.take(place, axis), where=better)
    return best, found


# --- fractional -----------------------------------------------------------------------------------


def _fractional_maximum(rank: int) -> KernelFunction:
    def call(x: Any, kernel_size: Any, output_size: Any, samples: Any, *outs: Any) -> Any:
        """Windows of one size at places that a random number for each dimension of each image
        decides: `samples` [N, C, rank]."""
        shape = _result_shape(x, rank, output_size)
        sizes, counts, windows = x.shape[-rank:], shape[-rank:], each(kernel_size, rank)
        if any(n + k - 1 > size for size, n, k in zip(sizes, counts, windows, strict=True)):
            raise ProgramError(
                f"fractional_max_pool{rank}d: {list(counts)} windows of {list(windows)} do not "
                f"fit {list(sizes)}"
            )
        lead = (*x.shape[:-rank], *(1,) * rank)
        # Of two dimensions the first number is that of the last one.
        order = (1, 0) if rank == 2 else range(rank)
        numbers = [samples[..., position].reshape(lead).astype(x.dtype) for position in order]
        dims = zip(numbers, sizes, counts, windows, strict=True)
        starts = [_starts(dim, *entry) for dim, entry in enumerate(dims, start=-rank)]
        flat = x.reshape(*x.shape[:-rank], prod(sizes))
        out, indices = (fit(out, shape) for out in outs)
        for tap in product(*map(range, windows)):
            place: Any = 0
            for start, step, size in zip(starts, tap, sizes, strict=True):
                place = place * size + (start + step)
            value = np.take_along_axis(flat, place.reshape(*flat.shape[:-1], prod(counts)), -1)
            value = value.reshape(shape)
            better = (value > out) | np.isnan(value) if any(tap) else np.ones(shape, np.bool_)
            np.copyto(out, value, where=better)
            np.copyto(indices, place, where=better)
        return out, indices

    return call


def _starts(dim: int, sample: Any, size: int, count: int, window: int) -> Any:
    """Where the windows of dimension `dim` (from the back) start, in each image."""
    real = sample.dtype.type
    step = real(size - window) / real(max(count - 1, 1))
    index = np.arange(count).astype(sample.dtype).reshape(-1, *(1,) * (-dim - 1))
    starts = ((index + sample) * step).astype(np.int64) - (sample * step).astype(np.int64)
    np.copyto(starts, size - window, where=index == count - 1)
    return starts


# --- names ----------------------------------------------------------------------------------------


for _rank in (1, 2, 3):
    planned_kernel(f"aten::adaptive_avg_pool{_rank}d.out", _average(_rank, True))
for _rank in (2, 3):
    planned_kernel(f"aten::_adaptive_avg_pool{_rank}d.out", _average(_rank, False))
    kernel(f"aten::adaptive_max_pool{_rank}d.out")(_maximum(_rank))
    kernel(f"aten::fractional_max_pool{_rank}d.output")(_fractional_maximum(_rank))
