"""What operations cost: multiply-accumulates, and the bytes of what they read and write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite, prod
from typing import cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from ..dialects.constant import element_bytes
from ..dialects.expr import Bound
from ..dialects.layout import upper_bounds
from ..dialects.schema_op import SchemaOp

Ranges = Mapping[str, tuple[Bound, Bound]]
"""The ranges of symbolic sizes, which count with their upper bounds; an unbounded one as 1."""

Shape = tuple[int, ...]


def macs(op: Operation, ranges: Ranges) -> int:
    """The multiply-accumulates of a product or a convolution; 0 for all other operations."""
    if not isinstance(op, SchemaOp):
        return 0
    name = op.SCHEMA.key.removeprefix("aten::").partition(".")[0]
    count = _MACS.get(name)
    if count is None:
        return 0

    def shape(argument: str | int) -> Shape:
        value = op.results[argument] if isinstance(argument, int) else op.operand_of(argument)
        return _shape(cast(SSAValue, value), ranges)

    return count(op, shape)


def nbytes(values: Iterable[SSAValue], ranges: Ranges) -> int:
    """The bytes of tensors, each value counted once; numbers have eight."""
    return sum(_value_bytes(value, ranges) for value in dict.fromkeys(values))


def _value_bytes(value: SSAValue, ranges: Ranges) -> int:
    if not isinstance(value.type, TensorType):
        return 8
    type = cast(TensorType[Attribute], value.type)
    return prod(_shape(value, ranges)) * element_bytes(type.element_type)


def _shape(value: SSAValue, ranges: Ranges) -> Shape:
    bounds = upper_bounds(cast(TensorType[Attribute], value.type), ranges)
    return tuple(int(bound) if isfinite(bound) else 1 for bound in bounds)


ShapeOf = Callable[[str | int], Shape]
"""The shape of an operand by name, or of a result by index."""


def _convolution(op: SchemaOp, shape: ShapeOf) -> int:
    # Each input element of a transposed convolution meets what each output element of others does.
    name = op.SCHEMA.key
    transposed = "transpose" in name or (
        name == "aten::convolution" and bool(op.value_of("transposed"))
    )
    return prod(shape("input" if transposed else 0)) * prod(shape("weight")[1:])


def _product(op: SchemaOp, shape: ShapeOf) -> int:
    left = next(a.name for a in op.kept_arguments() if a.name in _LEFT[op.SCHEMA.op_name])
    return prod(shape(0)) * shape(left)[-1]


_LEFT = {
    "mm": ("self",),
    "bmm": ("self",),
    "matmul": ("self",),
    "linear": ("input",),
    "addmm": ("mat1",),
    "baddbmm": ("batch1",),
}
"""The left factor of each product."""


def _attention(op: SchemaOp, shape: ShapeOf) -> int:
    query, keys, values = shape("query"), shape("key"), shape("value")
    return prod(query[:-1]) * keys[-2] * (query[-1] + values[-1])


def _recurrent(op: SchemaOp, shape: ShapeOf) -> int:
    # Each weight matrix meets each step of each sequence.
    steps = prod(shape("input")[:-1])
    weights = cast(list[SSAValue], op.operand_of("params"))
    shapes = (cast(TensorType[Attribute], weight.type).get_shape() for weight in weights)
    return steps * sum(prod(shape) for shape in shapes if len(shape) == 2)


_MACS: dict[str, Callable[[SchemaOp, ShapeOf], int]] = {
    **dict.fromkeys(_LEFT, _product),
    **dict.fromkeys(("convolution", "conv1d", "conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _convolution),
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), _recurrent),
    "scaled_dot_product_attention": _attention,
}
"""How the multiply-accumulates of an operator are counted, by its name without overload."""
