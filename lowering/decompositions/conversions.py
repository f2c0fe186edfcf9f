"""The same operator in another dtype or dim order, which the runtime may have when it lacks this.

A half-precision operator is computed in f32 and rounded once, as PyTorch does on the CPU; an
operator on small integers in wider ones, and truncation gives the same result modulo their range. A
result without elements is a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, cast

from xdsl.dialects.builtin import (
    IntegerType,
    Signedness,
    TensorType,
    bf16,
    f16,
    f32,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import Rewriter
from xdsl.utils.test_value import create_ssa_value

from ...dialects.constant import ConstantAttr
from ...dialects.edge.ops import ConstantOp, ToLayoutOp
from ...dialects.layout import dims_of, layout_of, tensor_type
from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder, Tensor, tensor
from .registry import Decomposition, NoDecompositionError

_ui8 = IntegerType(8, Signedness.UNSIGNED)

_WIDER: tuple[dict[Attribute, Attribute], ...] = (
    {f16: f32, bf16: f32},
    {i8: i32, _ui8: i32, i16: i32},
    {i8: i64, _ui8: i64, i16: i64, i32: i64},
)
"""Dtypes and what they may be computed in, in the order in which it is tried."""

TypeChange = Callable[[Tensor], Tensor]


def converted(
    op: SchemaOp, builder: EdgeBuilder, problem: Callable[[SchemaOp], str | None]
) -> Sequence[SSAValue] | None:
    """The results of an operation by way of another dtype or dim order; None where none helps.

    `problem` says why the runtime cannot run an operation. One in another than the default dim
    order is always brought to that, legal or not: what comes next decomposes it.
    """
    types = [*op.operand_types, *op.result_types]
    if any(layout_of(cast(Tensor, t)).order for t in types if isinstance(t, TensorType)):
        return _converted(op, builder, _default_order)
    if all(_is_empty(type) for type in op.result_types):
        return [_empty(builder, cast(Tensor, type)) for type in op.result_types]
    elements = {cast(Tensor, t).element_type for t in types if isinstance(t, TensorType)}
    for wider in _WIDER:
        if elements.isdisjoint(wider):
            continue
        if problem(_rebuilt(op, _stand_in, _widening(wider), wider)) is None:
            return _converted(op, builder, _widening(wider), wider)
    return None


def in_full_precision(decompose: Decomposition) -> Decomposition:
    """Decorator: decompose half precision in f32, and round the results once.

    For decompositions whose intermediate values would round, or overflow, where eager's do not.
    """
    halves = _WIDER[0]

    @wraps(decompose)
    def decompose_wide(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
        types = [*op.operand_types, *op.result_types]
        if not any(cast(Tensor, t).element_type in halves for t in types):
            return decompose(op, builder)
        return _converted(op, builder, _widening(halves), halves, decompose)

    return decompose_wide


def rounds_within(op: SchemaOp) -> bool:
    """Whether PyTorch's kernel adds up in half precision, unlike a decomposition."""
    dtype = cast(Tensor, op.result_types[0]).element_type
    match op.SCHEMA.key:
        case "aten::_adaptive_avg_pool3d":
            return dtype in _WIDER[0]
        case "aten::convolution":
            if not op.value_of("transposed") or dtype not in _WIDER[0]:
                return False
            extra, stride = (
                cast("list[int]", op.value_of(name)) for name in ("output_padding", "stride")
            )
            return dtype == f16 or any(e >= s for e, s in zip(extra, stride, strict=False))
        case _:
            return False


def _is_empty(type: Attribute) -> bool:
    """Whether a tensor has no elements, and no size that data decides."""
    if not isinstance(type, TensorType):
        return False
    tensor = cast(Tensor, type)
    return tensor.has_static_shape() and 0 in tensor.get_shape()


def _empty(builder: EdgeBuilder, type: Tensor) -> SSAValue:
    """A tensor without elements; only its shape matters."""
    return builder.insert(ConstantOp(ConstantAttr.of(type, b""))).result


def _default_order(type: Tensor) -> Tensor:
    return tensor_type(type.element_type, dims_of(type))


def _widening(wider: dict[Attribute, Attribute]) -> TypeChange:
    def widen(type: Tensor) -> Tensor:
        element = wider.get(type.element_type, type.element_type)
        return tensor_type(element, dims_of(type), layout_of(type).order)

    return widen


def _stand_in(_: SSAValue, type: Tensor) -> SSAValue:
    """A value with the right type, for an operation that is only looked at."""
    return create_ssa_value(type)


def _converted(
    op: SchemaOp,
    builder: EdgeBuilder,
    change: TypeChange,
    dtypes: dict[Attribute, Attribute] | None = None,
    decompose: Decomposition | None = None,
) -> list[SSAValue]:
    def convert(value: SSAValue, type: Tensor) -> SSAValue:
        old = tensor(value)
        if old == type:
            return value
        if old.element_type != type.element_type:
            return builder.cast(value, type.element_type)
        return builder.insert(ToLayoutOp(value, type)).result

    new_op = builder.insert(_rebuilt(op, convert, change, dtypes or {}))
    results: Sequence[SSAValue] = new_op.results
    if decompose is not None:
        try:
            results = decompose(new_op, EdgeBuilder(new_op))
        except NoDecompositionError:
            _take_back(new_op, op)
            raise
        Rewriter.erase_op(new_op)
    return [convert(new, tensor(old)) for old, new in zip(op.results, results, strict=True)]


def _take_back(new_op: SchemaOp, op: SchemaOp) -> None:
    """Erase an operation and the conversions that were made for it."""
    made = [value.owner for value in new_op.operands if value not in op.operands]
    Rewriter.erase_op(new_op)
    for owner in dict.fromkeys(made):
        if isinstance(owner, Operation) and not any(result.uses for result in owner.results):
            Rewriter.erase_op(owner)


def _rebuilt(
    op: SchemaOp,
    convert: Callable[[SSAValue, Tensor], SSAValue],
    change: TypeChange,
    dtypes: dict[Attribute, Attribute],
) -> SchemaOp:
    """The operation on converted operands; its dtype arguments change as its results do."""

    def operand(value: Any) -> SSAValue:
        return convert(value, change(tensor(value)))

    arguments: dict[str, Any] = {}
    given = cast("dict[str, Any]", op.arguments())
    for name, value in given.items():
        if isinstance(value, SSAValue):
            arguments[name] = operand(cast(SSAValue, value))
        elif isinstance(value, Attribute):
            arguments[name] = dtypes.get(value, value)
        elif isinstance(value, list):
            items = cast(list[Any], value)
            arguments[name] = [operand(i) if isinstance(i, SSAValue) else i for i in items]
        else:
            arguments[name] = value
    results = [change(cast(Tensor, type)) for type in op.result_types]
    return type(op)(**arguments, result_types=results)
