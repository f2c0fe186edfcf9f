"""Checking a program's tables, so that what runs it need not check them again.

These are the checks of ExecuTorch's `Program::load` and `Program::load_method`, and the mistakes
that its loader misses and that show at run time as garbage or a crash: jump targets, argument
counts and literal tags of known operators, tensors without memory, list forward references.

Every check looks at a table once, so time and memory are linear in the size of the tables.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import ProgramError
from .endless_loops import endless_loops
from .program_file import ProgramFile, is_external
from .schema import (
    Bool,
    BoolList,
    Chain,
    DataLocation,
    DelegateCall,
    Double,
    DoubleList,
    ExecutionPlan,
    FreeCall,
    Instruction,
    Int,
    IntList,
    JumpFalseCall,
    KernelCall,
    MoveCall,
    Null,
    OptionalTensorList,
    Program,
    ShapeDynamism,
    String,
    Tensor,
    TensorDataLocation,
    TensorList,
    Value,
)
from .signatures import Signature, stock_signatures
from .tensor_size import ITEM_SIZES, tensor_nbytes

MAX_RANK = 16
MAX_BYTES = 2**63 - 1
_REPORTED = 100
_BOOL_TYPE = 11
_COMPLEX_TYPE = 10
_VIEW = "executorch_prim::et_view.default"

_KINDS: dict[str, tuple[type, ...]] = {
    "Tensor": (Tensor,),
    "int": (Int,),
    "float": (Double,),
    "bool": (Bool,),
    "Scalar": (Int, Double, Bool),
    "str": (String,),
    "int[]": (IntList,),
    "float[]": (DoubleList,),
    "bool[]": (BoolList,),
    "Tensor[]": (TensorList,),
    "Tensor?[]": (OptionalTensorList,),
}
_SCALAR_VALUES = (Null, Int, Double, Bool)
_LISTS = (IntList, DoubleList, BoolList, TensorList, OptionalTensorList)


@dataclass(frozen=True)
class Violation:
    """One broken rule: the method (None: the program), the part of it, and what is wrong there."""

    method: str | None
    where: str
    message: str

    def __str__(self) -> str:
        place = f"method {self.method[:60]!r}, " if self.method is not None else ""
        return f"{place}{self.where}: {self.message}"


def verify_program(file: ProgramFile) -> None:
    """Raise `ProgramError` with the first violation, and how many more there are, if any."""
    found = find_violations(file, limit=_REPORTED)
    if found:
        others = len(found) - 1
        count = f"at least {others}" if len(found) == _REPORTED else f"{others}"
        more = f" (and {count} more)" if others else ""
        raise ProgramError(f"{found[0]}{more}; the program is unsound, export the model again")


def find_violations(
    file: ProgramFile,
    *,
    signatures: Mapping[str, Signature] | None = None,
    limit: int = 1000,
) -> list[Violation]:
    """The violations of a program, at most `limit`; an empty list means it is sound.

    `signatures` are the operators whose calls can be checked; the default is the stock runtime's.
    """
    known = stock_signatures() if signatures is None else signatures
    found: list[Violation] = []
    for violation in _violations(file, known):
        found.append(violation)
        if len(found) == limit:
            break
    return found


def _violations(file: ProgramFile, signatures: Mapping[str, Signature]) -> Iterator[Violation]:
    for where, message in _check_program(file.program, len(file.segments)):
        yield Violation(None, where, message)
    for plan in file.program.execution_plan:
        for where, message in _MethodCheck(plan, file, signatures).run():
            yield Violation(plan.name, where, message)


Finding = tuple[str, str]
"""Where, and what is wrong."""


def _check_program(program: Program, segments: int) -> Iterator[Finding]:
    if program.version != 0:
        yield "version", f"{program.version} is newer than 0, the only one that is known"
    constants = program.constant_segment
    if constants is not None and constants.offsets:
        if program.constant_buffer:
            yield "constant_buffer", "used together with constant_segment; only one may be"
        # The table of a program without constants refers to a segment that need not exist.
        if constants.segment_index >= segments and len(constants.offsets) > 1:
            yield "constant_segment", _no_segment(constants.segment_index, segments)
    for i, table in enumerate(program.mutable_data_segments or ()):
        if table.segment_index >= segments:
            yield f"mutable_data_segments[{i}]", _no_segment(table.segment_index, segments)
    for i, entry in enumerate(program.named_data or ()):
        if entry.segment_index >= segments:
            yield f"named_data[{i}]", _no_segment(entry.segment_index, segments)


def _no_segment(index: int, count: int) -> str:
    return f"segment {index} does not exist, there are {count}"


class _MethodCheck:
    """The checks of one method."""

    def __init__(self, plan: ExecutionPlan, file: ProgramFile, signatures: Mapping[str, Signature]):
        self.plan = plan
        self.file = file
        self.signatures = signatures
        self.inputs = frozenset(plan.inputs)
        self.names = [operator.full_name for operator in plan.operators]
        self.written, self.bound = self.run_time_slots()
        self.homeless = self.slots_without_memory()

    def run(self) -> Iterator[Finding]:
        """All findings, in the order of the tables."""
        plan = self.plan
        for i, size in enumerate(plan.non_const_buffer_sizes):
            if size < 0:
                yield f"non_const_buffer_sizes[{i}]", f"{size} bytes"
        for i, value in enumerate(plan.values):
            for message in self.check_value(i, value):
                yield f"value {i}", message
        for what, slots in (("inputs", plan.inputs), ("outputs", plan.outputs)):
            for i, slot in enumerate(slots):
                if not self.exists(slot):
                    yield f"{what}[{i}]", self.no_value(slot)
                elif isinstance(plan.values[slot], _LISTS):
                    yield f"{what}[{i}]", f"value {slot} is a list, which cannot be passed"
                elif what == "inputs" and _is_constant(plan.values[slot]):
                    yield f"inputs[{i}]", f"value {slot} is a constant, which cannot be set"
        for i, delegate in enumerate(plan.delegates):
            where = delegate.processed
            tables = {
                DataLocation.INLINE: len(self.file.program.backend_delegate_data),
                DataLocation.SEGMENT: len(self.file.segments),
            }
            if where.location not in tables:
                yield f"delegate {i}", f"unknown payload location {where.location}"
            elif where.index >= tables[DataLocation(where.location)]:
                yield f"delegate {i}", f"its payload {where.index} does not exist"
        if not plan.chains:
            yield "chains", "there is none, at least one is needed"
        for c, chain in enumerate(plan.chains):
            name = "" if len(plan.chains) == 1 else f"chain {c}, "
            sound = True
            for i, instruction in enumerate(chain.instructions):
                for message in self.check_instruction(instruction, chain):
                    yield f"{name}instruction {i}", message
                    sound = False
            for i, target, slot in endless_loops(plan, chain) if sound else ():
                message = (
                    f"loops to instruction {target} for ever: nothing there writes value {slot}"
                )
                yield f"{name}instruction {i}", f"{message}, its condition"

    # --- values -----------------------------------------------------------------------------------

    def exists(self, slot: int) -> bool:
        return 0 <= slot < len(self.plan.values)

    def no_value(self, slot: int) -> str:
        return f"value {slot} does not exist, there are {len(self.plan.values)}"

    def check_value(self, index: int, value: Value) -> Iterator[str]:
        match value:
            case Tensor():
                shape = list(_check_shape(value))
                yield from shape
                if not shape:
                    yield from self.check_memory(index, value)
            case IntList():
                yield from self.check_items(value.items, self.is_int_slot, "an Int slot")
            case TensorList():
                yield from self.check_items(
                    value.items, lambda i: i < index and self.is_tensor(i), "an earlier Tensor"
                )
            case OptionalTensorList():
                yield from self.check_items(
                    value.items,
                    lambda i: i < index and (self.is_tensor(i) or self.is_null(i)),
                    "an earlier Tensor or Null",
                    none=True,
                )
            case _:
                pass

    def check_items(
        self, items: Sequence[int], fits: Callable[[int], bool], want: str, none: bool = False
    ) -> Iterator[str]:
        for i, slot in enumerate(items):
            if none and slot == -1:
                continue
            if not self.exists(slot):
                yield f"item {i}: {self.no_value(slot)}"
            elif not fits(slot):
                kind = type(self.plan.values[slot]).__name__
                yield f"item {i}: value {slot} is a {kind}, not {want}"

    def is_tensor(self, slot: int) -> bool:
        return isinstance(self.plan.values[slot], Tensor)

    def is_null(self, slot: int) -> bool:
        return isinstance(self.plan.values[slot], Null)

    def is_int_slot(self, slot: int) -> bool:
        value = self.plan.values[slot]
        return isinstance(value, Int) or (
            slot in self.written and isinstance(value, _SCALAR_VALUES)
        )

    def check_memory(self, index: int, tensor: Tensor) -> Iterator[str]:
        """Planned bytes lie in their arena, stored bytes in their segment."""
        nbytes = tensor_nbytes(tensor)
        if nbytes > MAX_BYTES:
            bound = tensor.shape_dynamism == ShapeDynamism.DYNAMIC_BOUND
            if tensor.allocation_info or not bound or index not in self.inputs:
                yield f"{nbytes} bytes are more than any memory has"
            return
        planned = tensor.allocation_info
        if planned is not None:
            arenas = self.plan.non_const_buffer_sizes
            if not 1 <= planned.memory_id < len(arenas):
                yield f"arena {planned.memory_id} does not exist, there are {len(arenas) - 1}"
            elif planned.memory_offset + nbytes > arenas[planned.memory_id]:
                yield (
                    f"{nbytes} bytes at offset {planned.memory_offset} do not fit arena "
                    f"{planned.memory_id} of {arenas[planned.memory_id]} bytes"
                )
        extra = tensor.extra_tensor_info
        if extra is not None:
            if extra.location == TensorDataLocation.EXTERNAL:
                if not extra.fully_qualified_name:
                    yield "its data is external, but it has no name"
                return
            if extra.location != TensorDataLocation.SEGMENT:
                yield f"unknown data location {extra.location}"
        if tensor.data_buffer_idx:
            stored = self.file.mutable_bytes if planned else self.file.constant_bytes
            try:
                stored(tensor.data_buffer_idx, nbytes)
            except ProgramError as error:
                yield str(error).partition(";")[0]

    def run_time_slots(self) -> tuple[frozenset[int], frozenset[int]]:
        """Slots whose scalar an instruction writes, and slots that one binds to other memory."""
        written: set[int] = set()
        bound: set[int] = set()
        for chain in self.plan.chains:
            for instruction in chain.instructions:
                if isinstance(instruction, MoveCall):
                    written.add(instruction.move_to)
                    bound.add(instruction.move_to)
                elif isinstance(instruction, KernelCall) and instruction.args:
                    written.add(instruction.args[-1])
                    if self.operator(instruction) == _VIEW:
                        bound.add(instruction.args[-1])
                elif isinstance(instruction, DelegateCall):
                    written.update(instruction.args)
        return frozenset(written), frozenset(bound)

    def slots_without_memory(self) -> dict[int, int]:
        """Slots an instruction must not touch, with the tensor that has nowhere to be.

        A tensor needs an arena, stored bytes, or a caller or instruction that supplies its memory;
        a list is as good as its items. Empty tensors need nothing.
        """
        supplied = self.inputs.union(self.plan.outputs) | self.bound
        homeless: dict[int, int] = {}
        for i, value in enumerate(self.plan.values):
            if isinstance(value, Tensor):
                has_data = value.allocation_info is not None or value.data_buffer_idx
                if not has_data and i not in supplied and not is_external(value):
                    if 0 not in value.sizes:
                        homeless[i] = i
            elif isinstance(value, TensorList | OptionalTensorList):
                items = (homeless[item] for item in value.items if item in homeless)
                if (first := next(items, None)) is not None:
                    homeless[i] = first
        return homeless

    # --- instructions -----------------------------------------------------------------------------

    def operator(self, call: KernelCall) -> str | None:
        return self.names[call.op_index] if 0 <= call.op_index < len(self.names) else None

    def check_instruction(self, instruction: Instruction, chain: Chain) -> Iterator[str]:
        match instruction:
            case KernelCall(args=args):
                yield from self.check_arguments(args)
                yield from self.check_kernel(instruction)
            case DelegateCall(delegate_index=delegate, args=args):
                yield from self.check_arguments(args)
                if not 0 <= delegate < len(self.plan.delegates):
                    count = len(self.plan.delegates)
                    yield f"delegate {delegate} does not exist, there are {count}"
            case MoveCall():
                for slot in (instruction.move_from, instruction.move_to):
                    if not self.exists(slot):
                        yield self.no_value(slot)
            case JumpFalseCall():
                yield from self.check_jump(instruction, len(chain.instructions))
            case FreeCall(value_index=slot):
                if not self.exists(slot):
                    yield self.no_value(slot)
                elif not self.is_tensor(slot):
                    yield f"frees value {slot}, which is not a Tensor"

    def check_arguments(self, args: Sequence[int]) -> Iterator[str]:
        for position, slot in enumerate(args):
            if not self.exists(slot):
                yield f"argument {position}: {self.no_value(slot)}"
            elif slot in self.homeless:
                yield (
                    f"argument {position}: tensor {self.homeless[slot]} has no memory: it is not "
                    "planned, not stored, and neither input nor output"
                )

    def check_kernel(self, call: KernelCall) -> Iterator[str]:
        name = self.operator(call)
        if name is None:
            yield f"operator {call.op_index} does not exist, there are {len(self.names)}"
            return
        signature = self.signatures.get(name)
        if signature is None:
            if not call.args:
                yield f"{name[:80]!r} is called without arguments, not even a result"
            return
        if len(call.args) != len(signature.kinds):
            yield f"{name} takes {len(signature.kinds)} arguments, not {len(call.args)}"
            return
        for position, (slot, kind) in enumerate(zip(call.args, signature.kinds, strict=True)):
            if kind == "=" or not self.exists(slot):
                continue
            value = self.plan.values[slot]
            if not self.fits(slot, value, kind):
                yield (
                    f"{name}: argument {position} is {kind}, value {slot} is a "
                    f"{type(value).__name__}"
                )
            elif position in signature.written and _is_constant(value):
                yield f"{name}: argument {position} is written, value {slot} is constant"

    def fits(self, slot: int, value: Value, kind: str) -> bool:
        """Whether a value can be an argument of this kind; the tag of a literal must be exact."""
        optional = kind.endswith("?")
        wanted = _KINDS[kind.removesuffix("?")]
        if isinstance(value, wanted) or (optional and isinstance(value, Null)):
            return True
        if kind.startswith("Scalar") and isinstance(value, Tensor):
            # The format has no complex numbers; edgeir passes a constant of complex<f64> for one.
            return value.scalar_type == _COMPLEX_TYPE and not value.sizes and _is_constant(value)
        # What an instruction writes has the tag of the result, whatever the table holds at first.
        scalar = any(t in _SCALAR_VALUES for t in wanted)
        return scalar and slot in self.written and isinstance(value, _SCALAR_VALUES)

    def check_jump(self, jump: JumpFalseCall, count: int) -> Iterator[str]:
        slot, target = jump.cond_value_index, jump.destination_instruction
        if not self.exists(slot):
            yield f"condition: {self.no_value(slot)}"
        else:
            value = self.plan.values[slot]
            scalar = slot in self.written and isinstance(value, _SCALAR_VALUES)
            is_mask = isinstance(value, Tensor) and value.scalar_type == _BOOL_TYPE
            if not (isinstance(value, Bool) or is_mask or scalar):
                yield f"condition: value {slot} is neither a Bool nor a bool tensor"
            elif slot in self.homeless:
                yield f"condition: tensor {slot} has no memory"
        if not 0 <= target <= count:
            yield f"jumps to instruction {target}, the chain has {count}"


def _is_constant(value: Value) -> bool:
    if not isinstance(value, Tensor) or value.allocation_info is not None:
        return False
    return value.data_buffer_idx > 0 or is_external(value)


def _check_shape(tensor: Tensor) -> Iterator[str]:
    """The fields of a tensor that do not refer to anything else."""
    rank = len(tensor.sizes)
    if tensor.scalar_type not in ITEM_SIZES:
        yield f"unknown scalar type {tensor.scalar_type}"
    if tensor.storage_offset != 0:
        yield f"storage offset {tensor.storage_offset}, only 0 is supported"
    if tensor.shape_dynamism not in (ShapeDynamism.STATIC, ShapeDynamism.DYNAMIC_BOUND):
        yield f"shape dynamism {tensor.shape_dynamism}: sizes must be exact or upper bounds"
    if rank > MAX_RANK:
        yield f"{rank} dimensions, at most {MAX_RANK} are supported"
    elif any(size < 0 for size in tensor.sizes):
        yield f"negative size in {tensor.sizes}"
    elif len(tensor.dim_order) != rank or sorted(tensor.dim_order) != list(range(rank)):
        order = tensor.dim_order[:MAX_RANK]
        yield f"dim order {order} is not an order of {rank} dimensions"
