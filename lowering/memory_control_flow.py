"""Branches and loops as jumps between blocks of instructions.

Values that come out of a region have slots of their own, outside: every branch computes or copies
its value into that, and every round of a loop copies the next carried values into theirs. (A
`memory.move` of a tensor would only let the slot refer to memory that belongs to the branch.)
Counters and carried numbers are set by instructions before the loop, so that a program can run
again whatever stopped it before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Block, Operation, SSAValue

from ..dialects import memory
from ..dialects.control_flow import (
    CondOp,
    ControlFlowOp,
    MapOp,
    ScanOp,
    WhileLoopOp,
    steps_of,
)
from ..dialects.expr import Expr
from ..dialects.layout import dims_of
from ..dialects.schema import Argument
from .method_slots import MethodSlots
from .value_slots import ValueSlots
from .write_back import copy_values

_INT = Argument("", "int")
_INTS = Argument("", "int", is_list=True)
_BOOL = Argument("", "bool")


@dataclass(frozen=True)
class ControlFlowConverter:
    """Converts branches and loops; what stands in their regions is for `convert_operation`.

    `values` has the slots of all values so far.
    """

    slots: MethodSlots
    values: ValueSlots
    convert_operation: Callable[[Operation], None]

    def convert(self, op: ControlFlowOp) -> None:
        """Convert one branch or loop; its results have slots afterwards."""
        match op:
            case CondOp():
                self._cond(op)
            case WhileLoopOp():
                self._while_loop(op)
            case MapOp():
                self._steps(op, ())
            case ScanOp():
                self._steps(op, op.init)
            case _:
                raise AssertionError(f"{op.name} is no branch or loop")
        for result in op.outputs:
            self._bind_sizes(result, self.values[result])

    def _cond(self, op: CondOp) -> None:
        results = [self.values.new(result, op) for result in op.outputs]
        then, otherwise, end = Block(), Block(), Block()
        self.slots.call(memory.JumpFalseOp(self.values[op.predicate], otherwise, then), op)
        self.slots.start(then)
        self._branch(op, op.then.block, results)
        self._jump(end, otherwise, op)
        self.slots.start(otherwise)
        self._branch(op, op.otherwise.block, results)
        self.slots.call(memory.JumpOp(end), op)
        self.slots.start(end)

    def _branch(self, op: CondOp, block: Block, results: Sequence[SSAValue]) -> None:
        """One branch, its operators writing the results directly where they can."""
        last = block.last_op
        assert last is not None, "a region ends in a yield"
        for value, slot in zip(last.operands, results, strict=True):
            if isinstance(value.owner, Operation) and value.owner.parent is block:
                self.values.reserved.setdefault(value, slot)
        with self.slots.scope():
            yielded = self._run(block)
            copy_values(self.slots, results, yielded, op)

    def _while_loop(self, op: WhileLoopOp) -> None:
        carried = [self.values.new(result, op) for result in op.outputs]
        head, body, end = Block(), Block(), Block()
        copy_values(self.slots, carried, [self.values[value] for value in op.init], op)
        self.slots.call(memory.JumpOp(head), op)
        self.slots.start(head)
        with self.slots.scope():
            (condition,) = self._run(op.condition.block, carried)
            self.slots.call(memory.JumpFalseOp(condition, end, body), op)
            self.slots.start(body)
        with self.slots.scope():
            copy_values(self.slots, carried, self._run(op.body.block, carried), op)
            self._jump(head, end, op)
            self.slots.start(end)

    def _steps(self, op: MapOp | ScanOp, init: Sequence[SSAValue]) -> None:
        """A loop over the slices of the first dim."""
        carried = [self.values.new(result, op) for result in op.outputs[: len(init)]]
        stacked = op.outputs[len(init) :]
        stacks = [self.values.new(result, op, stacked=True) for result in stacked]
        steps = self.slots.size(steps_of(op))
        index = self.slots.declare(memory.ScalarOp(0), op)
        more = self.slots.declare(memory.ScalarOp(False), op)
        copy_values(self.slots, carried, [self.values[value] for value in init], op)
        for result, stack in zip(stacked, stacks, strict=True):
            self._empty(result, stack, op)
        self.slots.call(memory.MoveOp(self.slots.literal(_INT, 0), index), op)
        head, body, end = Block(), Block(), Block()
        self.slots.call(memory.JumpOp(head), op)
        self.slots.start(head)
        self._call("executorch_prim::lt.Scalar", [index, steps], more, op)
        self.slots.call(memory.JumpFalseOp(more, end, body), op)
        self.slots.start(body)
        with self.slots.scope():
            arguments = op.body.block.args[len(init) :]
            slices = [
                self._slice(x, argument, index, op)
                for x, argument in zip(op.xs, arguments, strict=True)
            ]
            yielded = self._run(op.body.block, [*carried, *slices])
            for stack, row in zip(stacks, yielded[len(init) :], strict=True):
                copy = memory.CallOp("executorch_prim::et_copy_index.tensor", [stack, row, index])
                self.slots.call(copy, op)
            copy_values(self.slots, carried, yielded[: len(init)], op)
            one = self.slots.literal(_INT, 1)
            self._call("executorch_prim::add.Scalar", [index, one], index, op)
            self._jump(head, end, op)
            self.slots.start(end)

    def _slice(self, x: SSAValue, argument: SSAValue, index: SSAValue, op: Operation) -> SSAValue:
        """The slot of a slice, filled by an instruction."""
        slot = self.values.new(argument, op)
        arguments = [self.values[x], self.slots.literal(_INT, 0), index]
        self.slots.call(memory.CallOp("aten::select_copy.int_out", arguments, [slot]), op)
        return slot

    def _empty(self, result: SSAValue, stack: SSAValue, op: Operation) -> None:
        """Give a stack its size, which it keeps where there is nothing to stack."""
        dims = dims_of(cast(TensorType[Attribute], result.type))
        bounds = self.values.largest_sizes(result, op)
        known = [
            dim if self.slots.knows(dim) else bound for dim, bound in zip(dims, bounds, strict=True)
        ]
        sizes = self.slots.literal(_INTS, [_number(size) for size in known])
        null = self.slots.literal(_INT, None)
        self.slots.call(memory.CallOp("aten::empty.out", [sizes, null], [stack]), op)

    def _run(self, block: Block, arguments: Sequence[SSAValue] = ()) -> list[SSAValue]:
        """Convert a block; the slots of what it yields."""
        for argument, slot in zip(block.args, arguments, strict=True):
            self.values[argument] = slot
            self._bind_sizes(argument, slot)
        last = block.last_op
        assert last is not None, "a region ends in a yield"
        for inner in block.ops:
            if inner is not last:
                self.convert_operation(inner)
        return [self.values[value] for value in last.operands]

    def _bind_sizes(self, value: SSAValue, slot: SSAValue) -> None:
        if isinstance(value.type, TensorType):
            self.slots.bind_new_sizes(slot, dims_of(cast(TensorType[Attribute], value.type)))

    def _jump(self, target: Block, next: Block, op: Operation) -> None:
        """Go elsewhere than to the next block."""
        self.slots.call(memory.JumpFalseOp(self.slots.literal(_BOOL, False), target, next), op)

    def _call(
        self, operator: str, arguments: Sequence[SSAValue], result: SSAValue, op: Operation
    ) -> None:
        self.slots.call(memory.CallOp(operator, arguments, returns=result), op)


def _number(size: Expr | int) -> Expr | int:
    constant = size.constant if isinstance(size, Expr) else size
    return size if constant is None else constant
