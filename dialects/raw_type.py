"""Element types that the format has a number for, and nothing here computes with."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException


@dataclass(frozen=True)
class RawElement:
    """Its number in the format, and the bytes that an element takes in memory."""

    code: int
    nbytes: int


RAW_ELEMENTS = {
    "qint8": RawElement(12, 1),
    "quint8": RawElement(13, 1),
    "qint32": RawElement(14, 4),
    "quint4x2": RawElement(16, 1),
    "quint2x4": RawElement(17, 1),
    "bits1x8": RawElement(18, 1),
    "bits2x4": RawElement(19, 1),
    "bits4x2": RawElement(20, 1),
    "bits8": RawElement(21, 1),
    "bits16": RawElement(22, 2),
}
"""PyTorch's names; the packed types take a byte for what PyTorch counts as one element."""


@irdl_attr_definition
class RawType(ParametrizedAttribute, TypeAttribute):
    """An element of bare bits: `tensor<2x4x!memory.raw<qint8>>`."""

    name = "memory.raw"

    element: StringAttr

    def __init__(self, element: str) -> None:
        super().__init__(StringAttr(element))

    @property
    def nbytes(self) -> int:
        """The bytes of an element."""
        return RAW_ELEMENTS[self.element.data].nbytes

    @property
    def code(self) -> int:
        """The number of the scalar type in the format."""
        return RAW_ELEMENTS[self.element.data].code

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> tuple[StringAttr]:
        """Parse `<qint8>`."""
        with parser.in_angle_brackets():
            return (StringAttr(parser.parse_identifier()),)

    def print_parameters(self, printer: Printer) -> None:
        """Print `<qint8>`."""
        with printer.in_angle_brackets():
            printer.print_string(self.element.data)

    def verify(self) -> None:
        """Refuse a name that is no scalar type."""
        if self.element.data not in RAW_ELEMENTS:
            known = ", ".join(RAW_ELEMENTS)
            raise VerifyException(f"memory.raw: no type {self.element.data}; there are {known}")
