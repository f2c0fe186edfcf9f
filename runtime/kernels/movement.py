"""The maker of kernels that only move elements: views as copies, joins, pads, tilings.

Such a kernel is a plan: the result's shape and the moves that fill it, each a slice of the result
and the array, usually a view of an input, that goes there.
"""

from collections.abc import Callable
from functools import partial
from types import EllipsisType
from typing import Any

import numpy as np

from ..registry import kernel
from .promotion import is_tensor
from .shapes import fit

Index = EllipsisType | tuple[Any, ...]
Plan = tuple[tuple[int, ...], list[tuple[Index, Any]]]


def movement_kernel(*names: str) -> Callable[[Callable[..., Plan]], Callable[..., Plan]]:
    """Decorator: register `plan(*args) -> (shape, moves)` as kernels that take one `out` more.

    A move is `(index, source)`: `out[index]` gets the elements of `source` in order (the shapes
    may differ, as in a reshape) or, from a 0-d source, its one element everywhere. Moves are done
    in order; none may read what another writes.
    """

    def register(plan: Callable[..., Plan]) -> Callable[..., Plan]:
        for name in names:
            _register(name, plan)
        return plan

    return register


def _register(name: str, plan: Callable[..., Plan]) -> None:
    @kernel(name)
    def call(*args: Any) -> Any:
        *arguments, out = args
        shape, moves = plan(*arguments)
        out = fit(out, shape)
        for index, source in moves:
            target, values = aligned(out[index], source)
            target[...] = values
        return out

    @call.specialize
    def _(*args: Any) -> Callable[[], object] | None:
        *arguments, out = args
        shape, moves = plan(*arguments)
        if out.shape != shape:
            return None
        calls: list[Callable[[], object]] = []
        for index, source in moves:
            target, values = aligned(out[index], source)
            if not _stays(values, source, arguments):
                return None
            if target.size:
                calls.append(partial(target.__setitem__, Ellipsis, values))
        return calls[0] if len(calls) == 1 else partial(_run_all, tuple(calls))


def aligned(target: Any, source: Any) -> tuple[Any, Any]:
    """Views of both with one shape; the source is copied where neither can be viewed so."""
    if target.shape == source.shape or source.ndim == 0:
        return target, source
    split = target.reshape(source.shape)
    if np.may_share_memory(split, target):
        return split, source
    return target, source.reshape(target.shape)


def _stays(values: Any, source: Any, arguments: list[Any]) -> bool:
    """Whether `values` still shows the arguments in later runs: it is a view, or a constant."""
    if values.size == 0 or (source.ndim == 0 and not source.flags.writeable):
        return True
    tensors: list[Any] = []
    for argument in arguments:
        tensors += argument if isinstance(argument, list) else [argument]
    return any(is_tensor(t) and np.may_share_memory(values, t) for t in tensors)


def number(value: Any, dtype: Any) -> Any:
    """A Python number as the source of a move: a read-only 0-d array."""
    array = np.array(value).astype(dtype)
    array.flags.writeable = False
    return array


def _run_all(calls: tuple[Callable[[], object], ...]) -> None:
    for call in calls:
        call()
