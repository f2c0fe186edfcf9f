"""Distances between the rows of two matrices: `torch.cdist`."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import cast

from xdsl.dialects import math
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .body import Body, region
from .elementwise import epilogue
from .family import any_strides, no_halo, row_major
from .kernel_builder import KernelBuilder
from .map import tasks_of
from .program_builder import ProgramBuilder
from .step import Step, Tensor, element_type

OPERATIONS = (edge.OPERATORS["aten::_cdist_forward"],)
FUSES = True

input_order = any_strides
halo = no_halo
output_order = row_major


def supports(op: SchemaOp) -> str | None:
    """Distances in f32."""
    element = element_type(op.operands[0])
    return None if element == f32 else f"distances in {element}"


def _difference(order: float, body: Body, values: Sequence[SSAValue]) -> SSAValue:
    """What two numbers add to a distance of an order."""
    difference = body.subtract(*values)
    if order == 2:
        return body.multiply(difference, difference)
    if order == 0:
        return body.cast(body.truth(difference), f32)
    size = body.absolute(difference)
    return size if order in (1, inf) else body.binary(math.PowFOp, size, order)


def _root(order: float, body: Body, values: Sequence[SSAValue]) -> SSAValue:
    """What the sum (or the largest) of them says of the distance."""
    if order in (0, 1, inf):
        return values[0]
    if order == 2:
        return body.unary(math.SqrtOp, values[0])
    return body.binary(math.PowFOp, values[0], 1 / order)


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch, whose tasks are matrices or rows of the result."""
    op, output, fused = step.op, step.output, epilogue(step)
    left, right = (step.tensor(value) for value in op.operands)
    order = cast(float, op.value_of("p"))
    width = left.shape[-1]
    batch = output.shape[:-2]

    def strides(tensor: Tensor, over_rows: bool) -> tuple[int, ...]:
        """Over the dims of the result, then over those of a row."""
        whole = tensor.broadcast((*batch, *tensor.shape[-2:]))
        own = (whole[-2], 0) if over_rows else (0, whole[-2])
        return (*whole[:-2], *own, whole[-1])

    reads = [strides(left, True), strides(right, False)]
    extras = [step.broadcast(extra) for extra in fused.extras]
    split = max(range(len(output.shape)), key=lambda d: output.shape[d])
    shape = list(output.shape)
    sizes = [shape[split], *shape[:split], *shape[split + 1 :], width]
    tasks = tasks_of(sizes, 3)
    shape[split] //= tasks
    places = [*reads, *extras, output.strides]

    def build(k: KernelBuilder) -> None:
        begins = [
            k.at(pointer, [(k.task, shape[split] * own[split])] if tasks > 1 else [])
            for pointer, own in zip(k.arguments, places, strict=True)
        ]
        k.insert(
            kernel.WindowOp(
                begins[:2],
                begins[2:-1],
                begins[-1],
                shape,
                (width,),
                reads,
                extras,
                output.strides,
                "max" if order == inf else "add",
                region([f32, f32], lambda body, values: _difference(order, body, values)),
                fused.after([f32], lambda body, values: _root(order, body, values)),
            )
        )

    operands = [*op.operands, *fused.extras, step.results[0]]
    key = (order, output.shape, width, tuple(places), tasks, fused.key)
    program.launch("distance", key, [program.pointer(value) for value in operands], tasks, build)
