"""Reading back: a program becomes a module of `memory.method`s, the inverse of emission.

Values become declarations in the order of the table, instructions operations, jump targets blocks,
stack traces locations. Constants, initial data, delegate payloads and named data go to the weights
store as views of the file, tiny constants into the text. What a program of ours says comes out to
the same bytes again; of other programs is left out what no runtime reads: unused data and operator
entries, gradient flags, source lines of stack frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import (
    UNKNOWN_LOC,
    ArrayAttr,
    ComplexType,
    FusedLoc,
    IntegerType,
    LocationAttr,
    ModuleOp,
    NoneAttr,
    Signedness,
    StringAttr,
    TensorType,
    UnitAttr,
    bf16,
    f16,
    f32,
    f64,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import VerifyException

from ..dialects import memory
from ..dialects.constant import ConstantAttr
from ..dialects.layout import tensor_type
from ..dialects.location import make_location
from ..dialects.weights import WeightsStore
from ..passes.planners.aliasing import sources
from ..runtime.dtypes import BY_CODE, BY_NAME
from ..runtime.errors import ProgramError
from ..runtime.program.program_file import ProgramFile
from ..runtime.program.schema import (
    BackendDelegate,
    Bool,
    BoolList,
    Chain,
    DataLocation,
    DelegateCall,
    DeviceType,
    Double,
    DoubleList,
    ExecutionPlan,
    ExtraTensorInfo,
    FrameList,
    FreeCall,
    Instruction,
    Int,
    IntList,
    JumpFalseCall,
    KernelCall,
    MoveCall,
    Null,
    OptionalTensorList,
    ShapeDynamism,
    String,
    Tensor,
    TensorDataLocation,
    TensorList,
    Value,
)
from ..runtime.program.signatures import stock_signatures
from ..runtime.program.tensor_size import tensor_nbytes

_ELEMENTS: dict[int, Attribute] = {
    BY_NAME[str(element)].code: element
    for element in (
        *(IntegerType(bits, Signedness.UNSIGNED) for bits in (8, 16, 32, 64)),
        *(IntegerType(bits) for bits in (1, 8, 16, 32, 64)),
        *(f16, f32, f64, bf16, ComplexType(f32), ComplexType(f64)),
    )
}
"""The element types by the format's numbers."""

_INLINE_BYTES = 16
"""Constants up to this size stand in the text."""


def program_module(file: ProgramFile, weights: WeightsStore) -> ModuleOp:
    """The module of a verified program; its data is added to `weights`.

    Raises ProgramError for a program that the text cannot express.
    """
    data = _Data(file, weights)
    names: set[str] = set()
    module = ModuleOp([])
    for plan in file.program.execution_plan:
        if plan.name in names:
            raise ProgramError(
                f"two methods are called {plan.name[:60]!r}; a runtime only finds the first, "
                "export the model again"
            )
        names.add(plan.name)
        module.body.block.add_op(_MethodReader(plan, data).method())
    for entry in file.program.named_data or ():
        payload = data.named(entry.key, entry.segment_index)
        module.body.block.add_op(memory.NamedDataOp(entry.key, payload))
    try:
        module.verify()
    except VerifyException as error:
        raise ProgramError(f"the program has no text: {error}") from None
    return module


class _Data:
    """Puts the program's data into the weights store; knows the key of each item."""

    def __init__(self, file: ProgramFile, weights: WeightsStore):
        self.file = file
        self._weights = weights
        self._keys: dict[tuple[object, ...], str] = {}
        self.constant_bytes: dict[int, int] = {}
        for plan in file.program.execution_plan:
            for value in plan.values:
                if isinstance(value, Tensor) and _is_constant(value):
                    index, size = value.data_buffer_idx, tensor_nbytes(value)
                    self.constant_bytes[index] = max(size, self.constant_bytes.get(index, 0))

    def constant(self, tensor: Tensor, type: TensorType[Attribute]) -> Attribute:
        """The bytes of a constant, as a key or, where they are few, as themselves."""
        size = tensor_nbytes(tensor)
        data = self.file.constant_bytes(tensor.data_buffer_idx, size)
        return self._item("constant", tensor, data, type)

    def initial(self, tensor: Tensor, type: TensorType[Attribute]) -> Attribute:
        """The bytes that a mutable tensor starts with."""
        size = tensor_nbytes(tensor)
        data = self.file.mutable_bytes(tensor.data_buffer_idx, size)
        return self._item("initial", tensor, data, type)

    def delegate(self, delegate: BackendDelegate) -> str:
        """The key of a delegate's payload; delegates that share one share the key."""
        where = delegate.processed
        if where.location == DataLocation.SEGMENT:
            return self.named(delegate.id, where.index)
        data = self.file.delegate_bytes(delegate)
        return self._key(("inline", where.index), delegate.id, np.frombuffer(data, np.uint8))

    def named(self, name: str, segment: int) -> str:
        """The key of the data in a segment."""
        data = np.frombuffer(self.file.segment(segment), np.uint8)
        return self._key(("segment", segment), name, data)

    def _item(
        self, kind: str, tensor: Tensor, data: memoryview, type: TensorType[Attribute]
    ) -> Attribute:
        if len(data) <= _INLINE_BYTES and isinstance(type.encoding, NoneAttr):
            return ConstantAttr.of(type, bytes(data))
        index = tensor.data_buffer_idx
        name = _user_name(tensor.extra_tensor_info) or f"{kind}_{index}"
        return StringAttr(self._key((kind, index, len(data)), name, _array(tensor, data)))

    def _key(self, item: tuple[object, ...], name: str, array: NDArray[Any]) -> str:
        """The key of an item, stored the first time under its name or one made from it."""
        if item not in self._keys:
            key, count = name, 1
            while key in self._weights:
                key, count = f"{name}_{count}", count + 1
            self._weights.add(key, array)
            self._keys[item] = key
        return self._keys[item]


class _MethodReader:
    """Makes the method of one execution plan."""

    def __init__(self, plan: ExecutionPlan, data: _Data):
        self._plan = plan
        self._data = data
        self._names = [operator.full_name for operator in plan.operators]
        self._types: dict[tuple[object, ...], TensorType[Attribute]] = {}
        self._constants: dict[int, SSAValue] = {}
        self._slots: list[SSAValue] = []

    def method(self) -> memory.MethodOp:
        """The method, with the views and the state that it was found to have."""
        plan = self._plan
        declarations = self._declarations()
        begin = memory.BeginOp(self._of(plan.inputs), self._of(plan.outputs))
        blocks = self._blocks([*declarations, begin])
        container = plan.container_meta_type
        inputs = outputs = None
        if container is not None:
            outputs = container.encoded_out_str or None
            inputs = container.encoded_inp_str or (None if outputs else "")
        sizes = [0, *plan.non_const_buffer_sizes[1:]]
        method = memory.MethodOp(
            plan.name,
            Region(blocks),
            arenas=sizes if len(sizes) > 1 else None,
            inputs=inputs,
            outputs=outputs,
        )
        devices = self._arena_devices(len(sizes))
        if any(devices):
            method.devices = ArrayAttr(map(StringAttr, devices))
        _recover_views(method)
        _recover_state(method)
        return method

    def _of(self, indices: Iterable[int]) -> list[SSAValue]:
        return [self._slots[index] for index in indices]

    def _arena_devices(self, arenas: int) -> list[str]:
        devices = [""] * arenas
        for entry in self._plan.non_const_buffer_device or ():
            if 0 < entry.buffer_idx < arenas:
                devices[entry.buffer_idx] = _device(entry.device_type, entry.device_index)
        return devices

    # --- values -----------------------------------------------------------------------------------

    def _declarations(self) -> list[memory.SlotOp]:
        """The declarations; lists come to be last, because they may refer to what follows."""
        values = self._plan.values
        made = [self._simple(value) for value in values]
        slots = [None if op is None else op.slot for op in made]
        declarations: list[memory.SlotOp] = []
        for index, (op, value) in enumerate(zip(made, values, strict=True)):
            op = op or _list_op(value, slots)
            op.slot.name_hint = _hint(value, index)
            declarations.append(op)
        self._slots = [op.slot for op in declarations]
        return declarations

    def _simple(self, value: Value) -> memory.SlotOp | None:
        """The declaration of a value that refers to no other one, None for lists of such."""
        match value:
            case Null():
                return memory.NullOp()
            case Int(number) | Double(number) | Bool(number):
                return memory.ScalarOp(number)
            case String(text):
                return memory.StringOp(text)
            case DoubleList(items):
                return memory.DoubleListOp(items)
            case BoolList(items):
                return memory.BoolListOp(items)
            case Tensor():
                return self._tensor(value)
            case IntList() | TensorList() | OptionalTensorList():
                return None

    def _tensor(self, tensor: Tensor) -> memory.SlotOp:
        type = self._type(tensor)
        extra = tensor.extra_tensor_info
        name = _user_name(extra)
        dynamic = tensor.shape_dynamism != ShapeDynamism.STATIC
        place = tensor.allocation_info
        op: memory.PlannedOp | memory.UnplannedOp | memory.ExternalOp
        if extra is not None and extra.location == TensorDataLocation.EXTERNAL:
            op = memory.ExternalOp(name or "", type, dynamic=dynamic)
        elif place is not None:
            initial = self._data.initial(tensor, type) if tensor.data_buffer_idx else None
            at = place.memory_id, place.memory_offset
            op = memory.PlannedOp(type, name=name, dynamic=dynamic, initial=initial, place=at)
        elif tensor.data_buffer_idx:
            return self._constant(tensor, type, name, dynamic)
        else:
            op = memory.UnplannedOp(type, name=name, dynamic=dynamic)
        if device := _tensor_device(extra):
            op.device = StringAttr(device)
        return op

    def _constant(
        self, tensor: Tensor, type: TensorType[Attribute], name: str | None, dynamic: bool
    ) -> memory.SlotOp:
        """A constant, or a view of the start of a larger one that was declared before."""
        index, size = tensor.data_buffer_idx, tensor_nbytes(tensor)
        whole = self._constants.get(index)
        op: memory.ConstantOp | memory.ViewOp
        if whole is not None and size < self._data.constant_bytes[index]:
            op = memory.ViewOp(whole, type)
        else:
            op = memory.ConstantOp(self._data.constant(tensor, type), type)
            if size == self._data.constant_bytes[index]:
                self._constants.setdefault(index, op.slot)
        op.user_name = None if name is None else StringAttr(name)
        op.dynamic = UnitAttr() if dynamic else None
        if device := _tensor_device(tensor.extra_tensor_info):
            op.device = StringAttr(device)
        return op

    def _type(self, tensor: Tensor) -> TensorType[Attribute]:
        key = (tensor.scalar_type, tuple(tensor.sizes), tuple(tensor.dim_order))
        if key not in self._types:
            element = _ELEMENTS.get(tensor.scalar_type)
            if element is None:
                raise ProgramError(
                    f"method {self._plan.name[:60]!r} has a tensor of scalar type "
                    f"{tensor.scalar_type}, which has no name in the text"
                )
            self._types[key] = tensor_type(element, tensor.sizes, tensor.dim_order)
        return self._types[key]

    # --- instructions -----------------------------------------------------------------------------

    def _blocks(self, declarations: Sequence[Operation]) -> list[Block]:
        """The declarations, then the instructions of all chains; a jump's target starts a block."""
        calls = _CallReader(self._plan, self._names, self._slots, self._data)
        blocks = [Block(declarations)]
        chains = self._plan.chains
        for number, chain in enumerate(chains):
            starts = self._chain_blocks(chain, blocks, first=number == 0)
            self._fill(chain, starts, calls)
            last = blocks[-1]
            if number + 1 < len(chains):
                blocks.append(Block())
                last.add_op(memory.NextChainOp(blocks[-1]))
            else:
                last.add_op(memory.EndOp())
        return blocks

    def _chain_blocks(self, chain: Chain, blocks: list[Block], *, first: bool) -> dict[int, Block]:
        """The block that starts at an instruction of a chain; the first goes on in the last block
        so far, unless that one declares the slots and is jumped to."""
        jumps = [
            (i, op.destination_instruction)
            for i, op in enumerate(chain.instructions)
            if isinstance(op, JumpFalseCall)
        ]
        targets = {target for _, target in jumps}
        starts = {0: blocks[-1]}
        if first and 0 in targets:
            starts[0] = Block()
            blocks[-1].add_op(memory.JumpOp(starts[0]))
            blocks.append(starts[0])
        for index in sorted(targets | {i + 1 for i, _ in jumps}):
            if index not in starts:
                starts[index] = Block()
                blocks.append(starts[index])
        return starts

    def _fill(self, chain: Chain, starts: Mapping[int, Block], calls: _CallReader) -> None:
        traces = chain.stacktrace or []
        block = starts[0]
        for index, instruction in enumerate(chain.instructions):
            if index and index in starts:
                if not isinstance(block.last_op, memory.JumpFalseOp):
                    block.add_op(memory.JumpOp(starts[index]))
                block = starts[index]
            if isinstance(instruction, JumpFalseCall):
                condition = self._slots[instruction.cond_value_index]
                target = starts[instruction.destination_instruction]
                op = memory.JumpFalseOp(condition, target, starts[index + 1])
            else:
                op = calls.read(instruction)
            if index < len(traces):
                op.location = _location(traces[index])
            block.add_op(op)
        end = starts.get(len(chain.instructions))
        if end is not None and end is not block:
            if not isinstance(block.last_op, memory.JumpFalseOp):
                block.add_op(memory.JumpOp(end))


class _CallReader:
    """Makes the operations of a method's calls, which do not say what they write."""

    def __init__(
        self,
        plan: ExecutionPlan,
        names: Sequence[str],
        slots: Sequence[SSAValue],
        data: _Data,
    ):
        self._plan = plan
        self._names = names
        self._slots = slots
        self._data = data
        self._defined = set(plan.inputs) | self._written_in_place()

    def read(self, instruction: Instruction) -> Operation:
        """The operation of an instruction that does not jump; those before it were read."""
        match instruction:
            case KernelCall(op_index=operator, args=args):
                name = self._names[operator]
                arguments, outs, returns = self._split(name, args)
                self._defined.update(self._tensors((*outs, *returns)))
                returned = self._slots[returns[0]] if returns else None
                return memory.CallOp(name, self._of(arguments), self._of(outs), returned)
            case DelegateCall(delegate_index=index, args=args):
                delegate = self._plan.delegates[index]
                count = self._delegate_inputs(args)
                self._defined.update(args)
                return memory.DelegateCallOp(
                    delegate.id,
                    self._data.delegate(delegate),
                    self._of(args[:count]),
                    self._of(args[count:]),
                    [(spec.key, bytes(spec.value)) for spec in delegate.compile_specs],
                )
            case MoveCall(move_from=source, move_to=target):
                self._defined.add(target)
                return memory.MoveOp(self._slots[source], self._slots[target])
            case FreeCall(value_index=index):
                return memory.FreeOp(self._slots[index])
            case JumpFalseCall():
                raise AssertionError("jumps end blocks")

    def _of(self, indices: Iterable[int]) -> list[SSAValue]:
        return [self._slots[index] for index in indices]

    def _split(
        self, name: str, args: Sequence[int]
    ) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        """The arguments of a call, its outs, and the slot of its result where it must be said."""
        signature = stock_signatures().get(name)
        if signature is not None and signature.kinds[-1] != "=":
            # It assigns nothing: what it changes are its arguments, or the slot that it rebinds.
            rebinds = len(args) - 1 in signature.written
            return (args[:-1], (), args[-1:]) if rebinds else (args, (), ())
        if not args:
            return (), (), ()
        before, returned = args[:-1], args[-1]
        count = 0
        if signature is not None:
            while len(before) - 1 - count in signature.written and count < len(before):
                count += 1
        elif not name.partition(".")[0].endswith("_"):
            count = self._out_count(before, returned)
        start = len(before) - count
        if count == 1 and before[start] == returned and self._is_tensor(returned):
            return before[:start], before[start:], ()
        return before[:start], before[start:], args[-1:]

    def _out_count(self, before: Sequence[int], returned: int) -> int:
        """How many of the last arguments are outs, for an operator that is not known."""
        value = self._plan.values[returned]
        if isinstance(value, TensorList):
            if before and isinstance(self._plan.values[before[-1]], TensorList):
                return 1
            count = len(value.items)
            return count if count and list(before[-count:]) == value.items else 0
        return int(bool(before) and before[-1] == returned and isinstance(value, Tensor))

    def _delegate_inputs(self, args: Sequence[int]) -> int:
        """How many of a delegate's arguments are inputs: those up to the last that has content.

        The format does not say. Where all have content, the last one is the output.
        """
        count = len(args)
        while count and self._is_fresh(args[count - 1]):
            count -= 1
        return len(args) - 1 if args and count == len(args) else count

    def _is_fresh(self, index: int) -> bool:
        """Whether a slot is a tensor that nothing has put content into so far."""
        value = self._plan.values[index]
        if not isinstance(value, Tensor) or value.data_buffer_idx:
            return False
        return index not in self._defined and not _is_external(value)

    def _written_in_place(self) -> set[int]:
        """The slots that operators write in place (`aten::copy_`): state of the method."""
        written: set[int] = set()
        for chain in self._plan.chains:
            for call in chain.instructions:
                if isinstance(call, KernelCall):
                    name = self._names[call.op_index]
                    if name.partition(".")[0].endswith("_"):
                        written.update(call.args[:1])
        return written

    def _tensors(self, indices: Iterable[int]) -> Iterator[int]:
        for index in indices:
            value = self._plan.values[index]
            yield from value.items if isinstance(value, TensorList) else (index,)

    def _is_tensor(self, index: int) -> bool:
        return isinstance(self._plan.values[index], Tensor)


# --- what places say --------------------------------------------------------------------------


def _recover_views(method: memory.MethodOp) -> None:
    """Make views of the slots whose content is certainly that of one other slot.

    A compiler that knows a view to be the same bytes makes no instruction for it: the slot is read
    but never written, and all that it can find there is what one other slot holds.
    """
    position: dict[SSAValue, int] = {op.slot: index for index, op in enumerate(method.slots)}
    for slot, storages in sources(method).items():
        op, (source, *others) = slot.owner, storages
        if others or source is None or source is slot or not isinstance(op, memory.PlannedOp):
            continue
        owner, type = source.owner, memory.tensor_of(slot)
        assert isinstance(owner, memory.PlannedOp) and type is not None, "both are planned"
        if position[source] > position[slot] or owner.place is None or op.place is None:
            continue
        offset = op.place[1] - owner.place[1]
        whole = memory.tensor_of(source)
        assert whole is not None, "storages are tensors"
        if not 0 <= offset <= memory.tensor_bytes(whole) - memory.tensor_bytes(type):
            continue
        if op.place[0] != owner.place[0] or op.is_state:
            continue
        view = memory.ViewOp(source, type, offset=offset, dynamic=op.dynamic is not None)
        view.user_name, view.device = op.user_name, op.device
        view.slot.name_hint = slot.name_hint
        Rewriter.replace_op(op, view)


def _recover_state(method: memory.MethodOp) -> None:
    """Mark the slots whose content of an earlier run is read: mutable buffers that start as 0."""
    for slot, storages in sources(method).items():
        op = memory.storage_of(slot)[0].owner
        if None in storages and isinstance(op, memory.PlannedOp) and op.initial is None:
            op.state = UnitAttr()


# --- tables -----------------------------------------------------------------------------------


def _list_op(value: Value, slots: Sequence[SSAValue | None]) -> memory.SlotOp:
    """The declaration of a list whose items are other slots."""
    match value:
        case IntList(items):
            return memory.IntListOp(_items(items, slots))
        case TensorList(items):
            return memory.TensorListOp(_items(items, slots))
        case OptionalTensorList(items):
            return memory.OptionalTensorListOp(
                [None if item < 0 else slots[item] for item in items]
            )
        case _:
            raise AssertionError(f"{value} refers to no slots")


def _items(items: Iterable[int], slots: Sequence[SSAValue | None]) -> list[SSAValue]:
    found = [slot for item in items if (slot := slots[item]) is not None]
    return found


def _hint(value: Value, index: int) -> str:
    """The name of a slot: the one that the program has for it, or its number in the table."""
    name = _user_name(value.extra_tensor_info) if isinstance(value, Tensor) else None
    plain = re.sub(r"[^0-9A-Za-z_]", "_", name or "")
    return plain if re.match(r"[A-Za-z_]", plain) else f"v{index}"


def _location(trace: FrameList) -> LocationAttr:
    """The location of a stack trace."""
    parts = [make_location(f.name, f.filename, max(0, f.lineno)) for f in trace.items]
    known = [part for part in parts if part is not UNKNOWN_LOC]
    if len(known) <= 1:
        return known[0] if known else UNKNOWN_LOC
    return FusedLoc(tuple(known), NoneAttr())


def _array(tensor: Tensor, data: memoryview) -> NDArray[Any]:
    """The bytes of a tensor as an array, its dims in the order in which they are stored."""
    dtype = BY_CODE[tensor.scalar_type].dtype
    shape = [tensor.sizes[dim] for dim in tensor.dim_order]
    if not prod(shape):
        return np.zeros(shape, dtype)
    return np.frombuffer(data, dtype).reshape(shape)


def _user_name(extra: ExtraTensorInfo | None) -> str | None:
    return (extra.fully_qualified_name or None) if extra is not None else None


def _tensor_device(extra: ExtraTensorInfo | None) -> str:
    return "" if extra is None else _device(extra.device_type, extra.device_index)


def _device(type: int, index: int) -> str:
    """The name of a device, empty for the CPU."""
    if (type, index) == (DeviceType.CPU, 0):
        return ""
    known = type in DeviceType.__members__.values()
    return f"{DeviceType(type).name.lower() if known else type}:{index}"


def _is_external(tensor: Tensor) -> bool:
    extra = tensor.extra_tensor_info
    return extra is not None and extra.location == TensorDataLocation.EXTERNAL


def _is_constant(tensor: Tensor) -> bool:
    return (
        tensor.data_buffer_idx > 0 and tensor.allocation_info is None and not _is_external(tensor)
    )
