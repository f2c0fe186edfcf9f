"""How a method's last instructions put new values of buffers and inputs where they stay."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

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


def _saved(slots: MethodSlots, slot: SSAValue) -> SSAValue:
    """A new slot with a copy of what a slot holds now."""
    type = memory.tensor_of(slot)
    assert type is not None, "only tensors are saved"
    source = slot.owner
    dynamic = isinstance(source, memory.PlannedOp) and source.dynamic is not None
    copy = slots.declare(memory.PlannedOp(type, dynamic=dynamic), None, slot.name_hint)
    null = slots.literal(Argument("", "int"), None)
    slots.call(memory.CallOp("aten::clone.out", [slot, null], [copy]))
    return copy
