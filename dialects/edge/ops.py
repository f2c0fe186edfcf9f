"""Operations of the edge dialect that are no operators: where tensors and scalars come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import IntegerAttr, NoneType, StringAttr, TensorType, f64, i1, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AnyAttr,
    EqAttrConstraint,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from ..constant import ConstantAttr
from ..expr import Expr
from ..layout import ExprAttr, verify_tensor_layout
from ..schema import Argument
from ..schema_syntax import parse_number, print_number
from ..schema_values import Value, accepts, from_attribute, to_attribute

_SCALAR = Argument("value", "Scalar")


@irdl_op_definition
class WeightOp(IRDLOperation):
    """A tensor of the weights store, by key.

    `%w = edge.weight "features.0.conv.weight" : tensor<16x3x3x3xf32>`
    """

    name = "edge.weight"

    key = prop_def(StringAttr)
    result = result_def(TensorType)

    assembly_format = "$key attr-dict `:` type($result)"
    traits = traits_def(Pure())

    def __init__(self, key: str, type: TensorType[Attribute]) -> None:
        super().__init__(properties={"key": StringAttr(key)}, result_types=[type])

    def verify_(self) -> None:
        """A stored tensor has a shape."""
        type = self.result.type
        verify_tensor_layout(type)
        if not type.has_static_shape():
            raise VerifyException(f"edge.weight: {type} has no static shape")


@irdl_op_definition
class StateOp(IRDLOperation):
    """What a mutable buffer holds when the method is called.

    The name is also the key of its initial value in the weights store. The function keeps value
    semantics: the new value is one of its results, marked `edge.mutates`.

    `%k = edge.state "layers.0.keys" : tensor<1x8x64x16xf32>`
    """

    name = "edge.state"

    buffer = prop_def(StringAttr)
    result = result_def(TensorType)

    assembly_format = "$buffer attr-dict `:` type($result)"
    traits = traits_def(Pure())

    def __init__(self, buffer: str, type: TensorType[Attribute]) -> None:
        super().__init__(properties={"buffer": StringAttr(buffer)}, result_types=[type])

    def verify_(self) -> None:
        """A buffer has a shape."""
        if not self.result.type.has_static_shape():
            raise VerifyException(f"edge.state: {self.result.type} has no static shape")


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """A small tensor that stands in the text.

    `%0 = edge.constant #edge.constant<"0x0000803F" : tensor<1xf32>> : tensor<1xf32>`
    """

    name = "edge.constant"

    value = prop_def(ConstantAttr)
    result = result_def(TensorType)

    assembly_format = "qualified($value) attr-dict `:` type($result)"
    traits = traits_def(Pure())

    def __init__(self, value: ConstantAttr) -> None:
        super().__init__(properties={"value": value}, result_types=[value.data.type])

    def verify_(self) -> None:
        """The result has the type of the value."""
        if self.result.type != self.value.data.type:
            raise VerifyException(
                f"edge.constant: the value has type {self.value.data.type}, "
                f"the result {self.result.type}"
            )


@irdl_op_definition
class ScalarOp(IRDLOperation):
    """Arithmetic on integers that are known at run time.

    The expression's symbols are those of the function, and `v0`, `v1`, … for the operands:
    `%1 = edge.scalar #edge.expr<2 * s0 + v0>(%0) : (i64) -> i64`
    """

    name = "edge.scalar"

    expr = prop_def(ExprAttr)
    inputs = var_operand_def(i64)
    result = result_def(i64)

    assembly_format = (
        "qualified($expr) `(` $inputs `)` attr-dict `:` functional-type($inputs, $result)"
    )
    traits = traits_def(Pure())

    def __init__(self, expr: Expr, inputs: Sequence[SSAValue] = ()) -> None:
        super().__init__(properties={"expr": ExprAttr(expr)}, operands=[inputs], result_types=[i64])

    def verify_(self) -> None:
        """Every operand symbol has its operand."""
        for symbol in self.expr.data.symbols():
            number = symbol.removeprefix("v")
            if number != symbol and number.isdecimal() and int(number) >= len(self.inputs):
                raise VerifyException(
                    f"edge.scalar: {symbol} has no operand; there are {len(self.inputs)}"
                )


@irdl_op_definition
class SymbolOp(IRDLOperation):
    """Gives a symbol of the function its value: a number, or a size of a tensor that data decides.

    From here on attributes may name the symbol; operations with such attributes have no operand for
    it, so this one is never removed. Symbols `f0`, `f1`, … are floats. A symbol that is the size of
    an input needs none.

    ```mlir
    %n = aten._local_scalar_dense(%count) : (tensor<i64>) -> i64
    edge.symbol "s0" = %n : i64
    edge.symbol "s1" = %found dim 0 : tensor<?x2xi64, #edge.layout<dims = [s1, 2]>>
    ```
    """

    name = "edge.symbol"

    symbol = prop_def(StringAttr)
    source = operand_def(AnyAttr())
    dim = opt_prop_def(IntegerAttr.constr(type=EqAttrConstraint(i64)))

    assembly_format = "$symbol `=` $source (`dim` $dim^)? attr-dict `:` type($source)"
    irdl_options = (ParsePropInAttrDict(),)

    def __init__(self, symbol: str, source: SSAValue, dim: int | None = None) -> None:
        super().__init__(
            operands=[source],
            properties={
                "symbol": StringAttr(symbol),
                "dim": None if dim is None else IntegerAttr(dim, i64),
            },
        )

    def verify_(self) -> None:
        """The value is a number, or a size that the tensor has."""
        type = self.source.type
        if isinstance(type, TensorType):
            rank = type.get_num_dims()
            if self.dim is None or not 0 <= self.dim.value.data < rank:
                raise VerifyException(f"edge.symbol: write `dim N`, one of the {rank} of {type}")
        elif type not in (i64, f64) or self.dim is not None:
            raise VerifyException(f"edge.symbol: no symbol can have a value of type {type}")


@irdl_op_definition
class ToLayoutOp(IRDLOperation):
    """The same tensor in another dim order.

    `%1 = edge.to_layout %0 : tensor<1x3x8x8xf32> to
    tensor<1x3x8x8xf32, #edge.layout<order = [0, 2, 3, 1]>>`
    """

    name = "edge.to_layout"

    input = operand_def(TensorType)
    result = result_def(TensorType)

    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"
    traits = traits_def(Pure())

    def __init__(self, input: SSAValue, type: TensorType[Attribute]) -> None:
        super().__init__(operands=[input], result_types=[type])

    def verify_(self) -> None:
        """Only the layout changes."""
        source = cast(TensorType[Attribute], self.input.type)
        target = self.result.type
        verify_tensor_layout(target)
        same_shape = source.get_shape() == target.get_shape()
        if not same_shape or source.element_type != target.element_type:
            raise VerifyException(
                f"edge.to_layout: {source} and {target} differ in more than their layout"
            )


@irdl_op_definition
class LiteralOp(IRDLOperation):
    """A Python number, or None, that a function returns: `%0 = edge.literal 3 : i64`."""

    name = "edge.literal"

    value = opt_prop_def(AnyAttr())
    result = result_def(AnyAttr())

    traits = traits_def(Pure())

    def __init__(self, value: Value) -> None:
        attribute = to_attribute(_SCALAR, value)
        super().__init__(properties={"value": attribute}, result_types=[literal_type(value)])

    @property
    def number(self) -> Value:
        """The number, or None."""
        return from_attribute(self.value)

    def verify_(self) -> None:
        """The value is a number, and the type that of it."""
        if self.value is not None and not accepts(_SCALAR, self.value):
            raise VerifyException(f"edge.literal: {self.value} is not a number")
        if self.result.type != (expected := literal_type(self.number)):
            raise VerifyException(f"edge.literal: has type {self.result.type}, not {expected}")

    def print(self, printer: Printer) -> None:
        """Print the custom syntax."""
        printer.print_string(" ")
        if self.value is None:
            printer.print_string("none")
        else:
            print_number(printer, self.number)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> LiteralOp:
        """Parse the custom syntax."""
        number = None if parser.parse_optional_keyword("none") else parse_number(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        position = parser.pos
        op = cls(number)
        if (type := parser.parse_type()) != op.result.type:
            parser.raise_error(f"edge.literal: has type {type}, not {op.result.type}", position)
        op.attributes |= attributes
        return op


def literal_type(value: Value) -> Attribute:
    """The type of a number, or of None."""
    match value:
        case None:
            return NoneType()
        case bool():
            return i1
        case float():
            return f64
        case _:
            return i64
