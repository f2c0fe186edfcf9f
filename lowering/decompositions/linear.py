"""Matrix products of any rank, by `mm`, `bmm` and `addmm`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from xdsl.ir import SSAValue

from ...dialects.expr import Expr
from ...dialects.layout import tensor_type
from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder
from .calls import Dims, binary, broadcast, dims, element, product, rank, unary
from .conversions import in_full_precision
from .registry import decomposition

_ONE = Expr.of(1)


def mm(builder: EdgeBuilder, left: SSAValue, right: SSAValue) -> SSAValue:
    """`[m, k] @ [k, n]`."""
    type = tensor_type(element(left), [dims(left)[0], dims(right)[1]])
    return builder.result("aten::mm", left, right, type=type)


def addmm(builder: EdgeBuilder, bias: SSAValue, left: SSAValue, right: SSAValue) -> SSAValue:
    """`bias + [m, k] @ [k, n]`, the bias broadcast."""
    type = tensor_type(element(left), [dims(left)[0], dims(right)[1]])
    return builder.result("aten::addmm", bias, left, right, type=type)


def bmm(builder: EdgeBuilder, left: SSAValue, right: SSAValue) -> SSAValue:
    """`[b, m, k] @ [b, k, n]`."""
    batch, rows, _ = dims(left)
    type = tensor_type(element(left), [batch, rows, dims(right)[2]])
    return builder.result("aten::bmm", left, right, type=type)


@decomposition("linear")
def linear(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`linear(x, w, b)` → `addmm(b, x, wᵀ)` on the rows of x; `fold-constants` transposes w."""
    weight = cast(SSAValue, op.operand_of("weight"))
    if rank(weight) == 1:
        weight = builder.view(weight, (_ONE, *dims(weight)))
    value = cast(SSAValue, op.operand_of("input"))
    *rows, columns = dims(value)
    value = builder.view(value, (product(rows), columns))
    transposed = builder.transpose(weight, 0, 1)
    bias = op.operand_of("bias")
    if isinstance(bias, SSAValue):
        result = addmm(builder, bias, value, transposed)
    else:
        result = mm(builder, value, transposed)
    return [builder.view(result, dims(op.results[0]))]


@decomposition("matmul")
def matmul(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A product of matrices is `mm`, of stacks of matrices `bmm`; a vector is a matrix."""
    left, right = op.operands
    if rank(left) == 1:
        left = builder.view(left, (_ONE, *dims(left)))
    if rank(right) == 1:
        right = builder.view(right, (*dims(right), _ONE))
    result = stacked_product(builder, left, right)
    return [builder.view(result, dims(op.results[0]))]


def stacked_product(builder: EdgeBuilder, left: SSAValue, right: SSAValue) -> SSAValue:
    """`[…, m, k] @ […, k, n]`, the leading dims broadcast."""
    *left_stack, rows, inner = dims(left)
    *right_stack, _, columns = dims(right)
    stack = broadcast(tuple(left_stack), tuple(right_stack))
    if all(size.constant == 1 for size in right_stack):
        # One matrix for all: its rows are those of a single product.
        left = builder.view(left, (product(left_stack) * rows, inner))
        result = mm(builder, left, builder.view(right, (inner, columns)))
    else:
        result = bmm(
            builder,
            _stack(builder, left, stack),
            _stack(builder, right, stack),
        )
    return builder.view(result, (*stack, rows, columns))


def _stack(builder: EdgeBuilder, value: SSAValue, stack: Dims) -> SSAValue:
    """A value of rank 3, its leading dims broadcast to `stack` and merged."""
    matrix = dims(value)[-2:]
    return builder.view(builder.expand(value, (*stack, *matrix)), (product(stack), *matrix))


@decomposition("baddbmm")
@in_full_precision
def baddbmm(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`beta * self + alpha * bmm(batch1, batch2)`."""
    bias, left, right = op.operands
    return [_scaled_sum(op, builder, bias, bmm(builder, left, right))]


@decomposition("addmv")
@in_full_precision
def addmv(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`beta * self + alpha * mat @ vec`."""
    bias, matrix, vector = op.operands
    column = builder.view(vector, (*dims(vector), _ONE))
    result = builder.view(mm(builder, matrix, column), dims(op.results[0]))
    return [_scaled_sum(op, builder, bias, result)]


@decomposition("addmm")
@in_full_precision
def decomposed_addmm(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`beta * self + alpha * mat1 @ mat2`."""
    bias, left, right = op.operands
    return [_scaled_sum(op, builder, bias, mm(builder, left, right))]


def _scaled_sum(op: SchemaOp, builder: EdgeBuilder, bias: SSAValue, result: SSAValue) -> SSAValue:
    beta, alpha = cast(Any, op.value_of("beta")), cast(Any, op.value_of("alpha"))
    if alpha != 1:
        result = unary(builder, "mul.Scalar", result, alpha)
    if beta == 0:  # PyTorch does not read the operand then, nan included.
        return result
    if beta != 1:
        bias = unary(builder, "mul.Scalar", bias, beta)
    return binary(builder, "add.Tensor", result, bias)
