"""Decides where every tensor of a grouped region lies."""

from __future__ import annotations

from typing import cast

from xdsl.ir import SSAValue

from ...dialects import delegate, edge, kernel
from ...dialects.layout import order_of
from ...dialects.schema_op import SchemaOp
from .arena import write_places
from .bands import choose_bands
from .family import Halo, Order
from .orders import choose_orders
from .roots import (
    Planner,
    anchor_of,
    copy_before,
    is_constant,
    source_of,
    with_halo,
)
from .step import Tensor, dense_tensor, tensor_type
from .views import is_view, view_of


def place_tensors(region: delegate.RegionOp) -> int:
    """Give every result of a step a place, adding copies where one is needed; the arena's bytes.

    Raises nothing: every tensor can be placed.
    """
    planner = Planner(region)
    choose_orders(planner)
    _place_outputs(planner)
    _place_pieces(planner)
    _place_halos(planner)
    choose_bands(planner)
    return write_places(planner)


def _place_outputs(planner: Planner) -> None:
    """Let what computes an output write it in the output's memory; copy what cannot."""
    last = planner.block.last_op
    assert isinstance(last, delegate.YieldOp)
    inputs = len(planner.block.args)
    for index, value in enumerate(last.values):
        order = order_of(tensor_type(value))
        wanted = dense_tensor(value.type, order)
        root = planner.roots.get(source_of(value))
        if (
            root is not None
            and root.argument is None
            and _lies_like(planner.tensors[value], wanted)
            and planner.tensors[root.value].size == wanted.size
            and _is_dense(planner.tensors[root.value])
        ):
            root.argument = inputs + index
            continue
        copied = copy_before(planner, last, value, order)
        planner.roots[copied].argument = inputs + index
        last.operands[index] = copied


def _lies_like(tensor: Tensor, wanted: Tensor) -> bool:
    """Whether tensors of one shape have the same strides; dims of one element do not matter."""
    return all(
        size == 1 or a == b
        for size, a, b in zip(wanted.shape, tensor.strides, wanted.strides, strict=True)
    )


def _is_dense(tensor: Tensor) -> bool:
    step = 1
    for size, stride in sorted(
        zip(tensor.shape, tensor.strides, strict=True), key=lambda pair: (pair[1], pair[0])
    ):
        if size == 1:
            continue
        if stride != step:
            return False
        step *= size
    return True


def _place_pieces(planner: Planner) -> None:
    """Let what computes an operand of a concatenation write it in place."""
    for op in list(planner.block.ops):
        if not isinstance(op, edge.CatOp):
            continue
        dim = cast(int, op.value_of("dim")) % len(planner.tensors[op.result].shape)
        begin = 0
        whole = planner.tensors[op.result]
        for operand in op.operands:
            size = planner.tensors[operand].shape[dim]
            root = planner.roots.get(operand)
            if (
                root is not None
                and root.parent is None
                and root.argument is None
                and not isinstance(operand.owner, edge.CatOp)
                and _has_order(whole, planner.tensors[operand].shape, root.order)
                and _fits_users(planner, operand, _piece(planner.tensors[operand], whole))
            ):
                root.parent, root.slot = op.result, (dim, begin)
            begin += size


def _has_order(whole: Tensor, shape: tuple[int, ...], order: Order) -> bool:
    """Whether a piece would lie in the dim order in which its kernels write it."""
    strides = [whole.strides[dim] for dim in order if shape[dim] > 1]
    side_by_side = shape[order[-1]] == 1 or whole.strides[order[-1]] == 1
    return side_by_side and strides == sorted(strides, reverse=True)


def _piece(piece: Tensor, whole: Tensor) -> Tensor:
    return Tensor(piece.element, piece.shape, whole.strides)


def _place_halos(planner: Planner) -> None:
    """Put zeros around what convolutions read with padding; copy what cannot have them."""
    for op in list(planner.block.ops):
        if not isinstance(op, kernel.StepOp):
            continue
        anchor, family = anchor_of(op)
        for index, operand in enumerate(anchor.operands):
            halo = None if is_constant(operand) else family.halo(anchor, operand)
            if halo is None or not any(map(any, halo)):
                continue
            root = planner.roots.get(operand)
            if root is not None and root.parent is None and root.argument is None:
                merged = _merge_halos(root.halo, halo)
                if _fits_users(planner, operand, with_halo(planner.tensors[operand], root, merged)):
                    root.halo = merged
                    continue
            copied = copy_before(planner, op, operand, planner.tensors[operand].memory_order)
            planner.roots[copied].halo = halo
            anchor.operands[index] = copied


def _merge_halos(a: Halo | None, b: Halo) -> Halo:
    if a is None:
        return b
    return tuple((max(x[0], y[0]), max(x[1], y[1])) for x, y in zip(a, b, strict=True))


def _fits_users(planner: Planner, value: SSAValue, tensor: Tensor) -> bool:
    """Whether all users of a value could read it if it lay like this."""
    for use in value.uses:
        op = use.operation
        if is_view(op):
            view = view_of(op, tensor)
            if view is None or not _fits_users(planner, op.results[0], view[0]):
                return False
        elif isinstance(op, delegate.YieldOp):
            return False
        elif isinstance(op, SchemaOp) and isinstance(op.parent_op(), kernel.StepOp):
            step = op.parent_op()
            assert isinstance(step, kernel.StepOp)
            anchor, family = anchor_of(step)
            if op is anchor and family.input_order(anchor, value, tensor) is not None:
                return False
    return True
