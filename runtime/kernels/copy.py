"""Copies, casts and fills: kernels whose result has the elements of one tensor or one number.

Memory formats, layouts and dim orders are those of `out`; the dtype to convert to is `out.dtype`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..registry import kernel
from .promotion import compute_dtype
from .shapes import broadcast, fit

COPIES = (
    "aten::alias_copy.out",
    "aten::clone.out",
    "aten::contiguous.out",
    "aten::detach_copy.out",
    "aten::lift_fresh_copy.out",
    "aten::_to_copy.out",
    "dim_order_ops::_clone_dim_order.out",
    "dim_order_ops::_to_dim_order_copy.out",
)
"""Kernels that copy their first argument, whatever stands between it and `out`."""


def assign(target: Any, source: Any) -> None:
    """Write `source`, broadcast and cast as PyTorch casts, to the array `target`."""
    through = compute_dtype(source.dtype)
    if through != source.dtype and target.dtype.kind in "iu":
        source = source.astype(through)
    np.copyto(target, source, casting="unsafe")


def assign_thunk(target: Any, source: Any) -> Callable[[], object]:
    """`assign` as a thunk, for arrays that stay in place."""
    if source.dtype == target.dtype:
        return partial(target.__setitem__, Ellipsis, source)
    return partial(assign, target, source)


def _copy_kernel(name: str) -> None:
    @kernel(name)
    def call(self: Any, *args: Any) -> Any:
        out = fit(args[-1], self.shape)
        assign(out, self)
        return out

    @call.specialize
    def _(self: Any, *args: Any) -> Callable[[], object] | None:
        return assign_thunk(args[-1], self) if args[-1].shape == self.shape else None


for _name in COPIES:
    _copy_kernel(_name)


@kernel("aten::copy.out")
def copy(self: Any, src: Any, non_blocking: bool, out: Any) -> Any:
    """`src` broadcast to the shape of `self`."""
    out = fit(out, self.shape)
    assign(out, src)
    return out


@copy.specialize
def _(self: Any, src: Any, non_blocking: bool, out: Any) -> Callable[[], object] | None:
    return assign_thunk(out, src) if out.shape == self.shape else None


@kernel("aten::copy_")
def copy_in_place(self: Any, src: Any, non_blocking: bool = False) -> Any:
    """Write `src`, broadcast, to `self`, and return it; it has no out argument."""
    assign(self, src)
    return self


@copy_in_place.specialize
def _(self: Any, src: Any, non_blocking: bool = False) -> Callable[[], object]:
    return assign_thunk(self, src)


@kernel("aten::fill.Scalar_out")
def fill_scalar(self: Any, value: Any, out: Any) -> Any:
    """The number `value` in the shape of `self`."""
    out = fit(out, self.shape)
    out[...] = np.array(value).astype(out.dtype)
    return out


@kernel("aten::fill.Tensor_out")
def fill_tensor(self: Any, value: Any, out: Any) -> Any:
    """The 0-d tensor `value` in the shape of `self`."""
    out = fit(out, self.shape)
    assign(out, value)
    return out


@kernel("aten::expand_copy.out")
def expand_copy(self: Any, size: list[int], implicit: bool, out: Any) -> Any:
    """`self` broadcast to `size`, in which -1 keeps the size of `self`."""
    lead = len(size) - self.ndim
    shape = tuple(self.shape[i - lead] if n == -1 else n for i, n in enumerate(size))
    broadcast(self, np.empty(shape, np.bool_))
    out = fit(out, shape)
    assign(out, self)
    return out


@expand_copy.specialize
def _(self: Any, size: list[int], implicit: bool, out: Any) -> Callable[[], object] | None:
    return assign_thunk(out, self) if len(size) == out.ndim else None
