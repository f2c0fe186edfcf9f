"""Batch normalization with given statistics, written as elementwise operations."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import Rewriter

from ...dialects import edge
from ...dialects.schema_op import SchemaOp
from .step import element_type, shape_of

BATCH_NORM = edge.OPERATORS["aten::_native_batch_norm_legit_no_training"]


def supports_batch_norm(op: Operation) -> str | None:
    """Why one is not taken; None if it is. The saved statistics are empty tensors."""
    assert isinstance(op, BATCH_NORM)
    if any(list(result.uses) for result in op.results[1:]):
        return "its saved statistics are used"
    for value in (*op.operands, op.results[0]):
        if element_type(value) != f32:
            return f"it is computed in f32 only, not with {element_type(value)}"
    return None


def write_out_batch_norms(block: Block) -> None:
    """Rewrite what convolutions did not take, so that it can be fused like all that is elementwise.

    ```mlir
    %y, %m, %v = edge._native_batch_norm_legit_no_training(%x, %w, %b, %mean, %var, …, eps = e)
    ```
    becomes `(%x - mean) * (rsqrt(var + e) * w) + b` with all of them seen as [C, 1, 1].
    """
    for op in list(block.ops):
        if isinstance(op, BATCH_NORM):
            _write_out(op, block)


def _write_out(op: SchemaOp, block: Block) -> None:
    x, like = op.operands[0], op.results[0].type
    shape = shape_of(x)
    column = [shape[1], *(1,) * (len(shape) - 2)]
    small = TensorType(f32, column)

    def add(new: SchemaOp) -> SSAValue:
        new.location = op.location
        block.insert_op_before(new, op)
        return new.results[0]

    def parameter(name: str) -> SSAValue | None:
        value = cast("SSAValue | None", op.operand_of(name))
        if value is None or len(column) == 1:
            return value
        return add(edge.ViewOp(value, column, result_types=[small]))

    mean, variance = parameter("running_mean"), parameter("running_var")
    weight, bias = parameter("weight"), parameter("bias")
    assert mean is not None and variance is not None
    epsilon = cast(float, op.value_of("eps"))
    raised = add(edge.AddScalarOp(variance, epsilon, result_types=[small]))
    scale = add(edge.RsqrtOp(raised, result_types=[small]))
    if weight is not None:
        scale = add(edge.MulTensorOp(scale, weight, result_types=[small]))
    result = add(edge.SubTensorOp(x, mean, result_types=[like]))
    result = add(edge.MulTensorOp(result, scale, result_types=[like]))
    if bias is not None:
        result = add(edge.AddTensorOp(result, bias, result_types=[like]))
    result.name_hint = op.results[0].name_hint
    op.results[0].replace_all_uses_with(result)
    Rewriter.erase_op(op)
