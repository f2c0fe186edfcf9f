"""Loops that cannot end: nothing in them changes what they could be left by."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from .schema import (
    Bool,
    Chain,
    DelegateCall,
    ExecutionPlan,
    Instruction,
    JumpFalseCall,
    KernelCall,
    MoveCall,
    Tensor,
    TensorList,
)

_CHECKS = 200_000
"""Jumps that are looked at in a chain; programs with more nested loops are not judged."""


def endless_loops(plan: ExecutionPlan, chain: Chain) -> Iterator[tuple[int, int, int]]:
    """`(jump, target, condition)` of every backward jump whose loop cannot be left.

    A loop is left where its own jump falls through, or another jump in it goes outside; one of
    these conditions must be written in it, or be a constant that leaves it. A condition that is a
    tensor counts as written by any call, because tensors share memory. Indices must have been
    checked.
    """
    instructions = chain.instructions
    jumps = [
        i for i, instruction in enumerate(instructions) if isinstance(instruction, JumpFalseCall)
    ]
    if not any(_target(instructions[i]) <= i for i in jumps):
        return
    writes = _writes(plan, instructions)
    budget = _CHECKS
    for last in jumps:
        first = _target(instructions[last])
        if not 0 <= first <= last:
            continue
        ends = jumps[bisect_left(jumps, first) : bisect_left(jumps, last + 1)]
        budget -= len(ends)
        if budget < 0:
            return
        left_by = {
            i: _condition(instructions[i])
            for i in ends
            if i == last or not first <= _target(instructions[i]) <= last
        }
        # A jump goes on where its condition holds: that leaves the loop at its end.
        if not any(
            _is_written(plan, writes, slot, first, last)
            or _is_always(plan, writes, slot, truth=i == last)
            for i, slot in left_by.items()
        ):
            yield last, first, _condition(instructions[last])


def _target(instruction: Instruction) -> int:
    assert isinstance(instruction, JumpFalseCall)
    return instruction.destination_instruction


def _condition(instruction: Instruction) -> int:
    assert isinstance(instruction, JumpFalseCall)
    return instruction.cond_value_index


_ANY_TENSOR = -1


def _writes(plan: ExecutionPlan, instructions: Sequence[Instruction]) -> Mapping[int, list[int]]:
    """The instructions that may write each slot, in order; any tensor's under `_ANY_TENSOR`."""
    writes: dict[int, list[int]] = {}
    for index, instruction in enumerate(instructions):
        slots: Sequence[int] = ()
        match instruction:
            case KernelCall(args=args) | DelegateCall(args=args):
                slots = args
            case MoveCall(move_to=target):
                slots = (target,)
            case _:
                pass
        for slot in set(slots):
            writes.setdefault(slot, []).append(index)
        if any(isinstance(plan.values[slot], Tensor | TensorList) for slot in slots):
            writes.setdefault(_ANY_TENSOR, []).append(index)
    return writes


def _is_written(
    plan: ExecutionPlan, writes: Mapping[int, list[int]], slot: int, first: int, last: int
) -> bool:
    if isinstance(plan.values[slot], Tensor):
        slot = _ANY_TENSOR
    positions = writes.get(slot, [])
    at = bisect_left(positions, first)
    return at < len(positions) and positions[at] <= last


def _is_always(
    plan: ExecutionPlan, writes: Mapping[int, list[int]], slot: int, *, truth: bool
) -> bool:
    """Whether a condition is this truth value in the table and stays it."""
    value = plan.values[slot]
    constant = slot not in writes and slot not in plan.inputs
    return isinstance(value, Bool) and constant and value.bool_val == truth
