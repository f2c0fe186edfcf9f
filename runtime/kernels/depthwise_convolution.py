"""Convolutions with one input channel a group, [C, M] output channels: never a loop over channels.

Both algorithms work through blocks of channels whose scratch stays in the L2 cache.
"""

from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .convolution_problem import Problem, overlap
from .steps import Steps, merged

BLOCK = 1 << 16
"""Elements of a block of channels."""

BANDED_WIDTH = 32
"""Widest result for which products with band matrices beat shifted multiply-adds (measured)."""

BANDED_PRODUCT = 1 << 18
"""Multiplications of a product from which OpenBLAS uses threads, which costs more than it gives."""

BANDED_ELEMENTS = 1 << 22
"""Most elements of the band matrices that a convolution may keep in memory."""


def suits_bands(problem: Problem) -> bool:
    """Whether `banded` can do the convolution and is the faster one."""
    *rows, width = problem.sizes
    *kernel_rows, taps = problem.kernel
    extent = (width - 1) * problem.stride[-1] + problem.dilation[-1] * (taps - 1) + 1
    band = prod(kernel_rows) * extent * width
    return (
        not problem.weight.flags.writeable
        and problem.dtype.kind == "f"
        and width <= BANDED_WIDTH
        and prod(rows) * band <= BANDED_PRODUCT
        and problem.weight.shape[0] * band <= BANDED_ELEMENTS
    )


def shifted(problem: Problem, steps: Steps) -> None:
    """One multiplication and one addition for each tap of the kernel, over flat memory.

    The input is copied into zero-bordered phase images [C, *phases, *rows]: phase p of a dimension
    with stride s has the coordinates s * i + p. A tap is then one shift of the flat memory of one
    phase, so each operation is over contiguous runs; columns between the rows compute garbage that
    the copy to the result leaves out.
    """
    x, out, dtype = problem.x, problem.out, problem.dtype
    kernel, sizes, stride = problem.kernel, problem.sizes, problem.stride
    channels, times = problem.groups, problem.weight.shape[0] // problem.groups
    weight = _pack(problem, steps, dtype)
    bias = problem.pack_bias(steps, (channels, times, *(1,) * len(sizes)))

    rows = tuple(
        n + d * (k - 1) // s
        for n, d, k, s in zip(sizes, problem.dilation, kernel, stride, strict=True)
    )
    pitch = [prod(rows[dim + 1 :]) for dim in range(len(rows))]
    length = sum((n - 1) * p for n, p in zip(sizes, pitch, strict=True)) + 1
    block = max(1, min(channels, BLOCK // (times * prod(rows))))
    phases = np.zeros((block, *stride, *rows), dtype)
    flat = phases.reshape(block, *stride, prod(rows))
    total = np.empty((block, times, prod(rows)), dtype)
    term = np.empty((block, times, length), dtype)

    copies = [
        _phase_copy(problem, rows, phase)
        for phase in product(
            *(
                range(min(s, k * d))
                for s, k, d in zip(stride, kernel, problem.dilation, strict=True)
            )
        )
    ]
    taps = [_tap(problem, pitch, tap) for tap in product(*map(range, kernel))]
    for image, target in zip(x, out, strict=True):
        target = target.reshape(channels, times, *sizes)
        for start in range(0, channels, block):
            part = slice(start, min(start + block, channels))
            here = slice(0, part.stop - start)
            for places, source in copies:
                steps.copy(phases[(here, *places)], image[(part, *source)])
            sums, terms = total[here, :, :length], term[here]
            for index, (phase, shift) in enumerate(taps):
                values = flat[(here, *phase, slice(shift, shift + length))][:, None]
                factors = weight[part, :, index, None]
                steps.add(np.multiply, values, factors, terms if index else sums)
                if index:
                    steps.add(np.add, sums, terms, sums)
            result = total[here].reshape(-1, times, *rows)
            result = result[(..., *(slice(0, n) for n in sizes))]
            if bias is None:
                steps.copy(target[part], result)
            else:
                steps.add(np.add, result, bias[part], target[part], dtype=dtype, casting="unsafe")


def _pack(problem: Problem, steps: Steps, dtype: Any) -> Any:
    """The weight as [C, M, taps]."""
    channels, kernel = problem.groups, problem.kernel
    weight = np.empty((channels, problem.weight.shape[0] // channels, *kernel), dtype)
    steps.prepare(weight, problem.weight[:, 0].reshape(weight.shape))
    return weight.reshape(*weight.shape[:2], prod(kernel))


def _phase_copy(
    problem: Problem, rows: tuple[int, ...], phase: tuple[int, ...]
) -> tuple[tuple[int | slice, ...], tuple[slice, ...]]:
    """Where in the phase images one phase stands, and the input that belongs there."""
    cuts = [
        overlap(n, before, s, count, p)
        for n, before, s, count, p in zip(
            problem.x.shape[2:], problem.before, problem.stride, rows, phase, strict=True
        )
    ]
    return (*phase, *(places for places, _ in cuts)), tuple(source for _, source in cuts)


def _tap(problem: Problem, pitch: list[int], tap: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """The phase that a tap of the kernel reads, and its shift in flat memory."""
    places = [t * d for t, d in zip(tap, problem.dilation, strict=True)]
    phase = tuple(p % s for p, s in zip(places, problem.stride, strict=True))
    shift = sum(p // s * step for p, s, step in zip(places, problem.stride, pitch, strict=True))
    return phase, shift


def banded(problem: Problem, steps: Steps) -> None:
    """One small matrix product a channel, for constant weights and short rows.

    Along the last dimension the convolution is a product with a band (Toeplitz) matrix
    [padded width, out width]; the rows of the kernel stand one below the other in it, so that
    unfolding copies whole rows: [C, out rows, kernel rows * padded width] @ [C, M, ., out width].
    """
    x, out, dtype = problem.x, problem.out, problem.dtype
    *kernel_rows, taps = problem.kernel
    *out_rows, out_width = problem.sizes
    *strides, stride = problem.stride
    *dilations, dilation = problem.dilation
    channels, times = problem.groups, problem.weight.shape[0] // problem.groups
    extents = [
        (n - 1) * s + d * (k - 1) + 1
        for n, s, d, k in zip(
            problem.sizes, problem.stride, problem.dilation, problem.kernel, strict=True
        )
    ]
    width = extents[-1]
    height, depth = prod(out_rows), prod(kernel_rows) * width

    bands = np.zeros((channels, times, prod(kernel_rows), width, out_width), dtype)
    weight = problem.weight[:, 0].reshape(channels, times, prod(kernel_rows), taps)
    columns = np.arange(out_width)
    for tap in range(taps):
        bands[..., columns * stride + tap * dilation, columns] = weight[..., tap, None]
    bands = bands.reshape(channels, times, depth, out_width)
    bias = problem.pack_bias(steps, (channels, times, 1, 1))

    block = max(1, min(channels, BLOCK * 2 // (height * (depth + times * out_width))))
    padded = np.zeros((block, *extents), dtype)
    window_strides = (
        padded.strides[0],
        *(s * size for s, size in zip(strides, padded.strides[1:-1], strict=True)),
        *(d * size for d, size in zip(dilations, padded.strides[1:-1], strict=True)),
        padded.itemsize,
    )
    windows = as_strided(padded, (block, *out_rows, *kernel_rows, width), window_strides)
    matrices = np.empty((block, 1, height, depth), dtype)
    result = np.empty((block, times, height, out_width), dtype)

    cuts = [
        overlap(n, before, 1, extent)
        for n, before, extent in zip(x.shape[2:], problem.before, extents, strict=True)
    ]
    inside = (slice(None), *(places for places, _ in cuts))
    used = tuple(source for _, source in cuts)
    for image, target in zip(x, out, strict=True):
        target = target.reshape(channels, times, *problem.sizes)
        for start in range(0, channels, block):
            part = slice(start, min(start + block, channels))
            here = slice(0, part.stop - start)
            steps.copy(padded[here][inside], image[(part, *used)])
            steps.copy(matrices[here].reshape(windows[here].shape), windows[here])
            place = target[part]
            flat = merged(place, (*place.shape[:2], height, out_width))
            direct = steps.product(matrices[here], bands[part], flat)
            if not direct:
                flat = result[here]
                steps.add(np.matmul, matrices[here], bands[part], flat)
            if bias is not None:
                steps.add(np.add, flat, bias[part], flat)
            if not direct:
                steps.copy(place, flat.reshape(place.shape))
