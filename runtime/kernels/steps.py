"""Kernels as lists of numpy calls: built once over fixed memory, made again at every run."""

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ..registry import kernel
from .promotion import compute_dtype


class Steps:
    """The numpy calls of one kernel call, in order; calling it makes them.

    A plain kernel builds and calls it; a specialised one builds it at load, scratch and all.
    """

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    def __call__(self) -> None:
        """Make the calls."""
        for call in self.calls:
            call()

    def add(self, function: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Append `function(*args, **kwargs)`."""
        self.calls.append(partial(function, *args, **kwargs))

    def copy(self, target: Any, source: Any) -> None:
        """Append a copy that broadcasts and casts."""
        self.add(np.copyto, target, source, casting="unsafe")

    def prepare(self, target: Any, source: Any) -> None:
        """Copy a weight into its packed form: at once if it is constant, otherwise at every run."""
        if source.flags.writeable:
            self.copy(target, source)
        else:
            np.copyto(target, source, casting="unsafe")

    def operand(self, source: Any) -> Any:
        """`source` itself if it can be computed with, otherwise a copy in the compute dtype."""
        dtype = compute_dtype(source.dtype)
        if source.dtype == dtype and source.flags.aligned:
            return source
        packed = np.empty(source.shape, dtype)
        self.prepare(packed, source)
        return packed

    def product(self, left: Any, right: Any, target: Any) -> bool:
        """Append `target = left @ right`; False, and nothing, if BLAS cannot write to `target`.

        `left` is [..., m, k], `right` [..., k, n] and `target` [..., m, n], of one dtype; either of
        the last two dimensions of `target` may be the dense one.
        """
        if target is None or not target.dtype == left.dtype == right.dtype:
            return False
        if writes_rows(target):
            self.add(np.matmul, left, right, target)
        elif writes_rows(target.swapaxes(-1, -2)):
            left, right, target = (a.swapaxes(-1, -2) for a in (left, right, target))
            self.add(np.matmul, right, left, target)
        else:
            return False
        return True


Plan = Callable[..., tuple[Steps, tuple[Any, ...]]]
"""Takes the arguments of a kernel; returns the steps of the call and the arrays that they fill:
the outs, which are the last arguments, or new arrays where an out has another shape."""


def planned_kernel(name: str, plan: Plan) -> None:
    """Register the kernel `name`: the steps of `plan`, planned at load or else at every call."""

    @kernel(name)
    def call(*args: Any) -> Any:
        steps, results = plan(*args)
        steps()
        if _are_outs(results, args):
            return None
        return results[0] if len(results) == 1 else results

    @call.specialize
    def _(*args: Any) -> Callable[[], object] | None:
        steps, results = plan(*args)
        if not _are_outs(results, args):
            return None
        return steps.calls[0] if len(steps.calls) == 1 else steps


def _are_outs(results: tuple[Any, ...], args: tuple[Any, ...]) -> bool:
    outs = args[len(args) - len(results) :]
    return all(result is out for result, out in zip(results, outs, strict=True))


def writes_rows(matrix: Any) -> bool:
    """Whether BLAS can write a product to `matrix` [..., m, n]: its rows are dense."""
    (rows, columns), (row, column) = matrix.shape[-2:], matrix.strides[-2:]
    size = matrix.itemsize
    return (column == size or columns == 1) and (row >= columns * size or rows == 1)


def merged(array: Any, shape: tuple[int, ...]) -> Any:
    """A view of `array` with another shape, or None where only a copy has it."""
    view = array.reshape(shape)
    return view if view.size == 0 or np.may_share_memory(view, array) else None


def blocks(sizes: tuple[int, ...], limit: int) -> Iterator[tuple[slice, ...]]:
    """Cut an index space into boxes of about `limit` points or fewer, contiguous in C order."""
    if not sizes:
        yield ()
        return
    inner = prod(sizes[1:])
    if inner > limit:
        for index in range(sizes[0]):
            for rest in blocks(sizes[1:], limit):
                yield (slice(index, index + 1), *rest)
    elif sizes[0]:
        count = -(-sizes[0] * inner // limit) if inner else 1
        rows = -(-sizes[0] // count)
        for start in range(0, sizes[0], rows):
            rest = tuple(slice(0, size) for size in sizes[1:])
            yield (slice(start, min(start + rows, sizes[0])), *rest)
