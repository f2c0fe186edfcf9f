"""All operations that declare a slot of the value table."""

from typing import TypeAlias

from .tensor_slots import ConstantOp, ExternalOp, PlannedOp, UnplannedOp, ViewOp
from .value_slots import (
    BoolListOp,
    DoubleListOp,
    IntListOp,
    NullOp,
    OptionalTensorListOp,
    ScalarOp,
    StringOp,
    TensorListOp,
)

SlotOp: TypeAlias = (
    PlannedOp
    | UnplannedOp
    | ConstantOp
    | ExternalOp
    | ViewOp
    | ScalarOp
    | StringOp
    | NullOp
    | IntListOp
    | DoubleListOp
    | BoolListOp
    | TensorListOp
    | OptionalTensorListOp
)
"""The operations that declare a slot; each has one result, `slot`."""

SLOT_OPS: tuple[type[SlotOp], ...] = (
    PlannedOp,
    UnplannedOp,
    ConstantOp,
    ExternalOp,
    ViewOp,
    ScalarOp,
    StringOp,
    NullOp,
    IntListOp,
    DoubleListOp,
    BoolListOp,
    TensorListOp,
    OptionalTensorListOp,
)
