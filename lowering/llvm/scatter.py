"""Writing at computed places: scatter, its reductions, and assignments to what is indexed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, prod
from typing import cast

from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute, SSAValue

from ...dialects import edge, kernel
from ...dialects.constant import element_bytes
from ...dialects.edge.ops import StateOp
from ...dialects.schema_op import SchemaOp
from .body import Body, Number, integer_bits, is_float
from .copying import copy_tensor
from .elementwise import is_known
from .family import any_strides, first_input_order, no_halo
from .indices import Indexed, advanced, along, at_least_1d, common_begin, load_index, why_no_indices
from .kernel_builder import KernelBuilder
from .map import Operand, launch_map
from .program_builder import ProgramBuilder
from .step import Step, Tensor, element_type, shape_of
from .tasks import parts

_ALONG = (
    edge.ScatterSrcOp,
    edge.ScatterValueOp,
    edge.ScatterReduceOp,
    edge.ScatterAddOp,
    edge.ScatterReduceTwoOp,
)
OPERATIONS: tuple[type[SchemaOp], ...] = (*_ALONG, edge.IndexPutOp)
FUSES = False

input_order = any_strides
halo = no_halo
output_order = first_input_order

_RATE = 4_000
"""Elements that are written in a microsecond."""
_LARGE_STATE = 64 << 10
"""Bytes of a buffer from which on to copy it takes longer than to leave and enter a region."""

_COMBINATIONS: dict[str, Callable[[Body, SSAValue, SSAValue], SSAValue]] = {
    "sum": Body.add,
    "add": Body.add,
    "prod": Body.multiply,
    "multiply": Body.multiply,
    "amax": Body.maximum,
    "amin": Body.minimum,
}
"""What PyTorch's names of reductions make of an element and of what is added to it."""


def supports(op: SchemaOp) -> str | None:
    """Known elements, integers as indices; a mask as an index where one number is assigned. A large
    mutable buffer is left to the program, which writes into it in place; a region would copy it."""
    size = prod(shape_of(op.operands[0])) * element_bytes(element_type(op.operands[0]))
    if isinstance(op.operands[0].owner, StateOp) and size >= _LARGE_STATE:
        return f"the program writes into the buffer in place, a region would copy {size} bytes"
    for value in (op.operands[0], op.results[0]):
        if not is_known(element_type(value)):
            return f"there are no kernels for {element_type(value)}"
    if _reduction(op) not in (None, *_COMBINATIONS):
        return f"the {_reduction(op)} of what comes to one place"
    if _is_masked(op):
        return _why_not_masked(op)
    return why_no_indices(_indices(op))


def _places(op: SchemaOp) -> list[SSAValue | None]:
    """The indices of an `index_put`, by dims."""
    return cast("list[SSAValue | None]", op.operand_of("indices"))


def _indices(op: SchemaOp) -> list[SSAValue]:
    if isinstance(op, edge.IndexPutOp):
        return [value for value in _places(op) if value is not None]
    return [cast(SSAValue, op.operand_of("index"))]


def _update(op: SchemaOp) -> SSAValue | Number:
    """What is written."""
    match op:
        case edge.IndexPutOp():
            return op.values
        case edge.ScatterValueOp():
            return cast(Number, op.value_of("value"))
        case _:
            return cast(SSAValue, op.operand_of("src"))


def _reduction(op: SchemaOp) -> str | None:
    """How what is written is combined with what is there; None if it takes its place."""
    match op:
        case edge.IndexPutOp():
            return "sum" if op.value_of("accumulate") else None
        case edge.ScatterAddOp():
            return "sum"
        case edge.ScatterReduceOp() | edge.ScatterReduceTwoOp():
            return cast(str, op.value_of("reduce"))
        case _:
            return None


def _is_masked(op: SchemaOp) -> bool:
    return isinstance(op, edge.IndexPutOp) and any(element_type(v) == i1 for v in _indices(op))


def _why_not_masked(op: SchemaOp) -> str | None:
    if len(_places(op)) != 1 or _reduction(op) is not None:
        return "a mask beside other indices"
    (mask,) = _indices(op)
    assert isinstance(op, edge.IndexPutOp)
    values, rest = shape_of(op.values), len(shape_of(op.self)) - len(shape_of(mask))
    if prod(values[: max(0, len(values) - rest)]) != 1:
        return "a mask that takes elements of a list one after the other"
    return None


def lower(step: Step, program: ProgramBuilder) -> None:
    """The tensor is copied, then the elements are written in the order in which they come; tasks
    are parts of a dim that has no indices."""
    op = step.op
    if _is_masked(op):
        _lower_masked(step, program)
        return
    element = step.output.element
    source, target = (program.pointer(value) for value in (op.operands[0], step.results[0]))
    copy_tensor(program, source, step.tensor(op.operands[0]), target, step.output)
    reduction = _reduction(op)
    if isinstance(op, edge.ScatterReduceTwoOp) and not op.value_of("include_self"):
        assert reduction is not None
        _write(step, program, _neutral(reduction, element), None)
    _write(step, program, _update(op), reduction)


def _neutral(reduction: str, element: Attribute) -> Number:
    """What changes nothing when it is combined with another number."""
    if reduction in ("sum", "prod"):
        return int(reduction == "prod")
    if is_float(element):
        return -inf if reduction == "amax" else inf
    if element == i1:
        return reduction == "amin"
    last = 2 ** (integer_bits(element) - 1)
    return -last if reduction == "amax" else last - 1


def _space(step: Step) -> Indexed:
    """All places that are written to."""
    op, target = step.op, step.output
    if not isinstance(op, edge.IndexPutOp):
        (index,) = _indices(op)
        return along(target, step.tensor(index), cast(int, op.value_of("dim")))
    places = _places(op)
    given = [dim for dim, value in enumerate(places) if value is not None]
    rank = max(len(shape_of(value)) for value in _indices(op))
    common = [1] * rank
    for value in _indices(op):
        for number, size in enumerate(reversed(shape_of(value)), 1):
            common[-number] = max(common[-number], size)
    kept = [size for dim, size in enumerate(target.shape) if dim not in given]
    begin = common_begin(given)
    return advanced(step, (*kept[:begin], *common, *kept[begin:]), target, places)


@dataclass(frozen=True)
class _Plan:
    """A space in tasks: the dim that is split, over which a task does so many; dims that are
    walked through, since their elements have places of their own or must come in order, and dims
    that are written at once."""

    space: Indexed
    updates: tuple[int, ...] | None
    split: int | None
    tasks: int

    @property
    def sizes(self) -> list[int]:
        """What a task does."""
        shape = list(self.space.shape)
        if self.split is not None:
            shape[self.split] //= self.tasks
        return shape

    @property
    def walked(self) -> list[int]:
        """Dims with indices, and those along which the same places are written again."""
        return [
            d
            for d, stride in enumerate(self.space.strides)
            if not stride or any(index.strides[d] for index in self.space.indices)
        ]


def _plan(step: Step, update: SSAValue | Number) -> _Plan:
    space = _space(step)
    strides = None
    if isinstance(update, SSAValue):
        strides = at_least_1d(step.tensor(update)).strides
        if isinstance(step.op, edge.IndexPutOp):
            strides = step.tensor(update).broadcast(space.shape)
    free = [d for d, stride in enumerate(space.strides) if stride]
    split = max(free, key=lambda d: space.shape[d]) if free else None
    tasks = 1
    if split is not None:
        tasks = parts(space.shape[split], prod(space.shape) / _RATE, even=True)
    return _Plan(space, strides, split, tasks)


def _write(
    step: Step, program: ProgramBuilder, update: SSAValue | Number, reduction: str | None
) -> None:
    """One launch, which writes a number or the elements of a tensor to all places."""
    plan, element = _plan(step, update), step.output.element
    space, sizes, walked = plan.space, plan.sizes, plan.walked
    copied = [d for d in range(len(sizes)) if d not in walked]
    shape = [sizes[d] for d in copied] or [1]

    def inner(strides: Sequence[int]) -> list[int]:
        return [strides[d] for d in copied] or [1]

    def build(k: KernelBuilder) -> None:
        target, status, *others = k.arguments
        indices, updates = others[: len(space.indices)], others[len(space.indices) :]
        with k.loop(prod(sizes[d] for d in walked)) as number:
            coordinates = k.split(number, [sizes[d] for d in walked]) if walked else []

            def at(pointer: SSAValue, strides: Sequence[int]) -> SSAValue:
                terms = [(c, strides[d]) for c, d in zip(coordinates, walked, strict=True)]
                if plan.split is not None and plan.tasks > 1:
                    terms.append((k.task, sizes[plan.split] * strides[plan.split]))
                return k.at(pointer, terms)

            place = at(target, space.strides)
            for pointer, index in zip(indices, space.indices, strict=True):
                position = load_index(k, at(pointer, index.strides), index, status)
                place = k.at(place, [(position, index.stride)])
            inputs = [] if reduction is None else [(place, space.strides)]
            if plan.updates is not None:
                inputs.append((at(updates[0], plan.updates), plan.updates))
            body = Body([element] * len(inputs))
            new = body.constant(cast(Number, update), element) if plan.updates is None else None
            new = body.arguments[-1] if new is None else new
            if reduction is not None:
                new = _COMBINATIONS[reduction](body, body.arguments[0], new)
            k.insert(
                kernel.MapOp(
                    [pointer for pointer, _ in inputs],
                    [place],
                    shape,
                    [inner(strides) for _, strides in inputs],
                    [inner(space.strides)],
                    body.finish([new]),
                )
            )

    operands = [step.results[0], *_indices(step.op)]
    if isinstance(update, SSAValue):
        operands.append(update)
    pointers = [program.pointer(value) for value in operands]
    pointers.insert(1, program.status())
    number = None if isinstance(update, SSAValue) else repr(update)
    program.launch("scatter", (plan, number, reduction), pointers, plan.tasks, build)


def _lower_masked(step: Step, program: ProgramBuilder) -> None:
    """One number, or one for each element behind the dims of the mask, where the mask says so."""
    op, output = step.op, step.output
    assert isinstance(op, edge.IndexPutOp)
    (mask,) = _indices(op)
    rank = len(step.tensor(mask).shape)
    rest = len(output.shape) - rank
    values = step.tensor(op.values)
    kept = max(0, len(values.shape) - rest)
    inside = Tensor(values.element, values.shape[kept:], values.strides[kept:])
    own = (*[0] * rank, *inside.broadcast(output.shape[rank:]))
    operands = [
        Operand(mask, (*step.tensor(mask).strides, *[0] * rest), i1),
        Operand(op.values, own, values.element),
        Operand(op.self, step.tensor(op.self).strides, output.element),
        Operand(op.result, output.strides, output.element),
    ]
    body = Body([operand.element for operand in operands[:-1]])
    chosen = body.select(*body.arguments)
    launch_map(program, "masked", output.shape, operands, body.finish([chosen]), ())
