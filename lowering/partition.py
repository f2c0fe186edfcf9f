"""Groups the operations that backends support into regions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.traits import is_side_effect_free
from xdsl.utils.exceptions import PassFailedException

from ..dialects.delegate import ASKED, REASON, RegionOp, YieldOp
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from ..dialects.edge.ops import ConstantOp, ToLayoutOp, WeightOp
from ..dialects.function import functions
from ..dialects.layout import ExprAttr, ExprsAttr, dims_of
from ..dialects.location import fuse_locations
from ..dialects.schema_op import SchemaOp
from ..passes.rewriting import is_edge_operator
from .alias_offset import alias_offset
from .backends import Backend, BackendError, Verdict, find_backend

_ONLY_A_VIEW = "a view that costs nothing outside of a region"


@dataclass(frozen=True)
class PartitionPass(ModulePass):
    """Group what the backends support into the largest convex regions.

    An operation goes to the first of the backends that supports it. Operations of one backend
    share a region unless a path between them leads through what the region does not have; so there
    are as few regions as the longest such path needs. Weights and constants are cloned into the
    regions that use them, mutable buffers stay outside. What no backend takes keeps the reasons as
    its attribute `delegate.reason`; views that cost nothing may stay too. With
    `require-full-delegation` it is an error if anything else stays.

    Before, with `partition{backend=numpy}`:
    ```mlir
    %0 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = edge.neg(%0) : (tensor<4xf32>) -> tensor<4xf32>
    %2 = edge.cumsum(%1, dim = 0) : (tensor<4xf32>) -> tensor<4xf32>
    ```
    After:
    ```mlir
    %0 = delegate.region "numpy"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %1 = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
      %2 = edge.neg(%1) : (tensor<4xf32>) -> tensor<4xf32>
      delegate.yield %2 : tensor<4xf32>
    }
    %3 = edge.cumsum(%0, dim = 0) attributes {delegate.reason = "numpy: …"} : …
    ```
    """

    name = "partition"

    backend: tuple[str, ...]
    require_full_delegation: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Partition every function, and the blocks inside of its operations."""
        try:
            backends = [find_backend(name) for name in dict.fromkeys(self.backend)]
        except BackendError as error:
            raise PassFailedException(f"partition: {error}") from error
        for function in functions(op):
            for block in list(_blocks(function)):
                _partition(block, backends)
            _erase_unused_constants(function)
        op.attributes[ASKED] = ArrayAttr(StringAttr(backend.name) for backend in backends)
        if self.require_full_delegation:
            left = [leftover for f in functions(op) for leftover in leftovers(f)]
            if left:
                raise DiagnosticsError([_not_delegated(operation) for operation in left])


def leftovers(function: FuncOp) -> Iterator[Operation]:
    """The operations that no backend took and that cost something at run time."""
    for block in _blocks(function):
        for op in block.ops:
            if is_candidate(op) and not costs_nothing(op):
                yield op


def is_candidate(op: Operation) -> bool:
    """Whether backends are asked for an operation: operators, and changes of the layout."""
    return is_edge_operator(op) or isinstance(op, ToLayoutOp)


def costs_nothing(op: Operation) -> bool:
    """Whether an operation is a view of its operand's memory, for which no instruction runs."""
    return isinstance(op, SchemaOp) and alias_offset(op) is not None


def _not_delegated(op: Operation) -> Diagnostic:
    reason = op.attributes.get(REASON)
    why = reason.data if isinstance(reason, StringAttr) else "no backend was asked"
    return Diagnostic.at(op, f"is not delegated: {why}")


def _blocks(op: Operation) -> Iterator[Block]:
    """The blocks inside an operation, however deep, except those of regions that are delegated."""
    for region in op.regions:
        for block in region.blocks:
            yield block
            for inner in block.ops:
                if inner.regions and not isinstance(inner, RegionOp):
                    yield from _blocks(inner)


def _partition(block: Block, backends: Sequence[Backend]) -> None:
    """Partition the operations of one block."""
    graph = Graph(block)
    _apply(graph, plan(graph, _takers(graph.needs, backends)))


def _takers(ops: Iterable[Operation], backends: Sequence[Backend]) -> dict[Operation, str]:
    """The backend of each operation that one supports; the others are marked with the reasons."""
    taker: dict[Operation, str] = {}
    for op in ops:
        if not is_candidate(op):
            continue
        op.attributes.pop(REASON, None)
        reasons: list[str] = []
        for backend in backends:
            verdict = _verdict(op, backend)
            if verdict.supported:
                taker[op] = backend.name
                break
            reasons.append(f"{backend.name}: {verdict.reason or 'gives no reason'}")
        else:
            op.attributes[REASON] = StringAttr("; ".join(reasons))
    return taker


def _verdict(op: Operation, backend: Backend) -> Verdict:
    if not all(isinstance(result.type, TensorType) for result in op.results):
        return Verdict(False, "its result is a number")
    if not is_side_effect_free(op):
        return Verdict(False, "it draws random numbers, or has another effect")
    if free := _symbols(op) - _operand_symbols(op):
        names = ", ".join(sorted(free))
        return Verdict(False, f"the size {names} is that of none of its operands")
    try:
        return backend.supports(op)
    except Exception as error:
        message = f"the backend {backend.name!r} fails on it: {type(error).__name__}: {error}"
        raise DiagnosticsError([Diagnostic.at(op, message, "the backend is at fault")]) from error


def _symbols(op: Operation) -> set[str]:
    """The symbols that an operation's results and arguments mention."""
    found = {symbol for result in op.results for symbol in _type_symbols(result.type)}
    for value in op.properties.values():
        if isinstance(value, ExprAttr):
            found |= value.data.symbols()
        elif isinstance(value, ExprsAttr):
            found |= {symbol for expr in value.data for symbol in expr.symbols()}
    return found


def _operand_symbols(op: Operation) -> set[str]:
    return {symbol for operand in op.operands for symbol in _type_symbols(operand.type)}


def _type_symbols(type: Attribute) -> set[str]:
    if not isinstance(type, TensorType):
        return set()
    return {s for dim in dims_of(cast(TensorType[Attribute], type)) for s in dim.symbols()}


class Graph:
    """The operations of a block, and the operations of it that each one needs before it."""

    def __init__(self, block: Block):
        self.block = block
        self.needs: dict[Operation, list[Operation]] = {}
        last_effect: Operation | None = None
        for op in block.ops:
            owners = (value.owner for value in _used_values(op))
            needs = dict.fromkeys(
                owner for owner in owners if isinstance(owner, Operation) and owner.parent is block
            )
            if not is_side_effect_free(op) and op is not block.last_op:
                # What has effects keeps its order.
                if last_effect is not None:
                    needs[last_effect] = None
                last_effect = op
            self.needs[op] = list(needs)


def _is_constant(op: Operation) -> bool:
    return isinstance(op, WeightOp | ConstantOp)


def _used_values(op: Operation) -> Iterator[SSAValue]:
    """The operands of an operation, and of those in its regions."""
    yield from op.operands
    for region in op.regions:
        for inner in region.walk():
            yield from inner.operands


@dataclass
class Group:
    """The operations of a region to be, in the order of the block."""

    backend: str
    ops: list[Operation] = field(default_factory=list[Operation])


def plan(graph: Graph, taker: dict[Operation, str]) -> list[Group]:
    """The groups of operations that become regions; no cycle leads through several of them.

    Each operation has a level: that of what it needs, one more where it is delegated and needs
    something that its backend does not have; before anything delegated it is -1. Groups are the
    operations of one backend and one level. A path that leaves a group comes to a higher level
    before it enters a group again, so groups are convex, and all of them at once make no cycle.
    Views at the border of a group that would cost nothing outside leave it and `taker`, which may
    join the groups around them.
    """
    while True:
        groups = _levelled(graph, taker)
        leaving = [op for group in groups for op in _idle_views(group)]
        if not leaving:
            return groups
        for op in leaving:
            op.attributes[REASON] = StringAttr(f"{taker.pop(op)}: {_ONLY_A_VIEW}")


def _levelled(graph: Graph, taker: Mapping[Operation, str]) -> list[Group]:
    levels: dict[Operation, int] = {}
    groups: dict[tuple[int, str], Group] = {}
    for op, needs in graph.needs.items():
        if _is_constant(op):
            continue
        backend = taker.get(op)
        levels[op] = level = max(
            (
                levels[need] + (backend is not None and taker.get(need) != backend)
                for need in needs
                if not _is_constant(need)
            ),
            default=-1 if backend is None else 0,
        )
        if backend is not None:
            groups.setdefault((level, backend), Group(backend)).ops.append(op)
    return list(groups.values())


def _idle_views(group: Group) -> list[Operation]:
    """The views that only the outside uses, of what is outside or comes out anyway."""
    members = set(group.ops)
    idle: list[Operation] = []
    for op in group.ops:
        if costs_nothing(op) and not _users(op.results) & members:
            source = op.operands[0]
            if source.owner not in members or _users([source]) - members:
                idle.append(op)
    if all(map(costs_nothing, group.ops)):
        return group.ops
    return idle


def _users(values: Iterable[SSAValue]) -> set[Operation]:
    return {use.operation for value in values for use in value.uses}


def _apply(graph: Graph, groups: Sequence[Group]) -> None:
    """Make every group a region, and order the block so that values come before their uses."""
    for item in _ordered(graph, groups):
        if isinstance(item, Operation):
            item.detach()
            graph.block.add_op(item)
        else:
            _make_region(graph.block, item)


def _erase_unused_constants(function: FuncOp) -> None:
    """Erase the weights and constants of which regions have clones, and nothing else uses them."""
    for op in list(function.walk()):
        if _is_constant(op) and not any(result.uses for result in op.results):
            Rewriter.erase_op(op)


def _ordered(graph: Graph, groups: Sequence[Group]) -> list[Operation | Group]:
    """The groups and the other operations, each behind all that it needs, else in their old order.

    A group comes where its last operation stood, or before, where its results are needed.
    """
    group_of = {op: group for group in groups for op in group.ops}
    order: list[Operation | Group] = []
    done: set[int] = set()
    for op in graph.needs:
        group = group_of.get(op)
        if group is not None and op is not group.ops[-1]:
            continue
        pending: list[Operation | Group] = [group or op]
        while pending:
            item = pending[-1]
            members = [item] if isinstance(item, Operation) else item.ops
            needed = [group_of.get(n, n) for member in members for n in graph.needs[member]]
            missing = [n for n in needed if id(n) not in done and n is not item]
            if missing and id(item) not in done:
                pending += reversed(missing)
                continue
            pending.pop()
            if id(item) not in done:
                done.add(id(item))
                order.append(item)
    return order


def _make_region(block: Block, group: Group) -> None:
    """Move the operations of a group into a region at the end of the block."""
    members = set(group.ops)
    body = Block()
    inside: dict[SSAValue, SSAValue] = {}
    inputs: list[SSAValue] = []
    for op in group.ops:
        for index, value in enumerate(op.operands):
            owner = value.owner
            if owner in members:
                continue
            if value not in inside:
                if isinstance(owner, Operation) and _is_constant(owner):
                    clone = owner.clone()
                    body.add_op(clone)
                    inside[value] = clone.results[0]
                else:
                    inputs.append(value)
                    inside[value] = body.insert_arg(value.type, len(body.args))
                inside[value].name_hint = value.name_hint
            op.operands[index] = inside[value]
        op.detach()
        body.add_op(op)
    yielded = [result for op in group.ops for result in op.results if _users([result]) - members]
    region = RegionOp(group.backend, inputs, [value.type for value in yielded], Region(body))
    region.location = fuse_locations([group.ops[0], group.ops[-1]])
    for value, result in zip(yielded, region.outputs, strict=True):
        result.name_hint = value.name_hint
        value.replace_uses_with_if(result, lambda use: use.operation not in members)
    body.add_op(YieldOp(*yielded))
    block.add_op(region)
