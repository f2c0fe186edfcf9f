"""Scans: every element is combined with the one before it along a dim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.ir import SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .body import Body, region
from .copying import loop_nest
from .elementwise import is_known
from .family import any_strides, first_input_order, no_halo
from .kernel_builder import KernelBuilder
from .map import tasks_of
from .program_builder import ProgramBuilder
from .step import Step, element_type, shape_of

OPERATIONS: tuple[type[SchemaOp], ...] = (edge.CumsumOp, edge.CumprodOp)
FUSES = False

input_order = any_strides
halo = no_halo
output_order = first_input_order


def supports(op: SchemaOp) -> str | None:
    """Known elements, at least one dim."""
    for value in (*op.operands, *op.results):
        if not is_known(element_type(value)):
            return f"there are no kernels for {element_type(value)}"
    if not shape_of(op.operands[0]):
        return "it goes over a tensor without dims"
    return None


def lower(step: Step, program: ProgramBuilder) -> None:
    """A loop along the dim around maps over the others."""
    op = step.op
    source, output = step.tensor(op.operands[0]), step.output
    dim = cast(int, op.value_of("dim")) % len(source.shape)
    given, element = element_type(op.operands[0]), element_type(op.results[0])
    others = [d for d in range(len(source.shape)) if d != dim]
    rows = [tuple(t.strides[d] for d in others) for t in (source, output)]
    shape, (reads, writes) = loop_nest([source.shape[d] for d in others], rows, last=1)
    length = source.shape[dim]
    tasks = tasks_of(shape, length)
    part = (shape[0] // tasks, *shape[1:])

    def join(body: Body, values: Sequence[SSAValue]) -> SSAValue:
        combine = body.add if isinstance(op, edge.CumsumOp) else body.multiply
        return combine(values[1], body.cast(values[0], element))

    def build(k: KernelBuilder) -> None:
        begins = [
            k.at(pointer, [(k.task, part[0] * row[0])] if tasks > 1 else [])
            for pointer, row in zip(k.arguments, (reads, writes), strict=True)
        ]
        first = region([given], lambda body, values: body.cast(values[0], element))
        k.insert(kernel.MapOp(begins[:1], begins[1:], part, [reads], [writes], first))
        with k.loop(length - 1) as index:
            read = k.at(begins[0], [(index, source.strides[dim])], source.strides[dim])
            before = k.at(begins[1], [(index, output.strides[dim])])
            after = k.at(begins[1], [(index, output.strides[dim])], output.strides[dim])
            joined = region([given, element], join)
            k.insert(kernel.MapOp([read, before], [after], part, [reads, writes], [writes], joined))

    pointers = [
        program.pointer(op.operands[0]),
        program.pointer(step.results[0]),
    ]
    strides = (source.strides[dim], output.strides[dim], length, tasks)
    program.launch("scan", (op.name, shape, reads, writes, *strides), pointers, tasks, build)
