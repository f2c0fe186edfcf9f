"""A compiled region: kernels, and the launches that make up one run."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    IntegerAttr,
    StringAttr,
    SymbolRefAttr,
    UnitAttr,
    i32,
    i64,
)
from xdsl.ir import Attribute, Region, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import IsolatedFromAbove, NoTerminator, Pure, SymbolTable
from xdsl.utils.exceptions import VerifyException

from .addressing import POINTER, AdvanceOp
from .code import CodeOp
from .structure import FuncOp
from .types import PointerType


@irdl_op_definition
class ProgramOp(IRDLOperation):
    """What a region became: `kernel.func`s, then addresses and launches in order.

    `arena` and `scratch` are the bytes of memory that a run needs: one arena, and scratch for each
    thread. Its operands and results are the region's tensors, contiguous in their dim order.

    ```mlir
    %y = kernel.program(%x) {arena = 4096 : i64, scratch = 0 : i64}
        : (tensor<8x64xf32>) -> tensor<8x10xf32> {
      kernel.func @linear_0(…) {…}
      %0 = kernel.argument {index = 0 : i64} : !kernel.ptr<f32>
      %1 = kernel.weight "sha256:12ab" : !kernel.ptr<f32>
      %2 = kernel.arena {offset = 0 : i64} : !kernel.ptr<f32>
      kernel.launch @linear_0(%0, %1, %2) {tasks = 4 : i64} : …
    }
    ```
    """

    name = "kernel.program"

    inputs = var_operand_def(AnyAttr())
    outputs = var_result_def(AnyAttr())
    arena = prop_def(IntegerAttr)
    scratch = prop_def(IntegerAttr)
    body = region_def("single_block")

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "`(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) $body"
    traits = traits_def(IsolatedFromAbove(), NoTerminator(), SymbolTable(), Pure())

    def __init__(
        self,
        inputs: Sequence[SSAValue],
        result_types: Sequence[Attribute],
        arena: int,
        scratch: int,
        body: Region,
    ) -> None:
        super().__init__(
            operands=[inputs],
            result_types=[result_types],
            properties={"arena": IntegerAttr(arena, i64), "scratch": IntegerAttr(scratch, i64)},
            regions=[body],
        )

    def verify_(self) -> None:
        """Addresses are of memory that there is, launches of kernels that are here."""
        functions: dict[str, FuncOp] = {}
        for op in self.body.block.ops:
            match op:
                case FuncOp():
                    functions[op.sym_name.data] = op
                case ArgumentOp():
                    count = len(self.inputs) + len(self.outputs)
                    if not 0 <= op.index.value.data < count:
                        raise VerifyException(
                            f"kernel.argument: the program has {count} inputs and outputs"
                        )
                case ArenaOp() | StatusOp():
                    if not 0 <= op.offset.value.data <= self.arena.value.data:
                        raise VerifyException(f"{op.name}: the offset is outside of the arena")
                case AdvanceOp():
                    if op.indices:
                        raise VerifyException("kernel.advance: outside of kernels without indices")
                case ScratchOp() | WeightOp() | LaunchOp() | CodeOp():
                    pass
                case _:
                    raise VerifyException(f"kernel.program: {op.name} cannot stand in it")
        for op in self.body.block.ops:
            if isinstance(op, LaunchOp):
                _check_launch(op, functions.get(op.kernel.root_reference.data))


def _check_launch(op: LaunchOp, function: FuncOp | None) -> None:
    if function is None:
        raise VerifyException(f"kernel.launch: the program has no kernel {op.kernel}")
    wanted = function.function_type.inputs.data[:-1]
    if tuple(argument.type for argument in op.arguments) != wanted:
        names = ", ".join(map(str, wanted))
        raise VerifyException(f"kernel.launch: {op.kernel} takes ({names}) and the task")
    if op.tasks.value.data < 1:
        raise VerifyException("kernel.launch: tasks must be 1 or more")


@irdl_op_definition
class ArgumentOp(IRDLOperation):
    """The memory of an input or an output of the program: inputs count from 0, outputs go on."""

    name = "kernel.argument"

    index = prop_def(IntegerAttr)
    result = result_def(POINTER)

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict `:` type($result)"
    traits = traits_def(Pure())

    def __init__(self, index: int, element: Attribute) -> None:
        super().__init__(
            properties={"index": IntegerAttr(index, i64)}, result_types=[PointerType(element)]
        )


@irdl_op_definition
class ArenaOp(IRDLOperation):
    """A place in the arena, `offset` bytes from its begin."""

    name = "kernel.arena"

    offset = prop_def(IntegerAttr)
    result = result_def(POINTER)

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict `:` type($result)"
    traits = traits_def(Pure())

    def __init__(self, offset: int, element: Attribute) -> None:
        super().__init__(
            properties={"offset": IntegerAttr(offset, i64)}, result_types=[PointerType(element)]
        )


@irdl_op_definition
class StatusOp(IRDLOperation):
    """The status of a run, an i32 in the arena: zero when it begins, not zero at its end if what a
    kernel requires did not hold. `offset` counts bytes."""

    name = "kernel.status"

    offset = prop_def(IntegerAttr)
    result = result_def(POINTER)

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict `:` type($result)"
    traits = traits_def(Pure())

    def __init__(self, offset: int = 0) -> None:
        super().__init__(
            properties={"offset": IntegerAttr(offset, i64)}, result_types=[PointerType(i32)]
        )


@irdl_op_definition
class ScratchOp(IRDLOperation):
    """The scratch memory of the thread that runs the task; its content is lost between tasks."""

    name = "kernel.scratch"

    result = result_def(POINTER)

    assembly_format = "attr-dict `:` type($result)"
    traits = traits_def(Pure())

    def __init__(self, element: Attribute) -> None:
        super().__init__(result_types=[PointerType(element)])


@irdl_op_definition
class WeightOp(IRDLOperation):
    """Constant data in the order in which a kernel reads it, under its key in the weights store."""

    name = "kernel.weight"

    key = prop_def(StringAttr)
    result = result_def(POINTER)

    assembly_format = "$key attr-dict `:` type($result)"
    traits = traits_def(Pure())

    def __init__(self, key: str, element: Attribute) -> None:
        super().__init__(properties={"key": StringAttr(key)}, result_types=[PointerType(element)])


@irdl_op_definition
class LaunchOp(IRDLOperation):
    """Run a kernel for every task, in any order, and wait for all of them.

    With `whole` task number `tasks` does what all others do together, in less time than these need
    one after the other: a thread that is alone runs it instead.
    """

    name = "kernel.launch"

    kernel = prop_def(SymbolRefAttr)
    arguments = var_operand_def(POINTER)
    tasks = prop_def(IntegerAttr)
    whole = opt_prop_def(UnitAttr)

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$kernel `(` $arguments `)` attr-dict `:` type($arguments)"

    def __init__(
        self, kernel: str, arguments: Sequence[SSAValue], tasks: int, whole: bool = False
    ) -> None:
        super().__init__(
            operands=[arguments],
            properties={
                "kernel": SymbolRefAttr(kernel),
                "tasks": IntegerAttr(tasks, i64),
                "whole": UnitAttr() if whole else None,
            },
        )
