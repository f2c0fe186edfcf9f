"""The values of a grouped region that have memory of their own, and how tensors lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from xdsl.ir import Block, Operation, SSAValue

from ...dialects import delegate, kernel
from ...dialects.diagnostic import Diagnostic, DiagnosticsError
from ...dialects.edge.ops import ConstantOp, WeightOp
from ...dialects.schema_op import SchemaOp
from .families import family_of
from .family import Family, Halo, Order
from .step import Tensor, dense_strides, dense_tensor
from .views import is_view


@dataclass
class Root:
    """A value with memory of its own: made by a step, a copy or a concatenation.

    `parent` is the concatenation in whose memory it lies, `argument` the number of the argument
    of the region that it is. `first` and `last` are the positions at which it is written first and
    read last.
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
    ring: int = 0
    """The rows that there is room for, if the step that reads it runs together with this one."""
    in_place_of: Root | None = None
    """The root whose memory it takes over, element by element; that one has memory of its own."""


@dataclass
class Planner:
    """What is decided so far about a region: `roots` have memory, `tensors` are all values."""

    region: delegate.RegionOp
    roots: dict[SSAValue, Root] = field(default_factory=dict[SSAValue, Root])
    tensors: dict[SSAValue, Tensor] = field(default_factory=dict[SSAValue, Tensor])
    bands: dict[kernel.StepOp, kernel.StepOp] = field(
        default_factory=dict[kernel.StepOp, kernel.StepOp]
    )
    """Steps that run together with the next one, band by band."""

    @property
    def block(self) -> Block:
        """The region's block."""
        return self.region.body.block


def is_constant(value: SSAValue) -> bool:
    """Whether a value is known at compile time: a weight, a constant, or a view of one."""
    owner = value.owner
    if isinstance(owner, WeightOp | ConstantOp):
        return True
    return isinstance(owner, Operation) and is_view(owner) and is_constant(owner.operands[0])


def anchor_of(step: kernel.StepOp) -> tuple[SchemaOp, Family]:
    """The first operation of a step, and the family that runs it.

    Raises DiagnosticsError if there is none, as text may have it.
    """
    anchor = step.body.block.first_op
    family = family_of(anchor) if isinstance(anchor, SchemaOp) else None
    if family is None:
        assert anchor is not None
        raise DiagnosticsError([Diagnostic.at(anchor, "there are no kernels for it")])
    return cast(SchemaOp, anchor), family


def add_root(planner: Planner, value: SSAValue, order: Order) -> None:
    """Give a value memory of its own, dense in a dim order."""
    planner.roots[value] = Root(value, order)
    planner.tensors[value] = dense_tensor(value.type, order)


def copy_before(
    planner: Planner, before: Operation, source: SSAValue, order: Order | None
) -> SSAValue:
    """A copy of a value in a dim order (row-major: None), made before an operation."""
    rank = len(planner.tensors[source].shape)
    order = tuple(range(rank)) if order is None else order
    op = kernel.CopyOp(source, kernel.PlaceAttr(kernel.Placement("arena", 0, 0, ())))
    op.location = before.location
    planner.block.insert_op_before(op, before)
    add_root(planner, op.result, order)
    return op.result


def source_of(value: SSAValue) -> SSAValue:
    """What a value is a view of, or itself."""
    while isinstance(value.owner, Operation) and is_view(value.owner):
        value = value.owner.operands[0]
    return value


def with_halo(tensor: Tensor, root: Root, halo: Halo) -> Tensor:
    """The tensor of a root, with room for a halo around it."""
    padded = [size + sum(pair) for size, pair in zip(tensor.shape, halo, strict=True)]
    return Tensor(tensor.element, tensor.shape, dense_strides(padded, root.order))
