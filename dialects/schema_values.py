"""Between Python values and the attributes that hold an operator's arguments.

| schema type          | attribute                       | Python value           |
|----------------------|---------------------------------|------------------------|
| int                  | `i64`                           | int                    |
| SymInt               | `i64`, `#edge.expr<…>`          | int, Expr              |
| float                | `f64`                           | float                  |
| bool                 | `i1`                            | bool                   |
| Scalar               | any of these, `#edge.constant`  | these, complex         |
| str                  | string                          | str                    |
| ScalarType           | the element type                | Attribute              |
| int[]                | `array<i64>`                    | list of int            |
| SymInt[]             | `array<i64>`, `#edge.exprs<…>`  | list of int or Expr    |
| other lists          | array of the above              | list                   |
"""

from __future__ import annotations

import struct
from typing import Any, TypeAlias, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    ComplexType,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    Signedness,
    StringAttr,
    TensorType,
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

from .constant import ConstantAttr
from .expr import Expr
from .layout import ExprAttr, ExprsAttr
from .schema import Argument

Value: TypeAlias = bool | int | float | complex | str | Expr | Attribute | list[Any] | None
"""A constant argument of an operator."""

DROPPED_TYPES = frozenset({"Layout", "Device", "Generator", "MemoryFormat"})
DROPPED_NAMES = frozenset({"pin_memory", "non_blocking"})
"""Arguments that say how memory is laid out or where it is: the IR says that by other means."""

COMPLEX_NUMBER = TensorType(ComplexType(f64), [])
"""The type of the `#edge.constant` that holds a complex number."""

# PyTorch's own names and numbers of the defaults that are written as names.
_NAMED_DEFAULTS = {"Mean": 1, "Sum": 2}
_DTYPE_DEFAULTS: dict[Any, Attribute] = {
    0: IntegerType(8, Signedness.UNSIGNED),
    1: i8,
    2: i16,
    3: i32,
    4: i64,
    5: f16,
    6: f32,
    7: f64,
    8: ComplexType(f16),
    9: ComplexType(f32),
    10: ComplexType(f64),
    11: i1,
    15: bf16,
}


def is_dropped(argument: Argument) -> bool:
    """Whether an argument has no place in the IR."""
    return argument.base in DROPPED_TYPES or argument.name in DROPPED_NAMES


def default_of(argument: Argument) -> Value:
    """The default of an argument as a Python value; None where it has none."""
    if not argument.has_default or argument.default is None:
        return None
    default = argument.default
    if argument.base == "ScalarType":
        return _DTYPE_DEFAULTS[default]
    if isinstance(default, str) and argument.base != "str":
        return _NAMED_DEFAULTS[default]
    if isinstance(default, tuple):
        return list(default)
    if argument.is_list:
        return [default] * (argument.list_size or 1)
    if argument.base == "float":
        return float(default)
    return default


def to_attribute(argument: Argument, value: Value) -> Attribute | None:
    """The attribute that holds a constant argument, None for None.

    Raises TypeError where the value does not fit the schema's type.
    """
    if value is None:
        return None
    if not argument.is_list:
        return _scalar(argument, value)
    if not isinstance(value, list):
        # PyTorch takes one number for a list of known length.
        value = [value] * (argument.list_size or 1)
    if argument.base in ("int", "SymInt"):
        if all(isinstance(item, int) for item in value):
            return DenseArrayBase.from_list(i64, [int(item) for item in value])
        return ExprsAttr(tuple(_expr(argument, item) for item in value))
    return ArrayAttr([_scalar(argument, item) for item in value])


def _expr(argument: Argument, item: Any) -> Expr:
    if not isinstance(item, int | Expr) or argument.base == "int":
        raise TypeError(f"argument {argument.name}: {item!r} in a list of {argument.base}")
    return Expr.of(item)


def _scalar(argument: Argument, value: Value) -> Attribute:
    match argument.base, value:
        case "ScalarType", Attribute():
            return value
        case "str", str():
            return StringAttr(value)
        case "bool", bool():
            return IntegerAttr(int(value), i1)
        case "float", bool() | int() | float():
            return FloatAttr(float(value), f64)
        case "SymInt" | "Scalar" | "float", Expr():
            constant = value.constant
            return ExprAttr(value) if constant is None else IntegerAttr(constant, i64)
        case "int" | "SymInt", bool() | int():
            return IntegerAttr(int(value), i64)
        case "Scalar", bool():
            return IntegerAttr(int(value), i1)
        case "Scalar", int():
            return IntegerAttr(value, i64)
        case "Scalar", float():
            return FloatAttr(value, f64)
        case "Scalar", complex():
            return ConstantAttr.of(COMPLEX_NUMBER, struct.pack("<2d", value.real, value.imag))
        case _:
            raise TypeError(f"argument {argument.name}: {value!r} is not a {argument.base}")


def from_attribute(attribute: Attribute | None) -> Value:
    """The Python value of a constant argument's attribute."""
    match attribute:
        case None:
            return None
        case IntegerAttr():
            integer = cast(IntegerAttr[Any], attribute)
            return bool(integer.value.data) if integer.type == i1 else integer.value.data
        case FloatAttr():
            return cast(FloatAttr[Any], attribute).value.data
        case ConstantAttr(data=constant) if constant.type == COMPLEX_NUMBER:
            return complex(*struct.unpack("<2d", constant.data))
        case StringAttr(data=text):
            return text
        case ExprAttr(data=expr):
            return expr
        case ExprsAttr(data=exprs):
            return [e if (c := e.constant) is None else c for e in exprs]
        case DenseArrayBase():
            return list(cast(DenseArrayBase[Any], attribute).get_values())
        case ArrayAttr():
            return [from_attribute(item) for item in attribute]
        case _:
            return attribute


def accepts(argument: Argument, attribute: Attribute) -> bool:
    """Whether an attribute is one that `to_attribute` could have made."""
    if argument.is_list:
        if argument.base in ("int", "SymInt"):
            return (isinstance(attribute, ExprsAttr) and argument.base == "SymInt") or (
                isinstance(attribute, DenseArrayBase)
                and cast(DenseArrayBase[Any], attribute).elt_type == i64
            )
        return isinstance(attribute, ArrayAttr) and all(
            _accepts_scalar(argument.base, item) for item in cast(ArrayAttr[Attribute], attribute)
        )
    return _accepts_scalar(argument.base, attribute)


_INTEGERS = ("int", "SymInt", "Scalar")


def _accepts_scalar(base: str, attribute: Attribute) -> bool:
    match attribute:
        case IntegerAttr():
            kind = cast(IntegerAttr[Any], attribute).type
            if kind == i1:
                return base in ("bool", "Scalar")
            return kind == i64 and base in _INTEGERS
        case FloatAttr():
            return base in ("float", "Scalar") and cast(FloatAttr[Any], attribute).type == f64
        case ConstantAttr(data=constant):
            return base == "Scalar" and constant.type == COMPLEX_NUMBER
        case ExprAttr():
            return base in ("SymInt", "Scalar", "float")
        case StringAttr():
            return base == "str"
        case _:
            return base == "ScalarType"
