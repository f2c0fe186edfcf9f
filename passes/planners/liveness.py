"""When the tensors of a `memory.method` are live.

Positions number the program: 0 is its entry, where the inputs arrive; the instructions count from
1; the last position is its exit, where the outputs are read. Slots that share memory
(`memory.view`) count as one storage, named by the slot that owns the memory.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.ir import Block, Operation, SSAValue

from ...dialects import memory
from ...runtime.program.signatures import stock_signatures

_COPY = "aten::copy_"
"""Writes all of its first argument."""

_VIEW = "executorch_prim::et_view.default"
"""Points the slot that it returns at the memory of its first argument."""


@dataclass(frozen=True)
class Span:
    """The positions, both included, between which a storage is live."""

    first: int
    last: int


@dataclass
class Liveness:
    """The result of `analyse`, for storages that the caller or the arenas hold (no constants)."""

    spans: dict[SSAValue, Span] = field(default_factory=dict[SSAValue, Span])
    positions: dict[Operation, int] = field(default_factory=dict[Operation, int])
    read_before_write: dict[SSAValue, Operation] = field(default_factory=dict[SSAValue, Operation])
    """Storages whose content at entry is read although nothing puts it there, and a reader."""
    rebound: set[SSAValue] = field(default_factory=set[SSAValue])
    """Storages that an instruction binds to other slots."""
    alternatives: list[frozenset[SSAValue]] = field(default_factory=list[frozenset[SSAValue]])
    """Storages of which one slot has one or the other, as the results of branches are."""


@dataclass(frozen=True)
class Accesses:
    """The tensor slots that an instruction reads and writes; the written ones keep nothing old."""

    reads: tuple[SSAValue, ...]
    writes: tuple[SSAValue, ...]


def tensors_in(slots: Iterable[SSAValue]) -> Iterator[SSAValue]:
    """The tensor slots among slots, those in lists included."""
    for slot in slots:
        if isinstance(slot.owner, memory.TensorListOp | memory.OptionalTensorListOp):
            yield from tensors_in(slot.owner.items)
        elif memory.tensor_of(slot) is not None:
            yield slot


def accesses(op: Operation) -> Accesses:
    """What an instruction reads and writes.

    An argument that the operator writes in part (`aten::index_put_`) counts as read.
    """
    match op:
        case memory.CallOp() if op.operator.data == _COPY:
            return Accesses(tuple(tensors_in(op.arguments[1:])), tuple(op.arguments[:1]))
        case memory.CallOp() | memory.DelegateCallOp():
            return Accesses(tuple(tensors_in(op.arguments)), tuple(tensors_in(op.outs)))
        case memory.MoveOp():
            return Accesses(tuple(tensors_in([op.source])), ())
        case memory.JumpFalseOp():
            return Accesses(tuple(tensors_in([op.condition])), ())
        case _:
            return Accesses((), ())


def written_arguments(op: Operation) -> tuple[SSAValue, ...]:
    """The arguments that a call writes in place: the first one of `aten::copy_`."""
    if not isinstance(op, memory.CallOp):
        return ()
    signature = stock_signatures().get(op.operator.data)
    if signature is None:
        return ()
    return tuple(a for i, a in enumerate(op.arguments) if i in signature.written)


def analyse(method: memory.MethodOp) -> Liveness:
    """The lifetimes of a method's storages, jumps included.

    A storage that a loop carries is live in the whole loop, one with an initial state everywhere.
    """
    result = Liveness()
    instructions = list(method.instructions)
    result.positions = {op: i for i, op in enumerate(instructions, start=1)}
    begin = method.begin
    storages = Storages(instructions, tensors_in(begin.inputs))
    result.rebound = storages.rebound
    result.alternatives = storages.alternatives()
    exit = len(instructions) + 1
    outputs = {s for slot in tensors_in(begin.outputs) for s in storages.of(slot)}
    inputs = {s for slot in tensors_in(begin.inputs) for s in storages.of(slot)}
    kept: set[SSAValue] = {
        op.slot for op in method.slots if isinstance(op, memory.PlannedOp) and op.is_state
    }
    flows = [_Flow(block, storages) for block in method.body.blocks]
    _solve(flows, {name for slot in tensors_in(begin.outputs) for name in storages.names(slot)})

    touched: dict[SSAValue, list[int]] = {}
    for flow in flows:
        start, end = result.positions[flow.ops[0]], result.positions[flow.ops[-1]]
        for storage in storages.behind(flow.live_in):
            touched.setdefault(storage, []).append(start)
        for storage in storages.behind(flow.live_out):
            touched.setdefault(storage, []).append(end)
        for op, reads, writes in flow.accesses:
            for storage in (*reads, *writes):
                touched.setdefault(storage, []).append(result.positions[op])
    for storage in flows[0].live_in - inputs - kept:
        kept.add(storage)
        reader = _first_access(flows, storage, begin)
        if storage not in (s for slot in written_arguments(reader) for s in storages.of(slot)):
            result.read_before_write[storage] = reader
    for storage in inputs:
        touched.setdefault(storage, []).append(0)
    for storage in outputs:
        touched.setdefault(storage, []).append(exit)
    for storage in kept:
        touched[storage] = [0, exit]
    for op in method.slots:
        if isinstance(op, memory.PlannedOp | memory.UnplannedOp):
            at = touched.get(op.slot, [0])
            result.spans[op.slot] = Span(min(at), max(at))
    return result


class Storages:
    """The storages that a slot may refer to: its own, and what moves bind to it."""

    def __init__(self, instructions: Sequence[Operation], inputs: Iterable[SSAValue] = ()):
        self._filled = {*inputs}
        for op in instructions:
            self._filled.update(accesses(op).writes, written_arguments(op))
        self._bound: dict[SSAValue, set[SSAValue]] = {}
        self.rebound: set[SSAValue] = set()
        bindings = [pair for op in instructions if (pair := _binding(op)) is not None]
        changed = True
        while changed:
            changed = False
            for source, target in bindings:
                own = memory.storage_of(target)[0]
                bound = self._bound.setdefault(target, set())
                new = set(self.of(source)) - bound - {own}
                bound |= new
                changed |= bool(new)
                if new:
                    self.rebound |= new | {own}

    def of(self, slot: SSAValue) -> list[SSAValue]:
        """The storages, constants left out."""
        own = memory.storage_of(slot)[0]
        outside = isinstance(own.owner, memory.ConstantOp | memory.ExternalOp)
        found = [] if outside or self._is_name(slot) else [own]
        return found + [s for s in self._bound.get(slot, ()) if s not in found]

    def _is_name(self, slot: SSAValue) -> bool:
        """Whether a slot only ever stands for others: nothing is written to its own memory."""
        op = slot.owner
        if isinstance(op, memory.PlannedOp) and op.is_state:
            return False
        return bool(self._bound.get(slot)) and slot not in self._filled

    def names(self, slot: SSAValue) -> list[SSAValue]:
        """What is live because a slot is: its storages, or a slot that stands for others itself.

        So the storages of one branch are not live in the other one, which binds the slot anew.
        """
        return [slot] if self._is_name(slot) else self.of(slot)

    def behind(self, names: Iterable[SSAValue]) -> set[SSAValue]:
        """The storages of names."""
        return {s for name in names for s in (self.of(name) if self._is_name(name) else [name])}

    def alternatives(self) -> list[frozenset[SSAValue]]:
        """For each slot that moves bind: the storages that it may have."""
        return [frozenset(self.of(slot)) for slot in self._bound]

    def is_bound(self, slot: SSAValue) -> bool:
        """Whether an instruction may give the slot the memory of another one."""
        return bool(self._bound.get(slot))

    def replaced_by(self, slot: SSAValue) -> list[SSAValue]:
        """The storages whose whole content is new after the slot was written."""
        storages = self.of(slot)
        if len(storages) != 1 or self._bound.get(slot):
            return []
        whole, written = memory.tensor_of(storages[0]), memory.tensor_of(slot)
        assert whole is not None and written is not None, "storages are tensors"
        return storages if memory.tensor_bytes(whole) == memory.tensor_bytes(written) else []


class _Flow:
    """Data flow of one block: what it reads that was there before, and what it replaces."""

    def __init__(self, block: Block, storages: Storages):
        self.block = block
        self.ops = [
            op for op in block.ops if not isinstance(op, (*memory.SLOT_OPS, memory.BeginOp))
        ]
        self.accesses: list[tuple[Operation, list[SSAValue], list[SSAValue]]] = []
        self.reads_old: set[SSAValue] = set()
        self.replaces: set[SSAValue] = set()
        self.live_in: set[SSAValue] = set()
        self.live_out: set[SSAValue] = set()
        for op in self.ops:
            slots = accesses(op)
            reads = [s for slot in slots.reads for s in storages.of(slot)]
            writes = [s for slot in slots.writes for s in storages.of(slot)]
            self.accesses.append((op, reads, writes))
            names = {name for slot in slots.reads for name in storages.names(slot)}
            self.reads_old |= names - self.replaces
            if (binding := _binding(op)) is not None:
                self.replaces.update(set(storages.names(binding[1])) & {binding[1]})
            for slot in slots.writes:
                replaced = storages.replaced_by(slot)
                self.replaces.update(s for s in replaced if s not in self.reads_old)


def _solve(flows: Sequence[_Flow], outputs: set[SSAValue]) -> None:
    """Fill in what is live where blocks begin and end, backwards until nothing changes."""
    by_block = {flow.block: flow for flow in flows}
    changed = True
    while changed:
        changed = False
        for flow in reversed(flows):
            last = flow.ops[-1]
            live_out = set(outputs) if isinstance(last, memory.EndOp) else set[SSAValue]()
            for successor in last.successors:
                live_out |= by_block[successor].live_in
            live_in = flow.reads_old | (live_out - flow.replaces)
            changed |= live_in != flow.live_in or live_out != flow.live_out
            flow.live_in, flow.live_out = live_in, live_out


def _binding(op: Operation) -> tuple[SSAValue, SSAValue] | None:
    """The tensor slots, if any, of which an instruction binds the second to the first's memory."""
    match op:
        case memory.MoveOp():
            source, target = op.source, op.target
        case memory.CallOp() if op.operator.data == _VIEW:
            source, target = op.arguments[0], op.instruction_slots[-1]
        case _:
            return None
    tensors = memory.tensor_of(source) is not None and memory.tensor_of(target) is not None
    return (source, target) if tensors else None


def _first_access(flows: Sequence[_Flow], storage: SSAValue, begin: memory.BeginOp) -> Operation:
    """The first instruction that uses a storage; `memory.begin` where there is none."""
    for flow in flows:
        for op, reads, writes in flow.accesses:
            if storage in reads or storage in writes:
                return op
    return begin
