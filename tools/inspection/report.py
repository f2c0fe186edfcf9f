"""Everything that `edge-inspect` shows about a program, as plain data.

The field names are the keys of `--json`, which other programs rely on. Sizes are bytes. Positions
in a run are those of `lifetimes`: 0 is the entry, instruction `i` is position `i + 1`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...runtime.dataflow import instruction_name
from ...runtime.method_info import TensorInfo, describe_method
from ...runtime.program.container import HEADER, HEADER_START, Container
from ...runtime.program.program_file import ProgramFile
from ...runtime.program.schema import (
    DelegateCall,
    ExecutionPlan,
    FreeCall,
    JumpFalseCall,
    KernelCall,
    MoveCall,
    Tensor,
    TensorDataLocation,
    TensorList,
)
from ...runtime.program.tensor_size import tensor_nbytes
from .lifetimes import accesses, tensors_in
from .memory_plan import Arena, PlannedTensor, arenas_of, planned_tensors
from .places import Place, Step, steps_of
from .values import ValueTexts, dtype_name


@dataclass(frozen=True)
class FileSizes:
    """The bytes of a file: header, other tables, segments and the padding between them."""

    bytes: int
    header: int
    flatbuffer: int
    segments: int
    padding: int


@dataclass(frozen=True)
class Segment:
    """A segment and what is in it."""

    index: int
    kind: str
    bytes: int


@dataclass(frozen=True)
class Argument:
    """An input or output of a method; a dynamic shape is the largest one."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    dynamic: bool
    bytes: int


@dataclass(frozen=True)
class InstructionLine:
    """An instruction: what it calls, with its arguments and results as text, and its place."""

    index: int
    operator: str
    arguments: tuple[str, ...]
    results: tuple[str, ...]
    module: str
    file: str
    line: int


@dataclass(frozen=True)
class Delegate:
    """A payload that a backend runs."""

    method: str
    index: int
    backend: str
    bytes: int
    calls: int
    options: tuple[str, ...]


@dataclass(frozen=True)
class Method:
    """One method."""

    name: str
    inputs: tuple[Argument, ...]
    outputs: tuple[Argument, ...]
    mutated_inputs: tuple[str, ...]
    operators: dict[str, int]
    instructions: tuple[InstructionLine, ...]
    arenas: tuple[Arena, ...]
    planned: tuple[PlannedTensor, ...]


@dataclass(frozen=True)
class StoredTensor:
    """Data that is stored with the program: a constant, or the initial state of a planned tensor.

    The format has no names for constants; `module` and the rest are those of the first instruction
    that uses it. External data counts with its name, and lies in a file beside the program.
    """

    kind: str
    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    method: str
    operator: str
    module: str
    file: str
    line: int


@dataclass(frozen=True)
class Report:
    """A program, described."""

    file: FileSizes
    segments: tuple[Segment, ...]
    methods: tuple[Method, ...]
    operators: dict[str, int]
    delegates: tuple[Delegate, ...]
    constants: tuple[StoredTensor, ...]
    by_module: dict[str, int]
    by_operator: dict[str, int]
    by_dtype: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """The report as what JSON has."""
        return asdict(self)


def describe_program(file: ProgramFile, container: Container, file_bytes: int) -> Report:
    """Describe a verified program that was read from a file of that many bytes."""
    plans = file.program.execution_plan
    methods = tuple(_describe_method(plan) for plan in plans)
    constants = tuple(stored_tensors(plans))
    inside = [c for c in constants if c.kind != "external"]
    operators: Counter[str] = Counter()
    for method in methods:
        operators.update(method.operators)
    return Report(
        file=_file_sizes(file, container, file_bytes),
        segments=_segments(file),
        methods=methods,
        operators=_ranked(operators),
        delegates=tuple(d for plan in plans for d in _delegates(plan, file)),
        constants=constants,
        by_module=_total(inside, "module"),
        by_operator=_total(inside, "operator"),
        by_dtype=_total(inside, "dtype"),
    )


def stored_tensors(plans: Iterable[ExecutionPlan]) -> list[StoredTensor]:
    """The stored data that methods refer to, each once, in the order of first use."""
    found: dict[tuple[str, int, str], StoredTensor] = {}
    for plan in plans:
        for step in steps_of(plan):
            for slot in tensors_in(plan, _operands(step)):
                stored = _stored(plan, slot, instruction_name(plan, step.instruction), step.place)
                if stored is not None:
                    found.setdefault((stored.kind, stored.index, stored.name), stored)
    for plan in plans:
        for slot in tensors_in(plan, range(len(plan.values))):
            stored = _stored(plan, slot, "", Place())
            if stored is not None:
                found.setdefault((stored.kind, stored.index, stored.name), stored)
    return list(found.values())


def _stored(plan: ExecutionPlan, slot: int, operator: str, place: Place) -> StoredTensor | None:
    tensor = plan.values[slot]
    assert isinstance(tensor, Tensor), "only tensors are stored"
    extra = tensor.extra_tensor_info
    name = (extra.fully_qualified_name if extra is not None else None) or ""
    external = extra is not None and extra.location == TensorDataLocation.EXTERNAL
    if not tensor.data_buffer_idx and not external:
        return None
    kind = "external" if external else "state" if tensor.allocation_info else "constant"
    return StoredTensor(
        kind=kind,
        index=0 if external else tensor.data_buffer_idx,
        # Another method may know the same data under another name.
        name=name if external else "",
        dtype=dtype_name(tensor),
        shape=tuple(tensor.sizes),
        bytes=tensor_nbytes(tensor),
        method=plan.name,
        operator=operator,
        module=place.module or (name.rpartition(".")[0] if name else ""),
        file=place.file,
        line=place.line,
    )


def _operands(step: Step) -> Sequence[int]:
    match step.instruction:
        case KernelCall(args=args) | DelegateCall(args=args):
            return args
        case MoveCall(move_from=source):
            return [source]
        case JumpFalseCall(cond_value_index=condition):
            return [condition]
        case FreeCall():
            return []


def _ranked(counts: Counter[str]) -> dict[str, int]:
    """The largest first, then by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _total(constants: Iterable[StoredTensor], key: str) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for constant in constants:
        sizes[getattr(constant, key)] += constant.bytes
    return _ranked(sizes)


# --- methods --------------------------------------------------------------------------------------


def _describe_method(plan: ExecutionPlan) -> Method:
    info = describe_method(plan)
    steps = list(steps_of(plan))
    names = [instruction_name(plan, step.instruction) for step in steps]
    planned = planned_tensors(plan)
    return Method(
        name=plan.name,
        inputs=tuple(map(_argument, info.inputs)),
        outputs=tuple(map(_argument, info.outputs)),
        mutated_inputs=tuple(info.inputs[i].name for i in info.mutated_inputs),
        operators=_ranked(Counter(names)),
        instructions=tuple(_lines(plan, steps, names)),
        arenas=arenas_of(plan, planned),
        planned=planned,
    )


def _argument(info: TensorInfo) -> Argument:
    return Argument(info.name, info.scalar_type, info.shape, info.dynamic, info.nbytes)


def _lines(
    plan: ExecutionPlan, steps: Sequence[Step], names: Sequence[str]
) -> Iterable[InstructionLine]:
    texts = ValueTexts(plan)
    for step, name, access in zip(steps, names, accesses(plan), strict=True):
        arguments, results = _operand_texts(plan, texts, step, sorted(access.writes))
        place = step.place
        yield InstructionLine(
            step.number, name, arguments, results, place.module, place.file, place.line
        )


def _operand_texts(
    plan: ExecutionPlan, texts: ValueTexts, step: Step, written: Sequence[int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    match step.instruction:
        case KernelCall(args=args):
            # The return slot repeats the outs; what it alone holds is the result.
            results = list(written) or list(args[-1:])
            lists = {i for i in args[-2:] if isinstance(plan.values[i], TensorList)}
            dropped = {*results, *lists} if written else set(results)
            arguments = [i for i in args[:-1] if i not in dropped]
        case DelegateCall(args=args):
            results = list(written)
            arguments = [i for i in args if i not in results]
        case MoveCall(move_from=source, move_to=target):
            arguments, results = [source], [target]
        case JumpFalseCall(cond_value_index=condition, destination_instruction=target):
            return (texts[condition], f"to {step.chain_start + target}"), ()
        case FreeCall(value_index=slot):
            arguments, results = [slot], []
    return (
        tuple(texts[i] for i in arguments),
        tuple(texts[i] for i in results),
    )


# --- the file -------------------------------------------------------------------------------------


def _file_sizes(file: ProgramFile, container: Container, total: int) -> FileSizes:
    header = HEADER_START + (HEADER.size if container.segment_base else 0)
    segments = sum(memoryview(segment).nbytes for segment in file.segments)
    tables = min(container.program_size, total) - header
    return FileSizes(total, header, tables, segments, total - header - tables - segments)


def _segments(file: ProgramFile) -> tuple[Segment, ...]:
    program = file.program
    kinds: dict[int, str] = {}
    for plan in program.execution_plan:
        for delegate in plan.delegates:
            if delegate.processed.location:
                kinds[delegate.processed.index] = f"payload of {delegate.id}"
    for entry in program.named_data or ():
        kinds[entry.segment_index] = f"named data {entry.key}"
    for table in program.mutable_data_segments or ():
        kinds[table.segment_index] = "initial state"
    if program.constant_segment is not None and program.constant_segment.offsets:
        kinds[program.constant_segment.segment_index] = "constants"
    return tuple(
        Segment(i, kinds.get(i, "unused"), memoryview(data).nbytes)
        for i, data in enumerate(file.segments)
    )


def _delegates(plan: ExecutionPlan, file: ProgramFile) -> Iterable[Delegate]:
    calls = Counter(
        step.instruction.delegate_index
        for step in steps_of(plan)
        if isinstance(step.instruction, DelegateCall)
    )
    for i, delegate in enumerate(plan.delegates):
        yield Delegate(
            method=plan.name,
            index=i,
            backend=delegate.id,
            bytes=file.delegate_bytes(delegate).nbytes,
            calls=calls[i],
            options=tuple(
                f"{spec.key} ({memoryview(spec.value).nbytes} bytes)"
                for spec in delegate.compile_specs
            ),
        )
