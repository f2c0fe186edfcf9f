"""Reading back a method: its declarations, and what they share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    StringAttr,
    TensorType,
    UnitAttr,
)
from xdsl.ir import Attribute, Region, SSAValue

from ..dialects import memory
from ..dialects.layout import tensor_type
from ..runtime.program.schema import (
    Bool,
    BoolList,
    DeviceType,
    Double,
    DoubleList,
    ExecutionPlan,
    ExtraTensorInfo,
    Int,
    IntList,
    Null,
    OptionalTensorList,
    ShapeDynamism,
    String,
    Tensor,
    TensorDataLocation,
    TensorList,
    Value,
)
from ..runtime.program.tensor_size import tensor_nbytes
from .element_types import ELEMENTS
from .program_data import ProgramData, user_name
from .read_instructions import InstructionReader
from .recover_views import recover_state, recover_views
from .size_entry import without_sizes


class MethodReader:
    """Makes the method of one execution plan."""

    def __init__(self, plan: ExecutionPlan, data: ProgramData):
        self._plan = plan
        self._data = data
        self._types: dict[tuple[object, ...], TensorType[Attribute]] = {}
        self._constants: dict[int, SSAValue] = {}
        self._slots: list[SSAValue] = []

    def method(self) -> memory.MethodOp:
        """The method, with the views and the state that it was found to have."""
        plan = self._plan
        declarations = self._declarations()
        begin = memory.BeginOp(self._of(plan.inputs), self._of(plan.outputs))
        blocks = InstructionReader(plan, self._slots, self._data).blocks([*declarations, begin])
        container = plan.container_meta_type
        inputs = outputs = symbols = extents = None
        if container is not None:
            outputs = container.encoded_out_str or None
            inputs, symbols, extents = without_sizes(container.encoded_inp_str, len(plan.inputs))
            inputs = inputs or (None if outputs or extents is not None else "")
        sizes = [0, *plan.non_const_buffer_sizes[1:]]
        method = memory.MethodOp(
            plan.name,
            Region(blocks),
            arenas=sizes if len(sizes) > 1 else None,
            inputs=inputs,
            outputs=outputs,
        )
        method.symbols, method.sizes = symbols, extents
        devices = self._arena_devices(len(sizes))
        if any(devices):
            method.devices = ArrayAttr(map(StringAttr, devices))
        recover_views(method)
        recover_state(method)
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
        name = user_name(extra)
        dynamic = tensor.shape_dynamism != ShapeDynamism.STATIC
        place = tensor.allocation_info
        op: memory.PlannedOp | memory.UnplannedOp | memory.ExternalOp
        if extra is not None and extra.location == TensorDataLocation.EXTERNAL:
            self._data.external(name or "", tensor)
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
            element = ELEMENTS[tensor.scalar_type]
            self._types[key] = tensor_type(element, tensor.sizes, tensor.dim_order)
        return self._types[key]


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
    name = user_name(value.extra_tensor_info) if isinstance(value, Tensor) else None
    plain = re.sub(r"[^0-9A-Za-z_]", "_", name or "")
    return plain if re.match(r"[A-Za-z_]", plain) else f"v{index}"


def _tensor_device(extra: ExtraTensorInfo | None) -> str:
    return "" if extra is None else _device(extra.device_type, extra.device_index)


def _device(type: int, index: int) -> str:
    """The name of a device, empty for the CPU."""
    if (type, index) == (DeviceType.CPU, 0):
        return ""
    known = type in DeviceType.__members__.values()
    return f"{DeviceType(type).name.lower() if known else type}:{index}"
