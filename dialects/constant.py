"""Small constant tensors in the text, bit for bit.

xDSL prints float lists so that nan, inf and some large values are lost when they are parsed again;
this attribute prints the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import ComplexType, FixedBitwidthType, TensorType
from xdsl.ir import Attribute, Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .raw_type import RawType


@dataclass(frozen=True)
class Constant:
    """A tensor type and its elements: little-endian, row-major, one byte per `i1`."""

    type: TensorType[Attribute]
    data: bytes


@irdl_attr_definition
class ConstantAttr(Data[Constant]):
    """`#edge.constant<"0x0000803F" : tensor<1xf32>>`.

    The bytes of one element stand for a tensor with all elements equal.
    """

    name = "edge.constant"

    @staticmethod
    def of(type: TensorType[Attribute], data: bytes) -> ConstantAttr:
        """The constant with these bytes, or with those of one element repeated."""
        size = element_bytes(type.element_type)
        if len(data) == size:
            data = data * _count(type)
        return ConstantAttr(Constant(type, data))

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Constant:
        """Parse `<"0x…" : type>`."""
        with parser.in_angle_brackets():
            text = parser.parse_str_literal("the bytes as a hex string")
            parser.parse_punctuation(":")
            type = parser.parse_type()
        if not isinstance(type, TensorType):
            parser.raise_error(f"#edge.constant: expected a tensor type, got {type}")
        type = cast(TensorType[Attribute], type)
        try:
            data = bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            parser.raise_error(f"#edge.constant: {text!r} is not a hex string")
        return cls.of(type, data).data

    def print_parameter(self, printer: Printer) -> None:
        """Print `<"0x…" : type>`."""
        constant = self.data
        size = element_bytes(constant.type.element_type)
        data = constant.data
        if len(data) > size and data == data[:size] * (len(data) // size):
            data = data[:size]
        with printer.in_angle_brackets():
            printer.print_string_literal("0x" + data.hex().upper())
            printer.print_string(" : ")
            printer.print_attribute(constant.type)

    def verify(self) -> None:
        """Refuse a dynamic type and a byte count that does not fit the type."""
        type, data = self.data.type, self.data.data
        if not type.has_static_shape():
            raise VerifyException(f"#edge.constant: {type} has no static shape")
        expected = _count(type) * element_bytes(type.element_type)
        if len(data) != expected:
            raise VerifyException(f"#edge.constant: {len(data)} bytes; {type} has {expected}")


def element_bytes(element: Attribute) -> int:
    """The bytes of one element of a tensor, `i1` taking one.

    Raises VerifyException for a type that no program can store.
    """
    if isinstance(element, ComplexType):
        return 2 * element_bytes(cast(ComplexType, element).element_type)
    if isinstance(element, RawType):
        return element.nbytes
    if isinstance(element, FixedBitwidthType):
        return max(1, element.bitwidth // 8)
    raise VerifyException(f"{element} is not an element type that a program can store")


def _count(type: TensorType[Attribute]) -> int:
    count = 1
    for dim in type.get_shape():
        count *= dim
    return count
