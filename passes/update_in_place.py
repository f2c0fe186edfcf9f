"""Lets the call that computes a buffer's new value write it straight into the buffer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, i64
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from ..dialects import memory
from .plan_memory import overwritable
from .planners.liveness import accesses, tensors_in

_COPY = "aten::copy_"
_INDEX_PUT = "aten::index_put.out"
_INDEX_PUT_IN_PLACE = "aten::index_put_"


class UpdateInPlacePass(ModulePass):
    """Write new values of buffers, mutated inputs and loops where they stay, without copying them.

    At its end a method copies each new value into its target, and a loop each next value that it
    carries. The call that computes the value writes the target itself, and the copy is gone, where
    nothing reads the target's old content after the call, and the call reads it, if at all, as an
    operand that it may overwrite (`overwrites=` in the operator table); so do the calls before it
    whose values it overwrites. A value that is an output too keeps its memory.

    Where it can, `index_put` becomes `index_put_`, which touches only what it writes: with one
    1-d index and values of the shape of what is indexed. ExecuTorch's kernel takes no others, and
    no negative positions.

    Before:
    ```mlir
    memory.call @"aten::index_put.out"(%cache, %at, %new, %no) outs(%0)
    memory.call @"aten::bmm.out"(%query, %0) outs(%1)
    memory.call @"aten::copy_"(%cache, %0, %no) returns(%cache)
    ```
    After:
    ```mlir
    memory.call @"aten::index_put_"(%cache, %at, %new, %no) returns(%cache)
    memory.call @"aten::bmm.out"(%query, %cache) outs(%1)
    ```
    """

    name = "update-in-place"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite the copies of every method."""
        for method in op.ops:
            if not isinstance(method, memory.MethodOp):
                continue
            order = _Order(method)
            for copy in list(order.position):
                if isinstance(copy, memory.CallOp) and copy.operator.data == _COPY:
                    _update(order, copy)


class _Order:
    """The instructions of a method by position, and the storages that are inputs or outputs."""

    def __init__(self, method: memory.MethodOp):
        self.method = method
        self.position: dict[Operation, int] = {
            op: number for number, op in enumerate(method.instructions)
        }
        begin = method.begin
        self.named = _storages(tensors_in((*begin.inputs, *begin.outputs)))


def _update(order: _Order, copy: memory.CallOp) -> None:
    """Let the call that computes the source of a copy write its target, and the calls before it."""
    target, value = copy.arguments[:2]
    call = _writer(order, copy, target, value) if target.type == value.type else None
    if call is None:
        return
    _replace(order.method, target, value)
    Rewriter.erase_op(copy)
    while call is not None:
        previous = None
        for operand in [] if _reads(call, target) else overwritable(call):
            if not _is_used_after(order, call, operand):
                previous = _writer(order, call, target, operand)
            if previous is not None:
                _replace(order.method, target, operand)
                break
        if call.operator.data == _INDEX_PUT and _reads(call, target) and _puts_rows(call):
            put = memory.CallOp(_INDEX_PUT_IN_PLACE, call.arguments, returns=call.arguments[0])
            put.location = call.location
            order.position[put] = order.position[call]
            Rewriter.replace_op(call, put)
        call = previous


def _writer(
    order: _Order, reader: memory.CallOp, target: SSAValue, value: SSAValue
) -> memory.CallOp | None:
    """The call that may write to `target` the value that `reader` reads; None where none may."""
    new, offset = memory.storage_of(value)
    if offset or not _may_replace(order, target, new):
        return None
    writers = [op for op in _users(new) if new in _storages(accesses(op).writes)]
    if len(writers) != 1 or not isinstance(call := writers[0], memory.CallOp):
        return None
    if call.parent_block() is not reader.parent_block() or new not in call.outs:
        return None
    first, last = order.position[call], order.position[reader]
    if first > last or any(first < order.position[op] < last for op in _users(target)):
        return None
    # What runs last runs once, behind everything else; what runs before may run again.
    if not _ends_with(reader, new):
        return None
    return call if _may_overwrite(call, target, new) else None


def _ends_with(reader: memory.CallOp, slot: SSAValue) -> bool:
    """Whether an instruction is the last to use a slot, of one block, or its block runs last."""
    block = reader.parent_block()
    assert block is not None, "an instruction is in a block"
    if isinstance(block.last_op, memory.EndOp):
        return True
    op = reader.next_op
    while op is not None:
        slots = accesses(op)
        if slot in _storages((*slots.reads, *slots.writes)):
            return False
        op = op.next_op
    return _is_local(slot, block)


def _is_local(slot: SSAValue, block: Block) -> bool:
    """Whether all instructions that use a slot, or a view of it, are in a block."""
    return all(
        _is_local(use.operation.results[0], block)
        if isinstance(use.operation, memory.SLOT_OPS)
        else use.operation.parent_block() is block
        for use in slot.uses
    )


def _may_replace(order: _Order, target: SSAValue, new: SSAValue) -> bool:
    """Whether all that is known of the slot `new` holds for `target` too."""
    if not isinstance(target.owner, memory.PlannedOp) or not isinstance(
        new.owner, memory.PlannedOp
    ):
        return False
    return (
        new.owner.initial is None
        and new not in order.named
        and target.owner.dynamic == new.owner.dynamic
        and (target.type == new.type or target.owner.dynamic is None)
        and memory.tensor_bytes(target.owner.tensor) == memory.tensor_bytes(new.owner.tensor)
        and not any(_is_bound(slot) for slot in (target, new))
    )


def _may_overwrite(call: memory.CallOp, target: SSAValue, new: SSAValue) -> bool:
    """Whether a call may write to the target what it writes to `new`."""
    readers = [slot for slot in tensors_in(call.arguments) if memory.storage_of(slot)[0] is target]
    if not readers:
        return True
    return call.outs[0] is new and set(readers) <= set(overwritable(call))


def _replace(method: memory.MethodOp, target: SSAValue, value: SSAValue) -> None:
    """Let the storage of a value be that of the target."""
    new = memory.storage_of(value)[0].owner
    assert isinstance(new, memory.PlannedOp) and isinstance(target.owner, memory.PlannedOp)
    # Views of the new value stand behind it, and become views of the target.
    first = method.body.blocks[0].first_op
    assert first is not None, "the entry block declares slots"
    if first is not target.owner:
        target.owner.detach()
        Rewriter.insert_op(target.owner, InsertPoint.before(first))
    if new.slot.type == target.type:
        Rewriter.replace_op(new, [], [target])
    else:
        view = memory.ViewOp(target, new.tensor)
        view.location = new.location
        view.slot.name_hint = new.slot.name_hint
        Rewriter.replace_op(new, view)


def _is_used_after(order: _Order, call: memory.CallOp, slot: SSAValue) -> bool:
    """Whether the memory of a slot is read or written behind a call, or in another block."""
    return any(
        order.position[op] > order.position[call] or op.parent_block() is not call.parent_block()
        for op in _users(memory.storage_of(slot)[0])
    )


def _users(storage: SSAValue) -> list[Operation]:
    """The instructions that read or write a storage, each once."""
    users = dict.fromkeys(_instructions(storage))
    slots = ((op, accesses(op)) for op in users)
    return [op for op, a in slots if storage in _storages((*a.reads, *a.writes))]


def _instructions(slot: SSAValue) -> Iterator[Operation]:
    """The instructions that name a slot, a view of it, or a list with it."""
    for use in slot.uses:
        if isinstance(use.operation, memory.SLOT_OPS):
            yield from _instructions(use.operation.results[0])
        elif not isinstance(use.operation, memory.BeginOp):
            yield use.operation


def _puts_rows(call: memory.CallOp) -> bool:
    """Whether `index_put` replaces whole slices of one dimension, each with values of its own."""
    source, indices, values, accumulate = call.arguments
    whole, placed = memory.tensor_of(source), memory.tensor_of(values)
    lists, scalar = indices.owner, accumulate.owner
    assert whole is not None and placed is not None, "index_put takes tensors"
    if not isinstance(lists, memory.OptionalTensorListOp) or len(lists.items) != 1:
        return False
    index = memory.tensor_of(lists.items[0])
    if index is None or index.element_type != i64 or index.get_num_dims() != 1:
        return False
    shape = list(whole.get_shape())
    shape[lists.entries.index(lists.items[0])] = index.get_shape()[0]
    replaces = isinstance(scalar, memory.ScalarOp) and not scalar.number
    return replaces and list(placed.get_shape()) == shape


def _reads(call: memory.CallOp, target: SSAValue) -> bool:
    return target in _storages(tensors_in(call.arguments))


def _storages(slots: Iterable[SSAValue]) -> set[SSAValue]:
    return {memory.storage_of(slot)[0] for slot in slots}


def _is_bound(slot: SSAValue) -> bool:
    """Whether an instruction binds a slot, or a view of it, to other memory, or frees it."""
    for use in slot.uses:
        op: Operation = use.operation
        match op:
            case memory.MoveOp() | memory.FreeOp():
                return True
            case memory.CallOp() if op.operator.data == "executorch_prim::et_view.default":
                return True
            case memory.ViewOp() if _is_bound(op.slot):
                return True
            case _:
                pass
    return False
