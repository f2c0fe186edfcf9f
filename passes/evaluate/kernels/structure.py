"""Loops, addresses and single elements."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.dialects.builtin import IndexType

from ....dialects import kernel
from ....dialects.kernel.types import ints
from .memory import Pointer
from .registry import Values, evaluates, run_block


@evaluates(kernel.ForOp)
def run_for(op: kernel.ForOp, values: Values) -> None:
    """The body for each index."""
    count = op.count.value.data if op.limit is None else values[op.limit]
    for index in range(count):
        run_block(op.body.block, [index], values)


@evaluates(kernel.AdvanceOp)
def run_advance(op: kernel.AdvanceOp, values: Values) -> list[Any]:
    """A pointer moved by indices times strides."""
    terms = zip(op.indices, ints(op.strides), strict=True)
    distance = sum(values[index] * stride for index, stride in terms)
    pointer: Pointer = values[op.base]
    return [pointer.advance(distance + op.offset.value.data)]


@evaluates(kernel.DelinearizeOp)
def run_delinearize(op: kernel.DelinearizeOp, values: Values) -> list[Any]:
    """Row-major coordinates; the outermost takes what is left."""
    position, coordinates = values[op.position], list[int]()
    for size in reversed(ints(op.sizes)[1:]):
        position, coordinate = divmod(position, size)
        coordinates.append(coordinate)
    return [position, *reversed(coordinates)]


@evaluates(kernel.ChunkOp)
def run_chunk(op: kernel.ChunkOp, values: Values) -> list[Any]:
    """How many items fall to a task."""
    size, total = op.size.value.data, op.total.value.data
    return [max(0, min(size, total - values[op.task] * size))]


@evaluates(kernel.LoadOp)
def run_load(op: kernel.LoadOp, values: Values) -> list[Any]:
    """One element, or the index that it holds."""
    element = values[op.pointer].view(op, (), ())[()]
    return [int(element) if isinstance(op.result.type, IndexType) else element]


@evaluates(kernel.RequireOp)
def run_require(op: kernel.RequireOp, values: Values) -> None:
    """One for what does not hold."""
    if not values[op.condition]:
        np.copyto(values[op.status].view(op, (), ()), 1)


@evaluates(kernel.StoreOp)
def run_store(op: kernel.StoreOp, values: Values) -> None:
    """Write one element."""
    np.copyto(values[op.pointer].view(op, (), ()), values[op.value])
