"""What holds of symbolic sizes: comparisons, and logic on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import FloatAttr, StringAttr, f64, i1
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    BaseAttr,
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
_NUMBER = BaseAttr(ExprAttr) | BaseAttr(FloatAttr)
LOGIC = {"and": 2, "or": 2, "not": 1}
"""The operators on truth values, with the number of their operands."""


@irdl_op_definition
class CompareOp(IRDLOperation):
    """A comparison of two symbolic numbers: `%p = edge.compare lt #edge.expr<s1>, #edge.expr<4>`.

    `eq`, `ne`, `lt`, `le`, `gt` or `ge`. A float stands for itself: `gt #edge.expr<f0>, 0.5 : f64`.
    """

    name = "edge.compare"

    predicate = prop_def(StringAttr)
    left = prop_def(_NUMBER)
    right = prop_def(_NUMBER)
    result = result_def(i1)

    traits = traits_def(Pure())

    def __init__(self, predicate: str, left: Expr | float, right: Expr | float) -> None:
        super().__init__(
            properties={
                "predicate": StringAttr(predicate),
                "left": _attribute(left),
                "right": _attribute(right),
            },
            result_types=[i1],
        )

    @property
    def sides(self) -> tuple[Expr | float, Expr | float]:
        """What is compared."""
        return _number(self.left), _number(self.right)

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
        left = _parse_number(parser)
        parser.parse_punctuation(",")
        op = cls(predicate, left, _parse_number(parser))
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


def _attribute(value: Expr | float) -> Attribute:
    return ExprAttr(value) if isinstance(value, Expr) else FloatAttr(value, f64)


def _number(attribute: Attribute) -> Expr | float:
    if isinstance(attribute, ExprAttr):
        return attribute.data
    assert isinstance(attribute, FloatAttr), "the verifier saw a number"
    return attribute.value.data


def _parse_number(parser: Parser) -> Expr | float:
    position = parser.pos
    attribute = parser.parse_attribute()
    if not isinstance(attribute, ExprAttr | FloatAttr):
        parser.raise_error(f"expected an #edge.expr or a float, got {attribute}", position)
    return _number(cast(Attribute, attribute))
