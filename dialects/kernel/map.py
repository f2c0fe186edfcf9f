"""Elementwise loops: maps, with reductions to scalars on the way, and windows."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.irdl import (
    AnyAttr,
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect, SingleBlockImplicitTerminator
from xdsl.utils.exceptions import VerifyException

from .addressing import POINTER
from .checks import check_at_least, check_body
from .structure import YieldOp
from .types import (
    NumberLists,
    Numbers,
    element_type,
    int_lists,
    ints,
    number_lists,
    numbers,
)

COMBINATIONS = ("add", "mul", "max", "min")
"""How a reduction combines two values; max and min give nan where either is nan."""


@irdl_op_definition
class MapOp(IRDLOperation):
    """Apply a body to every point of an iteration space.

    Each input and output is a pointer with a stride for each dim of `shape` (0 broadcasts). The
    body takes one element of each input and yields first the values that are reduced over the whole
    space (`reductions` says how; they become results), then one element for each output. It may
    use scalars from outside. Bodies are `arith` and `math` operations on scalars; the emitter runs
    them on vectors along the last dim.

    ```mlir
    %sum = kernel.map ins(%x : !kernel.ptr<f32>) outs(%y : !kernel.ptr<f32>) {
        shape = array<i64: 197>, input_strides = [array<i64: 1>],
        output_strides = [array<i64: 1>], reductions = ["add"]} -> f32 body {
    ^bb0(%a: f32):
      %b = arith.subf %a, %max : f32
      %e = math.exp %b : f32
      kernel.yield %e, %e : f32, f32
    }
    ```
    """

    name = "kernel.map"

    inputs = var_operand_def(POINTER)
    outputs = var_operand_def(POINTER)
    shape = prop_def(Numbers)
    input_strides = prop_def(NumberLists)
    output_strides = prop_def(NumberLists)
    reductions = prop_def(ArrayAttr[StringAttr])
    results_ = var_result_def(AnyAttr())
    body = region_def("single_block")

    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = (
        "(`ins` `(` $inputs^ `:` type($inputs) `)`)? (`outs` `(` $outputs^ `:` type($outputs) `)`)?"
        " attr-dict (`->` type($results_)^)? `body` $body"
    )
    traits = traits_def(
        MemoryReadEffect(), MemoryWriteEffect(), SingleBlockImplicitTerminator(YieldOp)
    )

    def __init__(
        self,
        inputs: Sequence[SSAValue],
        outputs: Sequence[SSAValue],
        shape: Sequence[int],
        input_strides: Sequence[Sequence[int]],
        output_strides: Sequence[Sequence[int]],
        body: Region,
        reductions: Sequence[str] = (),
        result_types: Sequence[Attribute] = (),
    ) -> None:
        super().__init__(
            operands=[inputs, outputs],
            properties={
                "shape": numbers(shape),
                "input_strides": number_lists(input_strides),
                "output_strides": number_lists(output_strides),
                "reductions": ArrayAttr([StringAttr(name) for name in reductions]),
            },
            result_types=[result_types],
            regions=[body],
        )

    def verify_(self) -> None:
        """Strides have the shape's rank; the body's types are those of elements and results."""
        rank = len(ints(self.shape))
        strides = [*int_lists(self.input_strides), *int_lists(self.output_strides)]
        if len(strides) != len(self.inputs) + len(self.outputs):
            raise VerifyException("kernel.map: one list of strides for each input and output")
        if any(len(row) != rank for row in strides):
            raise VerifyException(f"kernel.map: strides need {rank} numbers, one for each dim")
        check_at_least(self, 0, "shape")
        for name in self.reductions:
            _check_combination(self, name)
        if len(self.reductions) != len(self.results_):
            raise VerifyException("kernel.map: one result for each reduction")
        written = [element_type(pointer.type) for pointer in self.outputs]
        given = [*(result.type for result in self.results_), *written]
        check_body(self, "body", [element_type(pointer.type) for pointer in self.inputs], given)


@irdl_op_definition
class WindowOp(IRDLOperation):
    """For every point of a space, combine a body over a window, finish, and store.

    Pooling is one, and so is a sum over dims that vary faster or slower than those that stay. An
    input has strides for the dims of `shape`, then for those of `window`; the output and `extras`
    (what only `finish` reads, such as a residual) have those of `shape`. `finish` takes the
    combined value, then an element of each extra.

    ```mlir
    kernel.window ins(%x : !kernel.ptr<f32>) extras() out(%y : !kernel.ptr<f32>) {
        shape = array<i64: 1280>, window = array<i64: 7, 7>,
        input_strides = [array<i64: 1, 8960, 1280>], extra_strides = [],
        output_strides = array<i64: 1>, combination = "add"} body {
    ^bb0(%a: f32):
      kernel.yield %a : f32
    } finish {
    ^bb0(%sum: f32):
      %scale = arith.constant 0.0204081628 : f32
      %mean = arith.mulf %sum, %scale : f32
      kernel.yield %mean : f32
    }
    ```
    """

    name = "kernel.window"

    inputs = var_operand_def(POINTER)
    extras = var_operand_def(POINTER)
    output = operand_def(POINTER)
    shape = prop_def(Numbers)
    window = prop_def(Numbers)
    input_strides = prop_def(NumberLists)
    extra_strides = prop_def(NumberLists)
    output_strides = prop_def(Numbers)
    combination = prop_def(StringAttr)
    body = region_def("single_block")
    finish = region_def("single_block")

    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = (
        "(`ins` `(` $inputs^ `:` type($inputs) `)`)? (`extras` `(` $extras^ `:` type($extras) `)`)?"
        " `out` `(` $output `:` type($output) `)` attr-dict `body` $body `finish` $finish"
    )
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    def __init__(
        self,
        inputs: Sequence[SSAValue],
        extras: Sequence[SSAValue],
        output: SSAValue,
        shape: Sequence[int],
        window: Sequence[int],
        input_strides: Sequence[Sequence[int]],
        extra_strides: Sequence[Sequence[int]],
        output_strides: Sequence[int],
        combination: str,
        body: Region,
        finish: Region,
    ) -> None:
        super().__init__(
            operands=[inputs, extras, output],
            properties={
                "shape": numbers(shape),
                "window": numbers(window),
                "input_strides": number_lists(input_strides),
                "extra_strides": number_lists(extra_strides),
                "output_strides": numbers(output_strides),
                "combination": StringAttr(combination),
            },
            regions=[body, finish],
        )

    def verify_(self) -> None:
        """Strides have the ranks of their spaces; the bodies' types agree."""
        rank, inner = len(ints(self.shape)), len(ints(self.window))
        rows = int_lists(self.input_strides)
        if len(rows) != len(self.inputs) or any(len(row) != rank + inner for row in rows):
            raise VerifyException(f"kernel.window: inputs need {rank + inner} strides each")
        rows = int_lists(self.extra_strides)
        if len(rows) != len(self.extras) or any(len(row) != rank for row in rows):
            raise VerifyException(f"kernel.window: extras need {rank} strides each")
        if len(ints(self.output_strides)) != rank:
            raise VerifyException(f"kernel.window: the output needs {rank} strides")
        check_at_least(self, 0, "shape", "window")
        _check_combination(self, self.combination)
        if not isinstance(self.body.block.last_op, YieldOp):
            raise VerifyException("kernel.window: the body must end with kernel.yield")
        combined = [value.type for value in self.body.block.last_op.values][:1]
        check_body(self, "body", [element_type(pointer.type) for pointer in self.inputs], combined)
        extras = [element_type(pointer.type) for pointer in self.extras]
        check_body(self, "finish", [*combined, *extras], [element_type(self.output.type)])


def _check_combination(op: Operation, name: StringAttr) -> None:
    if name.data not in COMBINATIONS:
        raise VerifyException(f"{op.name}: {name} is not one of {', '.join(COMBINATIONS)}")
