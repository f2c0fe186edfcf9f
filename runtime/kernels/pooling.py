"""Maximum and average pooling over one to three dimensions, semantics of `torch.nn.functional`.

Windows are never gathered: the result is combined tap by tap, each tap of the window being one
strided view of the input and the part of the result that it reaches. Adaptive pooling is in
adaptive_pooling.py.
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
        self.kernel = each(kernel, rank)
        self.stride = each(stride, rank) if stride else self.kernel
        self.padding, self.dilation = each(padding, rank), each(dilation, rank)
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


def each(values: Sequence[int], rank: int) -> tuple[int, ...]:
    """One number for each dimension; one alone stands for all."""
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
        divide(steps, total, divisor, out)
        return steps, (out,)

    return plan


def divide(steps: Steps, total: Any, divisor: Any, out: Any) -> None:
    """Append `out = total / divisor`, of integers rounded towards zero."""
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


# --- names ----------------------------------------------------------------------------------------


for _rank in (1, 2, 3):
    planned_kernel(f"aten::max_pool{_rank}d.out", _max_pool(_rank, False))
    planned_kernel(f"aten::max_pool{_rank}d_with_indices.out", _max_pool(_rank, True))
    planned_kernel(f"aten::avg_pool{_rank}d.out", _avg_pool(_rank))
