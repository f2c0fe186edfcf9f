"""How values get to where they stay: new ones of buffers and inputs, and what loops carry."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation, SSAValue

from ..dialects import memory
from ..dialects.schema import Argument
from .method_slots import MethodSlots


def write_back(
    slots: MethodSlots,
    targets: Sequence[SSAValue],
    values: Sequence[SSAValue],
    outputs: Sequence[SSAValue],
) -> list[SSAValue]:
    """Copy the new values into their targets, at the end of a method; returns the outputs to name.

    What is still needed of a target's old content, as another target's new value or as an output,
    is saved first.
    """
    pairs = [
        (target, value)
        for target, value in zip(targets, values, strict=True)
        if memory.storage_of(value)[0] is not target
    ]
    written = {target for target, _ in pairs}
    saved: dict[SSAValue, SSAValue] = {}

    def lasting(slot: SSAValue) -> SSAValue:
        if memory.tensor_of(slot) is None or memory.storage_of(slot)[0] not in written:
            return slot
        if slot not in saved:
            saved[slot] = _saved(slots, slot)
        return saved[slot]

    pairs = [(target, lasting(value)) for target, value in pairs]
    named = [lasting(output) for output in outputs]
    for target, value in pairs:
        non_blocking = slots.literal(Argument("", "bool"), False)
        slots.call(memory.CallOp("aten::copy_", [target, value, non_blocking], returns=target))
    return named


def copy_values(
    slots: MethodSlots, targets: Sequence[SSAValue], values: Sequence[SSAValue], source: Operation
) -> None:
    """Let slots hold what others hold, all at once: what is read later is saved first."""
    pairs = [
        (target, value)
        for target, value in zip(targets, values, strict=True)
        if memory.storage_of(value) != (target, 0) and not isinstance(target.owner, memory.NullOp)
    ]
    written = {target for target, _ in pairs}
    saved: dict[SSAValue, SSAValue] = {}
    for _, value in pairs:
        if memory.storage_of(value)[0] in written and value not in saved:
            saved[value] = _saved(slots, value, source)
    for target, value in pairs:
        _copy(slots, target, saved.get(value, value), source)


def _copy(slots: MethodSlots, target: SSAValue, value: SSAValue, source: Operation) -> None:
    owner = target.owner
    if memory.tensor_of(target) is None:
        slots.call(memory.MoveOp(value, target), source)
    elif isinstance(owner, memory.PlannedOp) and owner.dynamic is not None:
        # It sets the sizes, too.
        null = slots.literal(Argument("", "int"), None)
        slots.call(memory.CallOp("aten::clone.out", [value, null], [target]), source)
    else:
        false = slots.literal(Argument("", "bool"), False)
        slots.call(memory.CallOp("aten::copy_", [target, value, false], returns=target), source)


def _saved(slots: MethodSlots, slot: SSAValue, at: Operation | None = None) -> SSAValue:
    """A new slot with a copy of what a slot holds now."""
    type = memory.tensor_of(slot)
    if type is None:
        number = slots.declare(memory.ScalarOp(0), at, slot.name_hint)
        slots.call(memory.MoveOp(slot, number), at)
        return number
    source = slot.owner
    dynamic = isinstance(source, memory.PlannedOp) and source.dynamic is not None
    copy = slots.declare(memory.PlannedOp(type, dynamic=dynamic), at, slot.name_hint)
    null = slots.literal(Argument("", "int"), None)
    slots.call(memory.CallOp("aten::clone.out", [slot, null], [copy]), at)
    return copy
