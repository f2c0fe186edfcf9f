"""Where a kernel reads and writes: pointer and index arithmetic, single elements."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IndexType, IntegerAttr, IntegerType, i1, i32, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AnyAttr,
    BaseAttr,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect, Pure
from xdsl.utils.exceptions import VerifyException

from .types import Numbers, PointerType, element_type, ints, numbers

POINTER = BaseAttr(PointerType)


@irdl_op_definition
class AdvanceOp(IRDLOperation):
    """A pointer moved by a sum of indices times strides, in elements.

    `%q = kernel.advance %p [%y * 448, %x * 32] + 5 : !kernel.ptr<f32>`
    """

    name = "kernel.advance"

    base = operand_def(POINTER)
    indices = var_operand_def(IndexType())
    strides = prop_def(Numbers)
    offset = prop_def(IntegerAttr)
    result = result_def(POINTER)

    traits = traits_def(Pure())

    def __init__(
        self,
        base: SSAValue,
        indices: Sequence[SSAValue] = (),
        strides: Sequence[int] = (),
        offset: int = 0,
    ) -> None:
        super().__init__(
            operands=[base, indices],
            properties={"strides": numbers(strides), "offset": IntegerAttr(offset, i64)},
            result_types=[base.type],
        )

    def print(self, printer: Printer) -> None:
        """Print `%p [%i * 4] + 5 : type`."""
        printer.print_string(" ")
        printer.print_ssa_value(self.base)
        printer.print_string(" [")
        for position, (index, stride) in enumerate(
            zip(self.indices, ints(self.strides), strict=True)
        ):
            printer.print_string(", " if position else "")
            printer.print_ssa_value(index)
            printer.print_string(f" * {stride}")
        printer.print_string("]")
        if self.offset.value.data:
            printer.print_string(f" + {self.offset.value.data}")
        printer.print_string(" : ")
        printer.print_attribute(self.base.type)

    @classmethod
    def parse(cls, parser: Parser) -> AdvanceOp:
        """Parse what `print` writes."""
        base = parser.parse_unresolved_operand()

        def term() -> tuple[SSAValue, int]:
            index = parser.resolve_operand(parser.parse_unresolved_operand(), IndexType())
            parser.parse_punctuation("*")
            return index, parser.parse_integer()

        terms = parser.parse_comma_separated_list(Parser.Delimiter.SQUARE, term)
        offset = parser.parse_integer() if parser.parse_optional_punctuation("+") else 0
        parser.parse_punctuation(":")
        pointer = parser.resolve_operand(base, parser.parse_type())
        return cls(pointer, [i for i, _ in terms], [s for _, s in terms], offset)

    def verify_(self) -> None:
        """Every index has a stride, and the pointer stays of its type."""
        if len(self.indices) != len(ints(self.strides)):
            raise VerifyException("kernel.advance: as many strides as indices")
        if self.result.type != self.base.type:
            raise VerifyException("kernel.advance: the result is a pointer as the operand is")


@irdl_op_definition
class DelinearizeOp(IRDLOperation):
    """The coordinates of a position in row-major order: `%y, %x = kernel.delinearize %t
    {sizes = array<i64: 8, 4>} : index, index`."""

    name = "kernel.delinearize"

    position = operand_def(IndexType())
    sizes = prop_def(Numbers)
    coordinates = var_result_def(IndexType())

    assembly_format = "$position attr-dict `:` type($coordinates)"
    irdl_options = (ParsePropInAttrDict(),)
    traits = traits_def(Pure())

    def __init__(self, position: SSAValue, sizes: Sequence[int]) -> None:
        super().__init__(
            operands=[position],
            properties={"sizes": numbers(sizes)},
            result_types=[[IndexType()] * len(sizes)],
        )

    def verify_(self) -> None:
        """Every size has a coordinate."""
        if len(ints(self.sizes)) != len(self.coordinates):
            raise VerifyException("kernel.delinearize: as many results as sizes")
        if any(size < 1 for size in ints(self.sizes)):
            raise VerifyException("kernel.delinearize: sizes must be 1 or more")


@irdl_op_definition
class ChunkOp(IRDLOperation):
    """How many of `total` items fall to a task that takes `size` from `task * size` on: the last
    takes what is left. `%n = kernel.chunk %task {size = 7, total = 56}`."""

    name = "kernel.chunk"

    task = operand_def(IndexType())
    size = prop_def(IntegerAttr)
    total = prop_def(IntegerAttr)
    count = result_def(IndexType())

    assembly_format = "$task attr-dict"
    irdl_options = (ParsePropInAttrDict(),)
    traits = traits_def(Pure())

    def __init__(self, task: SSAValue, size: int, total: int) -> None:
        super().__init__(
            operands=[task],
            properties={"size": IntegerAttr(size, i64), "total": IntegerAttr(total, i64)},
            result_types=[IndexType()],
        )


@irdl_op_definition
class LoadOp(IRDLOperation):
    """One element: `%x = kernel.load %p : !kernel.ptr<f32> -> f32`.

    An integer element may be read as an index, `-> index`: embedding and gather do.
    """

    name = "kernel.load"

    pointer = operand_def(POINTER)
    result = result_def(AnyAttr())

    assembly_format = "$pointer attr-dict `:` type($pointer) `->` type($result)"
    traits = traits_def(MemoryReadEffect())

    def __init__(self, pointer: SSAValue, result_type: Attribute | None = None) -> None:
        super().__init__(
            operands=[pointer], result_types=[result_type or element_type(pointer.type)]
        )

    def verify_(self) -> None:
        """The result is an element, or an index that an integer gives."""
        element = element_type(self.pointer.type)
        is_index = isinstance(element, IntegerType) and self.result.type == IndexType()
        if self.result.type != element and not is_index:
            raise VerifyException("kernel.load: the result is an element, or an integer as index")


@irdl_op_definition
class RequireOp(IRDLOperation):
    """Note in the program's status that a condition does not hold; the kernel goes on.

    `kernel.require %inside, %status : !kernel.ptr<i32>`
    """

    name = "kernel.require"

    condition = operand_def(i1)
    status = operand_def(POINTER)

    assembly_format = "$condition `,` $status attr-dict `:` type($status)"
    traits = traits_def(MemoryWriteEffect())

    def __init__(self, condition: SSAValue, status: SSAValue) -> None:
        super().__init__(operands=[condition, status])

    def verify_(self) -> None:
        """The status is an i32."""
        if element_type(self.status.type) != i32:
            raise VerifyException("kernel.require: the status is an i32")


@irdl_op_definition
class StoreOp(IRDLOperation):
    """Write one element: `kernel.store %x, %p : f32, !kernel.ptr<f32>`."""

    name = "kernel.store"

    value = operand_def(AnyAttr())
    pointer = operand_def(POINTER)

    assembly_format = "$value `,` $pointer attr-dict `:` type($value) `,` type($pointer)"
    traits = traits_def(MemoryWriteEffect())

    def __init__(self, value: SSAValue, pointer: SSAValue) -> None:
        super().__init__(operands=[value, pointer])

    def verify_(self) -> None:
        """The value is an element."""
        if self.value.type != element_type(self.pointer.type):
            raise VerifyException("kernel.store: the value is not what the pointer points to")
