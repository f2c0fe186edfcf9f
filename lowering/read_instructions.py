"""Reading back what a method does: instructions become operations, jump targets blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from xdsl.dialects.builtin import (
    UNKNOWN_LOC,
    FusedLoc,
    LocationAttr,
    NoneAttr,
)
from xdsl.ir import Block, Operation, SSAValue

from ..dialects import memory
from ..dialects.location import make_location
from ..runtime.program.schema import (
    Chain,
    DelegateCall,
    ExecutionPlan,
    FrameList,
    FreeCall,
    Instruction,
    JumpFalseCall,
    KernelCall,
    MoveCall,
    Tensor,
    TensorList,
)
from ..runtime.program.signatures import stock_signatures
from .program_data import ProgramData, is_external


class InstructionReader:
    """Makes the blocks of a method."""

    def __init__(self, plan: ExecutionPlan, slots: Sequence[SSAValue], data: ProgramData):
        self._plan = plan
        self._slots = slots
        self._calls = _CallReader(plan, slots, data)

    def blocks(self, declarations: Sequence[Operation]) -> list[Block]:
        """The declarations, then the instructions of all chains; a jump's target starts a block."""
        blocks = [Block(declarations)]
        chains = self._plan.chains
        for number, chain in enumerate(chains):
            starts = self._chain_blocks(chain, blocks, first=number == 0)
            self._fill(chain, starts)
            last = blocks[-1]
            if number + 1 < len(chains):
                blocks.append(Block())
                last.add_op(memory.NextChainOp(blocks[-1]))
            else:
                last.add_op(memory.EndOp())
        return blocks

    def _chain_blocks(self, chain: Chain, blocks: list[Block], *, first: bool) -> dict[int, Block]:
        """The block that starts at an instruction of a chain, added to `blocks`.

        The first goes on in the last block so far, unless that declares the slots and is jumped to.
        """
        jumps = [
            (i, op.destination_instruction)
            for i, op in enumerate(chain.instructions)
            if isinstance(op, JumpFalseCall)
        ]
        targets = {target for _, target in jumps}
        starts = {0: blocks[-1]}
        if first and 0 in targets:
            starts[0] = Block()
            blocks[-1].add_op(memory.JumpOp(starts[0]))
            blocks.append(starts[0])
        for index in sorted(targets | {i + 1 for i, _ in jumps}):
            if index not in starts:
                starts[index] = Block()
                blocks.append(starts[index])
        return starts

    def _fill(self, chain: Chain, starts: Mapping[int, Block]) -> None:
        traces = chain.stacktrace or []
        block = starts[0]
        for index, instruction in enumerate(chain.instructions):
            if index and index in starts:
                if not isinstance(block.last_op, memory.JumpFalseOp):
                    block.add_op(memory.JumpOp(starts[index]))
                block = starts[index]
            if isinstance(instruction, JumpFalseCall):
                condition = self._slots[instruction.cond_value_index]
                target = starts[instruction.destination_instruction]
                op = memory.JumpFalseOp(condition, target, starts[index + 1])
            else:
                op = self._calls.read(instruction)
            if index < len(traces):
                op.location = _location(traces[index])
            block.add_op(op)
        end = starts.get(len(chain.instructions))
        if end is not None and end is not block:
            if not isinstance(block.last_op, memory.JumpFalseOp):
                block.add_op(memory.JumpOp(end))


class _CallReader:
    """Makes the operations of a method's calls, which do not say what they write."""

    def __init__(
        self,
        plan: ExecutionPlan,
        slots: Sequence[SSAValue],
        data: ProgramData,
    ):
        self._plan = plan
        self._names = [operator.full_name for operator in plan.operators]
        self._slots = slots
        self._data = data
        self._defined = set(plan.inputs) | self._written_in_place()

    def read(self, instruction: Instruction) -> Operation:
        """The operation of an instruction that does not jump; those before it were read."""
        match instruction:
            case KernelCall(op_index=operator, args=args):
                name = self._names[operator]
                arguments, outs, returns = self._split(name, args)
                self._defined.update(self._tensors((*outs, *returns)))
                returned = self._slots[returns[0]] if returns else None
                return memory.CallOp(name, self._of(arguments), self._of(outs), returned)
            case DelegateCall(delegate_index=index, args=args):
                delegate = self._plan.delegates[index]
                count = self._delegate_inputs(args)
                self._defined.update(args)
                return memory.DelegateCallOp(
                    delegate.id,
                    self._data.delegate(delegate),
                    self._of(args[:count]),
                    self._of(args[count:]),
                    [(spec.key, bytes(spec.value)) for spec in delegate.compile_specs],
                )
            case MoveCall(move_from=source, move_to=target):
                self._defined.add(target)
                return memory.MoveOp(self._slots[source], self._slots[target])
            case FreeCall(value_index=index):
                return memory.FreeOp(self._slots[index])
            case JumpFalseCall():
                raise AssertionError("jumps end blocks")

    def _of(self, indices: Iterable[int]) -> list[SSAValue]:
        return [self._slots[index] for index in indices]

    def _split(
        self, name: str, args: Sequence[int]
    ) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        """The arguments of a call, its outs, and the slot of its result where it must be said."""
        signature = stock_signatures().get(name)
        if signature is not None and signature.kinds[-1] != "=":
            # It assigns nothing: what it changes are its arguments, or the slot that it rebinds.
            rebinds = len(args) - 1 in signature.written
            return (args[:-1], (), args[-1:]) if rebinds else (args, (), ())
        if not args:
            return (), (), ()
        before, returned = args[:-1], args[-1]
        count = 0
        if signature is not None:
            while len(before) - 1 - count in signature.written and count < len(before):
                count += 1
        elif not name.partition(".")[0].endswith("_"):
            count = self._out_count(before, returned)
        start = len(before) - count
        if count == 1 and before[start] == returned and self._is_tensor(returned):
            return before[:start], before[start:], ()
        return before[:start], before[start:], args[-1:]

    def _out_count(self, before: Sequence[int], returned: int) -> int:
        """How many of the last arguments are outs, for an operator that is not known."""
        value = self._plan.values[returned]
        if isinstance(value, TensorList):
            if before and isinstance(self._plan.values[before[-1]], TensorList):
                return 1
            count = len(value.items)
            return count if count and list(before[-count:]) == value.items else 0
        return int(bool(before) and before[-1] == returned and isinstance(value, Tensor))

    def _delegate_inputs(self, args: Sequence[int]) -> int:
        """How many of a delegate's arguments are inputs: those up to the last that has content.

        The format does not say. Where all have content, the last one is the output.
        """
        count = len(args)
        while count and self._is_fresh(args[count - 1]):
            count -= 1
        return len(args) - 1 if args and count == len(args) else count

    def _is_fresh(self, index: int) -> bool:
        """Whether a slot is a tensor that nothing has put content into so far."""
        value = self._plan.values[index]
        if not isinstance(value, Tensor) or value.data_buffer_idx:
            return False
        return index not in self._defined and not is_external(value)

    def _written_in_place(self) -> set[int]:
        """The slots that operators write in place (`aten::copy_`): state of the method."""
        written: set[int] = set()
        for chain in self._plan.chains:
            for call in chain.instructions:
                if isinstance(call, KernelCall):
                    name = self._names[call.op_index]
                    if name.partition(".")[0].endswith("_"):
                        written.update(call.args[:1])
        return written

    def _tensors(self, indices: Iterable[int]) -> Iterator[int]:
        for index in indices:
            value = self._plan.values[index]
            yield from value.items if isinstance(value, TensorList) else (index,)

    def _is_tensor(self, index: int) -> bool:
        return isinstance(self._plan.values[index], Tensor)


def _location(trace: FrameList) -> LocationAttr:
    """The location of a stack trace."""
    parts = [make_location(f.name, f.filename, max(0, f.lineno)) for f in trace.items]
    known = [part for part in parts if part is not UNKNOWN_LOC]
    if len(known) <= 1:
        return known[0] if known else UNKNOWN_LOC
    return FusedLoc(tuple(known), NoneAttr())
