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
    but never written, and all that it can find there is what one other slot holds. Or one branch
    writes it, and the other one another slot, in the same place.
    """
    position: dict[SSAValue, int] = {op.slot: index for index, op in enumerate(method.slots)}
    for slot, storages in sources(method).items():
        op, (source, *others) = slot.owner, storages
        if slot in storages and len(others) == 1:
            _share(method, slot, source if source is not slot else others[0], position)
            continue
        if slot not in position or source not in position:
            continue
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
        _replace(op, source, offset)


def _share(
    method: memory.MethodOp,
    slot: SSAValue,
    other: SSAValue | None,
    position: dict[SSAValue, int],
) -> None:
    """Make a view of the one of two slots in the same bytes that is declared later."""
    if other is None or slot not in position or other not in position:
        return
    first, second = sorted((slot, other), key=lambda s: position[s])
    one, two = first.owner, second.owner
    if not isinstance(one, memory.PlannedOp) or not isinstance(two, memory.PlannedOp):
        return
    same = memory.tensor_bytes(one.tensor) == memory.tensor_bytes(two.tensor)
    if same and one.place == two.place and not two.is_state and second not in method.begin.inputs:
        del position[second]
        _replace(two, first, 0)


def _replace(op: memory.PlannedOp, source: SSAValue, offset: int) -> None:
    view = memory.ViewOp(source, op.tensor, offset=offset, dynamic=op.dynamic is not None)
    view.user_name, view.device = op.user_name, op.device
    view.slot.name_hint = op.slot.name_hint
    Rewriter.replace_op(op, view)


def recover_state(method: memory.MethodOp) -> None:
    """Mark the slots whose content of an earlier run is read: mutable buffers that start as 0."""
    for slot, storages in sources(method).items():
        op = memory.storage_of(slot)[0].owner
        if None in storages and isinstance(op, memory.PlannedOp) and op.initial is None:
            op.state = UnitAttr()
