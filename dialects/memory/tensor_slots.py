"""Slots that hold a tensor."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType, UnitAttr, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    EqAttrConstraint,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.utils.exceptions import VerifyException

from .syntax import Slot
from .types import MAX_BYTES, SLOT, SlotType, tensor_bytes, tensor_of


class TensorSlotOp(IRDLOperation):
    """Base of the declarations of slots that hold a tensor.

    `user_name`: the name that the program carries for it. `dynamic`: its sizes may change up to
    the type's. `device`: where it is, `cuda:0`, if not on the CPU.
    """

    user_name = opt_prop_def(StringAttr)
    dynamic = opt_prop_def(UnitAttr)
    device = opt_prop_def(StringAttr)
    slot = result_def(SLOT)

    irdl_options = (ParsePropInAttrDict(),)

    @property
    def tensor(self) -> TensorType:
        """The type of the tensor."""
        type = tensor_of(self.slot)
        assert type is not None, "the verifier saw a tensor"
        return type

    def verify_(self) -> None:
        """Check that the slot holds a tensor."""
        if tensor_of(self.slot) is None:
            raise VerifyException(f"{self.name}: the slot holds {self.slot.type}, not a tensor")


@irdl_op_definition
class PlannedOp(TensorSlotOp):
    """A tensor in planned memory.

    `arena` and `offset` (bytes) are absent before planning. `state`: its content lives on between
    runs, as a mutable buffer's does; `initial`: it is state, and the key or constant of the bytes
    that it starts with.

    ```mlir
    %x = memory.planned "x" dynamic in 1 at 64 : !memory.slot<tensor<2x4xf32>>
    %k = memory.planned "cache" initial "cache" : !memory.slot<tensor<8x4xf32>>
    %s = memory.planned state in 1 at 96 : !memory.slot<tensor<4xf32>>
    ```
    """

    name = "memory.planned"

    state = opt_prop_def(UnitAttr)
    initial = opt_prop_def(Attribute)
    arena = opt_prop_def(IntegerAttr.constr(type=EqAttrConstraint(i64)))
    offset = opt_prop_def(IntegerAttr.constr(type=EqAttrConstraint(i64)))

    assembly_format = (
        "($user_name^)? (`dynamic` $dynamic^)? (`state` $state^)? (`initial` $initial^)?"
        " (`in` $arena^ `at` $offset)? attr-dict `:` type($slot)"
    )

    def __init__(
        self,
        type: TensorType,
        *,
        name: str | None = None,
        dynamic: bool = False,
        initial: Attribute | None = None,
        place: tuple[int, int] | None = None,
    ):
        """`place`: arena and byte offset."""
        super().__init__(
            properties={
                "user_name": None if name is None else StringAttr(name),
                "dynamic": UnitAttr() if dynamic else None,
                "initial": initial,
                "arena": None if place is None else IntegerAttr(place[0], i64),
                "offset": None if place is None else IntegerAttr(place[1], i64),
            },
            result_types=[SlotType(type)],
        )

    @property
    def is_state(self) -> bool:
        """Whether its content lives on between runs."""
        return self.state is not None or self.initial is not None

    @property
    def place(self) -> tuple[int, int] | None:
        """Arena and byte offset, None before planning."""
        if self.arena is None or self.offset is None:
            return None
        return self.arena.value.data, self.offset.value.data

    def verify_(self) -> None:
        """Check that the slot is a tensor and its place is whole."""
        super().verify_()
        if (self.arena is None) != (self.offset is None):
            raise VerifyException("memory.planned: arena and offset come together")
        if (place := self.place) is not None:
            arena, offset = place
            if arena < 1 or not 0 <= offset <= MAX_BYTES:
                raise VerifyException(
                    f"memory.planned: no arena {arena} at {offset}; arenas count from 1, bytes "
                    "from 0"
                )


@irdl_op_definition
class UnplannedOp(TensorSlotOp):
    """An input or output whose memory the caller supplies.

    ```mlir
    %x = memory.unplanned "x" dynamic : !memory.slot<tensor<2x4xf32>>
    ```
    """

    name = "memory.unplanned"

    assembly_format = "($user_name^)? (`dynamic` $dynamic^)? attr-dict `:` type($slot)"

    def __init__(self, type: TensorType, *, name: str | None = None, dynamic: bool = False):
        super().__init__(
            properties={
                "user_name": None if name is None else StringAttr(name),
                "dynamic": UnitAttr() if dynamic else None,
            },
            result_types=[SlotType(type)],
        )


@irdl_op_definition
class ConstantOp(TensorSlotOp):
    """A tensor of the program's constant segment.

    `value` is a key of the weights store or an `#edge.constant`. The slot may have another shape
    than the stored array, with as many bytes. A `user_name` that the program carries stands in
    the attributes.

    ```mlir
    %w = memory.constant "fc.weight" : !memory.slot<tensor<2x4xf32>>
    %c = memory.constant #edge.constant<"0x0000803F" : tensor<f32>> : !memory.slot<tensor<f32>>
    ```
    """

    name = "memory.constant"

    value = prop_def(Attribute)

    assembly_format = "$value attr-dict `:` type($slot)"

    def __init__(self, value: str | Attribute, type: TensorType):
        super().__init__(
            properties={"value": StringAttr(value) if isinstance(value, str) else value},
            result_types=[SlotType(type)],
        )


@irdl_op_definition
class ExternalOp(TensorSlotOp):
    """A constant whose bytes stand, under this name, in a data file (`.ptd`) beside the program.

    ```mlir
    %w = memory.external "fc.weight" : !memory.slot<tensor<2x4xf32>>
    ```
    """

    name = "memory.external"

    user_name = prop_def(StringAttr)

    assembly_format = "$user_name (`dynamic` $dynamic^)? attr-dict `:` type($slot)"

    def __init__(self, name: str, type: TensorType, *, dynamic: bool = False):
        super().__init__(
            properties={
                "user_name": StringAttr(name),
                "dynamic": UnitAttr() if dynamic else None,
            },
            result_types=[SlotType(type)],
        )


@irdl_op_definition
class ViewOp(TensorSlotOp):
    """A tensor in the storage of another one, `offset` bytes behind its start.

    The storage is planned, and the view gets its arena and offset; or it is a constant, and the
    view starts where it does (the format has no offsets into constants).

    ```mlir
    %v = memory.view %x : !memory.slot<tensor<8xf32>>
    %t = memory.view %x + 16 : !memory.slot<tensor<4xf32>>
    ```
    """

    name = "memory.view"

    source = operand_def(SLOT)
    offset = opt_prop_def(IntegerAttr.constr(type=EqAttrConstraint(i64)))

    assembly_format = (
        "custom<Slot>($source, type($source)) (`+` $offset^)? (`dynamic` $dynamic^)? attr-dict"
        " `:` type($slot)"
    )
    custom_directives = (Slot,)

    def __init__(
        self, source: SSAValue, type: TensorType, *, offset: int = 0, dynamic: bool = False
    ):
        super().__init__(
            operands=[source],
            properties={
                "offset": IntegerAttr(offset, i64) if offset else None,
                "dynamic": UnitAttr() if dynamic else None,
            },
            result_types=[SlotType(type)],
        )

    @property
    def byte_offset(self) -> int:
        """Bytes from the start of the source."""
        return 0 if self.offset is None else self.offset.value.data

    def verify_(self) -> None:
        """Check that the view lies inside its source."""
        super().verify_()
        type = self.tensor
        if (source := tensor_of(self.source)) is None:
            raise VerifyException(f"memory.view: the source is a {self.source.type}, not a tensor")
        if isinstance(self.source.owner, UnplannedOp | ExternalOp):
            raise VerifyException(
                "memory.view: the source's memory comes from outside, so the format cannot name "
                "a second tensor in it; plan the source or copy it"
            )
        if self.byte_offset < 0 or self.byte_offset + tensor_bytes(type) > tensor_bytes(source):
            raise VerifyException(
                f"memory.view: {tensor_bytes(type)} bytes at {self.byte_offset} do not lie inside "
                f"the {tensor_bytes(source)} bytes of {source}"
            )
        storage, offset = storage_of(self.slot)
        if offset and isinstance(storage.owner, ConstantOp):
            raise VerifyException(
                "memory.view: a view of a constant starts where the constant does; the format "
                "has no offsets into one"
            )


def storage_of(slot: SSAValue) -> tuple[SSAValue, int]:
    """The slot that owns the memory of a tensor slot, and the byte offset in it."""
    offset = 0
    while isinstance(slot.owner, ViewOp):
        offset += slot.owner.byte_offset
        slot = slot.owner.source
    return slot, offset
