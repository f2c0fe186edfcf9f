"""Which results are a block of their operand's memory, so that nothing need be computed."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute

from ..dialects import memory
from ..dialects.layout import layout_of
from ..dialects.schema_op import SchemaOp, is_schema_op
from ..passes.planners.storage import ALIGNMENT


def alias_offset(op: SchemaOp) -> int | None:
    """Where in its operand's memory the result lies, in bytes; None where it must be computed."""
    if not is_schema_op(op, "aten::view", "aten::slice.Tensor") or len(op.results) != 1:
        return None
    source = cast(TensorType[Attribute], op.operands[0].type)
    result = cast(TensorType[Attribute], op.results[0].type)
    if not source.has_static_shape() or not result.has_static_shape():
        # A tensor whose size changes needs a call that sets it.
        return None
    if layout_of(source).order is not None or layout_of(result).order is not None:
        return None
    if is_schema_op(op, "aten::view"):
        return 0
    if op.value_of("step") != 1:
        return None
    dim, start = cast(int, op.value_of("dim")), op.value_of("start")
    shape = source.get_shape()
    if any(size != 1 for size in shape[:dim]) or not isinstance(start, int):
        return None
    row = memory.tensor_bytes(result) // max(1, result.get_shape()[dim])
    return None if start * row % ALIGNMENT else start * row
