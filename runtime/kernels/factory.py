"""Tensors from numbers: fills and ranges; semantics of `torch.<name>`, in the dtype of `out`."""

from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .copy import assign
from .movement import number
from .shapes import fit


def _fill_kernel(name: str, shape_of: Callable[..., Any], value_of: Callable[..., Any]) -> None:
    @kernel(name)
    def call(*args: Any) -> Any:
        out = fit(args[-1], tuple(shape_of(*args[:-1])))
        out[...] = number(value_of(*args[:-1]), out.dtype)
        return out

    @call.specialize
    def _(*args: Any) -> Callable[[], object] | None:
        out = args[-1]
        if out.shape != tuple(shape_of(*args[:-1])):
            return None
        return partial(out.fill, number(value_of(*args[:-1]), out.dtype)[()])


def _size(size: Any, *_: Any) -> Any:
    return size


def _like(self: Any, *_: Any) -> Any:
    return self.shape


def _scalar(*_: Any) -> Any:
    return ()


def _constant(value: Any) -> Callable[..., Any]:
    return lambda *_: value


def _second(_: Any, value: Any, *__: Any) -> Any:
    return value


def _first(value: Any, *_: Any) -> Any:
    return value


FILLS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "aten::zeros.out": (_size, _constant(0)),
    "aten::ones.out": (_size, _constant(1)),
    "aten::full.out": (_size, _second),
    "aten::zeros_like.out": (_like, _constant(0)),
    "aten::ones_like.out": (_like, _constant(1)),
    "aten::full_like.out": (_like, _second),
    "aten::scalar_tensor.out": (_scalar, _first),
}
"""Per kernel: from its arguments, the shape and the number that fills it."""
for _name, (_shape, _value) in FILLS.items():
    _fill_kernel(_name, _shape, _value)


def _empty_kernel(name: str, shape_of: Callable[..., Any]) -> None:
    @kernel(name)
    def call(*args: Any) -> Any:
        return fit(args[-1], tuple(shape_of(*args[:-1])))


_empty_kernel("aten::empty.out", _size)
_empty_kernel("aten::empty_like.out", _like)
_empty_kernel("aten::empty_strided.out", _size)
_empty_kernel("dim_order_ops::_empty_dim_order.out", _size)


@kernel("aten::arange.start_out")
def arange(start: Any, end: Any, step: Any, out: Any) -> Any:
    """start, start + step, ... as long as they are before the end."""
    if out.dtype == np.int64:
        # Here PyTorch counts with the integer parts; in narrower integers with the numbers.
        start, end, step = int(start), int(end), int(step)
    if step == 0 or (end - start) / step < 0:
        raise ProgramError(f"arange: from {start} to {end} by {step} is not a range")
    if all(isinstance(n, int) for n in (start, end, step)):
        count = -((start - end) // step)
    else:
        count = ceil((end - start) / step)
    if out.dtype.kind in "iu":
        start, step = int(start), int(step)
    values = np.arange(int(count)) * step + start
    out = fit(out, values.shape)
    assign(out, values)
    return out


@kernel("aten::arange.out")
def arange_to(end: Any, out: Any) -> Any:
    """0, 1, ... as long as they are before the end."""
    return arange.function(0, end, 1, out)


def _triangle_kernel(name: str, indices: Callable[..., Any]) -> None:
    @kernel(name)
    def call(row: int, col: int, offset: int, out: Any) -> Any:
        found = np.stack(indices(row, offset, col))
        out = fit(out, found.shape)
        assign(out, found)
        return out


_triangle_kernel("aten::tril_indices.out", np.tril_indices)
_triangle_kernel("aten::triu_indices.out", np.triu_indices)


@kernel("aten::empty_permuted.out")
def empty_permuted(size: Any, physical_layout: Any, out: Any) -> Any:
    """A tensor with any values."""
    return fit(out, tuple(size))


@kernel("aten::new_empty_strided.out")
def new_empty_strided(self: Any, size: Any, stride: Any, out: Any) -> Any:
    """A tensor with any values."""
    return fit(out, tuple(size))
