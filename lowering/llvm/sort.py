"""Sorting lines: sort, topk, and elements by their rank.

Elements become integer keys in the same order, nan last; what comes of a line is read by the places
of the sorted keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, f32, f64, i32, i64
from xdsl.ir import Attribute, Region, SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .body import Body, identity, integer_bits, is_float
from .copying import loop_nest
from .elementwise import is_known
from .family import Order, any_strides, first_input_order, no_halo, row_major
from .kernel_builder import KernelBuilder
from .map import tasks_of
from .program_builder import ALIGNMENT, ProgramBuilder
from .step import Step, Tensor, element_type, shape_of

OPERATIONS: tuple[type[SchemaOp], ...] = (
    edge.SortOp,
    edge.SortStableOp,
    edge.TopkOp,
    edge.KthvalueOp,
    edge.MedianDimOp,
)
FUSES = False

input_order = any_strides
halo = no_halo

_RANKS = (edge.KthvalueOp, edge.MedianDimOp)
"""The operations that leave one element of a line."""


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """The operand's, where a line stays one."""
    return (row_major if isinstance(op, _RANKS) else first_input_order)(op, inputs)


def supports(op: SchemaOp) -> str | None:
    """Known elements, and at least one dim."""
    if not is_known(element_type(op.operands[0])):
        return f"there are no kernels for {element_type(op.operands[0])}"
    if not shape_of(op.operands[0]):
        return "it sorts a tensor without dims"
    if any(0 in shape_of(value) for value in (*op.operands, *op.results)):
        return "it has an empty tensor"
    return None


def _is_descending(op: SchemaOp) -> bool:
    match op:
        case edge.TopkOp():
            return bool(op.value_of("largest"))
        case edge.SortOp() | edge.SortStableOp():
            return bool(op.value_of("descending"))
        case _:
            return False


def _kept(op: SchemaOp, length: int) -> int:
    """How many of a line must be in order."""
    match op:
        case edge.TopkOp() | edge.KthvalueOp():
            return cast(int, op.value_of("k"))
        case _:
            return length


def _key(element: Attribute) -> Attribute:
    """The type of the keys of elements."""
    return i64 if element in (i64, f64) else i32


def _key_body(element: Attribute, descending: bool) -> Region:
    """The key of an element: the bits of a float, those behind the sign flipped if it is negative;
    all flipped where the largest comes first."""
    body, key = Body([element]), _key(element)
    value = body.arguments[0]
    if is_float(element):
        # Both zeros are equal.
        clean = body.add(value, 0.0)
        bits = body.op(arith.BitcastOp(clean, key))
        magnitude = body.both(bits, _last(key))
        turned = body.differ(magnitude, -1)
        bits = body.select(body.compare("lt", bits, 0), turned, bits)
        result = body.select(body.is_nan(value), _last(key), bits)
    else:
        result = body.cast(value, key)
    return body.finish([body.invert(result) if descending else result])


def _last(key: Attribute) -> int:
    """The largest key, which only nan has."""
    return 2 ** (integer_bits(key) - 1) - 1


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch, whose tasks are lines: keys and places in scratch memory, sorted there."""
    op, source = step.op, step.tensor(step.op.operands[0])
    element = source.element
    rank = len(source.shape)
    dim = cast(int, op.value_of("dim")) % rank
    length, keep = source.shape[dim], _kept(op, source.shape[dim])
    others = [d for d in range(rank) if d != dim]
    results = [value for value in step.results if value in step.tensors]
    tensors = [step.tensor(value) for value in results]
    rows = [tuple(source.strides[d] for d in others)]
    for tensor in tensors:
        places = others if len(tensor.shape) == rank else range(rank - 1)
        rows.append(tuple(tensor.strides[place] for place in places))
    steps = [0 if isinstance(op, _RANKS) else tensor.strides[dim] for tensor in tensors]
    shape, rows = loop_nest([source.shape[d] for d in others], rows, last=len(rows) - 1)
    tasks = tasks_of(shape, length * 10 * max(1, keep.bit_length()))
    part = (shape[0] // tasks, *shape[1:])
    key = _key(element)
    area = -(-(length + 1) * integer_bits(key) // 8 // ALIGNMENT) * ALIGNMENT
    arguments = [
        program.pointer(op.operands[0]),
        program.weight(np.arange(length, dtype=np.int32), i32),
        *(program.pointer(value) for value in results),
        program.scratch(4 * area, key),
        program.scratch(4 * area, i32),
    ]

    def build(k: KernelBuilder) -> None:
        x, numbers, *targets, room, other = k.arguments
        own = integer_bits(key) // 8
        keys, other_keys = (k.at(room, [], n * area // own) for n in (0, 2))
        places, other_places = (k.at(other, [], n * area // 4) for n in (1, 3))
        with k.loop(prod(part)) as index:
            coordinates = k.split(index, part)

            def at(pointer: SSAValue, row: tuple[int, ...]) -> SSAValue:
                terms = list(zip(coordinates, row, strict=True))
                return k.at(pointer, [*terms, (k.task, part[0] * row[0] * (tasks > 1))])

            line, *ends = (at(p, row) for p, row in zip((x, *targets), rows, strict=True))
            body = _key_body(element, _is_descending(op))
            stride = source.strides[dim]
            k.insert(kernel.MapOp([line], [keys], (length,), [(stride,)], [(1,)], body))
            ones = [(1,)]
            k.insert(kernel.MapOp([numbers], [places], (length,), ones, ones, identity(i32)))
            k.insert(kernel.SortOp(keys, places, other_keys, other_places, length, keep))
            with k.loop(1 if isinstance(op, _RANKS) else keep) as rank:
                chosen = _rank(k, op, keys, length) if isinstance(op, _RANKS) else rank
                place = k.insert(kernel.LoadOp(k.at(places, [(chosen, 1)]), IndexType())).result
                for value, pointer, step in zip(results, ends, steps, strict=True):
                    found = place
                    if value is op.results[0]:
                        found = k.insert(kernel.LoadOp(k.at(line, [(place, stride)]))).result
                    else:
                        found = k.insert(arith.IndexCastOp(place, i64)).result
                    k.insert(kernel.StoreOp(found, k.at(pointer, [(rank, step)])))

    properties = tuple(sorted(op.properties.items()))
    layout = (shape, tuple(rows), tuple(steps), length, source.strides[dim], tasks)
    wanted = tuple(value is op.results[0] for value in results)
    program.launch("sort", (op.name, properties, layout, wanted), arguments, tasks, build)


def _rank(k: KernelBuilder, op: SchemaOp, keys: SSAValue, length: int) -> SSAValue:
    """Where the wanted element is among the sorted ones; the median of numbers among which is nan
    is nan, the last one."""
    if isinstance(op, edge.KthvalueOp):
        return k.index([], cast(int, op.value_of("k")) - 1)
    middle = k.index([], (length - 1) // 2)
    element = element_type(op.operands[0])
    if element not in (f32, f64):
        return middle
    last = k.insert(kernel.LoadOp(k.at(keys, [], length - 1), IndexType())).result
    nan = k.insert(arith.CmpiOp(last, k.index([], _last(_key(element))), "eq")).result
    return k.insert(arith.SelectOp(nan, k.index([], length - 1), middle)).result
