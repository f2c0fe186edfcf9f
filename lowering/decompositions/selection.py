"""Masks, triangles, sorting and scattering by simpler operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from xdsl.dialects.builtin import f32, i64
from xdsl.ir import SSAValue

from ...dialects.expr import Expr
from ...dialects.layout import tensor_type
from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder, shape_values
from .calls import arange, binary, dims, element, pad, rank, static_sizes, unary, where
from .registry import NoDecompositionError, decomposition

_ONE = Expr.of(1)


@decomposition("masked_fill.Scalar", "masked_fill.Tensor")
def masked_fill(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`where(mask, value, x)`."""
    arguments = cast(dict[str, Any], op.arguments())
    value: SSAValue = arguments["self"]
    filler = arguments["value"]
    if isinstance(filler, SSAValue):
        filler = builder.cast(cast(SSAValue, filler), element(value))
    else:
        filler = builder.number(filler, element(value))
    return [where(builder, arguments["mask"], filler, value)]


@decomposition("tril", "triu")
def triangle(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`where(column - row <= diagonal, x, 0)`, and `>=` for the upper triangle."""
    (value,) = op.operands
    rows, columns = dims(value)[-2:]
    kept = _diagonal_mask(
        builder,
        "le.Tensor" if op.SCHEMA.name == "tril" else "ge.Tensor",
        rows,
        columns,
        cast(int, op.value_of("diagonal")),
    )
    return [where(builder, kept, value, builder.number(0, element(value)))]


def _diagonal_mask(
    builder: EdgeBuilder, comparison: str, rows: Expr, columns: Expr, diagonal: int
) -> SSAValue:
    """Where `column` compares to `row + diagonal`."""
    bound = builder.view(arange(builder, rows, i64), (rows, _ONE))
    if diagonal:
        bound = unary(builder, "add.Scalar", bound, diagonal)
    return binary(builder, comparison, arange(builder, columns, i64), bound)


@decomposition("diagonal_scatter")
def diagonal_scatter(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`where(on the diagonal, source, x)`, the source in the rows of x."""
    value, source = op.operands
    count = rank(value)
    dim1, dim2 = (cast(int, op.value_of(name)) % count for name in ("dim1", "dim2"))
    offset = cast(int, op.value_of("offset"))
    order = [dim for dim in range(count) if dim not in (dim1, dim2)] + [dim1, dim2]
    sizes = static_sizes(op, value)
    rows, columns = sizes[dim1], sizes[dim2]
    length = static_sizes(op, source)[-1]
    before = max(-offset, 0)
    source = pad(builder, source, count - 2, before, rows - before - length)
    source = builder.view(source, (*dims(source), _ONE))
    mask = _diagonal_mask(builder, "eq.Tensor", Expr.of(rows), Expr.of(columns), offset)
    result = where(builder, mask, source, builder.permute(value, order))
    return [builder.permute(result, [order.index(dim) for dim in range(count)])]


@decomposition("sort", "sort.stable")
def sort(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`topk` of all elements; equal ones are in no particular order."""
    arguments = cast(dict[str, Any], op.arguments())
    if arguments.get("stable") and op.results[1].uses:
        raise NoDecompositionError("the indices of a stable sort have no decomposition")
    value: SSAValue = arguments["self"]
    if rank(value) == 0:
        return [value, builder.number(0, i64)]
    (size,) = shape_values([dims(value)[cast(int, arguments["dim"])]])
    return builder.results(
        "aten::topk",
        value, size, arguments["dim"], arguments["descending"], True, types=op.result_types,
    )  # fmt: skip


@decomposition("scatter.reduce", "scatter_reduce.two")
def scatter_reduce(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A sum is `scatter_add`."""
    arguments = cast(dict[str, Any], op.arguments())
    if arguments["reduce"] not in ("add", "sum"):
        raise NoDecompositionError(f"scatter by {arguments['reduce']!r} has no decomposition")
    value: SSAValue = arguments["self"]
    dim, index, source = arguments["dim"], arguments["index"], arguments["src"]
    if not arguments.get("include_self", True):
        value = builder.result("aten::scatter.value", value, dim, index, 0, type=value.type)
    return builder.results("aten::scatter_add", value, dim, index, source, types=op.result_types)


@decomposition("rand_like", "randn_like")
def random_like(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Random numbers of the shape and dtype of the result."""
    (result,) = op.results
    name = op.SCHEMA.key.removesuffix("_like")
    sizes = shape_values(dims(result))
    return builder.results(name, sizes, dtype=element(result), types=op.result_types)


@decomposition("randperm")
def random_permutation(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """The order of random numbers."""
    (result,) = op.results
    sizes = shape_values(dims(result))
    types = [tensor_type(f32, dims(result)), tensor_type(i64, dims(result))]
    (drawn,) = builder.results("aten::rand", sizes, dtype=f32, types=types[:1])
    order = builder.results("aten::topk", drawn, sizes[0], 0, True, True, types=types)[1]
    return [builder.cast(order, element(result))]


@decomposition("empty_strided")
def empty_strided(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Memory has no strides here."""
    (result,) = op.results
    sizes = shape_values(dims(result))
    return builder.results(
        "aten::empty.memory_format", sizes, dtype=element(result), types=op.result_types
    )
