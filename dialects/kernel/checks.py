"""What the verifiers of several operations check; all raise VerifyException."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.utils.exceptions import VerifyException

from .structure import YieldOp
from .types import element_type, ints


def check_pairs(op: Operation, *names: str) -> None:
    """These lists have two numbers."""
    for name in names:
        if len(ints(op.properties[name])) != 2:
            raise VerifyException(f"{op.name}: {name} has two numbers, of rows and columns")


def check_at_least(op: Operation, least: int, *names: str) -> None:
    """These numbers, and those in these lists, are not smaller."""
    for name in names:
        value = op.properties[name]
        numbers = (value.value.data,) if isinstance(value, IntegerAttr) else ints(value)
        if any(number < least for number in numbers):
            raise VerifyException(f"{op.name}: {name} must be {least} or more, not {min(numbers)}")


def check_elements(op: Operation, element: Attribute, **pointers: SSAValue | None) -> None:
    """These pointers, where given, are to elements of one type."""
    for name, pointer in pointers.items():
        if pointer is not None and element_type(pointer.type) != element:
            raise VerifyException(
                f"{op.name}: {name} must point to {element}, not to {element_type(pointer.type)}"
            )


def check_body(
    op: Operation, name: str, takes: Sequence[Attribute], gives: Sequence[Attribute]
) -> None:
    """A region (of the attribute `name`) takes and yields values of these types."""
    region = getattr(op, name)
    assert isinstance(region, Region)
    block = region.block
    if not isinstance(block.last_op, YieldOp):
        raise VerifyException(f"{op.name}: the {name} must end with kernel.yield")
    taken = [argument.type for argument in block.args]
    given = [value.type for value in block.last_op.values]
    if taken != list(takes) or given != list(gives):
        raise VerifyException(
            f"{op.name}: the {name} must take ({_text(takes)}) and yield ({_text(gives)}),"
            f" not ({_text(taken)}) and ({_text(given)})"
        )


def _text(types: Sequence[Attribute]) -> str:
    return ", ".join(map(str, types))
