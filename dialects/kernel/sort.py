"""Sorting a row of keys."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr, IntegerType, i32, i64
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    prop_def,
    traits_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException

from .addressing import POINTER
from .types import element_type


@irdl_op_definition
class SortOp(IRDLOperation):
    """Bring the smallest `keep` of `count` keys to the front, in order, and their places with them.

    Keys are signed integers; equal ones keep their order. What stands behind the first `keep` is
    lost. The other two pointers are room for as many keys and places; each of the four areas has
    one element more than `count`, which may be read.

    ```mlir
    kernel.sort %keys, %places, %other_keys, %other_places {count = 1000 : i64, keep = 5 : i64}
        : !kernel.ptr<i32>, !kernel.ptr<i32>, !kernel.ptr<i32>, !kernel.ptr<i32>
    ```
    """

    name = "kernel.sort"

    keys = operand_def(POINTER)
    places = operand_def(POINTER)
    other_keys = operand_def(POINTER)
    other_places = operand_def(POINTER)
    count = prop_def(IntegerAttr)
    keep = prop_def(IntegerAttr)

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = (
        "$keys `,` $places `,` $other_keys `,` $other_places attr-dict"
        " `:` type($keys) `,` type($places) `,` type($other_keys) `,` type($other_places)"
    )
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    def __init__(
        self,
        keys: SSAValue,
        places: SSAValue,
        other_keys: SSAValue,
        other_places: SSAValue,
        count: int,
        keep: int,
    ) -> None:
        super().__init__(
            operands=[keys, places, other_keys, other_places],
            properties={"count": IntegerAttr(count, i64), "keep": IntegerAttr(keep, i64)},
        )

    def verify_(self) -> None:
        """Keys and places are integers, the room is for the same; some keys are kept."""
        key, place = element_type(self.keys.type), element_type(self.places.type)
        if not isinstance(key, IntegerType) or place != i32:
            raise VerifyException("kernel.sort: keys are integers, places are i32")
        if self.other_keys.type != self.keys.type or self.other_places.type != self.places.type:
            raise VerifyException("kernel.sort: the room has the types of keys and places")
        if not 0 < self.keep.value.data <= self.count.value.data:
            raise VerifyException("kernel.sort: it keeps from one to all of the keys")
