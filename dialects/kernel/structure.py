"""Functions and loops."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import FunctionType, IndexType, IntegerAttr, StringAttr, i64
from xdsl.dialects.utils import parse_func_op_like, print_func_op_like
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    irdl_op_definition,
    opt_operand_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    IsolatedFromAbove,
    IsTerminator,
    SingleBlockImplicitTerminator,
    SymbolOpInterface,
)
from xdsl.utils.exceptions import VerifyException

from .types import PointerType


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a body and gives what it computes: `kernel.yield %0 : f32`."""

    name = "kernel.yield"

    values = var_operand_def(AnyAttr())

    assembly_format = "attr-dict ($values^ `:` type($values))?"
    traits = traits_def(IsTerminator())

    def __init__(self, *values: SSAValue) -> None:
        super().__init__(operands=[values])


def terminate(op: FuncOp | ForOp) -> None:
    """End the body with an empty yield, if it has none."""
    block = op.body.block
    if not isinstance(block.last_op, YieldOp):
        block.add_op(YieldOp())


@irdl_op_definition
class FuncOp(IRDLOperation):
    """A kernel: pointers in, and last the index of the task that this call is to do.

    A launch calls it once for each task; tasks of one launch are independent, so threads may run
    them in any order and at the same time.

    ```mlir
    kernel.func @relu(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
      …
    }
    ```
    """

    name = "kernel.func"

    sym_name = prop_def(StringAttr)
    function_type = prop_def(FunctionType)
    body = region_def("single_block")

    traits = traits_def(
        IsolatedFromAbove(), SymbolOpInterface(), SingleBlockImplicitTerminator(YieldOp)
    )

    def __init__(self, name: str, inputs: Sequence[Attribute], body: Region | None = None) -> None:
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "function_type": FunctionType.from_lists(list(inputs), []),
            },
            regions=[body or Region(Block(arg_types=list(inputs)))],
        )

    def print(self, printer: Printer) -> None:
        """Print the signature, then the body."""
        print_func_op_like(
            printer,
            self.sym_name,
            self.function_type,
            self.body,
            self.attributes,
            reserved_attr_names=("sym_name", "function_type"),
        )

    @classmethod
    def parse(cls, parser: Parser) -> FuncOp:
        """Parse what `print` writes."""
        name, inputs, _, body, attributes, *_ = parse_func_op_like(
            parser, reserved_attr_names=("sym_name", "function_type")
        )
        op = cls(name, inputs, body)
        if attributes is not None:
            op.attributes |= attributes.data
        terminate(op)
        return op

    def verify_(self) -> None:
        """The block takes what the type says: pointers, and last the task's index."""
        types = tuple(argument.type for argument in self.body.block.args)
        if types != self.function_type.inputs.data:
            raise VerifyException("kernel.func: the block's arguments differ from the type")
        if not types or types[-1] != IndexType():
            raise VerifyException("kernel.func: the last argument is the task: index")
        if not all(isinstance(type, PointerType) for type in types[:-1]):
            raise VerifyException("kernel.func: all arguments but the last are pointers")
        _check_yields_nothing(self)


@irdl_op_definition
class ForOp(IRDLOperation):
    """A counted loop from 0, in steps of one; `kernel.for %i in %n` counts to a run-time number.

    ```mlir
    kernel.for %i in 56 {
      …
    }
    ```
    """

    name = "kernel.for"

    limit = opt_operand_def(IndexType())
    count = prop_def(IntegerAttr)
    body = region_def("single_block")

    traits = traits_def(SingleBlockImplicitTerminator(YieldOp))

    def __init__(
        self, count: int, limit: SSAValue | None = None, body: Region | None = None
    ) -> None:
        super().__init__(
            operands=[limit],
            # The text has one of the two.
            properties={"count": IntegerAttr(0 if limit else count, i64)},
            regions=[body or Region(Block(arg_types=[IndexType()]))],
        )

    @property
    def index(self) -> SSAValue:
        """The loop's variable."""
        return self.body.block.args[0]

    def print(self, printer: Printer) -> None:
        """Print `%i in 56 { … }`."""
        printer.print_string(" ")
        printer.print_ssa_value(self.index)
        printer.print_string(" in ")
        if self.limit is None:
            printer.print_int(self.count.value.data)
        else:
            printer.print_ssa_value(self.limit)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False, print_block_terminators=False)
        printer.print_op_attributes(self.attributes)

    @classmethod
    def parse(cls, parser: Parser) -> ForOp:
        """Parse what `print` writes."""
        variable = parser.parse_argument(expect_type=False)
        parser.parse_keyword("in")
        count = parser.parse_optional_integer(allow_boolean=False, allow_negative=False)
        limit = (
            parser.resolve_operand(parser.parse_unresolved_operand(), IndexType())
            if count is None
            else None
        )
        body = parser.parse_region((variable.resolve(IndexType()),))
        op = cls(count or 0, limit, body)
        op.attributes |= parser.parse_optional_attr_dict()
        terminate(op)
        return op

    def verify_(self) -> None:
        """The body takes the index and yields nothing."""
        if [argument.type for argument in self.body.block.args] != [IndexType()]:
            raise VerifyException("kernel.for: the body takes one index")
        _check_yields_nothing(self)


def _check_yields_nothing(op: FuncOp | ForOp) -> None:
    last = op.body.block.last_op
    if isinstance(last, YieldOp) and last.values:
        raise VerifyException(f"{op.name}: the body yields nothing")
