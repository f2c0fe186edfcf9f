"""Arithmetic on program scalars: these kernels take Python numbers and return one.

They have no out tensor. Semantics of ExecuTorch's prim ops, which compute the shapes of dynamic
programs and the conditions of control flow.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

from ..errors import ProgramError
from ..registry import kernel


def _int_divisor(a: Any, b: Any) -> None:
    if b == 0:
        raise ProgramError(f"division of {a} by zero")


def floor_divide(a: Any, b: Any) -> Any:
    """The quotient rounded down; a float by zero is infinite (0 / 0 is nan)."""
    if isinstance(a, float) or isinstance(b, float):
        if b == 0:
            return true_divide(a, b)
        return float(a // b)
    _int_divisor(a, b)
    return a // b


def true_divide(a: Any, b: Any) -> float:
    """The quotient as a float, infinite or nan where b is zero."""
    if b == 0:
        if a == 0 or math.isnan(a):
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b


def truncated_mod(a: int, b: int) -> int:
    """The remainder with the sign of the dividend, as in C."""
    _int_divisor(a, b)
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def select(condition: Any, then: Any, otherwise: Any) -> Any:
    """One of two numbers."""
    return then if condition else otherwise


def size(self: Any, dim: int) -> int:
    """The size of a dimension of a tensor."""
    if not -self.ndim <= dim < self.ndim:
        raise ProgramError(f"sym_size: dimension {dim} of a tensor of rank {self.ndim}")
    return self.shape[dim]


def numel(self: Any) -> int:
    """The number of elements of a tensor."""
    return self.size


def item(self: Any) -> Any:
    """The first element of a tensor as a Python number."""
    if self.size == 0:
        raise ProgramError("item: the tensor has no elements")
    value = self.flat[0]
    return float(value) if self.dtype.kind == "V" else value.item()


SCALARS: dict[str, Callable[..., Any]] = {
    "aten::sym_size.int": size,
    "aten::sym_numel": numel,
    "aten::_local_scalar_dense": item,
    "executorch_prim::add.Scalar": operator.add,
    "executorch_prim::sub.Scalar": operator.sub,
    "executorch_prim::mul.Scalar": operator.mul,
    "executorch_prim::truediv.Scalar": true_divide,
    "executorch_prim::floordiv.Scalar": floor_divide,
    "executorch_prim::floordiv.int": floor_divide,
    "executorch_prim::mod.Scalar": truncated_mod,
    "executorch_prim::mod.int": truncated_mod,
    "executorch_prim::neg.Scalar": operator.neg,
    "executorch_prim::ceil.Scalar": math.ceil,
    "executorch_prim::round.Scalar": round,
    "executorch_prim::trunc.Scalar": math.trunc,
    "executorch_prim::sym_float.Scalar": float,
    "executorch_prim::sym_int.Scalar": int,
    "executorch_prim::sym_max.Scalar": max,
    "executorch_prim::sym_min.Scalar": min,
    "executorch_prim::sym_not.Scalar": operator.not_,
    "executorch_prim::sym_ite.Scalar": select,
    "executorch_prim::eq.Scalar": operator.eq,
    "executorch_prim::ne.Scalar": operator.ne,
    "executorch_prim::gt.Scalar": operator.gt,
    "executorch_prim::lt.Scalar": operator.lt,
    "executorch_prim::ge.Scalar": operator.ge,
    "executorch_prim::le.Scalar": operator.le,
}
for _name, _function in SCALARS.items():
    kernel(_name)(_function)
