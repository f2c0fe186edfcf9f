"""No-ops of the edge dialect: operators whose result is one of their operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from xdsl.dialects.builtin import IntegerType, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.traits import HasFolder

from ..schema_op import SchemaOp

Predicate = Callable[[SchemaOp], bool]


def _always(op: SchemaOp) -> bool:
    return True


def _is_integer(op: SchemaOp) -> bool:
    type = cast(TensorType[Attribute], op.results[0].type)
    return isinstance(type.element_type, IntegerType)


def _other_is(number: int, *, integers_only: bool = False) -> Predicate:
    def check(op: SchemaOp) -> bool:
        return op.value_of("other") == number and (not integers_only or _is_integer(op))

    return check


def _all_zero(name: str) -> Predicate:
    return lambda op: not any(cast(list[int], op.value_of(name)))


NO_OPS: dict[str, Predicate] = {
    "aten::_to_copy": _always,
    "aten::add.Scalar": _other_is(0, integers_only=True),
    "aten::cat": lambda op: len(op.operands) == 1,
    "aten::constant_pad_nd": _all_zero("pad"),
    "aten::div.Scalar": _other_is(1),
    "aten::expand": _always,
    "aten::mul.Scalar": _other_is(1),
    "aten::permute": lambda op: op.value_of("dims") == sorted(cast(list[int], op.value_of("dims"))),
    "aten::pow.Tensor_Scalar": lambda op: op.value_of("exponent") == 1,
    "aten::relu": lambda op: is_made_by(op.operands[0], "aten::relu"),
    "aten::repeat": lambda op: all(n == 1 for n in cast(list[int], op.value_of("repeats"))),
    "aten::roll": _all_zero("shifts"),
    "aten::slice.Tensor": lambda op: op.value_of("step") == 1,
    "aten::sub.Scalar": _other_is(0),
    "aten::view": _always,
}
"""Operators that give back their first operand when its type is the result's and this holds.

`x + 0` is not among them for floats, because it turns -0.0 into 0.0.
"""


def is_made_by(value: SSAValue, key: str) -> bool:
    """Whether a value is the result of the operator `key`."""
    return isinstance(value.owner, SchemaOp) and value.owner.SCHEMA.key == key


class NoOpFolder(HasFolder):
    """Folds the no-ops of the table."""

    @classmethod
    def fold(cls, op: Operation) -> Sequence[SSAValue | Attribute] | None:
        """The operand that an operation gives back, or None."""
        if not isinstance(op, SchemaOp) or len(op.results) != 1 or not op.operands:
            return None
        predicate = NO_OPS.get(op.SCHEMA.key)
        if predicate is None or op.operands[0].type != op.results[0].type or not predicate(op):
            return None
        return [op.operands[0]]
