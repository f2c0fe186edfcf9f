"""What a slot of the value table can hold."""

from __future__ import annotations

from math import prod
from typing import cast

from xdsl.dialects.builtin import NoneType, TensorType, f64, i1, i64
from xdsl.ir import ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import BaseAttr, irdl_attr_definition
from xdsl.utils.exceptions import VerifyException

from ..constant import element_bytes
from ..layout import layout_of, verify_tensor_layout

_MAX_SIZE = 2**31 - 1
"""The largest size in the program format."""
MAX_BYTES = 2**48
"""More than any memory has."""


@irdl_attr_definition
class StringType(ParametrizedAttribute, TypeAttribute):
    """A string: `!memory.string`."""

    name = "memory.string"


@irdl_attr_definition
class ListType(ParametrizedAttribute, TypeAttribute):
    """A list of numbers: `!memory.list<i64>`, `!memory.list<f64>` or `!memory.list<i1>`."""

    name = "memory.list"

    element: TypeAttribute

    def verify(self) -> None:
        """Refuse an element type for which the format has no list."""
        if self.element not in (i64, f64, i1):
            raise VerifyException(f"memory.list: no list of {self.element}; use i64, f64 or i1")


@irdl_attr_definition
class TensorsType(ParametrizedAttribute, TypeAttribute):
    """A list of tensors: `!memory.tensors`."""

    name = "memory.tensors"


@irdl_attr_definition
class OptionalTensorsType(ParametrizedAttribute, TypeAttribute):
    """A list of tensors and nones: `!memory.optional_tensors`."""

    name = "memory.optional_tensors"


@irdl_attr_definition
class SlotType(ParametrizedAttribute, TypeAttribute):
    """A handle of one slot of the value table: `!memory.slot<tensor<2x4xf32>>`.

    The content is a tensor whose sizes are upper bounds and whose dim order stands in its layout,
    `i64`, `f64`, `i1`, `none`, `!memory.string` or one of the list types.
    """

    name = "memory.slot"

    content: TypeAttribute

    def verify(self) -> None:
        """Refuse a content that the value table cannot hold."""
        content = self.content
        if isinstance(content, TensorType):
            type = cast(TensorType, content)
            if not type.has_static_shape() or layout_of(type).dims is not None:
                raise VerifyException(
                    f"memory.slot: {type} has sizes that are not known; a slot takes upper bounds"
                )
            verify_tensor_layout(type)
            if not all(0 <= size <= _MAX_SIZE for size in type.get_shape()):
                raise VerifyException(
                    f"memory.slot: {type} has a size that is not from 0 to {_MAX_SIZE}"
                )
            if tensor_bytes(type) > MAX_BYTES:
                raise VerifyException(f"memory.slot: {type} is larger than any memory")
        elif content not in (i64, f64, i1) and not isinstance(
            content, NoneType | StringType | ListType | TensorsType | OptionalTensorsType
        ):
            raise VerifyException(f"memory.slot: the value table cannot hold {content}")


def tensor_of(slot: SSAValue) -> TensorType | None:
    """The tensor type that a slot holds, None for every other slot."""
    content = cast(SlotType, slot.type).content
    return cast(TensorType, content) if isinstance(content, TensorType) else None


def is_number(slot: SSAValue) -> bool:
    """Whether a slot holds a number, a truth value or nothing, which instructions may overwrite."""
    content = cast(SlotType, slot.type).content
    return content in (i64, f64, i1) or isinstance(content, NoneType)


def tensor_bytes(type: TensorType) -> int:
    """The bytes of a dense tensor of this type."""
    return prod(type.get_shape()) * element_bytes(type.element_type)


SLOT = BaseAttr(SlotType)
"""Any slot, as an operand or a result."""
