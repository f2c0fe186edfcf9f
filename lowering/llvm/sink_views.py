"""Moves views behind elementwise operations, so that these stand right behind what computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.rewriter import Rewriter

from ...dialects import edge
from ...dialects.schema_op import SchemaOp
from .elementwise import is_elementwise
from .step import element_type, shape_of

Shape = tuple[int, ...]


def sink_views(block: Block) -> None:
    """Rewrite `f(view(x), y)` to `view(f(x, view(y)))` where x was computed in the block.

    The view of y is the inverse one: it costs nothing. A view is a reshape or a permute.

    ```mlir
    %1 = edge.view(%0, size = [1, 16, 64])        %2 = edge.view(%r, size = [16, 64])
    %2 = edge.add.Tensor(%1, %r)              →   %3 = edge.add.Tensor(%0, %2)
                                                  %4 = edge.view(%3, size = [1, 16, 64])
    ```
    """
    for op in list(block.ops):
        if isinstance(op, SchemaOp) and is_elementwise(op):
            view = _sinkable(op)
            if view is not None:
                _sink(op, view)
    for op in reversed(list(block.ops)):
        if isinstance(op, edge.ViewOp | edge.PermuteOp) and op.result.first_use is None:
            Rewriter.erase_op(op)


def _sinkable(op: SchemaOp) -> SchemaOp | None:
    """The view to move behind an operation: of its own shape, of something computed here."""
    for operand in op.operands:
        view = operand.owner
        if not isinstance(view, edge.ViewOp | edge.PermuteOp):
            continue
        if shape_of(operand) != shape_of(op.results[0]) or not shape_of(operand):
            continue
        source = view.operands[0].owner
        if not isinstance(source, SchemaOp):
            continue
        if all(_inverse_type(view, other) is not None for other in op.operands):
            return view
    return None


def _inverse_type(view: SchemaOp, value: SSAValue) -> Shape | None:
    """The shape that a value, as an operand that broadcasts, has before the view; None if there is
    no such shape."""
    inner, outer, own = shape_of(view.operands[0]), shape_of(view.results[0]), shape_of(value)
    if isinstance(view, edge.PermuteOp):
        padded = (1,) * (len(outer) - len(own)) + own
        dims = cast("list[int]", view.value_of("dims"))
        return tuple(padded[dims.index(d)] for d in range(len(dims)))
    if own == outer:
        return inner
    if all(size == 1 for size in own):
        return ()
    common = 0
    while common < min(len(inner), len(outer)) and inner[-1 - common] == outer[-1 - common]:
        common += 1
    varying = len(own) - next(i for i, size in enumerate(own) if size != 1)
    return own[len(own) - varying :] if varying <= common else None


def _sink(op: SchemaOp, view: SchemaOp) -> None:
    source = view.operands[0]
    block = op.parent_block()
    assert block is not None
    new_ops: list[Operation] = []

    def inverse(value: SSAValue) -> SSAValue:
        if value.owner is view:
            return source
        shape = _inverse_type(view, value)
        assert shape is not None
        if shape == shape_of(value) and not isinstance(view, edge.PermuteOp):
            return value
        element = element_type(value)
        if isinstance(view, edge.PermuteOp):
            dims = cast("list[int]", view.value_of("dims"))
            if len(shape_of(value)) < len(dims):
                padded = (1,) * (len(dims) - len(shape_of(value))) + shape_of(value)
                value = _reshape(value, padded, element)
            inverted = [dims.index(d) for d in range(len(dims))]
            other = value.owner
            if isinstance(other, edge.PermuteOp) and other.value_of("dims") == dims:
                return other.operands[0]
            permute = edge.PermuteOp(value, inverted, result_types=[TensorType(element, shape)])
            new_ops.append(permute)
            return permute.result
        return _reshape(value, shape, element)

    def _reshape(value: SSAValue, shape: Sequence[int], element: Attribute) -> SSAValue:
        while isinstance(value.owner, edge.ViewOp):
            value = value.owner.operands[0]
        if shape_of(value) == tuple(shape):
            return value
        reshape = edge.ViewOp(value, list(shape), result_types=[TensorType(element, shape)])
        new_ops.append(reshape)
        return reshape.result

    element = element_type(op.results[0])
    moved = type(op).create(
        operands=[inverse(operand) for operand in op.operands],
        result_types=[TensorType(element, shape_of(source))],
        properties=dict(op.properties),
        attributes=dict(op.attributes),
    )
    behind = type(view).create(
        operands=[moved.results[0]],
        result_types=[op.results[0].type],
        properties=dict(view.properties),
    )
    new_ops += [moved, behind]
    for new in new_ops:
        new.location = op.location
    block.insert_ops_before(new_ops, op)
    op.results[0].replace_all_uses_with(behind.results[0])
    Rewriter.erase_op(op)
    if view.results[0].first_use is None:
        Rewriter.erase_op(view)
