"""Convolution and pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ...dialects.schema_op import SchemaOp
from .rule import (
    Dim,
    Dims,
    check,
    operand_shape,
    optional_shape,
    product_of,
    rule,
    same,
    same_shape,
    sizes_of,
    text,
)


@rule("convolution", "conv1d", "conv2d", "conv3d")
def _convolution(op: SchemaOp) -> Sequence[Dims | None]:
    source, weight, bias = (
        operand_shape(op, "input"),
        operand_shape(op, "weight"),
        optional_shape(op, "bias"),
    )
    spatial = len(weight) - 2
    check(
        spatial > 0 and len(source) in (spatial + 1, spatial + 2),
        f"the input {text(source)} and the weight {text(weight)} differ in dims",
    )
    transposed = op.SCHEMA.name == "convolution" and bool(op.value_of("transposed"))
    groups = cast(int, op.value_of("groups"))
    channels = source[-spatial - 1]
    ins, outs = product_of((weight[1], groups)), weight[0]
    if transposed:
        ins, outs = weight[0], ins
    check(
        same(channels, ins),
        f"the input has {channels} channels, the weight {text(weight)} with {groups} groups "
        f"takes {ins}",
    )
    check(
        not isinstance(weight[0], int) or weight[0] % groups == 0,
        f"the weight {text(weight)} does not divide into {groups} groups",
    )
    if bias is not None:
        fits = same_shape(bias, (outs,))
        check(fits, f"the bias {text(bias)} does not fit {outs} output channels")
    window = _Windows(op, spatial, weight[2:])
    extra = window.list("output_padding", 0) if transposed else []
    sizes = [
        window.transposed_size(i, size, extra[i]) if transposed else window.size(i, size)
        for i, size in enumerate(source[-spatial:])
    ]
    return [(*source[: -spatial - 1], outs, *sizes)]


@rule(
    "max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices", "max_pool3d_with_indices",
    "avg_pool1d", "avg_pool2d", "avg_pool3d",
)  # fmt: skip
def _pool(op: SchemaOp) -> Sequence[Dims | None]:
    source = operand_shape(op, "self")
    spatial = int(op.SCHEMA.name.split("pool")[1][0])
    check(
        len(source) in (spatial + 1, spatial + 2),
        f"expected {spatial + 1} or {spatial + 2} dims, got {text(source)}",
    )
    kernel = sizes_of(op, "kernel_size")
    window = _Windows(op, spatial, kernel * spatial if len(kernel) == 1 else kernel)
    sizes = [window.size(i, size) for i, size in enumerate(source[-spatial:])]
    return [(*source[:-spatial], *sizes)] * len(op.results)


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
def _adaptive_pool(op: SchemaOp) -> Sequence[Dims | None]:
    source, size = operand_shape(op, "self"), sizes_of(op, "output_size")
    check(len(source) > len(size), f"{text(source)} has too few dims")
    return [(*source[: -len(size)], *size)]


class _Windows:
    """The windows of a convolution or a pooling operator, by spatial dim."""

    def __init__(self, op: SchemaOp, spatial: int, kernel: Sequence[Dim]) -> None:
        self._op, self._spatial, self._kernel = op, spatial, kernel
        self._names = {argument.name for argument in op.kept_arguments()}
        self._padding, self._dilation = self.list("padding", 0), self.list("dilation", 1)
        self._stride = self.list("stride", 0)
        if not any(self._stride):
            self._stride = list(kernel)
        self._ceil = "ceil_mode" in self._names and bool(op.value_of("ceil_mode"))

    def list(self, name: str, default: int) -> list[Dim]:
        """A list argument with an item for each spatial dim; one number stands for all."""
        items = sizes_of(self._op, name) if name in self._names else []
        items = items or [default]
        if len(items) == 1:
            items = items * self._spatial
        check(
            len(items) == self._spatial, f"{name} has {len(items)} numbers for {self._spatial} dims"
        )
        return items

    def size(self, i: int, size: Dim) -> Dim:
        """The number of windows in dim `i` of the given size."""
        numbers = (size, self._kernel[i], self._stride[i], self._padding[i], self._dilation[i])
        if not all(isinstance(number, int) for number in numbers):
            return None
        size, kernel, stride, padding, dilation = cast(tuple[int, int, int, int, int], numbers)
        check(stride > 0, f"stride {stride} is not positive")
        span = size + 2 * padding - dilation * (kernel - 1) - 1
        if not self._ceil:
            return span // stride + 1
        count = -(-span // stride) + 1
        # The last window starts inside the input or its left padding.
        return count - 1 if (count - 1) * stride >= size + padding else count

    def transposed_size(self, i: int, size: Dim, extra: Dim) -> Dim:
        """The size in dim `i` that a transposed convolution makes from `size` windows."""
        numbers = (
            size, self._kernel[i], self._stride[i], self._padding[i], self._dilation[i], extra
        )  # fmt: skip
        if not all(isinstance(number, int) for number in numbers):
            return None
        size, kernel, stride, padding, dilation, extra = cast(tuple[int, ...], numbers)
        return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
