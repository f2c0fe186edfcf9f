"""Elementwise operations as steps of their own, and operations that put elements elsewhere."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import cast

from xdsl.dialects.builtin import f64, i64
from xdsl.ir import Attribute, Region, SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .body import Body
from .copying import loop_nest
from .elementwise import (
    ELEMENTWISE,
    epilogue,
    is_elementwise,
    is_known,
    supports_elementwise,
    whole_chain,
)
from .family import Order, any_strides, no_halo
from .kernel_builder import KernelBuilder
from .movement import MOVEMENTS, Piece, pieces_of
from .program_builder import ProgramBuilder
from .step import Array, Step, Tensor, element_type, shape_of
from .tasks import parts

OPERATIONS: tuple[type[SchemaOp], ...] = (*ELEMENTWISE, *MOVEMENTS)
FUSES = True

input_order = any_strides
halo = no_halo

_RATE = 10_000
"""Simple operations on elements in a microsecond."""


def supports(op: SchemaOp) -> str | None:
    """Elements of known types; sizes and numbers that are known now."""
    if is_elementwise(op):
        return supports_elementwise(op)
    for value in (*op.operands, *op.results):
        if not is_known(element_type(value)):
            return f"there are no kernels for {element_type(value)}"
    for argument in op.kept_arguments():
        if not argument.is_tensor and not _is_constant(op, argument.name):
            return f"its argument {argument.name} is known only at run time"
    if isinstance(op, edge.RollOp) and not op.value_of("dims"):
        return "it rolls a tensor without dims"
    return None


def _is_constant(op: SchemaOp, name: str) -> bool:
    value = op.value_of(name)
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    return all(isinstance(item, bool | int | float | str | Attribute | None) for item in items)


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """That of the largest input, if it has the result's rank."""
    rank = len(shape_of(op.results[0]))
    same = [tensor for tensor in inputs if len(tensor.shape) == rank]
    return max(same, key=lambda t: t.size).memory_order if same else tuple(range(rank))


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch for an elementwise step, one for each piece of a movement."""
    if is_elementwise(step.op):
        _lower_elementwise(step, program)
        return
    for piece in pieces_of(step):
        _lower_piece(step, piece, program)


def _lower_elementwise(step: Step, program: ProgramBuilder) -> None:
    chain = whole_chain(step)
    output = step.output
    operands = [
        Operand(value, step.broadcast(value), element_type(value)) for value in chain.extras
    ]
    operands.append(Operand(step.results[0], output.strides, output.element))
    launch_map(program, "map", output.shape, operands, chain.region(), chain.key)


def _lower_piece(step: Step, piece: Piece, program: ProgramBuilder) -> None:
    chain = epilogue(step)
    output = step.output
    steps = [
        [axis.step if axis.dim == d else 0 for axis in piece.axes] for d in range(len(output.shape))
    ]

    def part(value: SSAValue, strides: Sequence[int], element: Attribute) -> Operand:
        own = tuple(
            sum(by[number] * stride for by, stride in zip(steps, strides, strict=True))
            for number in range(len(piece.axes))
        )
        offset = sum(b * stride for b, stride in zip(piece.begin, strides, strict=True))
        return Operand(value, own, element, offset)

    operands = [
        Operand(source.value, source.strides, source.element, source.offset)
        for source in piece.sources
    ]
    for value in chain.extras:
        operands.append(part(value, step.broadcast(value), element_type(value)))
    operands.append(part(step.results[0], output.strides, output.element))
    count = len(piece.sources)
    body = Body([operand.element for operand in operands[:-1]])
    if piece.combine is not None:
        first = piece.combine(body, body.arguments[:count])
    elif count:
        first = body.arguments[0]
    else:
        first = body.constant(piece.number, element_type(step.op.results[0]))
    region = body.finish([chain.write(body, [first, *body.arguments[count:]])])
    shape = tuple(axis.size for axis in piece.axes)
    key = (step.op.name if piece.combine else "", count or repr(piece.number), chain.key)
    launch_map(program, "move", shape, operands, region, key)


@dataclass(frozen=True)
class Operand:
    """What a map reads or writes: a value of the program or an array of constants, its strides over
    the map's shape, and where it begins."""

    value: SSAValue | Array
    strides: tuple[int, ...]
    element: Attribute
    offset: int = 0


def launch_map(
    program: ProgramBuilder,
    name: str,
    shape: Sequence[int],
    operands: Sequence[Operand],
    body: Region,
    key: Hashable,
) -> None:
    """A map over a space, whose last operand is written, in as many tasks as pay.

    `key` tells bodies apart; shape and strides are added to it.
    """
    sizes, rows = loop_nest(shape, [o.strides for o in operands], last=len(operands) - 1)
    pointers = [_pointer(program, operand) for operand in operands]
    offsets = tuple(operand.offset for operand in operands)
    # As what is read was cut.
    by_channels = len(sizes) > 1 and any(map(program.is_by_channels, pointers))
    dim = len(sizes) - 1 if by_channels else 0
    lanes = gcd(sizes[dim], program.target.lanes()) if by_channels else 1
    tasks = parts(sizes[dim] // lanes, prod(sizes) * _cost(body) / _RATE, even=True)
    program.remember_cut(pointers[-1], by_channels and tasks > 1)

    def build(k: KernelBuilder) -> None:
        part = list(sizes)
        part[dim] //= tasks
        begins = [
            k.at(pointer, [(k.task, part[dim] * row[dim])] if tasks > 1 else [], offset)
            for pointer, row, offset in zip(k.arguments, rows, offsets, strict=True)
        ]
        k.insert(kernel.MapOp(begins[:-1], begins[-1:], part, rows[:-1], rows[-1:], body))

    program.launch(name, (sizes, tuple(rows), offsets, dim, key), pointers, tasks, build)


def _pointer(program: ProgramBuilder, operand: Operand) -> SSAValue:
    if isinstance(operand.value, SSAValue):
        return program.pointer(operand.value)
    return program.weight(operand.value, operand.element)


def tasks_of(sizes: Sequence[int], cost: float = 1.0) -> int:
    """Into how many equal parts the outermost dim is cut; an element costs so many operations."""
    return parts(sizes[0], prod(sizes) * cost / _RATE, even=True)


def _cost(body: Region) -> float:
    """What an element costs in simple operations (one for what every element costs)."""
    operations = [op for op in body.block.ops if not isinstance(op, kernel.YieldOp)]
    functions = sum(op.name.startswith("math.") for op in operations)
    wide = any(argument.type in (i64, f64) for argument in body.block.args)
    return (1 + 0.1 * len(operations) + functions) * (2 if wide else 1)
