"""Builds edge operations before a given one, with its location and the right result types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Operation, OpResult, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from ..dialects import edge
from ..dialects.constant import ConstantAttr
from ..dialects.edge.ops import ConstantOp
from ..dialects.expr import Expr
from ..dialects.layout import dims_of, tensor_type
from ..passes.evaluate.arrays import numpy_dtype

OpT = TypeVar("OpT", bound=Operation)
Tensor = TensorType[Attribute]


def tensor(value: SSAValue) -> Tensor:
    """The tensor type of a value."""
    return cast(Tensor, value.type)


def shape_values(dims: Sequence[Expr]) -> list[Any]:
    """Sizes as an operator's argument: integers, expressions where they are symbolic."""
    return [dim if (c := dim.constant) is None else c for dim in dims]


class EdgeBuilder:
    """Inserts operations before `anchor`; they take its location."""

    def __init__(self, anchor: Operation) -> None:
        self._point = InsertPoint.before(anchor)
        self._location = anchor.location
        self._hint = anchor.results[0].name_hint if anchor.results else None

    def insert(self, op: OpT) -> OpT:
        """Insert an operation."""
        op.location = self._location
        for result in op.results:
            result.name_hint = result.name_hint or self._hint
        Rewriter.insert_op(op, self._point)
        return op

    def results(
        self, key: str, /, *args: Any, types: Sequence[Attribute], **kwargs: Any
    ) -> Sequence[OpResult]:
        """The results of the edge operator `key`, for example `aten::add.Tensor`."""
        return self.insert(edge.OPERATORS[key](*args, result_types=types, **kwargs)).results

    def result(self, key: str, /, *args: Any, type: Attribute, **kwargs: Any) -> SSAValue:
        """The one result of the edge operator `key`."""
        return self.results(key, *args, types=[type], **kwargs)[0]

    def cast(self, value: SSAValue, element: Attribute) -> SSAValue:
        """The value with another element type; the value itself where it has that already."""
        type = tensor(value)
        if type.element_type == element:
            return value
        return self.result(
            "aten::_to_copy", value, dtype=element, type=tensor_type(element, dims_of(type))
        )

    def view(self, value: SSAValue, dims: Sequence[int | Expr]) -> SSAValue:
        """The value with another shape of as many elements."""
        exprs = [Expr.of(dim) for dim in dims]
        type = tensor(value)
        if tuple(exprs) == dims_of(type):
            return value
        result = tensor_type(type.element_type, exprs)
        return self.result("aten::view", value, shape_values(exprs), type=result)

    def permute(self, value: SSAValue, order: Sequence[int]) -> SSAValue:
        """The value with its dims in another order."""
        if list(order) == sorted(order):
            return value
        type = tensor(value)
        dims = dims_of(type)
        result = tensor_type(type.element_type, [dims[dim] for dim in order])
        return self.result("aten::permute", value, list(order), type=result)

    def transpose(self, value: SSAValue, dim0: int, dim1: int) -> SSAValue:
        """The value with two dims exchanged; negative dims count from the end."""
        order = list(range(tensor(value).get_num_dims()))
        order[dim0], order[dim1] = order[dim1], order[dim0]
        return self.permute(value, order)

    def expand(self, value: SSAValue, dims: Sequence[int | Expr]) -> SSAValue:
        """The value broadcast to a shape."""
        exprs = [Expr.of(dim) for dim in dims]
        type = tensor(value)
        if tuple(exprs) == dims_of(type):
            return value
        result = tensor_type(type.element_type, exprs)
        return self.result("aten::expand", value, shape_values(exprs), type=result)

    def slice(self, value: SSAValue, dim: int, start: int | Expr, end: int | Expr) -> SSAValue:
        """The part `start:end` of a dim."""
        type = tensor(value)
        dims = list(dims_of(type))
        start, end = Expr.of(start), Expr.of(end)
        if start.constant == 0 and end == dims[dim]:
            return value
        dims[dim] = end - start
        bounds = shape_values([start, end])
        return self.result(
            "aten::slice.Tensor", value, dim, *bounds, type=tensor_type(type.element_type, dims)
        )

    def number(self, number: complex, element: Attribute) -> SSAValue:
        """A 0-d constant."""
        return self.full([], number, element)

    def size_tensor(self, size: Expr, element: Attribute) -> SSAValue:
        """A 0-d tensor that holds a size known at run time."""
        type = tensor_type(element, [])
        return self.result("aten::scalar_tensor", size, dtype=element, type=type)

    def full(self, shape: Sequence[int], number: complex, element: Attribute) -> SSAValue:
        """A constant with all elements equal."""
        type = tensor_type(element, shape)
        data = np.array(number, numpy_dtype(element)).tobytes()
        return self.insert(ConstantOp(ConstantAttr.of(type, data))).result
