"""What holds of symbolic sizes: comparisons, and logic on them."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import StringAttr, i1
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from ..expr import Expr
from ..layout import ExprAttr

COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
LOGIC = {"and": 2, "or": 2, "not": 1}
"""The operators on truth values, with the number of their operands."""


@irdl_op_definition
class CompareOp(IRDLOperation):
    """A comparison of two symbolic integers: `%p = edge.compare lt #edge.expr<s1>, #edge.expr<4>`.

    `eq`, `ne`, `lt`, `le`, `gt` or `ge`.
    """

    name = "edge.compare"

    predicate = prop_def(StringAttr)
    left = prop_def(ExprAttr)
    right = prop_def(ExprAttr)
    result = result_def(i1)

    traits = traits_def(Pure())

    def __init__(self, predicate: str, left: Expr, right: Expr) -> None:
        super().__init__(
            properties={
                "predicate": StringAttr(predicate),
                "left": ExprAttr(left),
                "right": ExprAttr(right),
            },
            result_types=[i1],
        )

    def verify_(self) -> None:
        """Check that the comparison is one."""
        if self.predicate.data not in COMPARISONS:
            raise VerifyException(
                f"edge.compare: {self.predicate.data} is none of {', '.join(COMPARISONS)}"
            )

    def print(self, printer: Printer) -> None:
        """Print the custom syntax."""
        printer.print_string(f" {self.predicate.data} ")
        printer.print_attribute(self.left)
        printer.print_string(", ")
        printer.print_attribute(self.right)
        printer.print_op_attributes(self.attributes)

    @classmethod
    def parse(cls, parser: Parser) -> CompareOp:
        """Parse the custom syntax."""
        predicate = parser.parse_identifier()
        left = _parse_expr(parser)
        parser.parse_punctuation(",")
        op = cls(predicate, left, _parse_expr(parser))
        op.attributes |= parser.parse_optional_attr_dict()
        return op


@irdl_op_definition
class LogicOp(IRDLOperation):
    """`and`, `or` or `not` of truth values: `%r = edge.logic and(%p, %q)`."""

    name = "edge.logic"

    operator = prop_def(StringAttr)
    inputs = var_operand_def(i1)
    result = result_def(i1)

    traits = traits_def(Pure())

    def __init__(self, operator: str, inputs: Sequence[SSAValue]) -> None:
        super().__init__(
            properties={"operator": StringAttr(operator)}, operands=[inputs], result_types=[i1]
        )

    def verify_(self) -> None:
        """Check the operator and the number of operands."""
        count = LOGIC.get(self.operator.data)
        if count is None:
            raise VerifyException(f"edge.logic: {self.operator.data} is none of {', '.join(LOGIC)}")
        if count != len(self.inputs):
            raise VerifyException(
                f"edge.logic: {self.operator.data} takes {count} operands, not {len(self.inputs)}"
            )

    def print(self, printer: Printer) -> None:
        """Print the custom syntax."""
        printer.print_string(f" {self.operator.data}(")
        printer.print_list(self.inputs, printer.print_operand)
        printer.print_string(")")
        printer.print_op_attributes(self.attributes)

    @classmethod
    def parse(cls, parser: Parser) -> LogicOp:
        """Parse the custom syntax."""
        operator = parser.parse_identifier()
        operands = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, parser.parse_unresolved_operand
        )
        attributes = parser.parse_optional_attr_dict()
        op = cls(operator, [parser.resolve_operand(operand, i1) for operand in operands])
        op.attributes |= attributes
        return op


def _parse_expr(parser: Parser) -> Expr:
    position = parser.pos
    attribute = parser.parse_attribute()
    if not isinstance(attribute, ExprAttr):
        parser.raise_error(f"expected an #edge.expr, got {attribute}", position)
    return attribute.data
