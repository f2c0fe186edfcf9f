"""Convolutions as matrix products: 1x1, unfolded in blocks, and transposed."""

from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .convolution_problem import Problem, overlap
from .steps import Steps, blocks, merged, writes_rows

BLOCK_BYTES = 1 << 21
"""Scratch for one block of unfolded input; it and the block's result stay in the caches."""


def is_pointwise(problem: Problem) -> bool:
    """Whether the convolution is one matrix product an image, on the memory as it is."""
    rank = len(problem.sizes)
    ones = (1,) * rank
    if problem.kernel != ones or problem.stride != ones or problem.groups != 1:
        return False
    if problem.before != (0,) * rank or problem.sizes != problem.x.shape[2:]:
        return False
    x, out = _pixels(problem.x), _pixels(problem.out)
    return (
        x is not None
        and out is not None
        and x.dtype == out.dtype == problem.dtype
        and (writes_rows(out) or writes_rows(out.swapaxes(-1, -2)))
    )


def _pixels(image: Any) -> Any:
    return merged(image, (*image.shape[:2], prod(image.shape[2:])))


def pointwise(problem: Problem, steps: Steps) -> None:
    """`out[n] = weight @ x[n] + bias`, in any dense memory order of both."""
    weight = steps.operand(problem.weight[(..., *(0,) * len(problem.sizes))])
    bias = problem.pack_bias(steps, (-1, 1))
    for x, out in zip(_pixels(problem.x), _pixels(problem.out), strict=True):
        steps.product(weight, x, out)
        if bias is not None:
            steps.add(np.add, out, bias, out)


def unfolded(problem: Problem, steps: Steps) -> None:
    """Any convolution, by im2col: blocks of output positions, each one matrix product.

    The input is copied into a zero-bordered scratch image [G, *padded sizes, C / G]. Channels are
    innermost there, so a row of a window, and with it of the unfolded matrix
    [G, positions, kernel * C / G], is one contiguous run whatever the stride.
    """
    x, out, groups, dtype = problem.x, problem.out, problem.groups, problem.dtype
    kernel, sizes = problem.kernel, problem.sizes
    features, channels = problem.weight.shape[0] // groups, problem.weight.shape[1]
    depth = prod(kernel) * channels

    weight = np.empty((groups, features, *kernel, channels), dtype)
    source = problem.weight.reshape(groups, features, channels, *kernel)
    steps.prepare(weight, np.moveaxis(source, 2, -1))
    weight = weight.reshape(groups, features, depth)
    bias = problem.pack_bias(steps, (groups, features, 1))

    extents = tuple(
        (n - 1) * s + d * (k - 1) + 1
        for n, s, d, k in zip(sizes, problem.stride, problem.dilation, kernel, strict=True)
    )
    padded = np.zeros((groups, *extents, channels), dtype)
    strides = padded.strides[1:-1]
    windows = as_strided(
        padded,
        (groups, *sizes, *kernel, channels),
        (
            padded.strides[0],
            *(s * stride for s, stride in zip(problem.stride, strides, strict=True)),
            *(d * stride for d, stride in zip(problem.dilation, strides, strict=True)),
            padded.strides[-1],
        ),
    )
    limit = max(1, BLOCK_BYTES // (dtype.itemsize * max(1, groups * depth)))
    boxes = list(blocks(sizes, limit))
    largest = max(prod(s.stop - s.start for s in box) for box in boxes)
    unfolded_input = np.empty(groups * largest * depth, dtype)
    result = np.empty(groups * largest * features, dtype)

    cuts = [
        overlap(n, before, 1, extent)
        for n, before, extent in zip(x.shape[2:], problem.before, extents, strict=True)
    ]
    inside = padded[(slice(None), *(places for places, _ in cuts))]
    used = (slice(None), slice(None), *(source for _, source in cuts))
    for image, target in zip(x, out, strict=True):
        image = image.reshape(groups, channels, *image.shape[1:])
        target = target.reshape(groups, features, *sizes)
        steps.copy(inside, np.moveaxis(image[used], 1, -1))
        for box in boxes:
            shape = tuple(s.stop - s.start for s in box)
            count = prod(shape)
            columns = unfolded_input[: groups * count * depth]
            steps.copy(
                columns.reshape(groups, *shape, *kernel, channels), windows[(slice(None), *box)]
            )
            columns = columns.reshape(groups, count, depth).swapaxes(1, 2)
            place = target[(slice(None), slice(None), *box)]
            flat = merged(place, (groups, features, count))
            direct = steps.product(weight, columns, flat)
            if not direct:
                flat = result[: groups * features * count].reshape(groups, features, count)
                steps.add(np.matmul, weight, columns, flat)
            if bias is not None:
                steps.add(np.add, flat, bias, flat)
            if not direct:
                steps.copy(place, flat.reshape(groups, features, *shape))


def _add_rounded(window: Any, adds: Any) -> None:
    np.add(window, adds.astype(window.dtype), window)


def _is_rounded_at_each_tap(problem: Problem) -> bool:
    """Whether eager adds up the taps in the narrow dtype of the result.

    So it does where it does not call oneDNN: for f16, which oneDNN does not have everywhere, and
    where the padding of the output is as large as the stride.
    """
    if problem.out.dtype == problem.dtype:
        return False
    smallest = (
        (n - 1) * s + d * (k - 1) + 1
        for n, s, d, k in zip(
            problem.x.shape[2:], problem.stride, problem.dilation, problem.kernel, strict=True
        )
    )
    extra = (
        size + 2 * before - least
        for size, before, least in zip(problem.sizes, problem.before, smallest, strict=True)
    )
    large = any(e >= s for e, s in zip(extra, problem.stride, strict=True))
    return problem.out.dtype == np.float16 or large


def transposed(problem: Problem, steps: Steps) -> None:
    """A transposed convolution, by col2im: what each input pixel adds to each place of its window.

    One matrix product gives the additions [G, positions, kernel, O / G] of a block of input
    positions; they go, tap by tap, into an image [G, *full sizes, O / G] that is cut at the end.
    With one input channel a group the product is elementwise, over all groups at once.
    """
    x, groups, dtype = problem.x, problem.groups, problem.dtype
    kernel, sizes, inputs = problem.kernel, problem.sizes, problem.x.shape[2:]
    channels, features = problem.weight.shape[0] // groups, problem.weight.shape[1]
    taps = prod(kernel)
    elementwise = channels == 1 and groups > 1

    source = problem.weight.reshape(groups, channels, features, *kernel)
    if elementwise:
        weight = np.empty((*kernel, groups, features), dtype)
        steps.prepare(weight, np.moveaxis(source[:, 0], (0, 1), (-2, -1)))
        weight = weight.reshape(taps, groups, features)
    else:
        weight = np.empty((groups, channels, *kernel, features), dtype)
        steps.prepare(weight, np.moveaxis(source, 2, -1))
        weight = weight.reshape(groups, channels, taps * features)

    extents = tuple(
        max((n - 1) * s + d * (k - 1) + 1, before + size)
        for n, s, d, k, before, size in zip(
            inputs, problem.stride, problem.dilation, kernel, problem.before, sizes, strict=True
        )
    )
    is_rounded = _is_rounded_at_each_tap(problem)
    full = np.empty((*extents, groups, features), problem.out.dtype if is_rounded else dtype)
    pixels = np.empty((*inputs, groups, channels), dtype)
    cut = tuple(slice(b, b + n) for b, n in zip(problem.before, sizes, strict=True))
    bias = problem.pack_bias(steps, (groups, features, *(1,) * len(sizes)))

    width = groups * features * (1 if elementwise else taps)
    limit = max(1, BLOCK_BYTES // (dtype.itemsize * max(1, width)))
    boxes = list(blocks(inputs, limit))
    largest = max((prod(s.stop - s.start for s in box) for box in boxes), default=0)
    additions = np.empty(largest * width, dtype)

    for image, target in zip(x, problem.out, strict=True):
        image = image.reshape(groups, channels, *inputs)
        target = target.reshape(groups, features, *sizes)
        steps.copy(pixels, np.moveaxis(image, (0, 1), (-2, -1)))
        steps.add(full.fill, 0)
        for box in boxes:
            shape = tuple(s.stop - s.start for s in box)
            count = prod(shape)
            part = additions[: count * width]
            source = pixels[box]
            if not elementwise:
                part = part.reshape(groups, count, taps * features)
                left = source.reshape(count, groups, channels).swapaxes(0, 1)
                steps.add(np.matmul, left, weight, part)
                part = np.moveaxis(part.reshape(groups, *shape, taps, features), 0, -2)
            for index, tap in enumerate(product(*map(range, kernel))):
                window = full[
                    tuple(
                        slice(t * d + s * b.start, t * d + s * (b.stop - 1) + 1, s)
                        for t, d, s, b in zip(
                            tap, problem.dilation, problem.stride, box, strict=True
                        )
                    )
                ]
                if elementwise:
                    adds = part.reshape(*shape, groups, features)
                    steps.add(np.multiply, source, weight[index], adds)
                else:
                    adds = part[(..., index, slice(None), slice(None))]
                if is_rounded:
                    steps.add(_add_rounded, window, adds)
                else:
                    steps.add(np.add, window, adds, window)
        result = np.moveaxis(full[cut], (-2, -1), (0, 1))
        if bias is None:
            steps.copy(target, result)
        else:
            steps.add(np.add, result, bias, target, dtype=dtype, casting="unsafe")
