"""Chooses steps that run band by band, so that large results between them stay in the cache.

The step in the middle has a window over rows: a depthwise convolution or a pooling. It may follow a
convolution, which then makes rows only when the window gets there, and a 1x1 convolution may follow
it. What is between them has room for a few rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Protocol

from ...dialects import edge, kernel
from ...dialects.constant import element_bytes
from ...dialects.schema_op import SchemaOp
from . import depthwise, pooling, winograd
from .roots import Planner, anchor_of, is_constant
from .stencils import RowWindow, Stencil
from .step import Step, shape_of

LARGE = 1 << 20
"""Bytes of a result from which on it is worth to keep it out of memory: more than a core's
second-level cache has left."""
_ROOM = 512 << 10
"""Bytes of the rows between two steps that stay in that cache."""
FEW = 16
"""An image of fewer rows or columns would make too few tasks, or too small tiles."""
_WEIGHTS = 128 << 10
"""Bytes of the weights of a convolution that are read again for every few rows."""


def choose_bands(planner: Planner) -> None:
    """Give the results between the steps of bands a ring of rows instead of a whole memory.

    A convolution can be in one band only; the larger result decides in which.
    """
    steps = [op for op in planner.block.ops if isinstance(op, kernel.StepOp)]
    pairs = [pair for step in steps for pair in _pairs(planner, step)]
    taken: set[kernel.StepOp] = set()
    for pair in sorted(pairs, key=lambda pair: -pair.bytes):
        if pair.convolution not in taken:
            taken.add(pair.convolution)
            planner.roots[pair.before.outputs[0]].ring = pair.ring
            planner.bands[pair.before] = pair.after


@dataclass(frozen=True)
class _Pair:
    """Two steps that can run together, one of which is a convolution, and the rows between them."""

    before: kernel.StepOp
    after: kernel.StepOp
    convolution: kernel.StepOp
    ring: int
    bytes: int


class Middle(Protocol):
    """A family whose steps can be in the middle of a band."""

    @staticmethod
    def stencil_of(step: Step) -> Stencil:
        """The windows of a step over images."""
        ...


def middle_of(op: SchemaOp) -> tuple[RowWindow, Middle] | None:
    """The window over rows of an operation that a band can have in its middle, and its family."""
    if len(shape_of(op.results[0])) != 4:
        return None
    match op:
        case edge.ConvolutionOp() if depthwise.supports(op) is None:
            return depthwise.row_window(op), depthwise
        case _ if isinstance(op, pooling.OPERATIONS):
            window = pooling.row_window(op)
            return None if window is None else (window, pooling)
        case _:
            return None


def _pairs(planner: Planner, step: kernel.StepOp) -> Iterator[_Pair]:
    """A step with windows, together with the one before it, and with the one after it."""
    anchor, _ = anchor_of(step)
    found = middle_of(anchor)
    if found is None or found[0].rows < FEW:
        return
    window, _ = found
    before, after = anchor.operands[0].owner, _only_user(step)
    if isinstance(before, kernel.StepOp) and window.streams and _is_convolution(before):
        size = _size_between(planner, before, step, window.ring)
        if size is not None:
            yield _Pair(before, step, before, window.ring, size)
    if after is not None and _is_pointwise(after):
        size = _size_between(planner, step, after, window.block)
        if size is not None:
            yield _Pair(step, after, after, window.block, size)


def _only_user(step: kernel.StepOp) -> kernel.StepOp | None:
    """The step that alone reads a step's result."""
    users = {use.operation.parent_op() for use in step.outputs[0].uses}
    user = users.pop() if len(users) == 1 else None
    return user if isinstance(user, kernel.StepOp) else None


def _size_between(
    planner: Planner, step: kernel.StepOp, after: kernel.StepOp, ring: int
) -> int | None:
    """The bytes of a step's result, if it is large, only a few of its rows are not, and only the
    next step's first operation reads it."""
    value = step.outputs[0]
    root, tensor = planner.roots[value], planner.tensors[value]
    images, _, rows, columns = tensor.shape
    size = tensor.size * element_bytes(tensor.element)
    uses = list(value.uses)
    following = step.next_op
    while following is not None and not isinstance(following, kernel.StepOp):
        following = following.next_op
    fits = (
        following is after
        and len(uses) == 1
        and uses[0].operation is anchor_of(after)[0]
        and uses[0].index == 0
        and root.parent is None
        and root.argument is None
        and root.halo is None
        and columns >= FEW
        and size > images * LARGE
        and size // (images * rows) * ring <= _ROOM
    )
    return size if fits else None


def _is_convolution(step: kernel.StepOp) -> bool:
    """Whether a convolution can make a few rows of its result at a time."""
    op, _ = anchor_of(step)
    return (
        isinstance(op, edge.ConvolutionOp)
        and depthwise.supports(op) is not None
        and len(shape_of(op.result)) == 4
        and not op.value_of("transposed")
        and is_constant(op.weight)
        and winograd.choose(op) is None
        and 4 * prod(shape_of(op.weight)) <= _WEIGHTS
    )


def _is_pointwise(step: kernel.StepOp) -> bool:
    """Whether a convolution makes each row of its result from one row, and every row is read."""
    op, _ = anchor_of(step)
    return (
        isinstance(op, edge.ConvolutionOp)
        and _is_convolution(step)
        and shape_of(op.weight)[2:] == (1, 1)
        and op.value_of("stride") in ([1], [1, 1])
        and op.value_of("padding") in ([0], [0, 0])
    )
