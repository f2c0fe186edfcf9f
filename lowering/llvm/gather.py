"""Reading at computed places: embedding, index_select, gather, and indexing with tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerType, TensorType
from xdsl.ir import Attribute, SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .elementwise import element_type, epilogue
from .family import Halo, Order
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .step import Step, Tensor

OPERATIONS = (edge.EmbeddingOp, edge.IndexSelectOp, edge.GatherOp, edge.IndexTensorOp)
FUSES = True

_TASK = 16_384
"""Elements that a task copies at least: about 4 µs."""
_MOST_TASKS = 16


def supports(op: SchemaOp) -> str | None:
    """Indices that are integers."""
    for value in _indices(op):
        element = element_type(value)
        if element not in (IntegerType(32), IntegerType(64)):
            return f"indices of {element}"
    return None


def input_order(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
    """All strides are fine."""
    return None


def halo(op: SchemaOp, operand: SSAValue) -> Halo | None:
    """None is needed."""
    return None


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """Row-major."""
    return tuple(range(len(_shape(op.results[0]))))


def _shape(value: SSAValue) -> tuple[int, ...]:
    return cast("TensorType[Attribute]", value.type).get_shape()


def _indices(op: SchemaOp) -> list[SSAValue]:
    match op:
        case edge.EmbeddingOp():
            return [op.indices]
        case edge.IndexTensorOp():
            return [v for v in cast("list[SSAValue | None]", op.operand_of("indices")) if v]
        case _:
            return [cast(SSAValue, op.operand_of("index"))]


@dataclass(frozen=True)
class _Index:
    """A tensor of indices into a dim of the source; `strides` are those of the result's dims."""

    size: int
    stride: int
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Reading:
    """out[i] = source[sum of i * strides, and of index[i] * its stride for each index]."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    indices: tuple[_Index, ...]


def _reading(step: Step) -> _Reading:
    op, shape = step.op, step.output.shape
    source = step.tensor(op.operands[0])
    match op:
        case edge.EmbeddingOp():
            return _indexed(step, shape, source, [op.indices])
        case edge.IndexTensorOp():
            values = cast("list[SSAValue | None]", op.operand_of("indices"))
            return _indexed(step, shape, source, values)
        case edge.IndexSelectOp():
            dim = cast(int, op.value_of("dim")) % max(1, len(shape))
            return _indexed(step, shape, source, [*[None] * dim, op.index])
        case _:
            assert isinstance(op, edge.GatherOp)
            dim = cast(int, op.value_of("dim")) % max(1, len(shape))
            own = step.tensor(op.index).strides
            index = _Index(source.shape[dim], source.strides[dim], own) if shape else None
            strides = tuple(0 if d == dim else stride for d, stride in enumerate(source.strides))
            return _Reading(shape, strides, () if index is None else (index,))


def _indexed(
    step: Step, shape: tuple[int, ...], source: Tensor, values: Sequence[SSAValue | None]
) -> _Reading:
    """PyTorch's advanced indexing: the dims of the indices, broadcast, stand where the indexed dims
    stood if these are neighbours, else in front."""
    given = [dim for dim, value in enumerate(values) if value is not None]
    tensors = [step.tensor(value) for value in values if value is not None]
    rank = max(len(tensor.shape) for tensor in tensors)
    neighbours = given == list(range(given[0], given[-1] + 1))
    begin = given[0] if neighbours else 0
    kept = [stride for dim, stride in enumerate(source.strides) if dim not in given]
    before, after = kept[:begin], kept[begin:]
    common = shape[begin : begin + rank]

    def strides(tensor: Tensor) -> tuple[int, ...]:
        return (*(0 for _ in before), *tensor.broadcast(common), *(0 for _ in after))

    indices = tuple(
        _Index(source.shape[dim], source.strides[dim], strides(tensor))
        for dim, tensor in zip(given, tensors, strict=True)
    )
    return _Reading(shape, (*before, *[0] * rank, *after), indices)


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch: for each place of the indices all that they lead to is copied at once.

    Negative indices count from the end. An index outside of the source reads its first or last
    entry instead: no memory is touched that the source does not have.
    """
    fused, reading = epilogue(step), _reading(step)
    output = step.output
    extras = [step.tensor(e).broadcast(output.shape) for e in fused.extras]
    walked = [
        d for d in range(len(output.shape)) if any(index.strides[d] for index in reading.indices)
    ]
    copied = [d for d in range(len(output.shape)) if d not in walked]
    sizes = [output.shape[d] for d in walked]
    shape = [output.shape[d] for d in copied] or [1]
    places = prod(sizes)
    tasks = max(1, min(_MOST_TASKS, places, output.size // _TASK))
    per_task = -(-places // tasks)
    tasks = -(-places // per_task)

    def inner(strides: Sequence[int]) -> list[int]:
        return [strides[d] for d in copied] or [1]

    def build(k: KernelBuilder) -> None:
        source, target, *others = k.arguments
        indices, values = others[: len(reading.indices)], others[len(reading.indices) :]
        count = k.insert(kernel.ChunkOp(k.task, per_task, places)).count if tasks > 1 else None
        with k.loop(per_task, count) as number:
            place = k.index([(k.task, per_task), (number, 1)]) if tasks > 1 else number
            coordinates = k.split(place, sizes) if sizes else []

            def at(pointer: SSAValue, strides: Sequence[int]) -> SSAValue:
                own = [strides[d] for d in walked]
                return k.at(pointer, list(zip(coordinates, own, strict=True)))

            found = at(source, reading.strides)
            for pointer, index in zip(indices, reading.indices, strict=True):
                position = _load(k, at(pointer, index.strides), index.size)
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
    arguments = [program.pointer(value, step.tensor(value).element) for value in operands]
    key = (reading, output.strides, tuple(extras), tasks, fused.key)
    program.launch("gather", key, arguments, tasks, build)


def _load(k: KernelBuilder, pointer: SSAValue, size: int) -> SSAValue:
    """An index, from the begin and within the dim."""
    index = k.insert(kernel.LoadOp(pointer, IndexType())).result
    zero, whole = k.index([], 0), k.index([], size)
    negative = k.insert(arith.CmpiOp(index, zero, "slt")).result
    turned = k.insert(arith.AddiOp(index, whole)).result
    index = k.insert(arith.SelectOp(negative, turned, index)).result
    index = k.insert(arith.MaxSIOp(index, zero)).result
    return k.insert(arith.MinSIOp(index, k.index([], size - 1))).result
