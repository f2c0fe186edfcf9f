"""Pointers to elements, and the lists of numbers that operations carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
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
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.utils.exceptions import VerifyException


@irdl_attr_definition
class PointerType(ParametrizedAttribute, TypeAttribute):
    """A pointer to elements in memory: `!kernel.ptr<f32>`; distances count elements, not bytes."""

    name = "kernel.ptr"

    element_type: Attribute

    def verify(self) -> None:
        """Elements are numbers that code can be made for."""
        if self.element_type not in ELEMENTS:
            names = ", ".join(map(str, ELEMENTS))
            raise VerifyException(f"kernel.ptr: {self.element_type} is not one of {names}")


ELEMENTS = (f16, bf16, f32, f64, i1, i8, i16, i32, i64)
"""The types of elements."""

Numbers: TypeAlias = DenseArrayBase
"""A list of integers, printed `array<i64: 56, 56, 64>`."""

NumberLists: TypeAlias = ArrayAttr[DenseArrayBase]
"""A list of lists of integers, `[array<i64: 1, 8>, array<i64: 8, 1>]`."""


def numbers(values: Sequence[int]) -> DenseArrayBase:
    """The attribute of a list of integers."""
    return DenseArrayBase.from_list(i64, list(values))


def number_lists(rows: Sequence[Sequence[int]]) -> NumberLists:
    """The attribute of a list of lists of integers."""
    return ArrayAttr([numbers(row) for row in rows])


def ints(attribute: Attribute) -> tuple[int, ...]:
    """The integers of a list."""
    assert isinstance(attribute, DenseArrayBase)
    return tuple(map(int, attribute.get_values()))


def int_lists(attribute: Attribute) -> list[tuple[int, ...]]:
    """The integers of a list of lists."""
    assert isinstance(attribute, ArrayAttr)
    return [ints(row) for row in cast("ArrayAttr[Attribute]", attribute)]


def element_type(pointer: Attribute) -> Attribute:
    """What a pointer points to."""
    assert isinstance(pointer, PointerType)
    return pointer.element_type
