"""What the places of a method that was read back say about its tensors."""

from __future__ import annotations

from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from ..dialects import memory
from ..passes.planners.aliasing import sources


def recover_views(method: memory.MethodOp) -> None:
    """Make views of the slots whose content is certainly that of one other slot.

    A compiler that knows a view to be the same bytes makes no instruction for it: the slot is read
    but never written, and all that it can find there is what one other slot holds.
    """
    position: dict[SSAValue, int] = {op.slot: index for index, op in enumerate(method.slots)}
    for slot, storages in sources(method).items():
        op, (source, *others) = slot.owner, storages
        if others or source is None or source is slot or not isinstance(op, memory.PlannedOp):
            continue
        owner, type = source.owner, memory.tensor_of(slot)
        assert isinstance(owner, memory.PlannedOp) and type is not None, "both are planned"
        if position[source] > position[slot] or owner.place is None or op.place is None:
            continue
        offset = op.place[1] - owner.place[1]
        whole = memory.tensor_of(source)
        assert whole is not None, "storages are tensors"
        if not 0 <= offset <= memory.tensor_bytes(whole) - memory.tensor_bytes(type):
            continue
        if op.place[0] != owner.place[0] or op.is_state:
            continue
        view = memory.ViewOp(source, type, offset=offset, dynamic=op.dynamic is not None)
        view.user_name, view.device = op.user_name, op.device
        view.slot.name_hint = slot.name_hint
        Rewriter.replace_op(op, view)


def recover_state(method: memory.MethodOp) -> None:
    """Mark the slots whose content of an earlier run is read: mutable buffers that start as 0."""
    for slot, storages in sources(method).items():
        op = memory.storage_of(slot)[0].owner
        if None in storages and isinstance(op, memory.PlannedOp) and op.initial is None:
            op.state = UnitAttr()
