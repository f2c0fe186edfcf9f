"""Chooses the dim order of every result of a grouped region, and copies what lies wrongly."""

from __future__ import annotations

from ...dialects import delegate, edge, kernel
from ...dialects.edge.ops import ConstantOp, WeightOp
from ...dialects.layout import order_of
from ...dialects.schema_op import SchemaOp
from .family import Order
from .roots import (
    Planner,
    add_root,
    anchor_of,
    copy_before,
    is_constant,
)
from .step import Tensor, dense_tensor, shape_of, tensor_type
from .views import is_view, view_of


def choose_orders(planner: Planner) -> None:
    """Choose the dim order of every result, and copy operands that lie wrongly."""
    block, tensors = planner.block, planner.tensors
    for argument in block.args:
        tensors[argument] = dense_tensor(argument.type, order_of(tensor_type(argument)))
    for op in list(block.ops):
        match op:
            case WeightOp() | ConstantOp():
                tensors[op.result] = dense_tensor(op.result.type)
            case kernel.StepOp():
                _order_step(planner, op)
            case edge.CatOp():
                order = _widest(planner, op).memory_order
                add_root(planner, op.result, order)
            case delegate.YieldOp():
                pass
            case _:
                assert is_view(op), op.name
                if is_constant(op.results[0]):
                    tensors[op.results[0]] = dense_tensor(op.results[0].type)
                    continue
                view = view_of(op, tensors[op.operands[0]])
                if view is None:
                    copied = copy_before(planner, op, op.operands[0], None)
                    op.operands[0] = copied
                    view = view_of(op, tensors[copied])
                    assert view is not None
                tensors[op.results[0]] = view[0]


def _order_step(planner: Planner, step: kernel.StepOp) -> None:
    anchor, family = anchor_of(step)
    tensors = planner.tensors
    for index, operand in enumerate(anchor.operands):
        if is_constant(operand):
            continue
        order = family.input_order(anchor, operand, tensors[operand])
        if order is not None:
            anchor.operands[index] = copy_before(planner, step, operand, order)
    inputs = [tensors[operand] for operand in anchor.operands]
    order = family.output_order(anchor, inputs)
    for number, (inner, outer) in enumerate(zip(anchor.results, step.outputs, strict=True)):
        add_root(planner, outer, tuple(range(len(shape_of(inner)))) if number else order)
    _copy_extras(planner, step, anchor, order)


def _copy_extras(planner: Planner, step: kernel.StepOp, anchor: SchemaOp, order: Order) -> None:
    """Copy what fused operations would read with a stride along the innermost dim."""
    output = planner.tensors[step.outputs[0]]
    if not order:
        return
    for op in step.body.block.ops:
        if op is anchor or isinstance(op, kernel.YieldOp):
            continue
        for index, operand in enumerate(op.operands):
            tensor = planner.tensors.get(operand)
            if tensor is None or is_constant(operand):
                continue
            strides = tensor.broadcast(output.shape)
            inner = next((d for d in reversed(order) if output.shape[d] > 1), order[-1])
            if strides[inner] not in (0, 1) and tensor.size == output.size:
                op.operands[index] = copy_before(planner, step, operand, order)


def _widest(planner: Planner, op: edge.CatOp) -> Tensor:
    """The largest operand of a concatenation that is computed, which decides about its order."""
    computed = [v for v in op.operands if not is_constant(v)] or list(op.operands)
    return max((planner.tensors[v] for v in computed), key=lambda tensor: tensor.size)
