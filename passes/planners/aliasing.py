"""Whose bytes the tensors of a planned method read.

In text that a compiler of ours made, tensors that share memory say so (`memory.view`). A program
that was read back only has places: a tensor that nothing writes has the content of the one that was
written last to the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.ir import Block, Operation, SSAValue

from ...dialects import memory
from .liveness import Storages, accesses, tensors_in, written_arguments

_State = dict["_Range", frozenset[SSAValue | None]]
"""For each place of slots, the storages that may have been written last to any byte of it; None
is what was there when the method started."""


@dataclass(frozen=True)
class _Range:
    """Where a slot lies: bytes of an arena."""

    arena: int
    begin: int
    end: int


def sources(method: memory.MethodOp) -> Mapping[SSAValue, frozenset[SSAValue | None]]:
    """For each placed slot that is read: the storages whose bytes it may find there.

    None among them stands for bytes that nothing in the method wrote before. Slots that moves bind
    to other memory are left out.
    """
    return _Aliasing(method).found


def foreign_sources(method: memory.MethodOp) -> Mapping[SSAValue, list[SSAValue]]:
    """The slots that read bytes of storages other than their own, with those storages."""
    return {
        slot: foreign
        for slot, storages in sources(method).items()
        if (foreign := [s for s in storages if s and s is not memory.storage_of(slot)[0]])
    }


class _Aliasing:
    """Data flow of places, forwards; `found` collects what is read."""

    def __init__(self, method: memory.MethodOp):
        self.ranges: dict[SSAValue, _Range] = {
            op.slot: place for op in method.slots if (place := _range_of(op.slot)) is not None
        }
        inputs = tensors_in(method.begin.inputs)
        self.storages = Storages(list(method.instructions), inputs)
        self.meeting: dict[_Range, list[tuple[_Range, bool]]] = {}
        self.found: dict[SSAValue, frozenset[SSAValue | None]] = {}
        if not self.ranges:
            return
        self.placed = list(dict.fromkeys(self.ranges.values()))
        rows = [(r.arena, r.begin, r.end) for r in self.placed]
        self.table = np.array(rows, np.int64).T
        begin = method.begin
        state: _State = {place: frozenset([None]) for place in self.placed}
        kept = [op.slot for op in method.slots if isinstance(op, memory.PlannedOp) and op.is_state]
        self._write(state, kept)
        self._write(state, tensors_in(begin.inputs))
        arriving: dict[Block, _State] = {method.body.blocks[0]: state}
        waiting = [method.body.blocks[0]]
        while waiting:
            block = waiting.pop()
            state = dict(arriving[block])
            for op in block.ops:
                self._run(op, state)
                if isinstance(op, memory.EndOp):
                    self._read(state, tensors_in(begin.outputs))
            last = block.last_op
            for successor in last.successors if last else ():
                if self._join(arriving, successor, state):
                    waiting.append(successor)

    def _run(self, op: Operation, state: _State) -> None:
        slots = accesses(op)
        partly = set(written_arguments(op))
        self._read(state, (slot for slot in slots.reads if slot not in partly))
        for slot in partly & set(slots.reads):
            # What it keeps may be somebody else's; that it keeps garbage says nothing.
            self._note(slot, self._writers(state, slot) - {None})
        self._write(state, slots.writes)
        self._write(state, partly - set(slots.writes), partly=True)

    def _read(self, state: _State, slots: Iterable[SSAValue]) -> None:
        for slot in slots:
            self._note(slot, self._writers(state, slot))

    def _writers(self, state: _State, slot: SSAValue) -> frozenset[SSAValue | None]:
        place = self.ranges.get(slot)
        return frozenset() if place is None else state[place]

    def _note(self, slot: SSAValue, writers: frozenset[SSAValue | None]) -> None:
        if writers and not self.storages.is_bound(slot):
            self.found[slot] = self.found.get(slot, frozenset()) | writers

    def _write(self, state: _State, slots: Iterable[SSAValue], *, partly: bool = False) -> None:
        for slot in slots:
            if self.storages.is_bound(slot):
                for storage in self.storages.of(slot):
                    self._put(state, storage, partly=True)
            else:
                self._put(state, slot, partly)

    def _put(self, state: _State, slot: SSAValue, partly: bool) -> None:
        writer = frozenset([memory.storage_of(slot)[0]])
        for other, covered in self._meeting(slot):
            state[other] = writer if covered and not partly else state[other] | writer

    def _meeting(self, slot: SSAValue) -> Sequence[tuple[_Range, bool]]:
        """The places that share bytes with a slot's, and whether all their bytes are its."""
        own = self.ranges.get(slot)
        if own is None:
            return ()
        if own not in self.meeting:
            arenas, begins, ends = self.table
            meets = (arenas == own.arena) & (begins < own.end) & (ends > own.begin)
            covered = (begins >= own.begin) & (ends <= own.end)
            self.meeting[own] = [(self.placed[i], bool(covered[i])) for i in np.flatnonzero(meets)]
        return self.meeting[own]

    def _join(self, arriving: dict[Block, _State], block: Block, state: _State) -> bool:
        """Let a state arrive at a block; whether that brought anything new."""
        known = arriving.get(block)
        if known is None:
            arriving[block] = dict(state)
            return True
        changed = False
        for slot, writers in state.items():
            if not writers <= known[slot]:
                known[slot] |= writers
                changed = True
        return changed


def _range_of(slot: SSAValue) -> _Range | None:
    """The bytes of a tensor slot in planned memory; None without a place, or without bytes."""
    type = memory.tensor_of(slot)
    storage, offset = memory.storage_of(slot) if type is not None else (slot, 0)
    owner = storage.owner
    if type is None or not isinstance(owner, memory.PlannedOp) or owner.place is None:
        return None
    arena, start = owner.place
    size = memory.tensor_bytes(type)
    return _Range(arena, start + offset, start + offset + size) if size else None
