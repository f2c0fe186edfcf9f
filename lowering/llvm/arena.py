"""Gives the roots of a planned region their places: in outputs, in the arena, in each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from xdsl.dialects.builtin import ArrayAttr
from xdsl.ir import Operation, SSAValue

from ...dialects import edge, kernel
from ...dialects.constant import element_bytes
from ...passes.planners import first_fit
from ...passes.planners.storage import Storage, arena_bytes
from .elementwise import is_elementwise
from .program_builder import aligned
from .roots import Planner, Root, anchor_of, source_of, with_halo
from .views import is_view


def write_places(planner: Planner) -> int:
    """Compute strides and offsets, and write the places; the arena's bytes."""
    places: dict[SSAValue, kernel.Placement] = {}
    for value, root in planner.roots.items():
        if root.halo is not None:
            planner.tensors[value] = with_halo(planner.tensors[value], root, root.halo)
    owners = _owners(planner)
    roots = _reuse_operands(planner, _lifetimes(planner, owners), owners)
    storages = [Storage(_bytes(planner, root), root.first, root.last) for root in roots]
    offsets = first_fit.plan(storages)
    for root, offset in zip(roots, offsets, strict=True):
        tensor = planner.tensors[root.value]
        halo = root.halo or ()
        begin = sum(pair[0] * stride for pair, stride in zip(halo, tensor.strides, strict=False))
        places[root.value] = kernel.Placement("arena", offset, begin, tensor.strides, halo)
    for value, root in planner.roots.items():
        strides = planner.tensors[value].strides
        if root.in_place_of is not None:
            number = places[root.in_place_of.value].number
            places[value] = kernel.Placement("arena", number, 0, strides)
        if root.ring:
            places[value] = kernel.Placement("ring", root.ring, 0, strides)
        if root.argument is not None:
            places[value] = kernel.Placement("argument", root.argument, 0, strides)
    for value in planner.roots:
        _place_in_parent(planner, value, places)
    for op in planner.block.ops:
        match op:
            case kernel.StepOp():
                op.properties["places"] = ArrayAttr(
                    [kernel.PlaceAttr(places[result]) for result in op.outputs]
                )
            case kernel.CopyOp():
                op.properties["place"] = kernel.PlaceAttr(places[op.result])
            case edge.CatOp():
                op.attributes["kernel.place"] = kernel.PlaceAttr(places[op.result])
            case _:
                pass
    return arena_bytes(storages, offsets)


def _place_in_parent(
    planner: Planner, value: SSAValue, places: dict[SSAValue, kernel.Placement]
) -> kernel.Placement:
    root = planner.roots[value]
    if value in places:
        return places[value]
    assert root.parent is not None
    whole = _place_in_parent(planner, root.parent, places)
    dim, begin = root.slot
    offset = whole.offset + begin * whole.strides[dim]
    places[value] = kernel.Placement(whole.base, whole.number, offset, whole.strides)
    return places[value]


def _owners(planner: Planner) -> dict[SSAValue, Root]:
    """For every value in the arena: the root whose memory it is in, through parents and views."""
    owners: dict[SSAValue, Root] = {}

    def top(root: Root) -> Root:
        while root.parent is not None:
            root = planner.roots[root.parent]
        return root

    for value in planner.tensors:
        source = source_of(value)
        if source in planner.roots:
            owners[value] = top(planner.roots[source])
    return owners


def _lifetimes(planner: Planner, owners: dict[SSAValue, Root]) -> list[Root]:
    """The roots that need memory in the arena, in order of their first use, with lifetimes."""
    found: dict[SSAValue, Root] = {}
    positions = {op: position for position, op in enumerate(planner.block.ops)}
    for step in planner.bands:
        # What runs together runs where its last step stands.
        last = step
        while last in planner.bands:
            last = planner.bands[last]
        positions[step] = positions[last]
    for op, position in positions.items():
        for value in (*_read_by(op), *op.results):
            root = owners.get(value)
            if root is None or root.argument is not None or root.ring or is_view(op):
                continue
            if root.value not in found:
                found[root.value] = root
                root.first = position
            root.last = max(root.last, position)
    return list(found.values())


def _reuse_operands(
    planner: Planner, roots: Sequence[Root], owners: dict[SSAValue, Root]
) -> list[Root]:
    """Let a step write its result over an operand that nothing reads later; the roots that are
    left."""
    kept: list[Root] = []
    holders: dict[SSAValue, Root] = {}
    """For every root the one whose memory it has."""
    for root in roots:
        operand = _overwritten(planner, root, owners, holders)
        if operand is None:
            holders[root.value] = root
            kept.append(root)
            continue
        holder = holders[operand.value]
        holders[root.value] = holder
        root.in_place_of = holder
        holder.last = root.last
    return kept


def _overwritten(
    planner: Planner,
    root: Root,
    owners: dict[SSAValue, Root],
    holders: dict[SSAValue, Root],
) -> Root | None:
    """The operand whose elements a step reads only where it then writes those of its result."""
    step = root.value.owner
    if not isinstance(step, kernel.StepOp) or root.value is not step.outputs[0] or root.halo:
        return None
    if step in planner.bands.values():
        # Steps before it read for later rows what it would write.
        return None
    anchor, _ = anchor_of(step)
    result = planner.tensors[root.value]
    readings: dict[SSAValue, list[tuple[SSAValue, Operation]]] = {}
    for op in step.body.block.ops:
        for value in op.operands:
            owner = owners.get(value)
            if owner is not None:
                readings.setdefault(owner.value, []).append((value, op))
    for value, uses in readings.items():
        operand = planner.roots[value]
        if (
            operand.argument is None
            and not operand.halo
            and holders[value].last == root.first
            and planner.tensors[value].element == result.element
            and planner.tensors[value].size == result.size
            and all(
                planner.tensors[use] == result and (op is not anchor or is_elementwise(op))
                for use, op in uses
            )
        ):
            return operand
    return None


def _read_by(op: Operation) -> Iterator[SSAValue]:
    yield from op.operands
    for region in op.regions:
        for inner in region.block.ops:
            yield from inner.operands


def _bytes(planner: Planner, root: Root) -> int:
    tensor = planner.tensors[root.value]
    halo = root.halo or [(0, 0)] * len(tensor.shape)
    sizes = (size + sum(pair) for size, pair in zip(tensor.shape, halo, strict=True))
    return aligned(prod(sizes) * element_bytes(tensor.element))
