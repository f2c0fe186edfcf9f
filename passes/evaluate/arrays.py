"""Between the IR's types and constants, and numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from ...dialects.aten.numbers import NumberOp
from ...dialects.constant import ConstantAttr
from ...dialects.edge.ops import ConstantOp, WeightOp
from ...dialects.expr import Expr
from ...dialects.layout import dims_of, order_of
from ...runtime.dtypes import BY_NAME, ScalarType

Array = NDArray[Any]


def scalar_type(element: Attribute) -> ScalarType:
    """The scalar type of an element type of the IR."""
    return BY_NAME[str(element)]


def numpy_dtype(element: Attribute) -> np.dtype[Any]:
    """The numpy dtype of an element type of the IR."""
    return scalar_type(element).dtype


def empty_array(type: TensorType[Attribute], sizes: Mapping[str, int]) -> Array:
    """A new array of a tensor type, in its dim order, for the given values of symbols."""
    shape = [dim.evaluate(sizes) for dim in dims_of(type)]
    order = order_of(type)
    stored = np.empty([shape[dim] for dim in order], numpy_dtype(type.element_type))
    return stored.transpose(np.argsort(order)) if order else stored


def fits(type: TensorType[Attribute], array: Array, sizes: dict[str, int]) -> bool:
    """Whether an array has a type; adds the symbols that its shape determines to `sizes`."""
    dims = dims_of(type)
    if array.dtype != numpy_dtype(type.element_type) or len(dims) != array.ndim:
        return False
    for dim, size in zip(dims, array.shape, strict=True):
        if (linear := dim.linear()) is not None:
            symbol, factor, offset = linear
            sizes.setdefault(symbol, (size - offset) // factor)
    return all(
        dim.evaluate(sizes) == size
        for dim, size in zip(dims, array.shape, strict=True)
        if dim.symbols() <= sizes.keys()
    )


def constant_array(attribute: ConstantAttr) -> Array:
    """The read-only array of a constant attribute."""
    type = attribute.data.type
    flat = np.frombuffer(attribute.data.data, numpy_dtype(type.element_type))
    return flat.reshape(type.get_shape())


def constant_attribute(array: Array, type: TensorType[Attribute]) -> ConstantAttr:
    """The constant attribute that holds an array."""
    return ConstantAttr.of(type, np.ascontiguousarray(array).tobytes())


def known_array(value: SSAValue, weights: Mapping[str, Array]) -> Array | None:
    """The array of a value that is known at compile time, else None."""
    match value.owner:
        case WeightOp() as op:
            return weights[op.key.data]
        case ConstantOp() as op:
            return constant_array(op.value)
        case NumberOp() as op:
            if isinstance(op.number, Expr):
                return None
            element = op.result.type.element_type
            return np.array(op.number, numpy_dtype(element))
        case _:
            return None
