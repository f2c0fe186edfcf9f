"""Arithmetic on two operands, tensors or numbers; semantics of `torch.<name>`.

Tensors may have any dtypes: the operation is done in the dtype of `out`. Integer division by zero
raises ProgramError, where PyTorch raises RuntimeError. Comparisons are in comparison.py.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import KernelFunction, kernel
from .elementwise import (
    chain_kernel,
    chain_thunk,
    run_chain,
    run_ufunc,
    ufunc_kernel,
    ufunc_thunk,
)
from .promotion import compute_dtype, is_tensor, operand
from .shapes import broadcast, fit

UFUNCS: dict[str, Any] = {
    "aten::mul.out": np.multiply,
    "aten::mul.Scalar_out": np.multiply,
    "aten::maximum.out": np.maximum,
    "aten::minimum.out": np.minimum,
    "aten::max.out": np.maximum,
    "aten::min.out": np.minimum,
    "aten::fmax.out": np.fmax,
    "aten::fmin.out": np.fmin,
    "aten::gcd.out": np.gcd,
    "aten::lcm.out": np.lcm,
    "aten::atan2.out": np.arctan2,
    "aten::hypot.out": np.hypot,
    "aten::copysign.out": np.copysign,
    "aten::copysign.Scalar_out": np.copysign,
    "aten::div.out": np.divide,
    "aten::div.Scalar_out": np.divide,
    "aten::bitwise_and.Tensor_out": np.bitwise_and,
    "aten::bitwise_and.Scalar_out": np.bitwise_and,
    "aten::bitwise_and.Scalar_Tensor_out": np.bitwise_and,
    "aten::bitwise_or.Tensor_out": np.bitwise_or,
    "aten::bitwise_or.Scalar_out": np.bitwise_or,
    "aten::bitwise_or.Scalar_Tensor_out": np.bitwise_or,
    "aten::bitwise_xor.Tensor_out": np.bitwise_xor,
    "aten::bitwise_xor.Scalar_out": np.bitwise_xor,
    "aten::bitwise_xor.Scalar_Tensor_out": np.bitwise_xor,
    "aten::bitwise_left_shift.Tensor_out": np.left_shift,
    "aten::bitwise_left_shift.Tensor_Scalar_out": np.left_shift,
    "aten::bitwise_left_shift.Scalar_Tensor_out": np.left_shift,
    "aten::__lshift__.Tensor_out": np.left_shift,
    "aten::__lshift__.Scalar_out": np.left_shift,
    "aten::bitwise_right_shift.Tensor_out": np.right_shift,
    "aten::bitwise_right_shift.Tensor_Scalar_out": np.right_shift,
    "aten::bitwise_right_shift.Scalar_Tensor_out": np.right_shift,
    "aten::__rshift__.Tensor_out": np.right_shift,
    "aten::__rshift__.Scalar_out": np.right_shift,
}
for _name, _ufunc in UFUNCS.items():
    ufunc_kernel(_name, _ufunc)

SUMS: dict[str, tuple[Any, bool]] = {
    "aten::add.out": (np.add, False),
    "aten::add.Scalar_out": (np.add, False),
    "aten::sub.out": (np.subtract, False),
    "aten::sub.Scalar_out": (np.subtract, False),
    "aten::rsub.Tensor_out": (np.subtract, True),
    "aten::rsub.Scalar_out": (np.subtract, True),
}
"""Kernels `(self, other, alpha, out)` of self +- alpha * other, or where True of the reverse."""


def _sum_kernel(name: str, ufunc: Any, reverse: bool) -> None:
    def scaled(left: Any, right: Any, alpha: Any, out: Any, scratch: Any) -> None:
        np.multiply(right, operand(alpha, scratch.dtype), scratch)
        ufunc(left, scratch, out)

    def ordered(self: Any, other: Any, alpha: Any) -> tuple[list[Any], Any]:
        left, right = (other, self) if reverse else (self, other)
        if is_tensor(right):
            return [left, right], alpha
        return [left, right if alpha == 1 else right * alpha], 1

    @kernel(name)
    def call(self: Any, other: Any, alpha: Any, out: Any) -> Any:
        operands, alpha = ordered(self, other, alpha)
        if alpha == 1:
            return run_ufunc(ufunc, operands, out)
        if compute_dtype(out.dtype) != out.dtype:  # eager rounds the product, and alpha
            left, right = operands
            product = np.empty(right.shape, out.dtype)
            run_ufunc(np.multiply, [right, np.array(alpha).astype(out.dtype)], product)
            return run_ufunc(ufunc, [left, product], out)
        return run_chain(scaled, operands, [alpha], out, 1)

    @call.specialize
    def _(self: Any, other: Any, alpha: Any, out: Any) -> Callable[[], object] | None:
        operands, alpha = ordered(self, other, alpha)
        if alpha == 1:
            return ufunc_thunk(ufunc, operands, out)
        return chain_thunk(scaled, operands, [alpha], out, 1)


for _name, (_ufunc, _reverse) in SUMS.items():
    _sum_kernel(_name, _ufunc, _reverse)


def _check_divisor(divisor: Any) -> None:
    if divisor.dtype.kind in "iu" and not divisor.all():
        raise ProgramError("integer division by zero")


def floor_divide(left: Any, right: Any, out: Any) -> None:
    """The quotient rounded down, of floats as Python does it."""
    _check_divisor(right)
    np.floor_divide(left, right, out)


def truncated_divide(left: Any, right: Any, out: Any, scratch: Any) -> None:
    """The quotient rounded towards zero."""
    if out.dtype.kind == "f":
        np.divide(left, right, out)
        np.trunc(out, out)
        return
    _check_divisor(right)
    np.fmod(left, right, scratch)
    np.subtract(left, scratch, scratch)
    np.floor_divide(scratch, right, out)


def remainder(left: Any, right: Any, out: Any) -> None:
    """The remainder with the sign of the divisor."""
    _check_divisor(right)
    np.remainder(left, right, out)


def fmod(left: Any, right: Any, out: Any) -> None:
    """The remainder with the sign of the dividend."""
    _check_divisor(right)
    np.fmod(left, right, out)


DIVISIONS: dict[str, KernelFunction] = {
    "aten::floor_divide.out": floor_divide,
    "aten::floor_divide.Scalar_out": floor_divide,
    "aten::remainder.Tensor_out": remainder,
    "aten::remainder.Scalar_out": remainder,
    "aten::remainder.Scalar_Tensor_out": remainder,
    "aten::fmod.Tensor_out": fmod,
    "aten::fmod.Scalar_out": fmod,
}
for _name, _chain in DIVISIONS.items():
    chain_kernel(_name, inputs=2)(_chain)


def divide_with_mode(self: Any, other: Any, rounding_mode: str | None, out: Any) -> Any:
    """`self / other`, rounded by `rounding_mode`: None, "floor" or "trunc"."""
    match rounding_mode:
        case None:
            return run_ufunc(np.divide, [self, other], out)
        case "floor":
            return run_chain(floor_divide, [self, other], [], out, 0)
        case "trunc":
            several = is_tensor(other) and other.size != 1
            if several and compute_dtype(out.dtype) != out.dtype:  # eager rounds the quotient first
                return run_ufunc(np.trunc, [run_ufunc(np.divide, [self, other], out)], out)
            return run_chain(truncated_divide, [self, other], [], out, 1)
        case _:
            raise ProgramError(f"div: rounding_mode is {rounding_mode!r}; expected floor or trunc")


kernel("aten::div.out_mode")(divide_with_mode)
kernel("aten::div.Scalar_mode_out")(divide_with_mode)


def power(base: Any, exponent: Any, out: Any, scratch: Any) -> None:
    """base ** exponent; integers wrap, and to negative exponents only 1 and -1 are not 0."""
    if out.dtype.kind not in "iu":
        np.power(base, exponent, out)
        return
    np.maximum(exponent, 0, out=scratch)
    negative = exponent < 0
    inverse = np.where(base == 1, 1, np.where(base == -1, 1 - 2 * (exponent & 1), 0))
    np.power(base, scratch, scratch)
    np.copyto(scratch, inverse, where=negative, casting="unsafe")
    np.copyto(out, scratch)


chain_kernel("aten::pow.Tensor_Tensor_out", inputs=2, scratch=1)(power)
chain_kernel("aten::pow.Scalar_out", inputs=2, scratch=1)(power)


@chain_kernel("aten::pow.Tensor_Scalar_out", scratch=1)
def power_of_number(base: Any, exponent: Any, out: Any, scratch: Any) -> None:
    """base ** exponent, of common exponents by the products and roots that PyTorch takes."""
    if exponent == 2:
        np.multiply(base, base, out)
    elif exponent == 3:
        np.multiply(base, base, scratch)
        np.multiply(scratch, base, out)
    elif exponent == 0.5:
        np.sqrt(base, out)
    elif exponent == -0.5:
        np.sqrt(base, out)
        np.divide(1, out, out)
    elif out.dtype.kind in "iu" and exponent < 0:
        raise ProgramError(f"pow: integers to the negative power {exponent}")
    else:
        np.power(base, exponent, out)


@kernel("aten::nextafter.out")
def nextafter(self: Any, other: Any, out: Any) -> Any:
    """The next number of the dtype from `self` towards `other`."""
    out = fit(out, broadcast(self, other))
    start, target = (x.astype(out.dtype, copy=False) for x in (self, other))
    np.copyto(out, np.nextafter(start, target), casting="unsafe")
    return out


@kernel("aten::ldexp.out")
def ldexp(self: Any, other: Any, out: Any) -> Any:
    """`self * 2 ** other`."""
    out = fit(out, broadcast(self, other))
    dtype = compute_dtype(out.dtype)
    exponent = other.astype(dtype if other.dtype.kind == "c" else dtype.type(0).real.dtype)
    power = np.power(exponent.dtype.type(2), exponent)
    np.multiply(self, power, out=out, dtype=dtype, casting="unsafe")
    return out
