"""PyTorch's type promotion: the dtype in which an operator computes.

Follows torch.result_type, https://docs.pytorch.org/docs/stable/tensor_attributes.html: tensors with
dimensions decide; a 0-d tensor counts only where its category is higher, and a Python number only
where its category is higher still.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any, cast

from xdsl.dialects.builtin import (
    AnyFloat,
    ComplexType,
    IntegerType,
    Signedness,
    TensorType,
    bf16,
    f16,
    f32,
    i1,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute, SSAValue

from ..expr import Expr
from ..schema_op import SchemaOp
from .numbers import NumberOp

_UI8 = IntegerType(8, Signedness.UNSIGNED)
_SIGNED: tuple[Attribute, ...] = (i8, i16, i32, i64)


def compute_type(op: SchemaOp) -> Attribute | None:
    """The element type in which an operator computes; None where it takes its operands as they are.

    Operands are cast to it before the computation.
    """
    kind = op.ENTRY.promotion
    if kind is None:
        return None
    result = promoted_type(op)
    if (kind == "float" or _divides_exactly(op)) and _category(result) < _FLOAT:
        return f32
    return result


def _divides_exactly(op: SchemaOp) -> bool:
    """Whether it is a division that could round its quotient, and does not."""
    return (
        op.SCHEMA.name == "div"
        and op.SCHEMA.overload.endswith("_mode")
        and (op.value_of("rounding_mode") is None)
    )


def promoted_type(op: SchemaOp) -> Attribute:
    """The promoted element type of an operator's tensors and numbers."""
    with_dims: list[Attribute] = []
    without_dims: list[Attribute] = []
    numbers: list[Attribute] = []
    for value in _promoting_arguments(op):
        if not isinstance(value, SSAValue):
            numbers.append(_number_type(value))
        elif isinstance(value.owner, NumberOp):
            numbers.append(_number_type(value.owner.number))
        else:
            type = cast(TensorType[Attribute], value.type)
            (with_dims if type.get_num_dims() else without_dims).append(type.element_type)
    groups = (with_dims, without_dims, numbers)
    present = [reduce(promote, group) for group in groups if group]
    return reduce(lambda lower, higher: _combine(higher, lower), reversed(present))


def promote(a: Attribute, b: Attribute) -> Attribute:
    """The smallest type that holds both, as torch.promote_types has it."""
    if a == b:
        return a
    if _category(a) < _category(b):
        a, b = b, a
    if _category(a) > _category(b):
        return _promote_complex(cast(ComplexType, a), b) if _category(a) == _COMPLEX else a
    match _category(a):
        case 1 if _UI8 in (a, b):
            signed = a if b == _UI8 else b
            return i16 if signed == i8 else signed
        case 1 if a in _SIGNED and b in _SIGNED:
            return max(a, b, key=_SIGNED.index)
        case 2 if {a, b} == {f16, bf16}:
            return f32
        case 2:
            return max(a, b, key=_width)
        case 3:
            return max(a, b, key=lambda c: _width(cast(ComplexType, c).element_type))
        case _:
            raise TypeError(f"PyTorch does not promote {a} and {b}")


_FLOAT = 2
_COMPLEX = 3


def _category(type: Attribute) -> int:
    if type == i1:
        return 0
    if isinstance(type, IntegerType):
        return 1
    return _COMPLEX if isinstance(type, ComplexType) else _FLOAT


def _width(type: Attribute) -> int:
    assert isinstance(type, AnyFloat)
    return type.bitwidth


def _promote_complex(a: ComplexType, b: Attribute) -> Attribute:
    if _category(b) == _FLOAT and _width(b) > _width(a.element_type):
        return ComplexType(cast(Any, b))
    return a


def _combine(higher: Attribute, lower: Attribute) -> Attribute:
    """`higher` unless the category of `lower` exceeds its own."""
    return promote(higher, lower) if _category(lower) > _category(higher) else higher


def _promoting_arguments(op: SchemaOp) -> Iterator[Any]:
    for argument in op.ENTRY.promoted:
        if argument.is_tensor:
            operand = op.operand_of(argument.name)
            if isinstance(operand, SSAValue):
                yield operand
            else:
                yield from (item for item in operand or () if item is not None)
        elif (value := op.value_of(argument.name)) is not None:
            yield value


def _number_type(value: Any) -> Attribute:
    if isinstance(value, bool):
        return i1
    if isinstance(value, complex):
        return ComplexType(f32)
    is_float = value.is_float if isinstance(value, Expr) else isinstance(value, float)
    return f32 if is_float else i64
