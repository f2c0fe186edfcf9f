"""Maximum and average pooling over one to three dimensions, semantics of `torch.nn.functional`.

Windows are never gathered: the result is combined tap by tap, each tap of the window being one
strided view of the input and the part of the result that it reaches.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from .convolution_problem import overlap
from .promotion import compute_dtype
from .shapes import fit
from .steps import Plan, Steps, planned_kernel


class Windows:
    """The windows of a pooling of the last `rank` dimensions of `x`; `sizes` is their number.

    The lists have one entry a dimension or one for all; an empty `stride` is the kernel.
    """

    def __init__(
        self,
        x: Any,
        rank: int,
        kernel: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        ceil_mode: bool,
    ) -> None:
        if x.ndim not in (rank + 1, rank + 2):
            raise ProgramError(f"{rank}-d pooling of a {x.ndim}-d tensor; expected {rank + 2}-d")
        self.kernel = _each(kernel, rank)
        self.stride = _each(stride, rank) if stride else self.kernel
        self.padding, self.dilation = _each(padding, rank), _each(dilation, rank)
        self.inputs: tuple[int, ...] = x.shape[-rank:]
        self.sizes = tuple(
            _window_count(*dim, ceil_mode)
            for dim in zip(
                self.inputs, self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        if min(self.sizes) < 1 or any(
            2 * p > k for p, k in zip(self.padding, self.kernel, strict=True)
        ):
            raise ProgramError(
                f"a window of {list(self.kernel)} padded by {list(self.padding)} does not fit "
                f"the input {list(x.shape)}"
            )
        self.shape: tuple[int, ...] = (*x.shape[:-rank], *self.sizes)

    def taps(self) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """For each tap of the window: the places of the result that it reaches, and their input."""
        for tap in product(*map(range, self.kernel)):
            cuts = [
                overlap(n, p, s, count, t * d)
                for n, p, s, count, t, d in zip(
                    self.inputs,
                    self.padding,
                    self.stride,
                    self.sizes,
                    tap,
                    self.dilation,
                    strict=True,
                )
            ]
            yield (..., *(places for places, _ in cuts)), (..., *(source for _, source in cuts))

    def first_index(self) -> Any:
        """Flat index in the input of the first tap of each window (perhaps in the padding)."""
        starts = [
            np.arange(count) * s - p
            for count, s, p in zip(self.sizes, self.stride, self.padding, strict=True)
        ]
        return _flat_index(starts, self.inputs)

    def tap_index(self) -> Any:
        """Flat distance in the input of each tap from the first one."""
        steps = [np.arange(k) * d for k, d in zip(self.kernel, self.dilation, strict=True)]
        return _flat_index(steps, self.inputs).reshape(-1)


def _each(values: Sequence[int], rank: int) -> tuple[int, ...]:
    return tuple(values) * rank if len(values) == 1 else tuple(values)


def _window_count(size: int, k: int, stride: int, pad: int, dilation: int, ceil_mode: bool) -> int:
    room = size + 2 * pad - dilation * (k - 1) - 1
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    # A window that would start in the padding behind the input does not count.
    return count - 1 if ceil_mode and (count - 1) * stride >= size + pad else count


def _flat_index(coordinates: Sequence[Any], sizes: Sequence[int]) -> Any:
    total = np.zeros((1,) * len(sizes), np.int64)
    for dim, axis in enumerate(coordinates):
        total = total + axis.reshape(-1, *(1,) * (len(sizes) - dim - 1)) * prod(sizes[dim + 1 :])
    return total


# --- maximum --------------------------------------------------------------------------------------


def _lowest(dtype: Any) -> Any:
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _maximum(x: Any, windows: Windows, out: Any, steps: Steps) -> None:
    steps.add(out.fill, _lowest(out.dtype))
    for places, source in windows.taps():
        target = out[places]
        steps.add(np.maximum, target, x[source], out=target)


def _maximum_indices(x: Any, windows: Windows, out: Any, indices: Any, steps: Steps) -> None:
    """The index of each maximum: the first of equal ones, the last nan if there is any."""
    offsets = windows.tap_index()
    taps = len(offsets)
    # Taps are numbered downwards, so that the first of equal ones is a maximum of small integers.
    number = np.min_scalar_type(taps)
    best = np.empty(out.shape, number)
    same = np.empty(out.size, np.bool_)
    numbers = np.empty(out.size, number)
    steps.add(best.fill, 0)
    for index, (places, source) in enumerate(windows.taps()):
        target, value = best[places], x[source]
        equal = same[: value.size].reshape(value.shape)
        mine = numbers[: value.size].reshape(value.shape)
        steps.add(np.equal, value, out[places], equal)
        steps.add(np.multiply, equal, number.type(taps - index), mine)
        steps.add(np.maximum, target, mine, out=target)
    if out.dtype.kind not in "iu":
        steps.add(_mark_nans, x, windows, best, out)
    table = np.concatenate([offsets, offsets[:1]])[::-1].copy()
    steps.add(_look_up, table, best, windows.first_index(), indices)


def _mark_nans(x: Any, windows: Windows, best: Any, out: Any) -> None:
    if np.isnan(out).any():
        taps = prod(windows.kernel)
        for index, (places, source) in enumerate(windows.taps()):
            np.copyto(best[places], taps - index, where=np.isnan(x[source]))


def _look_up(table: Any, best: Any, first: Any, indices: Any) -> None:
    np.add(table[best], first, out=indices, casting="unsafe")


def _max_pool(rank: int, with_indices: bool) -> Plan:
    def plan(
        x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, *outs: Any
    ) -> tuple[Steps, tuple[Any, ...]]:
        steps = Steps()
        windows = Windows(x, rank, kernel, stride, padding, dilation, ceil_mode)
        results = tuple(fit(out, windows.shape) for out in outs)
        _maximum(x, windows, results[0], steps)
        if with_indices:
            _maximum_indices(x, windows, results[0], results[1], steps)
        return steps, results

    return plan


# --- average --------------------------------------------------------------------------------------


def _avg_pool(rank: int) -> Plan:
    def plan(
        x: Any, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, include: bool, *rest: Any
    ) -> tuple[Steps, tuple[Any, ...]]:
        *override, out = rest
        steps = Steps()
        windows = Windows(x, rank, kernel, stride, padding, [1], ceil_mode)
        out = fit(out, windows.shape)
        total = out if compute_dtype(out.dtype) == out.dtype else None
        if total is None:
            total = np.empty(out.shape, compute_dtype(out.dtype))
        steps.add(total.fill, 0)
        for places, source in windows.taps():
            target = total[places]
            steps.add(np.add, target, x[source], target, dtype=total.dtype, casting="unsafe")
        divisor = override[0] if override and override[0] is not None else None
        if divisor is None:
            divisor = _window_sizes(windows, include).astype(total.dtype)
        _divide(steps, total, divisor, out)
        return steps, (out,)

    return plan


def _divide(steps: Steps, total: Any, divisor: Any, out: Any) -> None:
    if total.dtype.kind in "iu":
        steps.add(_divide_integers, total, divisor, out)
    else:
        steps.add(np.divide, total, divisor, out, dtype=total.dtype, casting="unsafe")


def _divide_integers(total: Any, divisor: Any, out: Any) -> None:
    sign = np.sign(total) * np.sign(divisor)
    np.multiply(sign, np.abs(total) // np.abs(divisor), out=out, casting="unsafe")


def _window_sizes(windows: Windows, include_padding: bool) -> Any:
    """How many elements each window averages: those in the input, or in the padding as well."""
    result = np.ones(windows.sizes, np.int64)
    dims = zip(
        windows.inputs, windows.sizes, windows.kernel, windows.stride, windows.padding, strict=True
    )
    for dim, (size, count, k, stride, pad) in enumerate(dims):
        start = np.arange(count) * stride - pad
        end = np.minimum(start + k, size + pad)
        if not include_padding:
            start, end = np.maximum(start, 0), np.minimum(end, size)
        result *= (end - start).reshape(-1, *(1,) * (len(windows.sizes) - dim - 1))
    return result


# --- adaptive -------------------------------------------------------------------------------------


def _adaptive_sizes(x: Any, rank: int, sizes: Sequence[int]) -> tuple[int, ...]:
    if x.ndim not in (rank + 1, rank + 2):
        raise ProgramError(f"{rank}-d pooling of a {x.ndim}-d tensor; expected {rank + 2}-d")
    return (*x.shape[:-rank], *_each(sizes, rank))


def _adaptive_bounds(size: int, count: int) -> tuple[Any, Any]:
    """First and last + 1 element of each of `count` windows over `size` elements."""
    index = np.arange(count)
    return index * size // count, -(-(index + 1) * size // count)


def _adaptive_avg_pool(rank: int) -> Plan:
    def plan(x: Any, output_size: Any, out: Any) -> tuple[Steps, tuple[Any, ...]]:
        steps = Steps()
        shape = _adaptive_sizes(x, rank, output_size)
        out = fit(out, shape)
        sizes, counts = x.shape[-rank:], shape[-rank:]
        if out.size and all(n % count == 0 for n, count in zip(sizes, counts, strict=True)):
            split = [part for n, c in zip(sizes, counts, strict=True) for part in (c, n // c)]
            windows = x.reshape(*x.shape[:-rank], *split)
            axes = tuple(range(windows.ndim - 2 * rank + 1, windows.ndim, 2))
            total = np.empty(out.shape, compute_dtype(out.dtype))
            steps.add(np.add.reduce, windows, axis=axes, dtype=total.dtype, out=total)
            divisor = prod(split[1::2])
        elif out.size:
            total, divisor = _sum_adaptive(x, counts, steps)
        else:
            return steps, (out,)
        _divide(steps, total, divisor, out)
        return steps, (out,)

    return plan


def _sum_adaptive(x: Any, counts: tuple[int, ...], steps: Steps) -> tuple[Any, Any]:
    """Steps that sum windows of unequal sizes, one dimension after the other; (sums, sizes)."""
    divisor = np.ones(counts, np.int64)
    for dim, count in enumerate(counts):
        axis = x.ndim - len(counts) + dim
        start, end = _adaptive_bounds(x.shape[axis], count)
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


def _add_taken(total: Any, x: Any, index: Any, axis: int, where: Any) -> None:
    np.add(total, np.take(x, index, axis), out=total, where=where, casting="unsafe")


def _adaptive_max_pool2d(
    x: Any, output_size: Any, out: Any, indices: Any
) -> tuple[Steps, tuple[Any, ...]]:
    steps = Steps()
    shape = _adaptive_sizes(x, 2, output_size)
    out, indices = fit(out, shape), fit(indices, shape)
    if out.size:
        steps.add(_take_maxima, x, out, indices)
    return steps, (out, indices)


def _take_maxima(x: Any, out: Any, indices: Any) -> None:
    (top, bottom), (left, right) = map(_adaptive_bounds, x.shape[-2:], out.shape[-2:])
    for tap in product(range(int((bottom - top).max())), range(int((right - left).max()))):
        # A tap beyond a window reads its last element once more, which changes no maximum.
        rows = np.minimum(top + tap[0], bottom - 1)[:, None]
        columns = np.minimum(left + tap[1], right - 1)
        values, index = x[..., rows, columns], rows * x.shape[-1] + columns
        better = values > out if tap != (0, 0) else np.ones(out.shape, np.bool_)
        if out.dtype.kind not in "iu":
            better |= np.isnan(values)
        np.copyto(out, values, where=better)
        np.copyto(indices, np.broadcast_to(index, out.shape), where=better)


# --- names ----------------------------------------------------------------------------------------


for _rank in (1, 2, 3):
    planned_kernel(f"aten::max_pool{_rank}d.out", _max_pool(_rank, False))
    planned_kernel(f"aten::max_pool{_rank}d_with_indices.out", _max_pool(_rank, True))
    planned_kernel(f"aten::avg_pool{_rank}d.out", _avg_pool(_rank))
    planned_kernel(f"aten::adaptive_avg_pool{_rank}d.out", _adaptive_avg_pool(_rank))
for _rank in (2, 3):
    planned_kernel(f"aten::_adaptive_avg_pool{_rank}d.out", _adaptive_avg_pool(_rank))
planned_kernel("aten::adaptive_max_pool2d.out", _adaptive_max_pool2d)
