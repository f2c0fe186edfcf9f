"""Memory planning: a place for every tensor of a method."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, ModuleOp, i64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from ..dialects import aten, memory
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from .planners.aliasing import foreign_sources
from .planners.liveness import Liveness, Span, analyse, tensors_in
from .planners.registry import Planner, find_planner
from .planners.storage import Storage, live_bytes, lower_bound


@dataclass(frozen=True)
class MemoryReport:
    """Bytes of a method's planned memory, padded to the format's alignment.

    `planned`: all arenas. `lower_bound`: the most that is live at one instruction, tensors that
    share memory counted once. `unplanned`: what it would be if nothing were reused.
    """

    planned: int
    lower_bound: int
    unplanned: int

    @property
    def gap(self) -> float:
        """How far the plan is over the lower bound; 0.05 is 5 %."""
        return self.planned / self.lower_bound - 1 if self.lower_bound else 0.0


@dataclass(frozen=True)
class Group:
    """Slots that share one storage, because one overwrites the other in place."""

    slots: tuple[SSAValue, ...]
    storage: Storage


@dataclass(frozen=True)
class MemoryPlan:
    """Where each planned slot goes: arena and byte offset. `arenas`: sizes, entry 0 reserved."""

    places: Mapping[SSAValue, tuple[int, int]]
    arenas: tuple[int, ...]


@dataclass(frozen=True)
class PlanMemoryPass(ModulePass):
    """Give every planned tensor an arena and an offset.

    Tensors that are not live at the same time share bytes. A call writes its result over an
    operand where the operand dies there, the operator table allows it (`overwrites=`) and both
    have one type; inputs may be overwritten like temporaries. Mutable buffers live always; those of
    several methods are in an arena of their own, where a name has one offset in all methods.

    `algorithm`: `greedy`, `first-fit`, `naive`, or what was registered. `inputs`, `outputs`: false
    leaves them to the caller, but for those that are both or that other tensors share memory with.
    `arena_sizes`: capacities in bytes, the preferred arena first; what does not fit is an error.
    `report`: print the bytes of each method to stderr.

    Before:
    ```mlir
    memory.method @forward {
      %x = memory.planned "x" : !memory.slot<tensor<4xf32>>
      %y = memory.planned : !memory.slot<tensor<4xf32>>
      memory.begin ins(%x) outs(%y)
      memory.call @"aten::relu.out"(%x) outs(%y)
      memory.end
    }
    ```
    After:
    ```mlir
    memory.method @forward attributes {arenas = array<i64: 0, 16>} {
      %x = memory.planned "x" in 1 at 0 : !memory.slot<tensor<4xf32>>
      %y = memory.planned in 1 at 0 : !memory.slot<tensor<4xf32>>
      …
    ```
    """

    name = "plan-memory"

    algorithm: str = "greedy"
    inputs: bool = True
    outputs: bool = True
    arena_sizes: tuple[int, ...] = ()
    report: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Plan each method; all methods that do not fit are reported at once."""
        planner = find_planner(self.algorithm)
        diagnostics: list[Diagnostic] = []
        methods = [m for m in op.ops if isinstance(m, memory.MethodOp)]
        if entangled := [d for method in methods for d in _entangled(method)]:
            raise DiagnosticsError(entangled)
        shared = shared_places(methods, max(2, len(self.arena_sizes) + 1))
        for method in methods:
            _leave_to_caller(method, self.inputs, self.outputs)
            try:
                _apply(method, plan(method, planner, self.arena_sizes, shared))
            except DiagnosticsError as error:
                diagnostics += error.diagnostics
                continue
            if self.report:
                print(_report_line(method), file=sys.stderr)
        if diagnostics:
            raise DiagnosticsError(diagnostics)


def _entangled(method: memory.MethodOp) -> list[Diagnostic]:
    """What a method that has places relies on without saying so: bytes written by another slot."""
    found: list[Diagnostic] = []
    for slot, storages in foreign_sources(method).items():
        names = " or ".join(f"%{s.name_hint or '?'}" for s in storages)
        message = f"%{slot.name_hint or '?'} reads what {names} left in the same bytes"
        advice = f"declare it as memory.view of {names}, or keep the plan"
        assert isinstance(slot.owner, Operation), "slots are declared"
        found.append(Diagnostic.at(slot.owner, f"@{method.sym_name.data}: {message}", advice))
    return found


def shared_places(
    methods: Sequence[memory.MethodOp], arena: int
) -> dict[SSAValue, tuple[int, int]]:
    """The places of all mutable buffers of several methods, in one arena; none for one method.

    Runtimes may share any arena between methods, but only in this one no method puts temporaries.
    """
    if len(methods) < 2:
        return {}
    places: dict[SSAValue, tuple[int, int]] = {}
    offsets: dict[Any, int] = {}
    end = 0
    for op in (op for method in methods for op in _planned(method) if op.is_state):
        # One without a name, of a program that was read back, is known by where it was.
        identity = (op.user_name or op.place or op, op.slot.type, op.initial)
        if identity not in offsets:
            offsets[identity] = end
            end += Storage(_bytes(op.slot), 0, 0).padded
        places[op.slot] = arena, offsets[identity]
    return places


def plan(
    method: memory.MethodOp,
    planner: Planner,
    arena_sizes: Sequence[int] = (),
    shared: Mapping[SSAValue, tuple[int, int]] = MappingProxyType({}),
) -> MemoryPlan:
    """The places of a method's planned slots, of which `shared` are given; it stays as it is.

    Raises DiagnosticsError, naming what is live at the peak, where the capacities do not suffice.
    """
    groups = [g for g in shared_storages(method, analyse(method)) if g.slots[0] not in shared]
    given: dict[SSAValue, tuple[int, int]] = {
        op.slot: shared[op.slot] for op in _planned(method) if op.slot in shared
    }
    if not groups:
        return _with_given(MemoryPlan({}, (0,)), given)
    places: dict[SSAValue, tuple[int, int]] = {}
    arenas = [0]
    left = groups
    capacities: Sequence[int | None] = arena_sizes or [None]
    for capacity in capacities:
        offsets = planner([group.storage for group in left])
        spilled: list[Group] = []
        arenas.append(0)
        for group, offset in zip(left, offsets, strict=True):
            end = offset + group.storage.padded
            if capacity is not None and end > capacity:
                spilled.append(group)
                continue
            arenas[-1] = max(arenas[-1], end)
            places.update((slot, (len(arenas) - 1, offset)) for slot in group.slots)
        left = spilled
        if not left:
            return _with_given(MemoryPlan(places, tuple(arenas)), given)
    raise DiagnosticsError([_overflow(method, groups, left, arena_sizes)])


def _with_given(plan: MemoryPlan, given: Mapping[SSAValue, tuple[int, int]]) -> MemoryPlan:
    """A plan with more places, in an arena behind its own."""
    if not given:
        return plan
    arena = next(iter(given.values()))[0]
    size = max(offset + Storage(_bytes(slot), 0, 0).padded for slot, (_, offset) in given.items())
    unused = (0,) * (arena - len(plan.arenas))
    return MemoryPlan({**plan.places, **given}, (*plan.arenas, *unused, size))


def memory_report(method: memory.MethodOp) -> MemoryReport:
    """The bytes of a planned method; the lower bound comes from the lifetimes alone."""
    liveness = analyse(method)
    groups = shared_storages(method, liveness)
    arenas = () if method.arenas is None else method.arenas.get_values()
    return MemoryReport(
        planned=sum(int(size) for size in arenas),
        lower_bound=lower_bound([group.storage for group in groups]),
        unplanned=sum(_storage(op.slot, liveness).padded for op in _planned(method)),
    )


def shared_storages(method: memory.MethodOp, liveness: Liveness) -> list[Group]:
    """The storages to place, those joined that a call may keep in the same bytes."""
    groups: dict[SSAValue, _GrowingGroup] = {}
    for op in _planned(method):
        rebound = op.slot in liveness.rebound
        groups[op.slot] = _GrowingGroup([op.slot], _storage(op.slot, liveness), rebound)
    for call in method.instructions:
        if not isinstance(call, memory.CallOp):
            continue
        for operand in overwritable(call):
            source = groups.get(memory.storage_of(operand)[0])
            out = groups.get(call.outs[0])
            if source is None or out is None or not _dies_into(call, source, out, liveness):
                continue
            # A chain of calls in place grows at its end, so few slots change their group.
            source.slots += out.slots
            source.storage = replace(source.storage, last=out.storage.last)
            groups.update((slot, source) for slot in out.slots)
            break
    found = dict.fromkeys(groups.values())
    return [Group(tuple(group.slots), group.storage) for group in found]


@dataclass(eq=False)
class _GrowingGroup:
    """Slots that share a storage so far; `rebound`: moves or views change what one refers to."""

    slots: list[SSAValue]
    storage: Storage
    rebound: bool


def overwritable(call: memory.CallOp) -> list[SSAValue]:
    """The operands that the operator may overwrite with its first out, of the out's type.

    An operand is left out where the call reads its storage in another way too.
    """
    positions = _overwrites().get(call.operator.data, ())
    if not call.outs or not positions:
        return []
    allowed = [call.arguments[i] for i in positions if i < len(call.arguments)]
    out = call.outs[0]
    operands: list[SSAValue] = []
    for operand in allowed:
        if operand.type != out.type or _dynamic(operand) != _dynamic(out):
            continue
        storage = memory.storage_of(operand)[0]
        others = [s for s in tensors_in(call.arguments) if memory.storage_of(s)[0] is storage]
        if _bytes(operand) == _bytes(storage) and all(
            s in allowed and s.type == operand.type for s in others
        ):
            operands.append(operand)
    return operands


def _dies_into(
    call: memory.CallOp, source: _GrowingGroup, out: _GrowingGroup, liveness: Liveness
) -> bool:
    """Whether `source` is last used by the call and `out` first."""
    position = liveness.positions[call]
    return (
        source is not out
        and source.storage.last == position == out.storage.first
        and source.storage.size == out.storage.size
        and not source.rebound
        and not out.rebound
    )


def _dynamic(slot: SSAValue) -> bool:
    op = slot.owner
    sized = isinstance(op, memory.PlannedOp | memory.UnplannedOp | memory.ViewOp)
    return sized and op.dynamic is not None


@cache
def _overwrites() -> Mapping[str, tuple[int, ...]]:
    """The positions of the operands that an operator of the format may overwrite."""
    table: dict[str, tuple[int, ...]] = {}
    for entry in aten.TABLE.values():
        if entry.out is not None and entry.overwrites:
            names = [argument.name for argument in entry.schema.out_arguments]
            table[entry.out] = tuple(names.index(name) for name in entry.overwrites)
    return table


def _planned(method: memory.MethodOp) -> list[memory.PlannedOp]:
    return [op for op in method.slots if isinstance(op, memory.PlannedOp)]


def _bytes(slot: SSAValue) -> int:
    type = memory.tensor_of(slot)
    assert type is not None, "the slot holds a tensor"
    return memory.tensor_bytes(type)


def _storage(slot: SSAValue, liveness: Liveness) -> Storage:
    span: Span = liveness.spans[slot]
    return Storage(_bytes(slot), span.first, span.last)


def _apply(method: memory.MethodOp, plan: MemoryPlan) -> None:
    for op in _planned(method):
        arena, offset = plan.places[op.slot]
        op.arena, op.offset = IntegerAttr(arena, i64), IntegerAttr(offset, i64)
    method.arenas = DenseArrayBase.from_list(i64, plan.arenas)


def _leave_to_caller(method: memory.MethodOp, inputs: bool, outputs: bool) -> None:
    """Turn planned inputs and outputs, as far as asked, into unplanned ones."""
    begin = method.begin
    # An input that is an output too keeps its place: a caller supplies memory for one of the two.
    both = set(begin.inputs) & set(begin.outputs)
    slots = [] if inputs else [slot for slot in begin.inputs if slot not in both]
    slots += [] if outputs else [slot for slot in begin.outputs if slot not in both]
    if not slots:
        return
    liveness = analyse(method)
    for slot in dict.fromkeys(slots):
        op = slot.owner
        shared = slot in liveness.rebound or slot in liveness.read_before_write
        viewed = any(isinstance(use.operation, memory.ViewOp) for use in slot.uses)
        if not isinstance(op, memory.PlannedOp) or op.is_state or shared or viewed:
            continue
        name = None if op.user_name is None else op.user_name.data
        free = memory.UnplannedOp(op.tensor, name=name, dynamic=op.dynamic is not None)
        free.location = op.location
        free.slot.name_hint = op.slot.name_hint
        Rewriter.replace_op(op, free)


def _overflow(
    method: memory.MethodOp,
    groups: Sequence[Group],
    left: Sequence[Group],
    arena_sizes: Sequence[int],
) -> Diagnostic:
    """The message about the storages that do not fit: what is live at the peak, largest first."""
    levels = live_bytes([group.storage for group in groups])
    peak = max(levels, key=lambda position: levels[position])
    live = [g for g in groups if g.storage.first <= peak <= g.storage.last and g.storage.size]
    live.sort(key=lambda group: -group.storage.size)
    names = ", ".join(f"%{g.slots[0].name_hint or '?'} ({g.storage.padded})" for g in live)
    missing = sum(group.storage.padded for group in left)
    name = method.sym_name.data
    largest = live[0].slots[0].owner
    assert isinstance(largest, memory.PlannedOp), "only planned slots are in groups"
    return Diagnostic.at(
        largest,
        f"@{name} needs {levels[peak]} bytes at its peak; arenas of "
        f"{' and '.join(map(str, arena_sizes))} bytes leave {missing} bytes without a place; live "
        f"at the peak: {names}",
        "give larger arena-sizes",
    )


def _report_line(method: memory.MethodOp) -> str:
    report = memory_report(method)
    return (
        f"plan-memory: @{method.sym_name.data}: {report.planned} bytes planned, lower bound "
        f"{report.lower_bound} (gap {report.gap:.1%}), {report.unplanned} without reuse"
    )
