"""Edge operations that only read a tensor in another way, as other sizes, strides and offset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from xdsl.ir import Operation

from ...dialects import edge
from ...dialects.schema_op import SchemaOp
from .step import Tensor, shape_of

View = tuple[Tensor, int]
"""The tensor that is seen, and how many elements after the viewed one's begin it begins."""


def view_of(op: Operation, source: Tensor) -> View | None:
    """What an operation sees of its source; None if it is no view, or must move elements."""
    rule = _RULES.get(type(op))
    if rule is None:
        return None
    assert isinstance(op, SchemaOp)
    return rule(op, source, shape_of(op.results[0]))


def is_view(op: Operation) -> bool:
    """Whether an operation is of a kind that only reads a tensor in another way."""
    return type(op) in _RULES


def _view(op: SchemaOp, source: Tensor, shape: Sequence[int]) -> View | None:
    strides = reshaped_strides(source, shape)
    return None if strides is None else (Tensor(source.element, tuple(shape), strides), 0)


def reshaped_strides(source: Tensor, shape: Sequence[int]) -> tuple[int, ...] | None:
    """The strides with which a tensor is read in another shape; None if no strides can do that.

    Runs of source dims that follow each other without gaps are split anew, as in PyTorch's
    computeStride.
    """
    if 0 in shape:
        return (1,) * len(shape)
    runs: list[tuple[int, int]] = []
    for size, stride in zip(source.shape, source.strides, strict=True):
        if size == 1:
            continue
        if runs and runs[-1][1] == size * stride:
            runs[-1] = (runs[-1][0] * size, stride)
        else:
            runs.append((size, stride))
    strides: list[int] = []
    left, step = runs.pop() if runs else (1, 1)
    for size in reversed(shape):
        if size == 1:
            strides.append(step)
            continue
        if left == 1 and runs:
            left, step = runs.pop()
        if left % size:
            return None
        strides.append(step)
        left, step = left // size, step * size
    return tuple(reversed(strides))


def _permute(op: SchemaOp, source: Tensor, shape: Sequence[int]) -> View | None:
    dims = cast("list[int]", op.value_of("dims"))
    return Tensor(source.element, tuple(shape), tuple(source.strides[d] for d in dims)), 0


def _slice(op: SchemaOp, source: Tensor, shape: Sequence[int]) -> View | None:
    dim, start, step = (op.value_of(name) for name in ("dim", "start", "step"))
    assert isinstance(dim, int) and isinstance(step, int)
    dim %= len(shape)
    begin = 0 if start is None else start
    if not isinstance(begin, int):
        return None
    size = source.shape[dim]
    begin = min(max(begin + size if begin < 0 else begin, 0), size)
    strides = list(source.strides)
    offset = begin * strides[dim] if 0 not in shape else 0
    strides[dim] *= step
    return Tensor(source.element, tuple(shape), tuple(strides)), offset


def _select(op: SchemaOp, source: Tensor, shape: Sequence[int]) -> View | None:
    dim, index = op.value_of("dim"), op.value_of("index")
    assert isinstance(dim, int)
    if not isinstance(index, int):
        return None
    dim %= len(source.shape)
    offset = (index % source.shape[dim]) * source.strides[dim]
    strides = source.strides[:dim] + source.strides[dim + 1 :]
    return Tensor(source.element, tuple(shape), strides), offset


def _expand(op: SchemaOp, source: Tensor, shape: Sequence[int]) -> View | None:
    return Tensor(source.element, tuple(shape), source.broadcast(shape)), 0


_RULES: dict[type[Operation], Callable[[SchemaOp, Tensor, Sequence[int]], View | None]] = {
    edge.AliasOp: _view,
    edge.CloneOp: _view,
    edge.DetachOp: _view,
    edge.ViewOp: _view,
    edge.UnsqueezeOp: _view,
    edge.SqueezeDimOp: _view,
    edge.SqueezeDimsOp: _view,
    edge.PermuteOp: _permute,
    edge.SliceTensorOp: _slice,
    edge.SelectIntOp: _select,
    edge.ExpandOp: _expand,
}
