"""Matrix products and attention."""

from __future__ import annotations

from collections.abc import Sequence

from ...dialects.schema_op import SchemaOp
from .rule import (
    Dims,
    broadcast,
    check,
    operand_shape,
    optional_shape,
    rule,
    same,
    same_shape,
    text,
)


def _matrix_product(a: Dims, b: Dims, rank: int) -> Dims:
    check(
        len(a) == len(b) == rank,
        f"expected two tensors of {rank} dims, got {text(a)} and {text(b)}",
    )
    check(
        same(a[-1], b[-2]) and same_shape(a[:-2], b[:-2]),
        f"{text(a)} and {text(b)} cannot be multiplied",
    )
    return (*a[:-1], b[-1])


@rule("mm", "bmm")
def _mm(op: SchemaOp) -> Sequence[Dims | None]:
    rank = 2 if op.SCHEMA.name == "mm" else 3
    return [_matrix_product(operand_shape(op, "self"), operand_shape(op, "mat2"), rank)]


@rule("addmm", "baddbmm")
def _addmm(op: SchemaOp) -> Sequence[Dims | None]:
    first, second, rank = (
        ("mat1", "mat2", 2) if op.SCHEMA.name == "addmm" else ("batch1", "batch2", 3)
    )
    product = _matrix_product(operand_shape(op, first), operand_shape(op, second), rank)
    added = operand_shape(op, "self")
    check(
        same_shape(broadcast([added, product]), product),
        f"{text(added)} cannot be added to {text(product)}",
    )
    return [product]


@rule("matmul")
def _matmul(op: SchemaOp) -> Sequence[Dims | None]:
    a, b = operand_shape(op, "self"), operand_shape(op, "other")
    check(bool(a) and bool(b), "matmul takes no 0-d tensors")
    inner = b[-2:][0]
    check(same(a[-1], inner), f"{text(a)} and {text(b)} cannot be multiplied")
    rows, columns = (a[-2:-1], b[-1:] if len(b) > 1 else ())
    return [(*broadcast([a[:-2], b[:-2]]), *rows, *columns)]


@rule("linear")
def _linear(op: SchemaOp) -> Sequence[Dims | None]:
    source, weight, bias = (
        operand_shape(op, "input"),
        operand_shape(op, "weight"),
        optional_shape(op, "bias"),
    )
    check(
        bool(source) and len(weight) in (1, 2) and same(source[-1], weight[-1]),
        f"the input {text(source)} does not fit the weight {text(weight)}",
    )
    out = weight[:-1]
    if bias is not None:
        fits = same_shape(broadcast([bias, out]), out)
        check(fits, f"the bias {text(bias)} does not fit the weight {text(weight)}")
    return [(*source[:-1], *out)]


@rule("scaled_dot_product_attention")
def _attention(op: SchemaOp) -> Sequence[Dims | None]:
    query, key, value = (operand_shape(op, name) for name in ("query", "key", "value"))
    check(
        min(map(len, (query, key, value))) >= 2
        and same(query[-1], key[-1])
        and same(key[-2], value[-2]),
        f"query {text(query)}, key {text(key)} and value {text(value)} do not fit",
    )
    lead = query[:-2]
    if not op.value_of("enable_gqa"):
        lead = broadcast([query[:-2], key[:-2], value[:-2]])
    mask = optional_shape(op, "attn_mask")
    if mask is not None:
        scores = (*lead, query[-2], key[-2])
        check(
            same_shape(broadcast([mask, scores]), scores),
            f"the mask {text(mask)} does not fit the scores {text(scores)}",
        )
    return [(*lead, query[-2], value[-1])]
