"""Softmax and its logarithm along any dim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects import math
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import edge
from ...dialects.schema_op import SchemaOp
from .body import Body, identity, region
from .elementwise import epilogue
from .family import any_strides, first_input_order, no_halo
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .slices import Local, Operand, Slices, epilogue_operands
from .step import Step, element_type, shape_of

_LOGARITHMS = (edge.OPERATORS["aten::_log_softmax"], edge.LogSoftmaxIntOp)

OPERATIONS: tuple[type[SchemaOp], ...] = (
    edge.OPERATORS["aten::_softmax"],
    edge.SoftmaxIntOp,
    *_LOGARITHMS,
)
FUSES = True

input_order = any_strides
halo = no_halo
output_order = first_input_order


def supports(op: SchemaOp) -> str | None:
    """In f32, of tensors with dims."""
    if element_type(op.operands[0]) != f32 or element_type(op.results[0]) != f32:
        return f"it is computed in f32 only, not from {element_type(op.operands[0])}"
    if not shape_of(op.operands[0]):
        return "it goes over a tensor without dims"
    return None


def lower(step: Step, program: ProgramBuilder) -> None:
    """Slice after slice: the maximum, the powers and their sum, the quotients."""
    op, chain = step.op, epilogue(step)
    shape = step.output.shape
    dim = cast(int, op.value_of("dim")) % len(shape)
    operands = [
        Operand(op.operands[0], step.tensor(op.operands[0]).strides),
        *(Operand(value, strides) for value, strides in epilogue_operands(step, chain)),
        Operand(step.results[0], step.output.strides),
    ]
    slices = Slices(program, shape, [dim], operands, statistics=2)

    def softmax(k: KernelBuilder, locals: list[Local], statistics: list[Local]) -> None:
        x, *extras, y = locals
        most, total = statistics
        slices.reduce(k, "max", [x], identity(), identity(), most)
        inverse = region([f32], lambda b, v: b.divide(1.0, v[0]))
        if extras:
            # The result may lie over one of them: the powers cannot be kept there.
            slices.reduce(k, "add", [x, most], region([f32, f32], _power), inverse, total)
            slices.map(
                k,
                [x, most, total, *extras],
                y,
                chain.after([f32] * 3, lambda b, v: b.multiply(_power(b, v), v[2])),
            )
            return
        slices.map_and_sum(k, [x, most], y, region([f32, f32], _power), total)
        slices.derive(k, [total], total, inverse)
        slices.map(k, [y, total], y, chain.after([f32] * 2, lambda b, v: b.multiply(v[0], v[1])))

    def log_softmax(k: KernelBuilder, locals: list[Local], statistics: list[Local]) -> None:
        x, *extras, y = locals
        most, total = statistics
        logarithm = region([f32], lambda b, v: b.unary(math.LogOp, v[0]))
        slices.reduce(k, "max", [x], identity(), identity(), most)
        slices.reduce(k, "add", [x, most], region([f32, f32], _power), logarithm, total)
        slices.map(
            k,
            [x, most, total, *extras],
            y,
            chain.after([f32] * 3, lambda b, v: b.subtract(b.subtract(v[0], v[1]), v[2])),
        )

    if isinstance(op, _LOGARITHMS):
        slices.launch("log_softmax", chain.key, log_softmax)
    else:
        slices.launch("softmax", chain.key, softmax)


def _power(body: Body, values: Sequence[SSAValue]) -> SSAValue:
    return body.unary(math.ExpOp, body.subtract(values[0], values[1]))
