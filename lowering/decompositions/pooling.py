"""Pooling of any rank, by the two-dimensional operators.

A window of three dims is one over height and width after which comes one over depth, because
maxima, sums and counts of elements are all separable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import IntegerType, i64
from xdsl.ir import SSAValue

from ...dialects.expr import Expr
from ...dialects.layout import tensor_type
from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder, shape_values
from .calls import Dims, dims, element, product, reduce
from .conversions import in_full_precision
from .registry import NoDecompositionError, decomposition

_ONE = Expr.of(1)


@dataclass(frozen=True)
class _Window:
    """Arguments of a pooling, a number for each pooled dim."""

    kernel: list[int]
    stride: list[int]
    padding: list[int]
    dilation: list[int]

    @staticmethod
    def of(op: SchemaOp, spatial: int) -> _Window:
        kernel = _list(op, "kernel_size", spatial)
        stride = cast("list[int]", op.value_of("stride")) or kernel
        dilation = [1] * spatial
        if any(argument.name == "dilation" for argument in op.SCHEMA.arguments):
            dilation = _list(op, "dilation", spatial)
        return _Window(
            kernel, stride * (spatial // len(stride)), _list(op, "padding", spatial), dilation
        )

    def plane(self) -> _Window:
        """The window over the last two dims."""
        return _Window(*(numbers[-2:] for numbers in self._fields()))

    def line(self) -> _Window:
        """The window over the first dim, with a dim of size 1 after it."""
        kernel, stride, padding, dilation = (numbers[0] for numbers in self._fields())
        return _Window([kernel, 1], [stride, 1], [padding, 0], [dilation, 1])

    def _fields(self) -> tuple[list[int], ...]:
        return self.kernel, self.stride, self.padding, self.dilation


def _list(op: SchemaOp, name: str, spatial: int) -> list[int]:
    numbers = cast("list[int]", op.value_of(name))
    return numbers * (spatial // len(numbers))


def _max_pool(
    builder: EdgeBuilder, value: SSAValue, window: _Window, ceil_mode: bool, out: Dims
) -> SSAValue:
    """Maxima over height and width; all four sizes of the result are given."""
    return builder.results(
        "aten::max_pool2d_with_indices",
        value, window.kernel, window.stride, window.padding, window.dilation, ceil_mode,
        types=[tensor_type(element(value), out), tensor_type(i64, out)],
    )[0]  # fmt: skip


def _as_planes(builder: EdgeBuilder, value: SSAValue) -> SSAValue:
    """A value of rank 4: leading dims merged, or a batch of one added."""
    *outer, height, width = dims(value)
    if len(outer) == 2:
        return value
    return builder.view(value, (_ONE, product(outer), height, width))


@decomposition("max_pool2d")
def max_pool2d(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """The first result of `max_pool2d_with_indices`."""
    out = dims(op.results[0])
    value = _as_planes(builder, op.operands[0])
    sizes = (*dims(value)[:2], *out[-2:])
    result = _max_pool(builder, value, _Window.of(op, 2), bool(op.value_of("ceil_mode")), sizes)
    return [builder.view(result, out)]


@decomposition("max_pool1d")
def max_pool1d(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A `max_pool2d_with_indices` of height 1."""
    window = _Window.of(op, 1)
    window = _Window(
        [1, *window.kernel], [1, *window.stride], [0, *window.padding], [1, *window.dilation]
    )
    value = _as_planes(builder, _with_height(builder, op.operands[0]))
    out = dims(op.results[0])
    sizes = (*dims(value)[:2], _ONE, out[-1])
    result = _max_pool(builder, value, window, bool(op.value_of("ceil_mode")), sizes)
    return [builder.view(result, out)]


def _with_height(builder: EdgeBuilder, value: SSAValue) -> SSAValue:
    *outer, width = dims(value)
    return builder.view(value, (*outer, _ONE, width))


@decomposition("max_pool3d", "max_pool3d_with_indices")
def max_pool3d(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Maxima over height and width, then over depth."""
    if any(result.uses for result in op.results[1:]):
        raise NoDecompositionError("the indices of a 3-d maximum have no decomposition")
    window, ceil_mode = _Window.of(op, 3), bool(op.value_of("ceil_mode"))
    value, out = op.operands[0], dims(op.results[0])
    *outer, depth, height, width = dims(value)
    *_, out_depth, out_height, out_width = out
    planes = builder.view(value, (product(outer), depth, height, width))
    sizes = (product(outer), depth, out_height, out_width)
    planes = _max_pool(builder, planes, window.plane(), ceil_mode, sizes)
    lines = builder.view(planes, (_ONE, product(outer), depth, out_height * out_width))
    sizes = (_ONE, product(outer), out_depth, out_height * out_width)
    result = builder.view(_max_pool(builder, lines, window.line(), ceil_mode, sizes), out)
    return [result] * len(op.results)


@decomposition("avg_pool1d")
def avg_pool1d(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """An `avg_pool2d` of height 1."""
    window = _Window.of(op, 1)
    window = _Window([1, *window.kernel], [1, *window.stride], [0, *window.padding], [1, 1])
    value = _as_planes(builder, _with_height(builder, op.operands[0]))
    out = dims(op.results[0])
    sizes = (*dims(value)[:2], _ONE, out[-1])
    return [builder.view(_avg_pool(op, builder, value, window, None, sizes), out)]


@decomposition("avg_pool3d")
@in_full_precision
def avg_pool3d(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Means over height and width, then over depth."""
    if isinstance(element(op.operands[0]), IntegerType):
        raise NoDecompositionError("means of integers are rounded, so means of means are others")
    window, divisor = _Window.of(op, 3), cast("int | None", op.value_of("divisor_override"))
    value, out = op.operands[0], dims(op.results[0])
    *outer, depth, height, width = dims(value)
    *_, out_depth, out_height, out_width = out
    planes = builder.view(value, (product(outer), depth, height, width))
    sizes = (product(outer), depth, out_height, out_width)
    planes = _avg_pool(op, builder, planes, window.plane(), divisor and 1, sizes)
    lines = builder.view(planes, (_ONE, product(outer), depth, out_height * out_width))
    sizes = (_ONE, product(outer), out_depth, out_height * out_width)
    return [builder.view(_avg_pool(op, builder, lines, window.line(), divisor, sizes), out)]


def _avg_pool(
    op: SchemaOp,
    builder: EdgeBuilder,
    value: SSAValue,
    window: _Window,
    divisor: int | None,
    out: Dims,
) -> SSAValue:
    return builder.result(
        "aten::avg_pool2d",
        value, window.kernel, window.stride, window.padding, op.value_of("ceil_mode"),
        op.value_of("count_include_pad"), divisor, type=tensor_type(element(value), out),
    )  # fmt: skip


@decomposition("adaptive_avg_pool2d")
def adaptive_avg_pool2d(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """The mean where one number is left of each plane, else `_adaptive_avg_pool2d`."""
    return [_adaptive(builder, op.operands[0], dims(op.results[0]))]


@decomposition("adaptive_avg_pool1d")
def adaptive_avg_pool1d(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """An adaptive pooling of height 1."""
    value = _with_height(builder, op.operands[0])
    *outer, width = dims(op.results[0])
    result = _adaptive(builder, value, (*outer, _ONE, width))
    return [builder.view(result, dims(op.results[0]))]


@decomposition("_adaptive_avg_pool3d")
@in_full_precision
def adaptive_avg_pool3d(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Means over height and width, then over depth."""
    value, out = op.operands[0], dims(op.results[0])
    *outer, depth, height, width = dims(value)
    *_, out_depth, out_height, out_width = out
    planes = builder.view(value, (product(outer), depth, height, width))
    planes = _adaptive(builder, planes, (product(outer), depth, out_height, out_width))
    lines = builder.view(planes, (_ONE, product(outer), depth, out_height * out_width))
    lines = _adaptive(builder, lines, (_ONE, product(outer), out_depth, out_height * out_width))
    return [builder.view(lines, out)]


def _adaptive(builder: EdgeBuilder, value: SSAValue, out: Dims) -> SSAValue:
    if dims(value) == out:
        return value
    if out[-1] == out[-2] == _ONE:
        return reduce(builder, "mean.dim", value, [-2, -1])
    planes = _as_planes(builder, value)
    size = shape_values(out[-2:])
    type = tensor_type(element(value), (*dims(planes)[:2], *out[-2:]))
    result = builder.result("aten::_adaptive_avg_pool2d", planes, size, type=type)
    return builder.view(result, out)
