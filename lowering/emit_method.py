"""Emission of a method: its execution plan, values first, then chains of instructions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    FileLineColLoc,
    FusedLoc,
    NameLoc,
    StringAttr,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue

from ..dialects import memory
from ..dialects.diagnostic import Diagnostic
from ..dialects.layout import order_of
from ..runtime.program.schema import (
    AllocationDetails,
    BackendDelegate,
    Bool,
    BoolList,
    Chain,
    CompileSpec,
    ContainerMetadata,
    DelegateCall,
    DeviceType,
    Double,
    DoubleList,
    ExecutionPlan,
    ExtraTensorInfo,
    Frame,
    FrameList,
    FreeCall,
    Instruction,
    Int,
    IntList,
    JumpFalseCall,
    KernelCall,
    MoveCall,
    NonConstBufferDevice,
    Null,
    Operator,
    OptionalTensorList,
    ShapeDynamism,
    String,
    Tensor,
    TensorDataLocation,
    TensorList,
    Value,
)
from ..runtime.program.segments import SegmentsBuilder
from .element_types import scalar_code
from .size_entry import with_sizes
from .stored_bytes import Weights, stored_bytes

Starts = dict[Block, tuple[int, int]]


class MethodEmitter:
    """Builds the execution plan of one method."""

    def __init__(
        self,
        method: memory.MethodOp,
        weights: Weights,
        segments: SegmentsBuilder,
        diagnostics: list[Diagnostic],
    ):
        self.method = method
        self.weights = weights
        self.segments = segments
        self.diagnostics = diagnostics
        self.index: dict[SSAValue, int] = {op.slot: i for i, op in enumerate(method.slots)}
        self.values: list[Value] = []
        self.operators: dict[str, int] = {}
        self.delegates: list[BackendDelegate] = []

    def plan(self, locations: bool) -> ExecutionPlan:
        """The plan; what the format cannot take is in the diagnostics."""
        method = self.method
        for op in method.slots:
            self.values.append(self._value(op))
        starts = _block_starts(method)
        chains: list[list[Operation]] = [[]]
        for op in method.instructions:
            if isinstance(op, memory.NextChainOp):
                chains.append([])
            elif not isinstance(op, _NO_INSTRUCTION):
                chains[-1].append(op)
        container = None
        inputs = _text(method.inputs)
        if method.sizes is not None:
            inputs = with_sizes(inputs, method.symbols, method.sizes)
        if inputs or method.inputs is not None or method.outputs is not None:
            container = ContainerMetadata(inputs, _text(method.outputs))
        return ExecutionPlan(
            name=method.sym_name.data,
            container_meta_type=container,
            values=self.values,
            inputs=self._indices(method.begin.inputs),
            outputs=self._indices(method.begin.outputs),
            chains=[self._chain(i, ops, starts, locations) for i, ops in enumerate(chains)],
            operators=[_operator(name) for name in self.operators],
            delegates=self.delegates,
            non_const_buffer_sizes=(
                [0] if method.arenas is None else [int(size) for size in method.arenas.get_values()]
            ),
            non_const_buffer_device=self._arena_devices(),
        )

    def _chain(
        self, number: int, ops: Sequence[Operation], starts: Starts, locations: bool
    ) -> Chain:
        instructions = [self._instruction(op, number, len(ops), starts) for op in ops]
        frames = [FrameList(list(_frames(op.location))) for op in ops]
        traced = locations and any(trace.items for trace in frames)
        return Chain(instructions=instructions, stacktrace=frames if traced else None)

    def _arena_devices(self) -> list[NonConstBufferDevice] | None:
        devices = () if self.method.devices is None else self.method.devices.data
        listed: list[NonConstBufferDevice] = []
        for arena, name in enumerate(devices):
            if name.data:
                listed.append(NonConstBufferDevice(arena, *self._device(self.method, name)))
        return listed or None

    def _device(self, op: Operation, name: StringAttr | None) -> tuple[int, int]:
        """The format's numbers of a device like `cuda:0`."""
        if name is None:
            return DeviceType.CPU, 0
        kind, _, index = name.data.partition(":")
        known = DeviceType.__members__.get(kind.upper())
        if (known is None and not kind.isdecimal()) or not (index or "0").isdecimal():
            self._refuse(op, f"{name} is not a device", 'write "cuda:0"')
            return DeviceType.CPU, 0
        return int(kind) if known is None else known, int(index or 0)

    def _indices(self, slots: Iterable[SSAValue]) -> list[int]:
        return [self.index[slot] for slot in slots]

    def _value(self, op: memory.SlotOp) -> Value:
        match op:
            case memory.PlannedOp():
                return self._planned(op)
            case memory.UnplannedOp():
                return self._tensor(op)
            case memory.ConstantOp():
                return self._tensor(op, data_index=self._data(op, op.value, initial=False))
            case memory.ExternalOp():
                return self._tensor(op)
            case memory.ViewOp():
                return self._view(op)
            case memory.ScalarOp():
                number = op.number
                if isinstance(number, bool):
                    return Bool(number)
                return Int(number) if isinstance(number, int) else Double(number)
            case memory.StringOp():
                return String(op.value.data)
            case memory.NullOp():
                return Null()
            case memory.IntListOp():
                return IntList(self._indices(op.items))
            case memory.DoubleListOp():
                return DoubleList([item.value.data for item in op.items])
            case memory.BoolListOp():
                return BoolList([bool(item.value.data) for item in op.items])
            case memory.TensorListOp():
                return TensorList(self._indices(op.items))
            case memory.OptionalTensorListOp():
                return OptionalTensorList(
                    [-1 if item is None else self.index[item] for item in op.entries]
                )

    def _planned(self, op: memory.PlannedOp) -> Tensor:
        data_index = 0
        if op.initial is not None:
            data_index = self._data(op, op.initial, initial=True)
        return self._tensor(op, data_index=data_index, place=self._place(op))

    def _view(self, op: memory.ViewOp) -> Tensor:
        storage, offset = memory.storage_of(op.slot)
        place = None
        data_index = 0
        if isinstance(storage.owner, memory.PlannedOp):
            if (start := storage.owner.place) is not None:
                place = start[0], start[1] + offset
        else:
            data_index = cast(Tensor, self.values[self.index[storage]]).data_buffer_idx
        return self._tensor(op, data_index=data_index, place=place)

    def _place(self, op: memory.PlannedOp) -> tuple[int, int] | None:
        place = op.place
        arenas = () if self.method.arenas is None else self.method.arenas.get_values()
        if place is None:
            self._refuse(op, "the slot has no place in an arena", "run plan-memory")
        elif place[0] >= len(arenas):
            self._refuse(op, f"the method has no arena {place[0]}", "list its size in arenas")
        return place

    def _tensor(
        self,
        op: memory.TensorSlotOp,
        *,
        data_index: int = 0,
        place: tuple[int, int] | None = None,
    ) -> Tensor:
        type = op.tensor
        code = scalar_code(type.element_type)
        if code is None:
            self._refuse(op, f"the format has no tensors of {type.element_type}")
        return Tensor(
            scalar_type=0 if code is None else code,
            sizes=list(type.get_shape()),
            dim_order=list(order_of(type)),
            data_buffer_idx=data_index,
            allocation_info=None if place is None else AllocationDetails.at(*place),
            shape_dynamism=ShapeDynamism.DYNAMIC_BOUND if op.dynamic else ShapeDynamism.STATIC,
            extra_tensor_info=self._extra(op),
        )

    def _extra(self, op: memory.TensorSlotOp) -> ExtraTensorInfo | None:
        """The name and the device of a tensor, for what has either."""
        if op.user_name is None and op.device is None:
            return None
        external = isinstance(op, memory.ExternalOp)
        device, index = self._device(op, op.device)
        return ExtraTensorInfo(
            fully_qualified_name=None if op.user_name is None else op.user_name.data,
            location=TensorDataLocation.EXTERNAL if external else TensorDataLocation.SEGMENT,
            device_type=device,
            device_index=index,
        )

    def _data(self, op: memory.TensorSlotOp, value: Attribute, *, initial: bool) -> int:
        """The index of stored bytes; 0, with a diagnostic, where there are none that fit."""
        data = stored_bytes(op, value, self.weights, self.diagnostics, self._subject(op))
        if data is None:
            return 0
        type = op.tensor
        if (wanted := memory.tensor_bytes(type)) != data.nbytes:
            self._refuse(op, f"{value} has {data.nbytes} bytes, {type} takes {wanted}")
            return 0
        pool = self.segments.initial_data if initial else self.segments.constants
        return pool.add(data)

    def _instruction(self, op: Operation, chain: int, count: int, starts: Starts) -> Instruction:
        match op:
            case memory.CallOp():
                number = self.operators.setdefault(op.operator.data, len(self.operators))
                return KernelCall(number, self._indices(op.instruction_slots))
            case memory.DelegateCallOp():
                subject = self._subject(op)
                payload = stored_bytes(op, op.payload, self.weights, self.diagnostics, subject)
                reference = self.segments.add_delegate(b"" if payload is None else payload)
                specs = [CompileSpec(key, value) for key, value in op.compile_specs]
                self.delegates.append(BackendDelegate(op.backend.data, reference, specs))
                arguments = self._indices((*op.arguments, *op.outs))
                return DelegateCall(len(self.delegates) - 1, arguments)
            case memory.MoveOp():
                return MoveCall(self.index[op.source], self.index[op.target])
            case memory.FreeOp():
                return FreeCall(self.index[op.target])
            case memory.JumpFalseOp():
                target = starts[op.target]
                if target == (chain + 1, 0):
                    target = chain, count
                if target[0] != chain:
                    self._refuse(op, "jumps out of its chain", "jump inside it or to the next one")
                return JumpFalseCall(self.index[op.condition], target[1])
            case _:
                self._refuse(op, "not an instruction of the memory dialect")
                return FreeCall(0)

    def _subject(self, op: Operation) -> str:
        slot = op.results[0].name_hint if op.results else None
        return f"@{self.method.sym_name.data}" + (f" %{slot}" if slot else "")

    def _refuse(self, op: Operation, message: str, advice: str = "") -> None:
        message = f"{self._subject(op)}: {message}"
        self.diagnostics.append(Diagnostic.at(op, message, advice))


_NO_INSTRUCTION = (memory.JumpOp, memory.NextChainOp, memory.EndOp)
"""Terminators that only say what the order of instructions says in a program."""


def _block_starts(method: memory.MethodOp) -> Starts:
    """The chain of each block and the number of its first instruction there."""
    starts: Starts = {}
    chain = count = 0
    for block in method.body.blocks:
        starts[block] = chain, count
        skipped = (*memory.SLOT_OPS, memory.BeginOp, *_NO_INSTRUCTION)
        count += sum(not isinstance(op, skipped) for op in block.ops)
        if isinstance(block.last_op, memory.NextChainOp):
            chain, count = chain + 1, 0
    return starts


def _operator(name: str) -> Operator:
    """The operator `ns::name.overload` of the operators table."""
    base, _, overload = name.partition(".")
    return Operator(base, overload)


def _text(attribute: StringAttr | None) -> str:
    return "" if attribute is None else attribute.data


def _frames(location: Attribute, module: str = "") -> Iterator[Frame]:
    """The stack frames of a location: one for each source line, with the module path as name."""
    match location:
        case FusedLoc():
            for part in cast(ArrayAttr[Attribute], location.locations):
                yield from _frames(part, module)
        case NameLoc():
            module = module or location.desc.data
            inner = list(_frames(location.location, module))
            yield from inner or [Frame(name=module)]
        case FileLineColLoc():
            yield Frame(location.filename.data, location.line.data, module)
        case _:
            return
