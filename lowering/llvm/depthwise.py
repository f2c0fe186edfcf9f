"""Depthwise convolution: every channel has a filter of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import edge
from ...dialects.schema_op import SchemaOp
from .family import Order, no_halo
from .program_builder import ProgramBuilder
from .roots import is_constant
from .stencils import RowWindow, Stencil, Windows, as_pair, channels_last, launch_windows
from .step import Step, Tensor, element_type, shape_of

OPERATIONS = (edge.ConvolutionOp,)
FUSES = True

halo = no_halo


def supports(op: SchemaOp) -> str | None:
    """As many groups as channels in and out, constant filters, in f32, over one or two dims."""
    assert isinstance(op, edge.ConvolutionOp)
    shape = shape_of(op.input)
    channels = shape[1]
    if len(shape) not in (3, 4) or channels == 1:
        return "it is no depthwise convolution over one or two dims"
    if op.value_of("groups") != channels or op.value_of("transposed"):
        return "it is no depthwise convolution"
    if shape_of(op.weight)[0] != channels:
        return "a channel has several filters"
    return why_no_filters(op)


def why_no_filters(op: SchemaOp) -> str | None:
    """Why a depthwise convolution of any rank has no filters for kernels; None if it has."""
    assert isinstance(op, edge.ConvolutionOp)
    if element_type(op.input) != f32:
        return f"depthwise convolution of {element_type(op.input)}"
    constants = [op.weight] if op.bias is None else [op.weight, op.bias]
    return None if all(map(is_constant, constants)) else "its filters are computed"


def input_order(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
    """Channels must be side by side."""
    rank = len(tensor.shape)
    return None if tensor.strides[1] == 1 else channels_last(rank, rank - 2)


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """Channels side by side."""
    rank = len(inputs[0].shape)
    return channels_last(rank, rank - 2)


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch over bands of rows."""
    spatial = len(step.output.shape) - 2
    launch_windows(step, program, "depthwise", _windows(step), spatial)


def row_window(op: SchemaOp) -> RowWindow:
    """The window over the rows of an image."""
    assert isinstance(op, edge.ConvolutionOp)
    return RowWindow.of(_shape_of_windows(op), shape_of(op.input)[2], shape_of(op.result)[2])


def stencil_of(step: Step) -> Stencil:
    """The windows of a step over images."""
    return Stencil.of(step, _windows(step), 2)


def _windows(step: Step) -> Windows:
    op = step.op
    assert isinstance(op, edge.ConvolutionOp)
    weight = step.array(op.weight)
    assert weight is not None
    filters = weight.reshape(len(weight), *as_pair(weight.shape[2:], 1))
    return replace(
        _shape_of_windows(op),
        weights=filters.transpose(1, 2, 0),
        bias=None if op.bias is None else step.array(op.bias),
    )


def _shape_of_windows(op: edge.ConvolutionOp) -> Windows:
    stride, dilation, padding = (
        as_pair(cast("list[int]", op.value_of(name)), default)
        for name, default in (("stride", 1), ("dilation", 1), ("padding", 0))
    )
    return Windows(as_pair(shape_of(op.weight)[2:], 1), stride, dilation, padding)
