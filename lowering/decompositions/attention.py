"""Scaled dot product attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import i1, i64
from xdsl.ir import SSAValue

from ...dialects.expr import Expr
from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder
from .calls import Dims, arange, binary, broadcast, dims, element, product, reduce, unary, where
from .conversions import in_full_precision
from .linear import bmm
from .registry import NoDecompositionError, decomposition

_ONE = Expr.of(1)


@decomposition("scaled_dot_product_attention")
@in_full_precision
def scaled_dot_product_attention(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`softmax(scale * q @ kᵀ + mask) @ v`; a row whose mask excludes everything gives zeros.

    The heads of q that share one of k and v are rows of the same product.
    """
    if op.value_of("dropout_p"):
        raise NoDecompositionError("dropout in attention has no decomposition; use model.eval()")
    query, key, value = op.operands[:3]
    mask = cast("SSAValue | None", op.operand_of("attn_mask"))
    scale = cast("float | None", op.value_of("scale"))
    if scale is None:
        scale = 1 / math.sqrt(_features(query))
    *query_stack, length, _ = dims(query)
    *key_stack, keys, _ = dims(key)
    stack = tuple(query_stack)
    shared: Dims = ()
    if op.value_of("enable_gqa") and query_stack[-1] != key_stack[-1]:
        groups = _groups(query_stack[-1], key_stack[-1])
        stack, shared = (*query_stack[:-1], key_stack[-1]), (groups,)
    stack = broadcast(broadcast(stack, tuple(key_stack)), dims(value)[:-2])

    rows = product(shared) * length
    query = unary(builder, "mul.Scalar", query, scale)
    features = dims(query)[-1]
    heads = query_stack[-1:] if shared else stack[-1:]
    query = builder.expand(query, (*stack[:-1], *heads, length, features))
    query = builder.view(query, (product(stack), rows, features))
    key = _merged(builder, key, stack)
    scores = bmm(builder, query, builder.transpose(key, 1, 2))
    result_stack = dims(op.results[0])[:-2]
    scores = builder.view(scores, (*result_stack, length, keys))
    if op.value_of("is_causal"):
        scores = binary(builder, "add.Tensor", scores, _causal_bias(builder, length, keys, scores))
    if mask is not None:
        scores = binary(builder, "add.Tensor", scores, _bias(builder, mask, scores))
    weights = unary(builder, "_softmax", scores, -1, False)
    weights = builder.view(weights, (product(stack), rows, keys))
    result = bmm(builder, weights, _merged(builder, value, stack))
    result = builder.view(result, dims(op.results[0]))
    if mask is not None:
        zero = builder.number(0.0, element(result))
        result = where(builder, _has_keys(builder, mask), result, zero)
    return [result]


def _features(query: SSAValue) -> int:
    features = dims(query)[-1].constant
    if features is None:
        raise NoDecompositionError(
            "attention whose number of features is known only at run time has no decomposition"
        )
    return features


def _groups(query_heads: Expr, key_heads: Expr) -> Expr:
    heads, shared = query_heads.constant, key_heads.constant
    if heads is None or not shared:
        raise NoDecompositionError(
            "grouped attention whose number of heads is known only at run time has no decomposition"
        )
    return Expr.of(heads // shared)


def _merged(builder: EdgeBuilder, value: SSAValue, stack: Dims) -> SSAValue:
    matrix = dims(value)[-2:]
    return builder.view(builder.expand(value, (*stack, *matrix)), (product(stack), *matrix))


def _causal_bias(builder: EdgeBuilder, length: Expr, keys: Expr, scores: SSAValue) -> SSAValue:
    """0 where a row may see a key, -inf above the diagonal."""
    rows = builder.view(arange(builder, length, i64), (length, _ONE))
    allowed = binary(builder, "le.Tensor", arange(builder, keys, i64), rows)
    return _bias(builder, allowed, scores)


def _bias(builder: EdgeBuilder, mask: SSAValue, scores: SSAValue) -> SSAValue:
    """What a mask adds to the scores: -inf where a bool mask is false."""
    if element(mask) != i1:
        return builder.cast(mask, element(scores))
    zero, excluded = (builder.number(n, element(scores)) for n in (0.0, -math.inf))
    return where(builder, mask, zero, excluded)


def _has_keys(builder: EdgeBuilder, mask: SSAValue) -> SSAValue:
    """For each row whether its mask leaves any key."""
    if element(mask) != i1:
        mask = unary(builder, "ne.Scalar", mask, -math.inf)
    return reduce(builder, "any.dims", mask, [-1])
