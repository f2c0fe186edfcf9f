"""Operators that keep the shape of their operands, and factories."""

from __future__ import annotations

from collections.abc import Sequence

from ...dialects.schema_op import SchemaOp
from .rule import (
    Dims,
    broadcast,
    rule,
    shape_of,
    sizes_of,
)


def elementwise(op: SchemaOp) -> Sequence[Dims | None]:
    """All tensor operands broadcast: what an elementwise operator without a rule does."""
    return [broadcast([shape_of(operand) for operand in op.operands])] * len(op.results)


@rule(
    "_softmax", "_log_softmax", "softmax.int", "log_softmax.int", "cumsum", "cumprod", "flip",
    "roll", "tril", "triu", "index_put", "slice_scatter", "select_scatter", "diagonal_scatter",
    "scatter.src", "scatter.value", "scatter_add", "rand_like", "randn_like", "full_like",
)  # fmt: skip
def _like_the_first(op: SchemaOp) -> Sequence[Dims | None]:
    return [shape_of(op.operands[0])]


@rule("full", "rand", "randn", "empty.memory_format", "empty_strided")
def _factory(op: SchemaOp) -> Sequence[Dims | None]:
    return [tuple(sizes_of(op, "size"))]
