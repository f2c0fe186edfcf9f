"""Slots that hold numbers, strings, lists and nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import (
    I1,
    I64,
    ArrayAttr,
    BoolAttr,
    DenseArrayBase,
    Float64Type,
    FloatAttr,
    IntegerAttr,
    NoneType,
    StringAttr,
    f64,
    i1,
    i64,
)
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    BaseAttr,
    EqAttrConstraint,
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .syntax import ForwardItems, SlotItems, parse_slot
from .types import (
    SLOT,
    ListType,
    OptionalTensorsType,
    SlotType,
    StringType,
    TensorsType,
    is_number,
    tensor_of,
)

_NUMBER = BaseAttr(IntegerAttr) | BaseAttr(FloatAttr)


@irdl_op_definition
class ScalarOp(IRDLOperation):
    """A number or truth value; what a program starts with, where an instruction writes it.

    ```mlir
    %a = memory.scalar 1 : i64
    %b = memory.scalar 2.500000e+00 : f64
    %c = memory.scalar true
    ```
    """

    name = "memory.scalar"

    value = prop_def(_NUMBER)
    slot = result_def(SLOT)

    def __init__(self, value: float | bool | IntegerAttr[I64 | I1] | FloatAttr[Float64Type]):
        attribute: IntegerAttr | FloatAttr
        match value:
            case bool():
                attribute = BoolAttr.from_bool(value)
            case int():
                attribute = IntegerAttr(value, i64)
            case float():
                attribute = FloatAttr(value, f64)
            case _:
                attribute = value
        super().__init__(properties={"value": attribute}, result_types=[SlotType(attribute.type)])

    @property
    def number(self) -> int | float | bool:
        """The value as a Python number, bool for `i1`."""
        value = cast("IntegerAttr[I64 | I1] | FloatAttr[Float64Type]", self.value)
        if isinstance(value, FloatAttr):
            return value.value.data
        return bool(value.value.data) if value.type == i1 else value.value.data

    @classmethod
    def parse(cls, parser: Parser) -> ScalarOp:
        """Parse the attribute; the slot has its type."""
        value = parser.parse_attribute()
        if not isinstance(value, IntegerAttr | FloatAttr):
            parser.raise_error("memory.scalar: expected a number, true or false")
        op = cls(cast("IntegerAttr[I64]", value))
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        """Print the attribute."""
        printer.print_string(" ")
        printer.print_attribute(self.value)
        printer.print_op_attributes(self.attributes)

    def verify_(self) -> None:
        """Check that the value has the slot's type."""
        if self.slot.type.content != self.value.type:
            raise VerifyException(
                f"memory.scalar: a value of {self.value.type} in a {self.slot.type}"
            )


@irdl_op_definition
class StringOp(IRDLOperation):
    """A string: `%s = memory.string "trunc"`."""

    name = "memory.string"

    value = prop_def(StringAttr)
    slot = result_def(EqAttrConstraint(SlotType(StringType())))

    assembly_format = "$value attr-dict"

    def __init__(self, value: str):
        super().__init__(
            properties={"value": StringAttr(value)}, result_types=[SlotType(StringType())]
        )


@irdl_op_definition
class NullOp(IRDLOperation):
    """An absent argument: `%n = memory.null`."""

    name = "memory.null"

    slot = result_def(EqAttrConstraint(SlotType(NoneType())))

    assembly_format = "attr-dict"

    def __init__(self):
        super().__init__(result_types=[SlotType(NoneType())])


@irdl_op_definition
class IntListOp(IRDLOperation):
    """A list of integer slots, read at each call: `%l = memory.int_list [%a, %b]`.

    An item may be declared later, then with its type unless it is an `i64`; and it may start as
    another number or nothing where an instruction writes it before the list is read.
    """

    name = "memory.int_list"

    items = var_operand_def(SLOT)
    slot = result_def(EqAttrConstraint(SlotType(ListType(i64))))

    assembly_format = "custom<ForwardItems>($items, type($items)) attr-dict"
    custom_directives = (ForwardItems,)

    def __init__(self, items: Sequence[SSAValue]):
        super().__init__(operands=[items], result_types=[SlotType(ListType(i64))])

    def verify_(self) -> None:
        """Check that the items are integers, or written by an instruction."""
        for item in self.items:
            type = cast(SlotType, item.type).content
            if type != i64 and not (is_number(item) and is_rewritten(item)):
                raise VerifyException(f"memory.int_list: an item is a {item.type}, not an i64")


@irdl_op_definition
class DoubleListOp(IRDLOperation):
    """A list of floats: `%l = memory.double_list [5.000000e-01 : f64]`."""

    name = "memory.double_list"

    items = prop_def(ArrayAttr.constr(FloatAttr.constr(EqAttrConstraint(f64))))
    slot = result_def(EqAttrConstraint(SlotType(ListType(f64))))

    assembly_format = "$items attr-dict"

    def __init__(self, items: Sequence[float]):
        super().__init__(
            properties={"items": ArrayAttr([FloatAttr(x, f64) for x in items])},
            result_types=[SlotType(ListType(f64))],
        )


@irdl_op_definition
class BoolListOp(IRDLOperation):
    """A list of truth values: `%l = memory.bool_list [true, false]`."""

    name = "memory.bool_list"

    items = prop_def(ArrayAttr.constr(IntegerAttr.constr(type=EqAttrConstraint(i1))))
    slot = result_def(EqAttrConstraint(SlotType(ListType(i1))))

    assembly_format = "$items attr-dict"

    def __init__(self, items: Sequence[bool]):
        super().__init__(
            properties={"items": ArrayAttr([BoolAttr.from_bool(x) for x in items])},
            result_types=[SlotType(ListType(i1))],
        )


@irdl_op_definition
class TensorListOp(IRDLOperation):
    """A list of tensor slots: `%l = memory.tensor_list [%a, %b]`."""

    name = "memory.tensor_list"

    items = var_operand_def(SLOT)
    slot = result_def(EqAttrConstraint(SlotType(TensorsType())))

    assembly_format = "custom<SlotItems>($items, type($items)) attr-dict"
    custom_directives = (SlotItems,)

    def __init__(self, items: Sequence[SSAValue]):
        super().__init__(operands=[items], result_types=[SlotType(TensorsType())])

    def verify_(self) -> None:
        """Check that the items are tensors."""
        _verify_items(self, self.items)


@irdl_op_definition
class OptionalTensorListOp(IRDLOperation):
    """A list of tensor slots and nones: `%l = memory.optional_tensor_list [%a, none]`.

    `present` says for each entry whether it is one of the operands. A slot that holds nothing is
    another way to write none.
    """

    name = "memory.optional_tensor_list"

    items = var_operand_def(SLOT)
    present = prop_def(DenseArrayBase.constr(i1))
    slot = result_def(EqAttrConstraint(SlotType(OptionalTensorsType())))

    def __init__(self, items: Sequence[SSAValue | None]):
        super().__init__(
            operands=[[item for item in items if item is not None]],
            properties={
                "present": DenseArrayBase.from_list(i1, [int(item is not None) for item in items])
            },
            result_types=[SlotType(OptionalTensorsType())],
        )

    @property
    def entries(self) -> list[SSAValue | None]:
        """The list with its nones."""
        items = iter(self.items)
        return [next(items) if there else None for there in self.present.get_values()]

    @classmethod
    def parse(cls, parser: Parser) -> OptionalTensorListOp:
        """Parse `[%a, none]`."""

        def item() -> SSAValue | None:
            if parser.parse_optional_keyword("none"):
                return None
            operand, type = parse_slot(parser)
            return parser.resolve_operand(operand, type)

        op = cls(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, item))
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        """Print `[%a, none]`."""

        def item(slot: SSAValue | None) -> None:
            printer.print_string("none") if slot is None else printer.print_operand(slot)

        printer.print_string(" ")
        with printer.in_square_brackets():
            printer.print_list(self.entries, item)
        printer.print_op_attributes(self.attributes)

    def verify_(self) -> None:
        """Check that the items are tensors or nothing, and as many as are present."""
        _verify_items(self, [item for item in self.items if item.type != SlotType(NoneType())])
        if (present := sum(map(bool, self.present.get_values()))) != len(self.items):
            raise VerifyException(
                f"memory.optional_tensor_list: {len(self.items)} items, {present} of them present"
            )


def is_rewritten(slot: SSAValue) -> bool:
    """Whether an instruction writes a number slot, so that its content at first says little."""
    for use in slot.uses:
        last = use.index == len(use.operation.operands) - 1
        if use.operation.name in ("memory.call", "memory.move") and last:
            return True
        if use.operation.name == "memory.delegate_call":
            return True
    return False


def _verify_items(op: Operation, items: Sequence[SSAValue]) -> None:
    for item in items:
        if tensor_of(item) is None:
            raise VerifyException(f"{op.name}: an item is a {item.type}, not a tensor")
