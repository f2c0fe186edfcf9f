"""Reductions and indexing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ...dialects.schema_op import SchemaOp
from .rule import (
    Dims,
    axes_of,
    axis_of,
    check,
    operand_shape,
    rule,
    text,
)


@rule(
    "mean.dim", "sum.dim_IntList", "prod.dim_int", "amax", "amin", "var.dim", "var.correction",
    "var_mean.correction", "any.dim", "any.dims", "max.dim", "min.dim", "argmax", "argmin",
    "linalg_vector_norm",
)  # fmt: skip
def _reduction(op: SchemaOp) -> Sequence[Dims | None]:
    source = operand_shape(op, "self")
    axes = {axis_of(0, 0)} if not source else set(axes_of(op, len(source)))
    if op.SCHEMA.name in ("argmax", "argmin") and op.value_of("dim") is None:
        axes = set(range(len(source)))
    if op.SCHEMA.op_name == "any.dims" and op.value_of("dim") == []:
        axes.clear()  # no dims are all dims elsewhere, but none here
    if op.value_of("keepdim"):
        dims = tuple(1 if i in axes else dim for i, dim in enumerate(source))
    else:
        dims = tuple(dim for i, dim in enumerate(source) if i not in axes)
    return [dims] * len(op.results)


@rule("any", "max", "min", "mean", "prod")
def _total(op: SchemaOp) -> Sequence[Dims | None]:
    return [()]


@rule("embedding")
def _embedding(op: SchemaOp) -> Sequence[Dims | None]:
    weight = operand_shape(op, "weight")
    check(len(weight) == 2, f"the weight {text(weight)} is no matrix")
    return [(*operand_shape(op, "indices"), weight[1])]


@rule("index_select")
def _index_select(op: SchemaOp) -> Sequence[Dims | None]:
    source, index = list(operand_shape(op, "self")), operand_shape(op, "index")
    check(len(index) < 2, f"the index {text(index)} has more than one dim")
    if source:
        source[axis_of(cast(int, op.value_of("dim")), len(source))] = index[0] if index else 1
    return [tuple(source)]


@rule("gather")
def _gather(op: SchemaOp) -> Sequence[Dims | None]:
    return [operand_shape(op, "index")]
