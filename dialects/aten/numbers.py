"""Python numbers where PyTorch takes a tensor."""

from __future__ import annotations

from xdsl.dialects.builtin import TensorType, f64, i1, i64
from xdsl.ir import Attribute
from xdsl.irdl import AnyAttr, IRDLOperation, irdl_op_definition, prop_def, result_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from ..expr import Expr
from ..schema import Argument
from ..schema_syntax import parse_number, print_number
from ..schema_values import COMPLEX_NUMBER, Value, accepts, from_attribute, to_attribute

_SCALAR = Argument("value", "Scalar")


@irdl_op_definition
class NumberOp(IRDLOperation):
    """A Python number in a tensor slot: `aten.mul.Tensor(x, 0.5)`.

    PyTorch calls it a wrapped number: it takes part in type promotion with its category only, so
    an f32 tensor times 0.5 stays f32. `%0 = aten.number 0.5 : tensor<f64>`
    """

    name = "aten.number"

    value = prop_def(AnyAttr())
    result = result_def(TensorType)

    traits = traits_def(Pure())

    def __init__(self, value: Value) -> None:
        attribute = to_attribute(_SCALAR, value)
        assert attribute is not None
        super().__init__(properties={"value": attribute}, result_types=[_type_of(attribute)])

    @property
    def number(self) -> Value:
        """The number: an int, float, bool, complex or expression."""
        return from_attribute(self.value)

    def verify_(self) -> None:
        """Check that the type is that of the number."""
        if not accepts(_SCALAR, self.value):
            raise VerifyException(f"aten.number: {self.value} is not a number")
        if self.result.type != (expected := _type_of(self.value)):
            raise VerifyException(f"aten.number: has type {self.result.type}, not {expected}")

    def print(self, printer: Printer) -> None:
        """Print the custom syntax."""
        printer.print_string(" ")
        print_number(printer, self.number)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> NumberOp:
        """Parse the custom syntax."""
        number = parse_number(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        position = parser.pos
        op = cls(number)
        if (type := parser.parse_type()) != op.result.type:
            parser.raise_error(f"aten.number: has type {type}, not {op.result.type}", position)
        op.attributes |= attributes
        return op


def _type_of(value: Attribute) -> TensorType[Attribute]:
    number = from_attribute(value)
    if isinstance(number, bool):
        return TensorType(i1, [])
    if isinstance(number, complex):
        return COMPLEX_NUMBER
    is_float = number.is_float if isinstance(number, Expr) else isinstance(number, float)
    return TensorType(f64 if is_float else i64, [])
