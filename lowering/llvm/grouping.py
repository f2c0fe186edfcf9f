"""Which operations run as one step: elementwise ones join what computes their operands."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import f32
from xdsl.ir import Block, Operation, Region, SSAValue

from ...dialects import kernel
from ...dialects.schema_op import SchemaOp
from .elementwise import is_elementwise
from .families import family_of
from .step import element_type, shape_of

_LARGEST = 24
"""Operations in a step: more would not fit the registers."""
_EXTRAS = 6
"""Values that fused operations may read besides the first one's."""


def group_steps(block: Block) -> None:
    """Put the operations of a region that compute something into `kernel.step`s, in place.

    Elementwise operations whose results are used only by each other form one step; if one of them
    reads the result of an operation whose kernels can go on with it in registers, and nobody else
    does, that operation joins in front. A step stands where its last operation stood.
    """
    positions = {op: position for position, op in enumerate(block.ops)}
    grouped: set[Operation] = set()
    for op in reversed(list(block.ops)):
        if op in grouped or not isinstance(op, SchemaOp) or family_of(op) is None:
            continue
        members = _members(op) if is_elementwise(op) else {op: None}
        grouped.update(members)
        # What computes stands first, even if an elementwise one that does not need it came earlier.
        order = sorted(members, key=lambda op: (is_elementwise(op), positions[op]))
        _make_step(block, op, order)


def _members(root: SchemaOp) -> dict[Operation, None]:
    """The operations of the step that ends in `root`."""
    members: dict[Operation, None] = {root: None}
    waiting: list[Operation] = [root]
    while waiting and len(members) < _LARGEST:
        for operand in waiting.pop().operands:
            producer = operand.owner
            if (
                isinstance(producer, SchemaOp)
                and producer not in members
                and is_elementwise(producer)
                and shape_of(operand) == shape_of(root.results[0])
                and _used_only_by(operand, members)
                and len(_extras([*members, producer])) <= _EXTRAS
            ):
                members[producer] = None
                waiting.append(producer)
    front = _front(root, members)
    if front is not None:
        members[front] = None
    return members


def _used_only_by(value: SSAValue, members: dict[Operation, None]) -> bool:
    return all(use.operation in members for use in value.uses)


def _extras(members: Sequence[Operation]) -> set[SSAValue]:
    return {v for op in members for v in op.operands if v.owner not in members}


def _front(root: SchemaOp, members: dict[Operation, None]) -> SchemaOp | None:
    """The operation that computes and can go on with the members; the one with most inputs."""
    candidates: list[tuple[int, int, SchemaOp]] = []
    for number, value in enumerate(dict.fromkeys(v for op in members for v in op.operands)):
        op = value.owner
        if not isinstance(op, SchemaOp) or op in members or is_elementwise(op):
            continue
        family = family_of(op)
        if (
            family is not None
            and family.FUSES
            and value is op.results[0]
            and shape_of(value) == shape_of(root.results[0])
            and element_type(value) == element_type(root.results[0]) == f32
            and _used_only_by(value, members)
            and not any(list(result.uses) for result in op.results[1:])
        ):
            inputs = sum(len(shape_of(operand)) for operand in op.operands)
            candidates.append((-inputs, number, op))
    return min(candidates)[2] if candidates else None


def _make_step(block: Block, root: SchemaOp, ops: Sequence[Operation]) -> None:
    """Move operations (in order, `root` the last) into a step at the place of the last one."""
    first = ops[0]
    if first is root:
        results = list(root.results)
    else:
        results = [root.results[0], *first.results[1:]]
    anchor = root.next_op
    assert anchor is not None
    body = Block()
    for op in ops:
        op.detach()
        body.add_op(op)
    step = kernel.StepOp([result.type for result in results], Region(body))
    step.location = root.location
    block.insert_op_before(step, anchor)
    for inner, outer in zip(results, step.outputs, strict=True):
        inner.replace_all_uses_with(outer)
        outer.name_hint = inner.name_hint
    body.add_op(kernel.YieldOp(*results))
