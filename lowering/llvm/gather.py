"""Reading at computed places: embedding, index_select, gather, and indexing with tensors."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

from xdsl.ir import SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .elementwise import epilogue
from .family import any_strides, no_halo, row_major
from .indices import Indexed, advanced, along, at_least_1d, load_index, selected, why_no_indices
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .step import Step
from .tasks import parts

OPERATIONS = (edge.EmbeddingOp, edge.IndexSelectOp, edge.GatherOp, edge.IndexTensorOp)
FUSES = True

input_order = any_strides
halo = no_halo
output_order = row_major

_RATE = 4_000
"""Elements that are copied in a microsecond."""


def supports(op: SchemaOp) -> str | None:
    """Indices that are integers."""
    return why_no_indices(_indices(op))


def _indices(op: SchemaOp) -> list[SSAValue]:
    match op:
        case edge.EmbeddingOp():
            return [op.indices]
        case edge.IndexTensorOp():
            return [v for v in cast("list[SSAValue | None]", op.operand_of("indices")) if v]
        case _:
            return [cast(SSAValue, op.operand_of("index"))]


def _reading(step: Step) -> Indexed:
    """What each element of the result is read from."""
    op, shape = step.op, step.output.shape
    source = step.tensor(op.operands[0])
    match op:
        case edge.EmbeddingOp():
            return advanced(step, shape, source, [op.indices], wraps=False)
        case edge.IndexTensorOp():
            values = cast("list[SSAValue | None]", op.operand_of("indices"))
            return advanced(step, shape, source, values)
        case edge.IndexSelectOp():
            return selected(source, step.tensor(op.index), cast(int, op.value_of("dim")))
        case _:
            assert isinstance(op, edge.GatherOp)
            return along(source, step.tensor(op.index), cast(int, op.value_of("dim")))


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch: for each place of the indices all that they lead to is copied at once.

    An index outside of the source is an error of the run.
    """
    fused, reading = epilogue(step), _reading(step)
    output = at_least_1d(step.output)
    extras = [step.tensor(e).broadcast(output.shape) for e in fused.extras]
    walked = [
        d for d in range(len(output.shape)) if any(index.strides[d] for index in reading.indices)
    ]
    copied = [d for d in range(len(output.shape)) if d not in walked]
    sizes = [output.shape[d] for d in walked]
    shape = [output.shape[d] for d in copied] or [1]
    places = prod(sizes)
    per_task = -(-places // parts(places, output.size / _RATE))
    tasks = -(-places // per_task)

    def inner(strides: Sequence[int]) -> list[int]:
        return [strides[d] for d in copied] or [1]

    def build(k: KernelBuilder) -> None:
        source, target, status, *others = k.arguments
        indices, values = others[: len(reading.indices)], others[len(reading.indices) :]
        count = k.chunk(k.task, per_task, places) if tasks > 1 else None
        with k.loop(per_task, count) as number:
            place = k.index([(k.task, per_task), (number, 1)]) if tasks > 1 else number
            coordinates = k.split(place, sizes) if sizes else []

            def at(pointer: SSAValue, strides: Sequence[int]) -> SSAValue:
                own = [strides[d] for d in walked]
                return k.at(pointer, list(zip(coordinates, own, strict=True)))

            found = at(source, reading.strides)
            for pointer, index in zip(indices, reading.indices, strict=True):
                position = load_index(k, at(pointer, index.strides), index, status)
                found = k.at(found, [(position, index.stride)])
            rows = [reading.strides, *extras]
            k.insert(
                kernel.MapOp(
                    [found, *(at(v, own) for v, own in zip(values, extras, strict=True))],
                    [at(target, output.strides)],
                    shape,
                    [inner(own) for own in rows],
                    [inner(output.strides)],
                    fused.region(),
                )
            )

    operands = [step.op.operands[0], step.results[0], *_indices(step.op), *fused.extras]
    arguments = [program.pointer(value) for value in operands]
    arguments.insert(2, program.status())
    key = (reading, output.strides, tuple(extras), tasks, fused.key)
    program.launch("gather", key, arguments, tasks, build)
