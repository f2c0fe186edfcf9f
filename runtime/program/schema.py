"""The tables of the ExecuTorch program format as dataclasses that carry their own wire layout.

Each class is one flatbuffer table. A field's annotation holds its `Slot`: the vtable slot number
and the kind of what stands there; reader and writer are written once against `layout_of`. The
classes differ from the wire in one point: the union wrappers `EValue` and `Instruction` are gone,
and the union member stands directly in its list.

A field whose default is None may be absent in a file; other absent fields read as their default,
unless the slot is `required`. Enumerated fields are plain ints, named by the `IntEnum`s here.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import IntEnum
from functools import cache
from typing import Annotated, Any, TypeAlias, get_type_hints

BytesLike: TypeAlias = bytes | bytearray | memoryview
"""Payload bytes; what the reader returns are read-only views into the file."""


SCALAR_CODES = {
    "bool": "?",
    "i8": "b",
    "u8": "B",
    "i32": "i",
    "u32": "I",
    "i64": "q",
    "u64": "Q",
    "f64": "d",
}
"""The scalar kinds, with their type codes in `struct` and numpy (all little-endian)."""


@dataclass(frozen=True)
class Union:
    """A union kind: the wrapper table that holds (type, value), and the table of each type."""

    wrapper: str
    members: Mapping[int, type]


Kind: TypeAlias = str | type | Union


@dataclass(frozen=True)
class Slot:
    """Where and how a field is stored.

    `kind` is a scalar (`i8 u8 i32 u32 i64 u64 f64 bool`), `string`, `bytes` (a byte vector taken as
    one payload, aligned to `alignment`), a table class or a `Union`; `vector` says a vector of it.
    A missing `required` field makes the file malformed.
    """

    number: int
    kind: Kind
    vector: bool = False
    required: bool = False
    alignment: int = 1


@dataclass(frozen=True)
class Field:
    """One field of a table: its Python name, its slot, and what an absent one reads as."""

    name: str
    slot: Slot
    default: Any

    def missing(self) -> Any:
        """The value of the field where the file does not store it."""
        return self.default() if callable(self.default) else self.default


@cache
def layout_of(table: type) -> tuple[Field, ...]:
    """The fields of a table class, in constructor order."""
    hints = get_type_hints(table, include_extras=True)
    return tuple(
        Field(f.name, hints[f.name].__metadata__[0], _absent(f.default, f.default_factory))
        for f in fields(table)
    )


def _absent(default: Any, factory: Any) -> Any:
    return factory if factory is not MISSING else default


def _ints() -> list[int]:
    return []


class ShapeDynamism(IntEnum):
    """What a tensor's stored sizes are: exact, an upper bound, or unknown (no loader takes it)."""

    STATIC = 0
    DYNAMIC_BOUND = 1
    DYNAMIC_UNBOUND = 2


class DataLocation(IntEnum):
    """Where a delegate's payload is: in the flatbuffer, or in a segment of its own."""

    INLINE = 0
    SEGMENT = 1


class TensorDataLocation(IntEnum):
    """Where a tensor's bytes are: in this file, or in a data file beside it (by name)."""

    SEGMENT = 0
    EXTERNAL = 1


class DeviceType(IntEnum):
    """The device that holds an arena or a tensor."""

    CPU = 0
    CUDA = 1


# --- values ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Null:
    """None."""


@dataclass(slots=True)
class Int:
    """An int slot: a literal, or a run-time scalar that instructions overwrite."""

    int_val: Annotated[int, Slot(0, "i64")] = 0


@dataclass(slots=True)
class Bool:
    """A bool slot."""

    bool_val: Annotated[bool, Slot(0, "bool")] = False


@dataclass(slots=True)
class Double:
    """A float slot."""

    double_val: Annotated[float, Slot(0, "f64")] = 0.0


@dataclass(slots=True)
class String:
    """A str slot."""

    string_val: Annotated[str, Slot(0, "string", required=True)] = ""


@dataclass(slots=True)
class AllocationDetails:
    """A planned tensor's place: `memory_id` counts arenas from 1, the offset is in bytes."""

    memory_id: Annotated[int, Slot(0, "u32")] = 0
    memory_offset_low: Annotated[int, Slot(1, "u32")] = 0
    memory_offset_high: Annotated[int, Slot(2, "u32")] = 0

    @classmethod
    def at(cls, memory_id: int, offset: int) -> "AllocationDetails":
        """The place `offset` bytes into arena `memory_id`."""
        return cls(memory_id, offset & 0xFFFFFFFF, offset >> 32)

    @property
    def memory_offset(self) -> int:
        """The 64-bit byte offset in the arena."""
        return self.memory_offset_high << 32 | self.memory_offset_low


@dataclass(slots=True)
class ExtraTensorInfo:
    """What few tensors have: a name (for external data and get_attribute) and a device."""

    mutable_data_segments_idx: Annotated[int, Slot(0, "u64")] = 0
    fully_qualified_name: Annotated[str | None, Slot(1, "string")] = None
    location: Annotated[int, Slot(2, "i8")] = TensorDataLocation.SEGMENT
    device_type: Annotated[int, Slot(3, "i8")] = DeviceType.CPU
    device_index: Annotated[int, Slot(4, "i8")] = 0


@dataclass(slots=True)
class Tensor:
    """A tensor slot. `data_buffer_idx` and `allocation_info` together say what it is.

    Index, no allocation: constant. Allocation, no index: planned. Both: planned, with initial
    bytes from the mutable segment. Neither: data supplied later (unplanned input or output).
    `sizes` are upper bounds where `shape_dynamism` says so; `dim_order` is outermost first.
    """

    scalar_type: Annotated[int, Slot(0, "i8")] = 0
    storage_offset: Annotated[int, Slot(1, "i32")] = 0
    sizes: Annotated[list[int], Slot(2, "i32", vector=True, required=True)] = field(
        default_factory=_ints
    )
    dim_order: Annotated[list[int], Slot(3, "u8", vector=True, required=True)] = field(
        default_factory=_ints
    )
    requires_grad: Annotated[bool, Slot(4, "bool")] = False
    data_buffer_idx: Annotated[int, Slot(5, "u32")] = 0
    allocation_info: Annotated[AllocationDetails | None, Slot(6, AllocationDetails)] = None
    layout: Annotated[int, Slot(7, "i8")] = 0
    shape_dynamism: Annotated[int, Slot(8, "i8")] = ShapeDynamism.STATIC
    extra_tensor_info: Annotated[ExtraTensorInfo | None, Slot(9, ExtraTensorInfo)] = None


@dataclass(slots=True)
class IntList:
    """An int[] value; the items are indices of Int slots, not ints."""

    items: Annotated[list[int], Slot(0, "i64", vector=True, required=True)] = field(
        default_factory=_ints
    )


@dataclass(slots=True)
class DoubleList:
    """A float[] value; the items are the floats themselves."""

    items: Annotated[list[float], Slot(0, "f64", vector=True, required=True)] = field(
        default_factory=list[float]
    )


@dataclass(slots=True)
class BoolList:
    """A bool[] value; the items are the bools themselves."""

    items: Annotated[list[bool], Slot(0, "bool", vector=True, required=True)] = field(
        default_factory=list[bool]
    )


@dataclass(slots=True)
class TensorList:
    """A Tensor[] value; the items are indices of Tensor slots earlier in the table."""

    items: Annotated[list[int], Slot(0, "i32", vector=True, required=True)] = field(
        default_factory=_ints
    )


@dataclass(slots=True)
class OptionalTensorList:
    """A Tensor?[] value; an item of -1, or the index of a Null slot, is None."""

    items: Annotated[list[int], Slot(0, "i32", vector=True, required=True)] = field(
        default_factory=_ints
    )


Value: TypeAlias = (
    Null
    | Int
    | Bool
    | Double
    | Tensor
    | String
    | IntList
    | DoubleList
    | BoolList
    | TensorList
    | OptionalTensorList
)

KERNEL_TYPES = Union(
    "EValue",
    {
        1: Null,
        2: Int,
        3: Bool,
        4: Double,
        5: Tensor,
        6: String,
        7: IntList,
        8: DoubleList,
        9: BoolList,
        10: TensorList,
        11: OptionalTensorList,
    },
)


# --- instructions ---------------------------------------------------------------------------------


@dataclass(slots=True)
class KernelCall:
    """Call `operators[op_index]`; `args` are value indices: schema arguments, outs, return slot."""

    op_index: Annotated[int, Slot(0, "i32")] = 0
    args: Annotated[list[int], Slot(1, "i32", vector=True, required=True)] = field(
        default_factory=_ints
    )


@dataclass(slots=True)
class DelegateCall:
    """Call `delegates[delegate_index]`; `args` are value indices: inputs, then outputs."""

    delegate_index: Annotated[int, Slot(0, "i32")] = 0
    args: Annotated[list[int], Slot(1, "i32", vector=True, required=True)] = field(
        default_factory=_ints
    )


@dataclass(slots=True)
class MoveCall:
    """`values[move_to] = values[move_from]`; a tensor slot is rebound, its data is not copied."""

    move_from: Annotated[int, Slot(0, "i32")] = 0
    move_to: Annotated[int, Slot(1, "i32")] = 0


@dataclass(slots=True)
class JumpFalseCall:
    """Go to an absolute instruction index of the same chain if the condition is false."""

    cond_value_index: Annotated[int, Slot(0, "i32")] = 0
    destination_instruction: Annotated[int, Slot(1, "i32")] = 0


@dataclass(slots=True)
class FreeCall:
    """Drop the data pointer of a tensor slot."""

    value_index: Annotated[int, Slot(0, "i32")] = 0


Instruction: TypeAlias = KernelCall | DelegateCall | MoveCall | JumpFalseCall | FreeCall

INSTRUCTION_ARGUMENTS = Union(
    "Instruction",
    {1: KernelCall, 2: DelegateCall, 3: MoveCall, 4: JumpFalseCall, 5: FreeCall},
)


# --- methods --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Frame:
    """One stack frame of the source that an instruction came from."""

    filename: Annotated[str, Slot(0, "string")] = ""
    lineno: Annotated[int, Slot(1, "i32")] = 0
    name: Annotated[str, Slot(2, "string")] = ""
    context: Annotated[str, Slot(3, "string")] = ""


@dataclass(slots=True)
class FrameList:
    """The stack trace of one instruction."""

    items: Annotated[list[Frame], Slot(0, Frame, vector=True)] = field(default_factory=list[Frame])


@dataclass(slots=True)
class Chain:
    """A sequence of instructions; `stacktrace`, where present, has one entry per instruction."""

    inputs: Annotated[list[int], Slot(0, "i32", vector=True)] = field(default_factory=_ints)
    outputs: Annotated[list[int], Slot(1, "i32", vector=True)] = field(default_factory=_ints)
    instructions: Annotated[
        list[Instruction], Slot(2, INSTRUCTION_ARGUMENTS, vector=True, required=True)
    ] = field(default_factory=list[Instruction])
    stacktrace: Annotated[list[FrameList] | None, Slot(3, FrameList, vector=True)] = None


@dataclass(slots=True)
class Operator:
    """An operator of a method's table; its lookup name is `name`, or `name.overload`."""

    name: Annotated[str, Slot(0, "string", required=True)] = ""
    overload: Annotated[str, Slot(1, "string")] = ""

    @property
    def full_name(self) -> str:
        """The name that kernels register under, `aten::add.out`."""
        return f"{self.name}.{self.overload}" if self.overload else self.name


@dataclass(slots=True)
class CompileSpec:
    """One compile option of a delegate, as its backend reads it."""

    key: Annotated[str, Slot(0, "string")] = ""
    value: Annotated[BytesLike, Slot(1, "bytes")] = b""


@dataclass(slots=True)
class BackendDelegateDataReference:
    """Where a delegate's payload is: an index into `backend_delegate_data` or `segments`."""

    location: Annotated[int, Slot(0, "i8")] = DataLocation.INLINE
    index: Annotated[int, Slot(1, "u32")] = 0


@dataclass(slots=True)
class BackendDelegate:
    """One delegated region: backend name, payload and options."""

    id: Annotated[str, Slot(0, "string", required=True)] = ""
    processed: Annotated[
        BackendDelegateDataReference, Slot(1, BackendDelegateDataReference, required=True)
    ] = field(default_factory=BackendDelegateDataReference)
    compile_specs: Annotated[list[CompileSpec], Slot(2, CompileSpec, vector=True)] = field(
        default_factory=list[CompileSpec]
    )


@dataclass(slots=True)
class ContainerMetadata:
    """The pytree structures of a method's inputs and outputs, in one of two textual forms."""

    encoded_inp_str: Annotated[str, Slot(0, "string")] = ""
    encoded_out_str: Annotated[str, Slot(1, "string")] = ""


@dataclass(slots=True)
class NonConstBufferDevice:
    """The device of one arena; `buffer_idx` counts from 1 as `memory_id` does."""

    buffer_idx: Annotated[int, Slot(0, "i32")] = 0
    device_type: Annotated[int, Slot(1, "i8")] = DeviceType.CPU
    device_index: Annotated[int, Slot(2, "i8")] = 0


@dataclass(slots=True)
class ExecutionPlan:
    """One method; `inputs` and `outputs` are value indices.

    `non_const_buffer_sizes` has the bytes of each arena by `memory_id`, so entry 0 is unused.
    """

    name: Annotated[str, Slot(0, "string", required=True)] = ""
    container_meta_type: Annotated[ContainerMetadata | None, Slot(1, ContainerMetadata)] = None
    values: Annotated[list[Value], Slot(2, KERNEL_TYPES, vector=True, required=True)] = field(
        default_factory=list[Value]
    )
    inputs: Annotated[list[int], Slot(3, "i32", vector=True, required=True)] = field(
        default_factory=_ints
    )
    outputs: Annotated[list[int], Slot(4, "i32", vector=True, required=True)] = field(
        default_factory=_ints
    )
    chains: Annotated[list[Chain], Slot(5, Chain, vector=True, required=True)] = field(
        default_factory=list[Chain]
    )
    operators: Annotated[list[Operator], Slot(6, Operator, vector=True)] = field(
        default_factory=list[Operator]
    )
    delegates: Annotated[
        list[BackendDelegate], Slot(7, BackendDelegate, vector=True, required=True)
    ] = field(default_factory=list[BackendDelegate])
    non_const_buffer_sizes: Annotated[list[int], Slot(8, "i64", vector=True, required=True)] = (
        field(default_factory=_ints)
    )
    non_const_buffer_device: Annotated[
        list[NonConstBufferDevice] | None, Slot(9, NonConstBufferDevice, vector=True)
    ] = None


# --- the program ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Buffer:
    """Inline constant data of old files; entry 0 of their table is reserved."""

    storage: Annotated[BytesLike, Slot(0, "bytes", alignment=16)] = b""


@dataclass(slots=True)
class BackendDelegateInlineData:
    """A delegate payload inside the flatbuffer."""

    data: Annotated[BytesLike, Slot(0, "bytes", alignment=16)] = b""


@dataclass(slots=True)
class DataSegment:
    """A segment's place: bytes from the segment base, and its size in bytes."""

    offset: Annotated[int, Slot(0, "u64")] = 0
    size: Annotated[int, Slot(1, "u64")] = 0


@dataclass(slots=True)
class SubsegmentOffsets:
    """The data items in one segment, by byte offset; item 0 is reserved ("no data")."""

    segment_index: Annotated[int, Slot(0, "u32")] = 0
    offsets: Annotated[list[int], Slot(1, "u64", vector=True)] = field(default_factory=_ints)


@dataclass(slots=True)
class NamedData:
    """A segment that delegates look up by key."""

    key: Annotated[str, Slot(0, "string", required=True)] = ""
    segment_index: Annotated[int, Slot(1, "u32")] = 0


@dataclass(slots=True)
class Program:
    """The root table: methods, and the tables that say which segment holds what."""

    version: Annotated[int, Slot(0, "u32")] = 0
    execution_plan: Annotated[
        list[ExecutionPlan], Slot(1, ExecutionPlan, vector=True, required=True)
    ] = field(default_factory=list[ExecutionPlan])
    constant_buffer: Annotated[list[Buffer], Slot(2, Buffer, vector=True)] = field(
        default_factory=list[Buffer]
    )
    backend_delegate_data: Annotated[
        list[BackendDelegateInlineData], Slot(3, BackendDelegateInlineData, vector=True)
    ] = field(default_factory=list[BackendDelegateInlineData])
    segments: Annotated[list[DataSegment], Slot(4, DataSegment, vector=True)] = field(
        default_factory=list[DataSegment]
    )
    constant_segment: Annotated[SubsegmentOffsets | None, Slot(5, SubsegmentOffsets)] = None
    mutable_data_segments: Annotated[
        list[SubsegmentOffsets] | None, Slot(6, SubsegmentOffsets, vector=True)
    ] = None
    named_data: Annotated[list[NamedData] | None, Slot(7, NamedData, vector=True)] = None
