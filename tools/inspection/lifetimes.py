"""When the planned tensors of a method hold something that is still read, from its tables alone.

Positions number a run: 0 is its entry, where the inputs arrive; the instructions count from 1; the
last position is its exit, where the outputs are read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ...runtime.dataflow import VIEW, instruction_name, result_slots
from ...runtime.program.schema import (
    DelegateCall,
    ExecutionPlan,
    FreeCall,
    JumpFalseCall,
    KernelCall,
    MoveCall,
    OptionalTensorList,
    Tensor,
    TensorList,
)
from ...runtime.program.signatures import stock_signatures
from ...runtime.program.tensor_size import tensor_nbytes
from .places import Step, steps_of

_COPY = "aten::copy_"
"""The one operator with an underscore that replaces all of its first argument."""


@dataclass(frozen=True)
class Span:
    """The first and the last position at which a tensor must keep its bytes."""

    first: int
    last: int


@dataclass(frozen=True)
class Access:
    """The tensor slots that an instruction reads, and those that it overwrites whole."""

    reads: frozenset[int]
    writes: frozenset[int]


def tensors_in(plan: ExecutionPlan, slots: Iterable[int]) -> Iterator[int]:
    """The tensor slots among slots, those in lists included."""
    for slot in slots:
        value = plan.values[slot]
        if isinstance(value, Tensor):
            yield slot
        elif isinstance(value, TensorList | OptionalTensorList):
            for item in value.items:
                if item >= 0 and isinstance(plan.values[item], Tensor):
                    yield item


def accesses(plan: ExecutionPlan) -> list[Access]:
    """What each instruction of a method reads and writes.

    A delegate does not say which arguments it writes: taken are those that nothing wrote before.
    """
    filled = set(plan.inputs)
    result: list[Access] = []
    for step in steps_of(plan):
        match step.instruction:
            case KernelCall(args=args) as call:
                reads, writes = _kernel_slots(plan, instruction_name(plan, call), args)
            case DelegateCall(args=args):
                tensors = list(tensors_in(plan, args))
                writes = [t for t in tensors if t not in filled and not _has_data(plan, t)]
                reads = [t for t in tensors if t not in writes]
            case MoveCall(move_from=source):
                reads, writes = tensors_in(plan, [source]), []
            case JumpFalseCall(cond_value_index=condition):
                reads, writes = tensors_in(plan, [condition]), []
            case FreeCall():
                reads, writes = [], []
        access = Access(frozenset(reads), frozenset(writes))
        filled |= access.writes
        result.append(access)
    return result


def lifetimes(plan: ExecutionPlan) -> dict[int, Span]:
    """The span of each planned tensor of a method, by slot; jumps included.

    A tensor that a loop carries is live in the whole loop; state, which has initial bytes or is
    read before it is written, is live from entry to exit. Tensors that nothing uses are left out,
    such as a view of which only a view is read.
    """
    return _Liveness(plan).spans()


def _kernel_slots(
    plan: ExecutionPlan, name: str, args: Sequence[int]
) -> tuple[list[int], list[int]]:
    signature = stock_signatures().get(name)
    if name == VIEW:
        return list(tensors_in(plan, args[:1])), []
    if signature is not None and len(signature.kinds) == len(args):
        written = [args[i] for i in sorted(signature.written)]
        read = [
            slot
            for i, slot in enumerate(args)
            if i not in signature.written and signature.kinds[i] != "="
        ]
    else:
        written = list(result_slots(plan, name, args))
        read = [slot for slot in args[:-1] if slot not in written]
    if name.partition(".")[0].endswith("_") and name != _COPY:
        read += written
    outs = list(tensors_in(plan, written))
    # The list of the outs among the arguments, and the return slot, are the outs once more.
    reads = [t for t in tensors_in(plan, read) if t not in outs or t in read]
    return reads, outs


def _has_data(plan: ExecutionPlan, slot: int) -> bool:
    value = plan.values[slot]
    return isinstance(value, Tensor) and value.data_buffer_idx > 0


@dataclass
class _Block:
    """Instructions that run one after the other: [start, end), and what may run next."""

    start: int
    end: int
    successors: list[int]
    needs: set[int] = field(default_factory=set[int])
    replaces: set[int] = field(default_factory=set[int])
    live_in: set[int] = field(default_factory=set[int])
    live_out: set[int] = field(default_factory=set[int])


class _Liveness:
    """Backward data flow over the blocks of a method."""

    def __init__(self, plan: ExecutionPlan):
        self.plan = plan
        self.steps = list(steps_of(plan))
        self.bound = _bindings(plan, self.steps)
        self.regions = _Regions(plan)
        self.accesses = [
            Access(frozenset(self.expand(a.reads)), frozenset(a.writes)) for a in accesses(plan)
        ]
        self.blocks = _blocks(self.steps)

    def expand(self, slots: Iterable[int]) -> Iterator[int]:
        """The slots, and those whose memory they may refer to."""
        for slot in slots:
            yield slot
            yield from self.bound.get(slot, ())

    def spans(self) -> dict[int, Span]:
        exit = len(self.steps) + 1
        outputs = set(self.expand(tensors_in(self.plan, self.plan.outputs)))
        self.solve(outputs)
        touched: dict[int, tuple[int, int]] = {}

        def touch(slots: Iterable[int], position: int) -> None:
            for slot in slots:
                first, last = touched.get(slot, (position, position))
                touched[slot] = (min(first, position), max(last, position))

        for block in self.blocks:
            live = set(block.live_out)
            touch(live, block.end)
            for number in range(block.end - 1, block.start - 1, -1):
                access = self.accesses[number]
                replaced = live & self.replaced_by(access)
                touch(replaced | access.reads | set(self.expand(access.writes)), number + 1)
                live = (live - replaced) | access.reads
            touch(live, block.start + 1)
        touch(tensors_in(self.plan, self.plan.inputs), 0)
        touch(outputs, exit)
        spans: dict[int, Span] = {}
        carried = self.carried_over()
        for slot in self.regions.of:
            if slot in carried or _has_data(self.plan, slot):
                spans[slot] = Span(0, exit)
            elif slot in touched:
                spans[slot] = Span(*touched[slot])
        return spans

    def carried_over(self) -> set[int]:
        """What a run reads of the run before: not an input, yet read before it is written."""
        written = {slot for access in self.accesses for slot in access.writes}
        found = (self.blocks[0].live_in if self.blocks else set[int]()) & written
        return found - set(self.plan.inputs) - self.bound.keys()

    def replaced_by(self, access: Access) -> set[int]:
        """The slots of which nothing old remains; what a move has bound may be meant instead."""
        return {
            inner
            for slot in access.writes
            if slot not in self.bound
            for inner in (slot, *self.regions.within(slot))
        } - access.reads

    def solve(self, outputs: set[int]) -> None:
        """Fill in what is live where blocks begin and end, backwards until nothing changes."""
        for block in self.blocks:
            for number in range(block.end - 1, block.start - 1, -1):
                access = self.accesses[number]
                replaced = self.replaced_by(access)
                block.needs = (block.needs - replaced) | access.reads
                block.replaces |= replaced
        changed = True
        while changed:
            changed = False
            for block in reversed(self.blocks):
                live_out: set[int] = set()
                for successor in block.successors:
                    live_out |= (
                        self.blocks[successor].live_in if successor < len(self.blocks) else outputs
                    )
                live_in = block.needs | (live_out - block.replaces)
                changed |= live_in != block.live_in or live_out != block.live_out
                block.live_in, block.live_out = live_in, live_out


class _Regions:
    """The bytes of the arenas that planned tensors take: (arena, offset, end) by slot."""

    def __init__(self, plan: ExecutionPlan):
        self.of: dict[int, tuple[int, int, int]] = {}
        for slot, value in enumerate(plan.values):
            if isinstance(value, Tensor) and value.allocation_info is not None:
                place = value.allocation_info
                start = place.memory_offset
                self.of[slot] = (place.memory_id, start, start + tensor_nbytes(value))
        self._sorted = sorted((region, slot) for slot, region in self.of.items())
        self._known: dict[int, list[int]] = {}

    def within(self, slot: int) -> list[int]:
        """The slots whose bytes are all among those of this one, which may be a view of it."""
        if slot not in self.of:
            return []
        if slot not in self._known:
            arena, start, end = self.of[slot]
            first = bisect_left(self._sorted, ((arena, start, -1), -1))
            last = bisect_left(self._sorted, ((arena, end, -1), -1))
            inside = (s for (_, _, stop), s in self._sorted[first:last] if stop <= end)
            self._known[slot] = list(inside)
        return self._known[slot]


def _bindings(plan: ExecutionPlan, steps: Sequence[Step]) -> dict[int, set[int]]:
    """The slots to whose memory moves and views may bind a slot, by that slot."""
    pairs: list[tuple[int, int]] = []
    for step in steps:
        match step.instruction:
            case MoveCall(move_from=source, move_to=target):
                pairs.append((source, target))
            case KernelCall(args=[source, *_, target]) as call:
                if instruction_name(plan, call) == VIEW:
                    pairs.append((source, target))
            case _:
                pass
    pairs = [(s, t) for s, t in pairs if all(isinstance(plan.values[i], Tensor) for i in (s, t))]
    bound: dict[int, set[int]] = {}
    changed = True
    while changed:
        changed = False
        for source, target in pairs:
            known = bound.setdefault(target, set())
            new = {source, *bound.get(source, ())} - known - {target}
            known |= new
            changed |= bool(new)
    return bound


def _blocks(steps: Sequence[Step]) -> list[_Block]:
    """The blocks in order; the successor one past the last stands for the exit."""
    count = len(steps)
    targets = {
        step.number: step.chain_start + step.instruction.destination_instruction
        for step in steps
        if isinstance(step.instruction, JumpFalseCall)
    }
    starts = sorted({0, *targets.values(), *(number + 1 for number in targets)} - {count})
    block_at = {start: i for i, start in enumerate(starts)} | {count: len(starts)}
    blocks: list[_Block] = []
    for i, start in enumerate(starts):
        end = starts[i + 1] if i + 1 < len(starts) else count
        jump = targets.get(end - 1)
        blocks.append(_Block(start, end, [i + 1] if jump is None else [i + 1, block_at[jump]]))
    return blocks
