"""Normalization by mean and variance (of layers, groups, batches) or by the mean square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

import numpy as np
from xdsl.dialects import math
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import edge
from ...dialects.schema_op import SchemaOp
from .body import Body, Make, identity, region
from .elementwise import epilogue
from .family import any_strides, first_input_order, no_halo
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .slices import Local, Operand, Slices, epilogue_operands
from .step import Step, element_type, shape_of

_LAYERS = (edge.LayerNormOp, edge.NativeLayerNormOp, edge.RmsNormOp)
_GROUPS = (edge.GroupNormOp, edge.NativeGroupNormOp)
_BATCHES = (edge.OPERATORS["aten::_native_batch_norm_legit.no_stats"],)

OPERATIONS: tuple[type[SchemaOp], ...] = (*_LAYERS, *_GROUPS, *_BATCHES)
FUSES = True

input_order = any_strides
halo = no_halo
output_order = first_input_order


def supports(op: SchemaOp) -> str | None:
    """In f32."""
    for value in (*op.operands, *op.results):
        if element_type(value) != f32:
            return f"it is computed in f32 only, not with {element_type(value)}"
    return None


@dataclass(frozen=True)
class _Space:
    """The input's dims, the channels split by groups; which of them a slice has; and the dims over
    which weight and bias go, with their strides there."""

    shape: tuple[int, ...]
    inner: tuple[int, ...]
    parameters: tuple[int, ...]
    channel: int | None = None
    """The dim that was split in two."""

    def split(self, strides: Sequence[int]) -> tuple[int, ...]:
        """A tensor's strides over these dims."""
        if self.channel is None:
            return tuple(strides)
        at, own = self.channel, strides[self.channel]
        return (*strides[:at], own * self.shape[at + 1], own, *strides[at + 1 :])


def _space(op: SchemaOp) -> _Space:
    shape = shape_of(op.operands[0])
    rank = len(shape)
    if isinstance(op, _LAYERS):
        count = len(cast("list[int]", op.value_of("normalized_shape")))
        inner = tuple(range(rank - count, rank))
        return _Space(shape, inner, tuple(int(d in inner) * _step(shape, d) for d in range(rank)))
    if isinstance(op, _GROUPS):
        name = "num_groups" if isinstance(op, edge.GroupNormOp) else "group"
        groups = cast(int, op.value_of(name))
        own = shape[1] // groups
        split = (shape[0], groups, own, *shape[2:])
        zeros = (0,) * (rank - 2)
        return _Space(split, tuple(range(2, rank + 1)), (0, own, 1, *zeros), channel=1)
    inner = tuple(d for d in range(rank) if d != 1)
    return _Space(shape, inner, tuple(int(d == 1) for d in range(rank)))


def _step(shape: Sequence[int], dim: int) -> int:
    return prod(shape[dim + 1 :])


def lower(step: Step, program: ProgramBuilder) -> None:
    """Slice after slice: mean, variance, then the elements."""
    op, chain = step.op, epilogue(step)
    space = _space(op)
    weight, bias = cast("SSAValue | None", op.operand_of("weight")), None
    if not isinstance(op, edge.RmsNormOp):
        bias = cast("SSAValue | None", op.operand_of("bias"))
    parameters = [value for value in (weight, bias) if value is not None]
    operands = [Operand(op.operands[0], space.split(step.tensor(op.operands[0]).strides))]
    operands += [Operand(value, space.parameters) for value in parameters]
    operands += [Operand(v, space.split(s)) for v, s in epilogue_operands(step, chain)]
    saved = list(op.results[1:])
    dims = [d for d in range(len(space.shape)) if d not in space.inner]
    for value in saved:
        operands.append(Operand(value, _saved_strides(space.shape, dims)))
    operands.append(Operand(step.results[0], space.split(step.output.strides)))
    slices = Slices(program, space.shape, space.inner, operands, statistics=2)
    count = len(parameters)

    def finish(body: Body, v: Sequence[SSAValue]) -> SSAValue:
        """(x - mean) * scale, then weight and bias; v = x, [mean], scale, [weight], [bias]."""
        values = list(v)
        x = values.pop(0)
        if not isinstance(op, edge.RmsNormOp):
            x = body.subtract(x, values.pop(0))
        x = body.multiply(x, values.pop(0))
        if weight is not None and bias is not None:
            return body.fma(x, *values)
        if weight is not None:
            return body.multiply(x, values[0])
        return x if bias is None else body.add(x, values[0])

    def build(k: KernelBuilder, locals: list[Local], statistics: list[Local]) -> None:
        x, *others = locals
        y = others.pop()
        mean, scale = statistics
        _statistics(k, slices, op, x, mean, scale)
        for target, source in zip(others[len(others) - len(saved) :], (mean, scale), strict=False):
            slices.derive(k, [source], target, identity())
        others = others[: len(others) - len(saved)]
        inputs = [x, scale] if isinstance(op, edge.RmsNormOp) else [x, mean, scale]
        inputs += others
        width = len(inputs) - len(others) + count
        slices.map(k, inputs, y, chain.after([f32] * width, finish))

    given_key = (weight is not None, bias is not None, _epsilon(op), op.name)
    slices.launch("normalize", (*given_key, chain.key), build)


def _saved_strides(shape: Sequence[int], dims: Sequence[int]) -> tuple[int, ...]:
    """The strides of a dense tensor of numbers of the slices over the whole space."""
    strides = [0] * len(shape)
    step = 1
    for dim in reversed(dims):
        strides[dim] = step
        step *= shape[dim]
    return tuple(strides)


def _statistics(
    k: KernelBuilder, slices: Slices, op: SchemaOp, x: Local, mean: Local, scale: Local
) -> None:
    """The mean, and the inverse of the root of the variance (or of the mean square)."""
    share = 1 / slices.size

    def root(body: Body, values: Sequence[SSAValue]) -> SSAValue:
        return _inverse_root(op)(body, [body.multiply(values[0], share)])

    if isinstance(op, edge.RmsNormOp):
        square = region([f32], lambda b, v: b.multiply(v[0], v[0]))
        slices.reduce(k, "add", [x], square, region([f32], root), scale)
        return
    average = region([f32], lambda b, v: b.multiply(v[0], share))
    slices.reduce(k, "add", [x], identity(), average, mean)

    def square_of_rest(body: Body, values: Sequence[SSAValue]) -> SSAValue:
        rest = body.subtract(values[0], values[1])
        return body.multiply(rest, rest)

    slices.reduce(
        k, "add", [x, mean], region([f32, f32], square_of_rest), region([f32], root), scale
    )


def _epsilon(op: SchemaOp) -> float:
    value = op.value_of("eps")
    return float(np.finfo(np.float32).eps) if value is None else cast(float, value)


def _inverse_root(op: SchemaOp) -> Make:
    epsilon = _epsilon(op)

    def make(body: Body, values: Sequence[SSAValue]) -> SSAValue:
        return body.divide(1.0, body.unary(math.SqrtOp, body.add(values[0], epsilon)))

    return make
