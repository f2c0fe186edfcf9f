"""From torch's dtypes, sizes and values to the IR's types and expressions."""

from __future__ import annotations

from typing import Any, cast

import ml_dtypes
import numpy as np
import sympy  # pyright: ignore[reportMissingTypeStubs]
import torch
from numpy.typing import NDArray
from torch.utils._sympy.functions import FloorDiv, Max, Min, Mod, PythonMod
from xdsl.dialects.builtin import (
    ComplexType,
    IntegerType,
    NoneType,
    Signedness,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute

from ...dialects.expr import Expr, floordiv, maximum, minimum, mod
from ...dialects.layout import tensor_type

ELEMENT_TYPES: dict[torch.dtype, Attribute] = {
    torch.float64: f64,
    torch.float32: f32,
    torch.float16: f16,
    torch.bfloat16: bf16,
    torch.int64: i64,
    torch.int32: i32,
    torch.int16: i16,
    torch.int8: i8,
    torch.uint8: IntegerType(8, Signedness.UNSIGNED),
    torch.uint16: IntegerType(16, Signedness.UNSIGNED),
    torch.uint32: IntegerType(32, Signedness.UNSIGNED),
    torch.uint64: IntegerType(64, Signedness.UNSIGNED),
    torch.bool: i1,
    torch.complex32: ComplexType(f16),
    torch.complex64: ComplexType(f32),
    torch.complex128: ComplexType(f64),
}


class UnsupportedValue(Exception):
    """A value of the graph that the IR cannot hold; the message says which."""


class SymbolNames:
    """Names for the symbolic sizes of one function: torch's `s77` becomes `s0`, in order."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def expr(self, value: Any) -> Expr:
        """The expression of a `torch.SymInt`, an int or a sympy expression."""
        if isinstance(value, int):
            return Expr.of(value)
        is_number = isinstance(value, torch.SymInt | torch.SymFloat)
        node: Any = cast(Any, value).node.expr if is_number else value
        if node.is_Integer:
            return Expr.of(int(node))
        if node.is_Symbol:
            # The letter says what it is: `f0` is a float.
            letter = "s" if node.is_integer else "f"
            count = sum(name.startswith(letter) for name in self.names.values())
            name = self.names.setdefault(node.name, f"{letter}{count}")
            return Expr.of(name)
        arguments = [self.expr(argument) for argument in node.args]
        match node:
            case sympy.Add():
                return sum(arguments[1:], arguments[0])
            case sympy.Mul():
                product = arguments[0]
                for argument in arguments[1:]:
                    product = product * argument
                return product
            case sympy.Pow() if (power := arguments[1].constant) is not None and power >= 0:
                product = Expr.of(1)
                for _ in range(power):
                    product = product * arguments[0]
                return product
            case FloorDiv():
                return floordiv(*arguments)
            case Mod() | PythonMod():
                return mod(*arguments)
            case Min():
                return _reduce(minimum, arguments)
            case Max():
                return _reduce(maximum, arguments)
            case _:
                raise UnsupportedValue(f"the size expression {node} ({type(node).__name__})")

    def type_of(self, value: Any) -> Attribute:
        """The IR type of a value of the graph: a fake tensor, a number or None.

        Raises UnsupportedValue for what has no type in the IR.
        """
        match value:
            case None:
                return NoneType()
            case bool() | torch.SymBool():
                return i1
            case int() | torch.SymInt():
                return i64
            case float() | torch.SymFloat():
                return f64
            case torch.Tensor():
                element = ELEMENT_TYPES.get(value.dtype)
                if element is None:
                    raise UnsupportedValue(f"a tensor of dtype {value.dtype}")
                if value.layout is not torch.strided:
                    raise UnsupportedValue(f"a tensor of layout {value.layout}")
                return tensor_type(element, [self.expr(size) for size in value.shape])
            case _:
                raise UnsupportedValue(f"a value of type {type(value).__name__}")


def _reduce(function: Any, arguments: list[Expr]) -> Expr:
    result = arguments[0]
    for argument in arguments[1:]:
        result = function(result, argument)
    return result


def to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    """The values of a real tensor, row-major, on the CPU; bf16 and float8 as ml_dtypes."""
    tensor = tensor.detach().cpu().contiguous()
    dtype = _NUMPY_VIEWS.get(tensor.dtype)
    if dtype is None:
        return tensor.numpy()
    bits = torch.int16 if dtype.itemsize == 2 else torch.uint8
    return tensor.view(bits).numpy().view(dtype)


_NUMPY_VIEWS: dict[torch.dtype, np.dtype[Any]] = {
    torch.bfloat16: np.dtype(ml_dtypes.bfloat16),
    torch.float8_e4m3fn: np.dtype(ml_dtypes.float8_e4m3fn),
    torch.float8_e5m2: np.dtype(ml_dtypes.float8_e5m2),
}
