"""Depthwise convolution over three dims: of each slice of the result, the sum of windows over two
dims of the slices that it depends on."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .body import identity, number, region
from .convolution import per_dim
from .depthwise import why_no_filters
from .family import Order, no_halo
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .stencils import LARGEST_WINDOW, channels_last
from .step import Step, Tensor, shape_of

OPERATIONS = (edge.ConvolutionOp,)
FUSES = False

halo = no_halo


def supports(op: SchemaOp) -> str | None:
    """As many groups as channels in and out, constant filters, in f32, over three dims."""
    assert isinstance(op, edge.ConvolutionOp)
    shape, filters = shape_of(op.input), shape_of(op.weight)
    if len(shape) != 5 or op.value_of("transposed"):
        return "it is no depthwise convolution over three dims"
    if not shape[1] == filters[0] == op.value_of("groups") != 1:
        return "it is no depthwise convolution"
    return why_no_filters(op)


def input_order(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
    """Channels must be side by side."""
    return None if tensor.strides[1] == 1 else channels_last(5, 3)


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """Channels side by side."""
    return channels_last(5, 3)


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch, a task for each slice of the result: first the bias, then tap by tap along the
    depth what the slices of the input add."""
    op = step.op
    assert isinstance(op, edge.ConvolutionOp)
    source, output = step.tensor(op.input), step.output
    weight = step.array(op.weight)
    assert weight is not None
    window = weight.shape[2:]
    stride, padding, dilation = (per_dim(op, name, 3) for name in ("stride", "padding", "dilation"))
    images, channels, depth, rows, columns = output.shape
    last = (rows - 1) * stride[1] + (window[1] - 1) * dilation[1]
    reaches = padding[1] > 0 or last >= source.shape[3]
    arguments = [program.pointer(op.input), program.pointer(step.results[0])]
    filters = weight.reshape(channels, *window).transpose(1, 2, 3, 0)
    arguments.append(program.weight(filters, f32))
    if reaches:
        size = (source.shape[4] - 1) * source.strides[4] + channels
        arguments.append(program.scratch(4 * size, f32))
    bias = None if op.bias is None else step.array(op.bias)
    if bias is not None:
        arguments.append(program.weight(bias, f32))
    shares = window[1] > stride[1] and prod(window[1:]) <= LARGEST_WINDOW
    at_once = min(rows, 2 if shares else 1)
    whole = (output.strides[3], output.strides[4], 1)

    def stencil(
        k: KernelBuilder,
        row: SSAValue,
        count: int,
        pointers: tuple[SSAValue, SSAValue, SSAValue],
        outside: SSAValue | None,
    ) -> None:
        x, y, w = pointers
        k.insert(
            kernel.StencilOp(
                row,
                x,
                y,
                region([f32, f32], lambda body, values: body.add(*values)),
                rows=count,
                columns=columns,
                channels=channels,
                size=source.shape[3:],
                input_strides=source.strides[3:],
                output_strides=output.strides[3:],
                window=window[1:],
                stride=stride[1:],
                dilation=dilation[1:],
                padding=padding[1:],
                weights=w,
                outside=outside,
                extras=[y],
                extra_strides=[whole],
            )
        )

    def build(k: KernelBuilder) -> None:
        x, y, w, *others = k.arguments
        outside = others.pop(0) if reaches else None
        image, place = k.split(k.task, (images, depth))
        y = k.at(y, [(image, output.strides[0]), (place, output.strides[2])])
        shape = (rows, columns, channels)
        start = number(0.0) if bias is None else identity(f32)
        first = [(0, 0, 1)] * len(others)
        k.insert(kernel.MapOp(others, [y], shape, first, [whole], start))
        for tap in range(window[0]):
            begin = k.index([(place, stride[0])], tap * dilation[0] - padding[0])
            with k.loop(0, _is_inside(k, begin, source.shape[2])):
                slice_ = k.at(x, [(image, source.strides[0]), (begin, source.strides[2])])
                own = k.at(w, [], tap * channels * prod(window[1:]))
                left = rows % at_once
                if left:
                    stencil(k, k.index([], 0), left, (slice_, y, own), outside)
                with k.loop(rows // at_once) as block:
                    row = k.index([(block, at_once)], left)
                    stencil(k, row, at_once, (slice_, y, own), outside)

    key = (source, output, window, *map(tuple, (stride, padding, dilation)), bias is not None)
    program.launch("depthwise_volume", key, arguments, images * depth, build)


def _is_inside(k: KernelBuilder, place: SSAValue, size: int) -> SSAValue:
    """How often something is done that is done for places below a size: once or never."""
    inside = k.insert(arith.CmpiOp(place, k.index([], size), "ult")).result
    return k.insert(arith.SelectOp(inside, k.index([], 1), k.index([], 0))).result
