"""How operations write their operands.

Slots are declared before they are used, so their types are not written again.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation
from xdsl.irdl.declarative_assembly_format import (
    CustomDirective,
    OperandVariable,
    OptionalOperandVariable,
    ParsingState,
    PrintingState,
    TypeDirective,
    VariadicOperandVariable,
    irdl_custom_directive,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer

from .types import SlotType


def parse_slot(parser: Parser) -> tuple[UnresolvedOperand, Attribute]:
    """A slot and its type, which its declaration gives."""
    operand = parser.parse_unresolved_operand("expected a slot")
    values = parser.ssa_values.get(operand.operand_name, ())
    if operand.index >= len(values):
        parser.raise_error("slot used before its declaration", operand.span)
    return operand, values[operand.index].type


def _print_slots(printer: Printer, slots: Sequence[SSAValue]) -> None:
    printer.print_list(slots, printer.print_operand)


def _set_slots(
    operands: VariadicOperandVariable,
    types: TypeDirective,
    state: ParsingState,
    slots: Sequence[tuple[UnresolvedOperand, Attribute]],
) -> None:
    operands.set(state, [slot for slot, _ in slots])
    types.set(state, [type for _, type in slots])


@irdl_custom_directive
class Slot(CustomDirective):
    """One slot: `%a`."""

    operand: OperandVariable
    type: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse a slot and take its type from its declaration."""
        operand, type = parse_slot(parser)
        self.operand.set(state, operand)
        self.type.set(state, (type,))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the slot."""
        state.print_whitespace(printer)
        printer.print_operand(self.operand.get(op))


@irdl_custom_directive
class Slots(CustomDirective):
    """Slots, possibly none: `(%a, %b)`."""

    operands: VariadicOperandVariable
    types: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse slots in parentheses."""
        slots = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, lambda: parse_slot(parser)
        )
        _set_slots(self.operands, self.types, state, slots)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the slots in parentheses."""
        with printer.in_parens():
            _print_slots(printer, self.operands.get(op))
        state.should_emit_space = True
        state.last_was_punctuation = False


@irdl_custom_directive
class SlotItems(CustomDirective):
    """Slots of a list: `[%a, %b]`."""

    operands: VariadicOperandVariable
    types: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse slots in square brackets."""
        slots = parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: parse_slot(parser)
        )
        _set_slots(self.operands, self.types, state, slots)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the slots in square brackets."""
        state.print_whitespace(printer)
        with printer.in_square_brackets():
            _print_slots(printer, self.operands.get(op))


@irdl_custom_directive
class ForwardItems(CustomDirective):
    """Slots of a list that may be declared later, of type `i64` unless it is said: `[%a, %b]`."""

    operands: VariadicOperandVariable
    types: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse slots in square brackets."""

        def item() -> tuple[UnresolvedOperand, Attribute]:
            operand = parser.parse_unresolved_operand("expected a slot")
            values = parser.ssa_values.get(operand.operand_name, ())
            if operand.index < len(values):
                return operand, values[operand.index].type
            if parser.parse_optional_punctuation(":"):
                return operand, parser.parse_type()
            return operand, SlotType(i64)

        slots = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, item)
        _set_slots(self.operands, self.types, state, slots)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the slots in square brackets."""

        def item(slot: SSAValue) -> None:
            printer.print_operand(slot)
            if slot.type != SlotType(i64) and _is_later(slot, op):
                printer.print_string(" : ")
                printer.print_attribute(slot.type)

        state.print_whitespace(printer)
        with printer.in_square_brackets():
            printer.print_list(self.operands.get(op), item)


def _is_later(slot: SSAValue, op: IRDLOperation) -> bool:
    owner = slot.owner
    return isinstance(owner, Operation) and op.is_before_in_block(owner)


@irdl_custom_directive
class Outs(CustomDirective):
    """The written slots, left out where there are none: `outs(%a, %b)`."""

    operands: VariadicOperandVariable
    types: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse `outs(…)` if it is there."""
        slots: Sequence[tuple[UnresolvedOperand, Attribute]] = ()
        if parser.parse_optional_keyword("outs"):
            slots = parser.parse_comma_separated_list(
                parser.Delimiter.PAREN, lambda: parse_slot(parser)
            )
        _set_slots(self.operands, self.types, state, slots)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print `outs(…)` if there are any."""
        if not self.operands.get(op):
            return
        printer.print_string(" outs(")
        _print_slots(printer, self.operands.get(op))
        printer.print_string(")")


@irdl_custom_directive
class Returns(CustomDirective):
    """The slot of the result, left out where the call has one out: `returns(%list)`."""

    operand: OptionalOperandVariable
    type: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse `returns(…)` if it is there."""
        if not parser.parse_optional_keyword("returns"):
            self.operand.set(state, None)
            self.type.set(state, ())
            return
        with parser.in_parens():
            operand, type = parse_slot(parser)
        self.operand.set(state, operand)
        self.type.set(state, (type,))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print `returns(…)` if there is one."""
        if (slot := self.operand.get(op)) is None:
            return
        printer.print_string(" returns(")
        printer.print_operand(slot)
        printer.print_string(")")
