"""Decides where every tensor of a grouped region lies: dim orders, halos, outputs, the arena."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, FixedBitwidthType, TensorType
from xdsl.ir import Attribute, Block, Operation, SSAValue

from ...dialects import delegate, edge, kernel
from ...dialects.edge.ops import ConstantOp, WeightOp
from ...dialects.layout import order_of
from ...dialects.schema_op import SchemaOp
from ...passes.planners.storage import Storage
from .elementwise import is_elementwise
from .families import family_of
from .family import Family, Halo, Order
from .program_builder import ALIGNMENT
from .step import Tensor, dense_strides, dense_tensor
from .views import is_view, view_of


@dataclass
class _Root:
    """A value with memory of its own: made by a step, a copy or a concatenation.

    `parent` is the concatenation in whose memory it lies, `offset` elements from its begin.
    `argument` is the output of the region that it is.
    """

    value: SSAValue
    order: Order
    halo: Halo | None = None
    parent: SSAValue | None = None
    slot: tuple[int, int] = (0, 0)
    """The dim of the concatenation, and where in it the value begins."""
    argument: int | None = None
    first: int = -1
    last: int = -1
    in_place_of: _Root | None = None
    """The root whose memory it takes over, element by element."""


@dataclass
class _Planner:
    region: delegate.RegionOp
    roots: dict[SSAValue, _Root] = field(default_factory=dict[SSAValue, _Root])
    tensors: dict[SSAValue, Tensor] = field(default_factory=dict[SSAValue, Tensor])

    @property
    def block(self) -> Block:
        return self.region.body.block


def place_tensors(region: delegate.RegionOp) -> int:
    """Give every result of a step a place, adding copies where one is needed; the arena's bytes.

    Raises nothing: every tensor can be placed.
    """
    planner = _Planner(region)
    _choose_orders(planner)
    _place_outputs(planner)
    _place_pieces(planner)
    _place_halos(planner)
    return _write_places(planner)


def order_of_type(type: Attribute) -> Order:
    """The dim order in which a tensor enters or leaves a region."""
    return order_of(cast("TensorType[Attribute]", type))


def is_constant(value: SSAValue) -> bool:
    """Whether a value is known at compile time: a weight, a constant, or a view of one."""
    owner = value.owner
    if isinstance(owner, WeightOp | ConstantOp):
        return True
    return isinstance(owner, Operation) and is_view(owner) and is_constant(owner.operands[0])


# --- orders ---------------------------------------------------------------------------------------


def _choose_orders(planner: _Planner) -> None:
    """Choose the dim order of every result, and copy operands that lie wrongly."""
    block, tensors = planner.block, planner.tensors
    for argument in block.args:
        tensors[argument] = dense_tensor(argument.type, order_of_type(argument.type))
    for op in list(block.ops):
        match op:
            case WeightOp() | ConstantOp():
                tensors[op.result] = dense_tensor(op.result.type)
            case kernel.StepOp():
                _order_step(planner, op)
            case edge.CatOp():
                order = _memory_order(_widest(planner, op))
                _add_root(planner, op.result, order)
            case delegate.YieldOp():
                pass
            case _:
                assert is_view(op), op.name
                if is_constant(op.results[0]):
                    tensors[op.results[0]] = dense_tensor(op.results[0].type)
                    continue
                view = view_of(op, tensors[op.operands[0]])
                if view is None:
                    copied = _copy(planner, op, op.operands[0], None)
                    op.operands[0] = copied
                    view = view_of(op, tensors[copied])
                    assert view is not None
                tensors[op.results[0]] = view[0]


def _order_step(planner: _Planner, step: kernel.StepOp) -> None:
    anchor, family = anchor_of(step)
    tensors = planner.tensors
    for index, operand in enumerate(anchor.operands):
        if is_constant(operand):
            continue
        order = family.input_order(anchor, operand, tensors[operand])
        if order is not None:
            anchor.operands[index] = _copy(planner, step, operand, order)
    inputs = [tensors[operand] for operand in anchor.operands]
    order = family.output_order(anchor, inputs)
    for number, (inner, outer) in enumerate(zip(anchor.results, step.outputs, strict=True)):
        rank = len(cast("TensorType[Attribute]", inner.type).get_shape())
        _add_root(planner, outer, order if number == 0 else tuple(range(rank)))
    _copy_extras(planner, step, anchor, order)


def _copy_extras(planner: _Planner, step: kernel.StepOp, anchor: SchemaOp, order: Order) -> None:
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
                op.operands[index] = _copy(planner, step, operand, order)


def anchor_of(step: kernel.StepOp) -> tuple[SchemaOp, Family]:
    """The first operation of a step, and the family that runs it."""
    anchor = step.body.block.first_op
    assert isinstance(anchor, SchemaOp)
    family = family_of(anchor)
    assert family is not None, anchor.name
    return anchor, family


def _add_root(planner: _Planner, value: SSAValue, order: Order) -> None:
    planner.roots[value] = _Root(value, order)
    planner.tensors[value] = dense_tensor(value.type, order)


def _copy(planner: _Planner, before: Operation, source: SSAValue, order: Order | None) -> SSAValue:
    """A copy of a value in a dim order (row-major: None), made before an operation."""
    rank = len(planner.tensors[source].shape)
    order = tuple(range(rank)) if order is None else order
    op = kernel.CopyOp(source, kernel.PlaceAttr(kernel.Placement("arena", 0, 0, ())))
    op.location = before.location
    planner.block.insert_op_before(op, before)
    _add_root(planner, op.result, order)
    return op.result


def _memory_order(tensor: Tensor) -> Order:
    """The dims of a tensor by their strides, outermost first."""
    dims = range(len(tensor.shape))
    return tuple(
        sorted(dims, key=lambda d: (tensor.shape[d] > 1, -abs(tensor.strides[d])))
        if any(tensor.strides)
        else dims
    )


def _widest(planner: _Planner, op: edge.CatOp) -> Tensor:
    """The largest operand of a concatenation that is computed, which decides about its order."""
    computed = [v for v in op.operands if not is_constant(v)] or list(op.operands)
    return max((planner.tensors[v] for v in computed), key=lambda tensor: tensor.size)


# --- where roots lie ------------------------------------------------------------------------------


def _place_outputs(planner: _Planner) -> None:
    """Let what computes an output write it in the output's memory; copy what cannot."""
    last = planner.block.last_op
    assert isinstance(last, delegate.YieldOp)
    inputs = len(planner.block.args)
    for index, value in enumerate(last.values):
        wanted = dense_tensor(value.type, order_of_type(value.type))
        root = planner.roots.get(_source(value))
        if (
            root is not None
            and root.argument is None
            and _root_strides(planner.tensors[value], wanted)
            and planner.tensors[root.value].size == wanted.size
            and _is_dense(planner.tensors[root.value])
        ):
            root.argument = inputs + index
            continue
        copied = _copy(planner, last, value, order_of_type(value.type))
        planner.roots[copied].argument = inputs + index
        last.operands[index] = copied


def _source(value: SSAValue) -> SSAValue:
    """What a value is a view of, or itself."""
    while isinstance(value.owner, Operation) and is_view(value.owner):
        value = value.owner.operands[0]
    return value


def _root_strides(tensor: Tensor, wanted: Tensor) -> bool:
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


def _place_pieces(planner: _Planner) -> None:
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
                and _fits_users(planner, operand, _piece(planner.tensors[operand], whole))
            ):
                root.parent, root.slot = op.result, (dim, begin)
            begin += size


def _piece(piece: Tensor, whole: Tensor) -> Tensor:
    return Tensor(piece.element, piece.shape, whole.strides)


def _place_halos(planner: _Planner) -> None:
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
                if _fits_users(
                    planner, operand, _with_halo(planner.tensors[operand], root, merged)
                ):
                    root.halo = merged
                    continue
            copied = _copy(planner, op, operand, _memory_order(planner.tensors[operand]))
            planner.roots[copied].halo = halo
            anchor.operands[index] = copied


def _merge_halos(a: Halo | None, b: Halo) -> Halo:
    if a is None:
        return b
    return tuple((max(x[0], y[0]), max(x[1], y[1])) for x, y in zip(a, b, strict=True))


def _with_halo(tensor: Tensor, root: _Root, halo: Halo) -> Tensor:
    padded = [size + sum(pair) for size, pair in zip(tensor.shape, halo, strict=True)]
    return Tensor(tensor.element, tensor.shape, dense_strides(padded, root.order))


def _fits_users(planner: _Planner, value: SSAValue, tensor: Tensor) -> bool:
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


# --- the arena ------------------------------------------------------------------------------------


def _write_places(planner: _Planner) -> int:
    """Compute strides and offsets, and write the places; the arena's bytes."""
    places: dict[SSAValue, kernel.Placement] = {}
    order = [value for value in planner.roots if planner.roots[value].parent is None]
    for value in order:
        root, tensor = planner.roots[value], planner.tensors[value]
        if root.halo is not None:
            planner.tensors[value] = _with_halo(tensor, root, root.halo)
    owners = _owners(planner)
    roots = _reuse_operands(planner, _lifetimes(planner, owners), owners)
    storages = [Storage(_bytes(planner, root), root.first, root.last) for root in roots]
    offsets = first_fit(storages)
    for root, offset in zip(roots, offsets, strict=True):
        tensor = planner.tensors[root.value]
        halo = root.halo or ()
        begin = sum(pair[0] * stride for pair, stride in zip(halo, tensor.strides, strict=False))
        places[root.value] = kernel.Placement("arena", offset, begin, tensor.strides, halo)
    for value, root in planner.roots.items():
        kept = root
        while kept.in_place_of is not None:
            kept = kept.in_place_of
        if kept is not root:
            strides = planner.tensors[value].strides
            places[value] = kernel.Placement("arena", places[kept.value].number, 0, strides)
        if root.argument is not None:
            strides = planner.tensors[value].strides
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
    return max((s.padded + o for s, o in zip(storages, offsets, strict=True)), default=0)


def _place_in_parent(
    planner: _Planner, value: SSAValue, places: dict[SSAValue, kernel.Placement]
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


def _owners(planner: _Planner) -> dict[SSAValue, _Root]:
    """For every value in the arena: the root whose memory it is in, through parents and views."""
    owners: dict[SSAValue, _Root] = {}

    def top(root: _Root) -> _Root:
        while root.parent is not None:
            root = planner.roots[root.parent]
        return root

    for value in planner.tensors:
        source = _source(value)
        if source in planner.roots:
            owners[value] = top(planner.roots[source])
    return owners


def _lifetimes(planner: _Planner, owners: dict[SSAValue, _Root]) -> list[_Root]:
    """The roots that need memory in the arena, in order of their first use, with lifetimes."""
    found: dict[SSAValue, _Root] = {}
    for position, op in enumerate(planner.block.ops):
        for value in (*_read_by(op), *op.results):
            root = owners.get(value)
            if root is None or root.argument is not None or is_view(op):
                continue
            if root.value not in found:
                found[root.value] = root
                root.first = position
            root.last = position
    return list(found.values())


def _reuse_operands(
    planner: _Planner, roots: Sequence[_Root], owners: dict[SSAValue, _Root]
) -> list[_Root]:
    """Let a step write its result over an operand that nothing reads later; the roots that are
    left."""
    kept: list[_Root] = []
    holders: dict[SSAValue, _Root] = {}
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
    planner: _Planner,
    root: _Root,
    owners: dict[SSAValue, _Root],
    holders: dict[SSAValue, _Root],
) -> _Root | None:
    """The operand whose elements a step reads only where it then writes those of its result."""
    step = root.value.owner
    if not isinstance(step, kernel.StepOp) or root.value is not step.outputs[0] or root.halo:
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


def _bytes(planner: _Planner, root: _Root) -> int:
    tensor = planner.tensors[root.value]
    shape = list(tensor.shape)
    if root.halo is not None:
        shape = [size + sum(pair) for size, pair in zip(shape, root.halo, strict=True)]
    elements = 1
    for size in shape:
        elements *= size
    size = elements * element_bytes(tensor.element)
    return -(-size // ALIGNMENT) * ALIGNMENT


def element_bytes(element: Attribute) -> int:
    """The bytes of an element in memory; a bool takes one."""
    assert isinstance(element, FixedBitwidthType)
    return max(1, element.bitwidth // 8)


def first_fit(storages: Sequence[Storage]) -> list[int]:
    """Offsets in order of first use, each the lowest that is free: memory that was just given back
    is still in the cache."""
    offsets: list[int] = []
    for number, storage in enumerate(storages):
        taken = sorted(
            (offsets[i], offsets[i] + other.size)
            for i, other in enumerate(storages[:number])
            if other.last >= storage.first and other.first <= storage.last
        )
        offset = 0
        for begin, end in taken:
            if begin - offset >= storage.size:
                break
            offset = max(offset, end)
        offsets.append(offset)
    return offsets
