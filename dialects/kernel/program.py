"""A compiled region: kernels, and the launches that make up one run."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, StringAttr, SymbolRefAttr, i64
from xdsl.ir import Attribute, Region, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import IsolatedFromAbove, NoTerminator, Pure, SymbolTable

from .addressing import POINTER
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
    """Run a kernel for every task, in any order, and wait for all of them."""

    name = "kernel.launch"

    kernel = prop_def(SymbolRefAttr)
    arguments = var_operand_def(POINTER)
    tasks = prop_def(IntegerAttr)

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$kernel `(` $arguments `)` attr-dict `:` type($arguments)"

    def __init__(self, kernel: str, arguments: Sequence[SSAValue], tasks: int) -> None:
        super().__init__(
            operands=[arguments],
            properties={"kernel": SymbolRefAttr(kernel), "tasks": IntegerAttr(tasks, i64)},
        )
