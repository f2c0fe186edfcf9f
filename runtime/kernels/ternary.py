"""Elementwise selection and arithmetic on three operands; semantics of `torch.<name>`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..registry import kernel
from .activation import at_least, clip
from .elementwise import chain_kernel, run_chain, run_ufunc, ufunc_kernel, ufunc_thunk
from .promotion import is_tensor, operand
from .shapes import broadcast, fit

CLAMPS = ("aten::clamp.out", "aten::clamp.Tensor_out")
"""Kernels `(self, min, max, out)`, whose limits are numbers or tensors, and may be None."""


def _limits(self: Any, low: Any, high: Any, out: Any) -> tuple[Any, list[Any]]:
    if low is None:
        return np.minimum, [self, high]
    if high is None:
        return at_least(self, low, out)
    return clip, [self, low, high]


def _clamp_kernel(name: str) -> None:
    @kernel(name)
    def call(self: Any, low: Any, high: Any, out: Any) -> Any:
        return run_ufunc(*_limits(self, low, high, out), out)

    @call.specialize
    def _(self: Any, low: Any, high: Any, out: Any) -> Callable[[], object] | None:
        return ufunc_thunk(*_limits(self, low, high, out), out)


for _name in CLAMPS:
    _clamp_kernel(_name)

ufunc_kernel("aten::clamp_min.out", np.maximum)
ufunc_kernel("aten::clamp_min.Tensor_out", np.maximum)
ufunc_kernel("aten::clamp_max.out", np.minimum)
ufunc_kernel("aten::clamp_max.Tensor_out", np.minimum)


_BITS = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}


def _select_bits(mask: Any, then: Any, other: Any, out: Any, choice: Any, scratch: Any) -> None:
    """`then` where the mask is 1, `other` where it is 0, of the bits as integers."""
    np.negative(mask, choice)
    np.bitwise_xor(then, other, scratch)
    np.bitwise_and(scratch, choice, scratch)
    np.bitwise_xor(scratch, other, out)


def _bits(condition: Any, self: Any, other: Any, out: Any) -> list[Any] | None:
    """The operands of `_select_bits`; None for dtypes that no integer is as wide as."""
    bits = _BITS.get(out.dtype.itemsize)
    if bits is None:
        return None
    mask = condition if condition.dtype == np.bool_ else condition != 0
    values = (operand(v, out.dtype).astype(out.dtype, copy=False) for v in (self, other))
    return [mask.view(np.int8), *(v.view(bits) for v in values)]


def where(condition: Any, self: Any, other: Any, out: Any) -> Any:
    """`self` where the condition (bool, or uint8) holds, `other` elsewhere.

    Done on the bits: numpy's own masked copies branch per element, which unforeseeable masks make
    ten times slower.
    """
    operands = _bits(condition, self, other, out)
    if operands is None:
        then, mask = operand(self, out.dtype), condition != 0
        shape = broadcast(mask, then, operand(other, out.dtype))
        chosen = np.array(np.broadcast_to(then, shape), out.dtype)
        np.copyto(chosen, other, where=~mask)
        out = fit(out, shape)
        out[...] = chosen
        return out
    out = fit(out, broadcast(*operands))
    run_chain(_select_bits, operands, [], out.view(operands[1].dtype), 2)
    return out


def where_thunk(condition: Any, self: Any, other: Any, out: Any) -> Callable[[], object] | None:
    """`where` of arguments that stay in place and need no conversion."""
    operands = _bits(condition, self, other, out)
    if operands is None or condition.dtype != np.bool_ or broadcast(*operands) != out.shape:
        return None
    if any(is_tensor(v) and v.dtype != out.dtype for v in (self, other)):
        return None
    return partial(run_chain, _select_bits, operands, [], out.view(operands[1].dtype), 2)


kernel("aten::where.self_out")(where).specialize(where_thunk)


def masked_fill(self: Any, mask: Any, value: Any, out: Any) -> Any:
    """`self` with the number or 0-d tensor `value` where the mask is true."""
    return where(mask, value, self, out)


def masked_fill_thunk(self: Any, mask: Any, value: Any, out: Any) -> Callable[[], object] | None:
    """`masked_fill` of arguments that stay in place and need no conversion."""
    return where_thunk(mask, value, self, out)


kernel("aten::masked_fill.Scalar_out")(masked_fill).specialize(masked_fill_thunk)
kernel("aten::masked_fill.Tensor_out")(masked_fill).specialize(masked_fill_thunk)


@chain_kernel("aten::addcmul.out", inputs=3, scratch=1)
def addcmul(x: Any, left: Any, right: Any, value: Any, out: Any, scratch: Any) -> None:
    """x + value * left * right."""
    np.multiply(left, value, scratch)
    np.multiply(scratch, right, scratch)
    np.add(x, scratch, out)


@chain_kernel("aten::addcdiv.out", inputs=3, scratch=1)
def addcdiv(x: Any, left: Any, right: Any, value: Any, out: Any, scratch: Any) -> None:
    """x + value * left / right."""
    np.multiply(left, value, scratch)
    np.divide(scratch, right, scratch)
    np.add(x, scratch, out)


@chain_kernel("aten::lerp.Scalar_out", inputs=2, scratch=1)
def lerp_number(start: Any, end: Any, weight: Any, out: Any, scratch: Any) -> None:
    """start + weight * (end - start), computed from the nearer end."""
    np.subtract(end, start, scratch)
    if abs(weight) < 0.5:
        np.multiply(scratch, weight, scratch)
        np.add(start, scratch, out)
    else:
        np.multiply(scratch, 1 - weight, scratch)
        np.subtract(end, scratch, out)


@chain_kernel("aten::lerp.Tensor_out", inputs=3, scratch=2)
def lerp(start: Any, end: Any, weight: Any, out: Any, low: Any, high: Any) -> None:
    """start + weight * (end - start), computed from the nearer end."""
    near = np.abs(weight) < 0.5
    np.subtract(end, start, high)
    np.multiply(high, weight, low)
    np.add(start, low, low)
    np.multiply(high, 1 - weight, high)
    np.subtract(end, high, high)
    np.copyto(high, low, where=near)
    np.copyto(out, high)
