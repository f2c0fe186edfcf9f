"""Scans: every element is combined with the one before it along a dim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .body import Body
from .copying import loop_nest
from .elementwise import element_type, is_known
from .family import Halo, Order
from .kernel_builder import KernelBuilder
from .map import memory_order, tasks_of
from .program_builder import ProgramBuilder
from .step import Step, Tensor

OPERATIONS: tuple[type[SchemaOp], ...] = (edge.CumsumOp, edge.CumprodOp)
FUSES = False


def supports(op: SchemaOp) -> str | None:
    """Known elements, at least one dim."""
    for value in (*op.operands, *op.results):
        if not is_known(element_type(value)):
            return f"there are no kernels for {element_type(value)}"
    if not cast("TensorType[Attribute]", op.operands[0].type).get_shape():
        return "it goes over a tensor without dims"
    return None


def input_order(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
    """Any strides are fine."""
    return None


def halo(op: SchemaOp, operand: SSAValue) -> Halo | None:
    """Nothing is read outside."""
    return None


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """The input's."""
    return memory_order(inputs[0])


def lower(step: Step, program: ProgramBuilder) -> None:
    """A loop along the dim around maps over the others."""
    op = step.op
    source, output = step.tensor(op.operands[0]), step.output
    dim = cast(int, op.value_of("dim")) % len(source.shape)
    element = element_type(op.results[0])
    others = [d for d in range(len(source.shape)) if d != dim]
    rows = [tuple(t.strides[d] for d in others) for t in (source, output)]
    shape, (reads, writes) = loop_nest([source.shape[d] for d in others], rows, last=1)
    length = source.shape[dim]
    tasks = tasks_of(shape, length)
    part = (shape[0] // tasks, *shape[1:])

    def build(k: KernelBuilder) -> None:
        begins = [
            k.at(pointer, [(k.task, part[0] * row[0])] if tasks > 1 else [])
            for pointer, row in zip(k.arguments, (reads, writes), strict=True)
        ]
        first = Body([element_type(op.operands[0])])
        region = first.finish([first.cast(first.arguments[0], element)])
        k.insert(kernel.MapOp(begins[:1], begins[1:], part, [reads], [writes], region))
        with k.loop(length - 1) as index:
            read = k.at(begins[0], [(index, source.strides[dim])], source.strides[dim])
            before = k.at(begins[1], [(index, output.strides[dim])])
            after = k.at(begins[1], [(index, output.strides[dim])], output.strides[dim])
            body = Body([element_type(op.operands[0]), element])
            value = body.cast(body.arguments[0], element)
            join = body.add if isinstance(op, edge.CumsumOp) else body.multiply
            region = body.finish([join(body.arguments[1], value)])
            k.insert(kernel.MapOp([read, before], [after], part, [reads, writes], [writes], region))

    pointers = [
        program.pointer(op.operands[0], element_type(op.operands[0])),
        program.pointer(step.results[0], element),
    ]
    strides = (source.strides[dim], output.strides[dim], length, tasks)
    program.launch("scan", (op.name, shape, reads, writes, *strides), pointers, tasks, build)
