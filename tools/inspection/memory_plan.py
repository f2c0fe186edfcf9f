"""The memory plan of a method: arenas, the tensors in them, and how many bytes are live when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...runtime.dataflow import instruction_name
from ...runtime.program.schema import DeviceType, ExecutionPlan, Tensor
from ...runtime.program.tensor_size import tensor_nbytes
from .lifetimes import Span, accesses, lifetimes
from .places import Place, steps_of
from .values import dtype_name, tensor_name


@dataclass(frozen=True)
class PlannedTensor:
    """A tensor's place in an arena, and the positions from which and to which it must stay there.

    `role` is input, state, output, view (it has another tensor's bytes) or nothing. `operator`,
    `module`, `file` and `line` are those of the instruction that first writes it.
    """

    slot: int
    name: str
    role: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    arena: int
    offset: int
    first: int
    last: int
    operator: str
    module: str
    file: str
    line: int


@dataclass(frozen=True)
class Arena:
    """An arena: its size, the most bytes of it that are live at once, and from which position.

    `live` are the live bytes as (position, bytes) wherever they change.
    """

    id: int
    device: str
    bytes: int
    peak_live: int
    peak_position: int
    live: tuple[tuple[int, int], ...]


def planned_tensors(plan: ExecutionPlan) -> tuple[PlannedTensor, ...]:
    """The planned tensors of a method, by arena and first position."""
    steps = list(steps_of(plan))
    writers: dict[int, int] = {}
    written = accesses(plan)
    for number, access in enumerate(written):
        for slot in access.writes:
            writers.setdefault(slot, number)
    tensors: list[PlannedTensor] = []
    for slot, span in lifetimes(plan).items():
        writer = writers.get(slot)
        if writer is None and 0 < span.first <= len(steps):
            # A view is live from where the tensor that it views is written.
            viewed = written[span.first - 1].writes
            writer = span.first - 1 if any(_holds(plan, s, slot) for s in viewed) else None
        place = steps[writer].place if writer is not None else Place()
        operator = instruction_name(plan, steps[writer].instruction) if writer is not None else ""
        role = _role(plan, slot, span, slot in writers)
        tensors.append(_planned_tensor(plan, slot, span, role, operator, place))
    return tuple(sorted(tensors, key=lambda t: (t.arena, t.first, t.offset, t.slot)))


def _role(plan: ExecutionPlan, slot: int, span: Span, is_written: bool) -> str:
    tensor = plan.values[slot]
    assert isinstance(tensor, Tensor)
    roles = {
        "input": slot in plan.inputs,
        "state": tensor.data_buffer_idx > 0 or (span.first == 0 and span.last > 0),
        "output": slot in plan.outputs,
        "view": not is_written,
    }
    return next((role for role, holds in roles.items() if holds), "")


def _holds(plan: ExecutionPlan, outer: int, inner: int) -> bool:
    """Whether all bytes of one planned tensor are among those of another."""
    tensors = plan.values[outer], plan.values[inner]
    places: list[tuple[int, int, int]] = []
    for tensor in tensors:
        if not isinstance(tensor, Tensor) or tensor.allocation_info is None:
            return False
        start = tensor.allocation_info.memory_offset
        places.append((tensor.allocation_info.memory_id, start, start + tensor_nbytes(tensor)))
    (arena, start, end), (other, first, last) = places
    return arena == other and start <= first and last <= end


def _planned_tensor(
    plan: ExecutionPlan, slot: int, span: Span, role: str, operator: str, place: Place
) -> PlannedTensor:
    tensor = plan.values[slot]
    assert isinstance(tensor, Tensor) and tensor.allocation_info is not None
    return PlannedTensor(
        slot=slot,
        name=tensor_name(tensor, slot),
        role=role,
        dtype=dtype_name(tensor),
        shape=tuple(tensor.sizes),
        bytes=tensor_nbytes(tensor),
        arena=tensor.allocation_info.memory_id,
        offset=tensor.allocation_info.memory_offset,
        first=span.first,
        last=span.last,
        operator=operator,
        module=place.module,
        file=place.file,
        line=place.line,
    )


def arenas_of(plan: ExecutionPlan, planned: Sequence[PlannedTensor]) -> tuple[Arena, ...]:
    """The arenas of a method that holds these tensors."""
    devices = {entry.buffer_idx: entry for entry in plan.non_const_buffer_device or ()}
    arenas: list[Arena] = []
    for number, size in enumerate(plan.non_const_buffer_sizes):
        if number == 0:
            continue
        live = _live_bytes([t for t in planned if t.arena == number])
        position, peak = max(live, key=lambda entry: (entry[1], -entry[0]), default=(0, 0))
        device = devices.get(number)
        arenas.append(
            Arena(
                id=number,
                device=_device_name(device.device_type, device.device_index) if device else "cpu",
                bytes=size,
                peak_live=peak,
                peak_position=position,
                live=tuple(live),
            )
        )
    return tuple(arenas)


def _device_name(kind: int, index: int) -> str:
    if kind == DeviceType.CPU:
        return "cpu"
    return f"cuda:{index}" if kind == DeviceType.CUDA else f"device {kind}:{index}"


def _live_bytes(tensors: Sequence[PlannedTensor]) -> list[tuple[int, int]]:
    """The live bytes from each position at which they change; bytes that tensors share count once.

    A view has its own slot in the memory of what it views.
    """
    positions = sorted({p for t in tensors for p in (t.first, t.last + 1)})
    starting = sorted(tensors, key=lambda t: t.first)
    live: list[PlannedTensor] = []
    result: list[tuple[int, int]] = []
    next_start = 0
    for position in positions:
        live = [t for t in live if t.last >= position]
        while next_start < len(starting) and starting[next_start].first <= position:
            live.append(starting[next_start])
            next_start += 1
        used = end = 0
        for start, size in sorted((t.offset, t.bytes) for t in live):
            used += max(0, start + size - max(start, end))
            end = max(end, start + size)
        result.append((position, used))
    return result
