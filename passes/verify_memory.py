"""The verifier of the memory stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from ..dialects import memory
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from .plan_memory import shared_storages
from .planners.liveness import Liveness, accesses, analyse, tensors_in
from .planners.storage import ALIGNMENT

_MAX_RANK = 16


@dataclass(frozen=True)
class Placed:
    """A planned slot with its arena, byte range and span of positions."""

    op: memory.PlannedOp
    arena: int
    begin: int
    end: int
    first: int
    last: int


@dataclass(frozen=True)
class VerifyMemoryPass(ModulePass):
    """Check what a program must keep to run: nothing is changed, all violations are named at once.

    Every planned tensor has an aligned place inside its arena; no two that are live together share
    bytes, but for a result in place of its operand; nothing is read before it is written; nothing
    writes a constant or memory that nobody supplies; slots stand behind those that they refer to.

    ```mlir
    memory.method @forward attributes {arenas = array<i64: 0, 16>} {
      %x = memory.planned in 1 at 8 : !memory.slot<tensor<4xf32>>   // error: offset 8
      …
    ```
    """

    name = "verify-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Raise DiagnosticsError with all violations of all methods."""
        diagnostics = [d for child in op.ops for d in _violations(child)]
        if diagnostics:
            raise DiagnosticsError(diagnostics)


def _violations(op: Operation) -> Iterator[Diagnostic]:
    if isinstance(op, memory.NamedDataOp):
        return
    if not isinstance(op, memory.MethodOp):
        yield Diagnostic.at(op, "not a memory.method", "run convert-edge-to-memory")
        return
    ordered = list(_declaration_order(op))
    yield from ordered
    yield from _slots(op)
    yield from _jumps(op)
    if ordered:
        return
    liveness = analyse(op)
    yield from _accesses(op, liveness)
    yield from _places(op)
    yield from _overlaps(op, liveness)


def _declaration_order(method: memory.MethodOp) -> Iterator[Diagnostic]:
    """A loader resolves views and tensor lists while it reads the table from its start."""
    known: set[SSAValue] = set()
    for op in method.slots:
        for operand in op.operands:
            if operand not in known and not isinstance(op, memory.IntListOp):
                yield _at(op, op.slot, f"refers to {_name(operand)}, which is declared later")
        known.add(op.slot)


def _slots(method: memory.MethodOp) -> Iterator[Diagnostic]:
    begin = method.begin
    for op in method.slots:
        type = memory.tensor_of(op.slot)
        if type is not None and type.get_num_dims() > _MAX_RANK:
            yield _at(op, op.slot, f"has {type.get_num_dims()} dims; the format takes {_MAX_RANK}")
    lists = (memory.TensorListOp, memory.OptionalTensorListOp)
    for slot in (*begin.inputs, *begin.outputs):
        if isinstance(slot.owner, lists):
            yield _at(begin, slot, "is a list", "name its tensors one by one")


def _jumps(method: memory.MethodOp) -> Iterator[Diagnostic]:
    entry = method.body.blocks[0]
    for op in method.instructions:
        if entry in op.successors:
            yield Diagnostic.at(
                op,
                f"@{method.sym_name.data}: jumps to the entry block, which declares the slots",
                "start a block behind memory.begin",
            )


def _accesses(method: memory.MethodOp, liveness: Liveness) -> Iterator[Diagnostic]:
    supplied = {*tensors_in(method.begin.inputs), *tensors_in(method.begin.outputs)}
    for slot, reader in liveness.read_before_write.items():
        yield _at(reader, slot, "is read before anything is written to it")
    for op in method.instructions:
        slots = accesses(op)
        for slot in dict.fromkeys(memory.storage_of(slot)[0] for slot in slots.writes):
            if isinstance(slot.owner, memory.ConstantOp | memory.ExternalOp):
                yield _at(op, slot, "is a constant and is written")
        for slot in dict.fromkeys((*slots.reads, *slots.writes)):
            if isinstance(slot.owner, memory.UnplannedOp) and slot not in supplied:
                yield _at(
                    op,
                    slot,
                    "has no memory: it is neither planned nor an input or output",
                    "declare it with memory.planned",
                )


def _places(method: memory.MethodOp) -> Iterator[Diagnostic]:
    arenas = () if method.arenas is None else method.arenas.get_values()
    for op in method.slots:
        if isinstance(op, memory.PlannedOp):
            if op.place is None:
                yield _at(op, op.slot, "has no place in an arena", "run plan-memory")
                continue
            arena, offset = op.place
            end = offset + _bytes(op)
            if offset % ALIGNMENT:
                yield _at(op, op.slot, f"is at offset {offset}, no multiple of {ALIGNMENT}")
            if arena >= len(arenas):
                yield _at(op, op.slot, f"is in arena {arena}, which the method does not list")
            elif end > int(arenas[arena]):
                yield _at(
                    op, op.slot, f"ends at byte {end} of arena {arena}, which has {arenas[arena]}"
                )


def _overlaps(method: memory.MethodOp, liveness: Liveness) -> Iterator[Diagnostic]:
    placed = list(_placed(method, liveness))
    if not placed:
        return
    group_of = {slot: group for group in shared_storages(method, liveness) for slot in group.slots}
    table = np.array([(p.arena, p.begin, p.end, p.first, p.last) for p in placed], np.int64)
    arenas, begins, ends, firsts, lasts = table.T
    for i, a in enumerate(placed[:-1]):
        rest = slice(i + 1, None)
        meets = (
            (arenas[rest] == a.arena)
            & (begins[rest] < a.end)
            & (ends[rest] > a.begin)
            & (firsts[rest] <= a.last)
            & (lasts[rest] >= a.first)
        )
        for j in np.flatnonzero(meets):
            b = placed[i + 1 + int(j)]
            if group_of[a.op.slot] is group_of[b.op.slot] and a.begin == b.begin:
                continue
            if any({a.op.slot, b.op.slot} <= slots for slots in liveness.alternatives):
                continue
            yield _at(
                b.op,
                b.op.slot,
                f"shares bytes with {_name(a.op.slot)} in arena {a.arena} while both are live",
            )


def _placed(method: memory.MethodOp, liveness: Liveness) -> Iterator[Placed]:
    for op in method.slots:
        # A slot that nothing uses, a view that was not needed, holds nothing.
        if not isinstance(op, memory.PlannedOp) or op.slot.first_use is None:
            continue
        if op.place is not None and _bytes(op):
            arena, offset = op.place
            span = liveness.spans[op.slot]
            yield Placed(op, arena, offset, offset + _bytes(op), span.first, span.last)


def _bytes(op: memory.PlannedOp) -> int:
    return memory.tensor_bytes(op.tensor)


def _name(slot: SSAValue) -> str:
    return f"%{slot.name_hint}" if slot.name_hint else f"a slot of {slot.type}"


def _at(op: Operation, slot: SSAValue, message: str, advice: str = "") -> Diagnostic:
    method = op.parent_op()
    where = f"@{method.sym_name.data}: " if isinstance(method, memory.MethodOp) else ""
    return Diagnostic.at(op, f"{where}{_name(slot)} {message}", advice)
