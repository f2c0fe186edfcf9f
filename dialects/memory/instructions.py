"""The operations that run, and `memory.begin` before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, BytesAttr, StringAttr, SymbolNameConstraint, i1
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    successor_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import IsTerminator, MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException

from .syntax import Outs, Returns, Slot, Slots
from .types import SLOT, SlotType, is_number, tensor_of
from .value_slots import is_rewritten


@irdl_op_definition
class BeginOp(IRDLOperation):
    """Ends the declarations and names inputs and outputs, in order.

    ```mlir
    memory.begin ins(%x) outs(%y)
    ```
    """

    name = "memory.begin"

    inputs = var_operand_def(SLOT)
    outputs = var_operand_def(SLOT)

    traits = traits_def(MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = (
        "`ins` custom<Slots>($inputs, type($inputs)) `outs` custom<Slots>($outputs, type($outputs))"
        " attr-dict"
    )
    custom_directives = (Slots,)

    def __init__(self, inputs: Sequence[SSAValue], outputs: Sequence[SSAValue]):
        super().__init__(operands=[inputs, outputs])


@irdl_op_definition
class CallOp(IRDLOperation):
    """A kernel call.

    The instruction's arguments are the operands in schema order, the outs in schema order, and
    last the slot of the result: `returns`, or the out where it is the only one. So an out-variant
    with one out names only that; one with several outs, or with a list, returns a list slot; an
    operator without out arguments (`aten::sym_size.int`, `aten::copy_`) has only `returns`.

    ```mlir
    memory.call @"aten::add.out"(%a, %b, %alpha) outs(%o)
    memory.call @"aten::max.dim_max"(%a, %dim, %keep) outs(%v, %i) returns(%list)
    memory.call @"aten::sym_size.int"(%a, %dim) returns(%n)
    ```
    """

    name = "memory.call"

    operator = prop_def(SymbolNameConstraint())
    arguments = var_operand_def(SLOT)
    outs = var_operand_def(SLOT)
    returns = opt_operand_def(SLOT)

    traits = traits_def(MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = (
        "$operator `` custom<Slots>($arguments, type($arguments)) custom<Outs>($outs, type($outs))"
        " custom<Returns>($returns, type($returns)) attr-dict"
    )
    custom_directives = (Slots, Outs, Returns)

    def __init__(
        self,
        operator: str,
        arguments: Sequence[SSAValue],
        outs: Sequence[SSAValue] = (),
        returns: SSAValue | None = None,
    ):
        super().__init__(
            operands=[arguments, outs, returns], properties={"operator": StringAttr(operator)}
        )

    @property
    def instruction_slots(self) -> list[SSAValue]:
        """The slots of the instruction, the result last."""
        slots = [*self.arguments, *self.outs]
        if self.returns is not None:
            return [*slots, self.returns]
        return [*slots, *self.outs] if len(self.outs) == 1 else slots

    def verify_(self) -> None:
        """Check that several outs come with a result slot."""
        if self.returns is not None:
            return
        list_out = any(isinstance(tensor_of(out), type(None)) for out in self.outs)
        if len(self.outs) > 1 or list_out:
            raise VerifyException(
                f"memory.call: {self.operator.data} has several outs or a list; add "
                "returns(%list) with a memory.tensor_list of them"
            )


@irdl_op_definition
class DelegateCallOp(IRDLOperation):
    """A call of a backend's payload, whose bytes are in the weights store.

    `specs`: the options that the backend reads at load, pairs of a name and its bytes.

    ```mlir
    memory.delegate_call "XnnpackBackend" "payload-key"(%a) outs(%o)
    memory.delegate_call "CoreMLBackend" "payload-key"(%a) outs(%o) {specs = [["unit", "cpu"]]}
    ```
    """

    name = "memory.delegate_call"

    backend = prop_def(StringAttr)
    payload = prop_def(StringAttr)
    specs = opt_prop_def(ArrayAttr)
    arguments = var_operand_def(SLOT)
    outs = var_operand_def(SLOT)

    traits = traits_def(MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = (
        "$backend $payload `` custom<Slots>($arguments, type($arguments))"
        " custom<Outs>($outs, type($outs)) attr-dict"
    )
    custom_directives = (Slots, Outs)

    def __init__(
        self,
        backend: str,
        payload: str,
        arguments: Sequence[SSAValue],
        outs: Sequence[SSAValue],
        specs: Sequence[tuple[str, bytes]] = (),
    ):
        pairs = [ArrayAttr([StringAttr(key), _text_or_bytes(value)]) for key, value in specs]
        super().__init__(
            operands=[arguments, outs],
            properties={
                "backend": StringAttr(backend),
                "payload": StringAttr(payload),
                "specs": ArrayAttr(pairs) if pairs else None,
            },
        )

    @property
    def compile_specs(self) -> list[tuple[str, bytes]]:
        """The options as names and bytes."""
        pairs = cast("ArrayAttr[ArrayAttr[StringAttr]]", self.specs or ArrayAttr([]))
        return [(key.data, _bytes_of(value)) for key, value in pairs]

    def verify_(self) -> None:
        """Check that the options are pairs of strings."""
        for pair in self.specs or ():
            parts = cast("ArrayAttr[Attribute]", pair).data if isinstance(pair, ArrayAttr) else ()
            match parts:
                case (StringAttr(), StringAttr() | BytesAttr()):
                    continue
                case _:
                    pass
            raise VerifyException(
                f'memory.delegate_call: {pair} is not an option; write ["name", "value"]'
            )


@irdl_op_definition
class MoveOp(IRDLOperation):
    """Rebinds a slot to what another one holds, sharing the tensor: `memory.move %from, %to`."""

    name = "memory.move"

    source = operand_def(SLOT)
    target = operand_def(SLOT)

    traits = traits_def(MemoryWriteEffect())
    assembly_format = (
        "custom<Slot>($source, type($source)) `,` custom<Slot>($target, type($target)) attr-dict"
    )
    custom_directives = (Slot,)

    def __init__(self, source: SSAValue, target: SSAValue):
        super().__init__(operands=[source, target])


@irdl_op_definition
class FreeOp(IRDLOperation):
    """Gives up the data of a tensor: `memory.free %x`."""

    name = "memory.free"

    target = operand_def(SLOT)

    traits = traits_def(MemoryWriteEffect())
    assembly_format = "custom<Slot>($target, type($target)) attr-dict"
    custom_directives = (Slot,)

    def __init__(self, target: SSAValue):
        super().__init__(operands=[target])


@irdl_op_definition
class JumpOp(IRDLOperation):
    """Runs on into the next block: `memory.jump ^next`.

    The format has no unconditional jump: going elsewhere is `memory.jump_false` on a slot that
    holds false.
    """

    name = "memory.jump"

    next = successor_def()

    traits = traits_def(IsTerminator(), MemoryWriteEffect())
    assembly_format = "$next attr-dict"

    def __init__(self, next: Block):
        super().__init__(successors=[next])

    def verify_(self) -> None:
        """Check that the block is the next one."""
        _verify_falls_through(self, self.next)


@irdl_op_definition
class NextChainOp(IRDLOperation):
    """Ends a chain of instructions and runs on into the next one: `memory.next_chain ^next`.

    Most programs have one chain. A jump does not leave its chain, but for the next one's start.
    """

    name = "memory.next_chain"

    next = successor_def()

    traits = traits_def(IsTerminator(), MemoryWriteEffect())
    assembly_format = "$next attr-dict"

    def __init__(self, next: Block):
        super().__init__(successors=[next])

    def verify_(self) -> None:
        """Check that the block is the next one."""
        _verify_falls_through(self, self.next)


@irdl_op_definition
class JumpFalseOp(IRDLOperation):
    """Jumps where the condition is false, else runs on into the next block.

    The condition is an `i1` slot, or one that an instruction makes that, or a bool tensor, which
    counts as false where any element is.

    ```mlir
    memory.jump_false %c, ^target, ^next
    ```
    """

    name = "memory.jump_false"

    condition = operand_def(SLOT)
    target = successor_def()
    next = successor_def()

    traits = traits_def(IsTerminator(), MemoryWriteEffect())
    assembly_format = "custom<Slot>($condition, type($condition)) `,` $target `,` $next attr-dict"
    custom_directives = (Slot,)

    def __init__(self, condition: SSAValue, target: Block, next: Block):
        super().__init__(operands=[condition], successors=[target, next])

    def verify_(self) -> None:
        """Check the condition's type and that the second block is the next one."""
        tensor = tensor_of(self.condition)
        type = cast(SlotType, self.condition.type).content if tensor is None else None
        written = is_number(self.condition) and is_rewritten(self.condition)
        if (tensor.element_type if tensor is not None else type) != i1 and not written:
            raise VerifyException(
                f"memory.jump_false: the condition is a {self.condition.type}, not i1 or a tensor "
                "of i1"
            )
        _verify_falls_through(self, self.next)


@irdl_op_definition
class EndOp(IRDLOperation):
    """Ends the method: `memory.end`."""

    name = "memory.end"

    traits = traits_def(IsTerminator(), MemoryWriteEffect())
    assembly_format = "attr-dict"

    def __init__(self):
        super().__init__()


def _text_or_bytes(value: bytes) -> StringAttr | BytesAttr:
    try:
        return StringAttr(value.decode())
    except UnicodeDecodeError:
        return BytesAttr(value)


def _bytes_of(value: StringAttr | BytesAttr) -> bytes:
    return value.data if isinstance(value, BytesAttr) else value.data.encode()


def _verify_falls_through(op: Operation, next: Block) -> None:
    block = op.parent_block()
    if block is not None and block.next_block is not next:
        raise VerifyException(
            f"{op.name}: a method runs on into the block that comes next; jump elsewhere with "
            "memory.jump_false on a slot that holds false"
        )


INSTRUCTION_OPS: tuple[type[IRDLOperation], ...] = (
    CallOp,
    DelegateCallOp,
    MoveOp,
    FreeOp,
    JumpOp,
    JumpFalseOp,
    NextChainOp,
    EndOp,
)
"""The operations that run."""
