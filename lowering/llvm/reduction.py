"""Reductions over any dims: sums, means, extremes, variances, norms, places of extremes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd, inf, prod
from typing import cast

import numpy as np
from xdsl.dialects import math
from xdsl.dialects.builtin import f32, i1, i32, i64
from xdsl.ir import Attribute, Region, SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .body import Body, identity, is_float, region
from .copying import loop_nest
from .elementwise import Epilogue, epilogue, is_known
from .family import Order, any_strides, no_halo
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .step import Step, Tensor, dense_strides, element_type, shape_of
from .tasks import Loop, cut

FUSES = True

input_order = any_strides
halo = no_halo

Finish = Callable[[Body, SSAValue], SSAValue]


@dataclass(frozen=True)
class Recipe:
    """A reduction: what is made of an element, how these are combined, what is made of the result.

    `element` is the type in which it computes.
    """

    element: Attribute
    combination: str
    prepare: Finish
    finish: Finish


def reduced_dims(op: SchemaOp, rank: int) -> tuple[int, ...]:
    """The dims that a reduction removes; no dims given means all."""
    names = {argument.name for argument in op.kept_arguments()}
    dims = op.value_of("dim") if "dim" in names else None
    if isinstance(dims, int):
        dims = [dims]
    chosen = cast("list[int]", dims) if dims else range(rank)
    return tuple(sorted({dim % max(rank, 1) for dim in chosen}))[:rank]


def _same(body: Body, value: SSAValue) -> SSAValue:
    return value


def _cast(element: Attribute) -> Finish:
    return lambda body, value: body.cast(value, element)


def _unary(kind: type) -> Finish:
    return lambda body, value: body.unary(kind, value)


def _recipe(op: SchemaOp, count: int) -> Recipe:
    """How an operation reduces `count` elements to one."""
    given, result = element_type(op.operands[0]), element_type(op.results[0])
    match op:
        case edge.SumDimIntListOp():
            return Recipe(result, "add", _cast(result), _same)
        case edge.ProdOp() | edge.ProdDimIntOp():
            return Recipe(result, "mul", _cast(result), _same)
        case edge.MeanOp() | edge.MeanDimOp():
            scale = 1 / count
            return Recipe(result, "add", _cast(result), lambda b, v: b.multiply(v, scale))
        case edge.AnyOp() | edge.AnyDimOp() | edge.AnyDimsOp():
            truth: Finish = lambda b, v: b.cast(b.truth(v), i32)  # noqa: E731
            return Recipe(i32, "max", truth, lambda b, v: b.truth(v))
        case edge.LinalgVectorNormOp():
            return _norm(cast(float, op.value_of("ord")))
        case _:
            combination = "min" if isinstance(op, _LEAST) else "max"
            wide = i32 if given == i1 else given
            return Recipe(wide, combination, _cast(wide), _cast(given))


def _norm(order: float) -> Recipe:
    def size(body: Body, value: SSAValue) -> SSAValue:
        return body.absolute(body.cast(value, f32))

    def power(exponent: float) -> Finish:
        return lambda b, v: b.binary(math.PowFOp, v, exponent)

    if order == 2:
        return Recipe(f32, "add", lambda b, v: b.multiply(v, v), _unary(math.SqrtOp))
    if order == 1:
        return Recipe(f32, "add", size, _same)
    if abs(order) == inf:
        return Recipe(f32, "max" if order > 0 else "min", size, _same)
    if order == 0:
        return Recipe(f32, "add", lambda b, v: b.cast(b.truth(v), f32), _same)
    return Recipe(f32, "add", lambda b, v: power(order)(b, size(b, v)), power(1 / order))


_RATE = 10_000
"""Elements that are combined in a microsecond."""
_MEETING = 0.5
"""Microseconds of one more launch."""
_LEAST = (edge.AminOp, edge.MinOp, edge.MinDimOp, edge.ArgminOp)
_VARIANCES = (edge.VarCorrectionOp, edge.VarDimOp, edge.VarMeanCorrectionOp)
_PLACES = (edge.ArgmaxOp, edge.ArgminOp, edge.MaxDimOp, edge.MinDimOp)

OPERATIONS: tuple[type[SchemaOp], ...] = (
    edge.SumDimIntListOp,
    edge.MeanOp,
    edge.MeanDimOp,
    edge.ProdOp,
    edge.ProdDimIntOp,
    edge.AmaxOp,
    edge.AminOp,
    edge.MaxOp,
    edge.MinOp,
    edge.AnyOp,
    edge.AnyDimOp,
    edge.AnyDimsOp,
    edge.LinalgVectorNormOp,
    *_VARIANCES,
    *_PLACES,
)


def supports(op: SchemaOp) -> str | None:
    """Known elements; means, variances and norms in f32."""
    for value in (*op.operands, *op.results):
        if not is_known(element_type(value)):
            return f"there are no kernels for {element_type(value)}"
    given, result = element_type(op.operands[0]), element_type(op.results[0])
    floats = (edge.LinalgVectorNormOp, edge.MeanOp, edge.MeanDimOp, *_VARIANCES)
    if isinstance(op, floats) and (given != f32 or result != f32):
        return f"it is computed in f32 only, not in {given}"
    return None


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """The input's order, without the dims that go."""
    order, rank = inputs[0].memory_order, len(shape_of(op.results[0]))
    if rank == len(order):
        return order
    gone = reduced_dims(op, len(order))
    kept = [dim for dim in range(len(order)) if dim not in gone]
    return tuple(kept.index(dim) for dim in order if dim in kept)[:rank]


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch, whose tasks take parts of what stays."""
    _Reduction(step, program).lower()


class _Reduction:
    """A reduction's space: the dims that stay, merged, with the strides of the input, of the extras
    and of the results there; and those that go, with the input's."""

    def __init__(self, step: Step, program: ProgramBuilder) -> None:
        self.step, self.program, self.op = step, program, step.op
        self.chain: Epilogue = epilogue(step)
        source = step.tensor(step.op.operands[0])
        rank = len(source.shape)
        gone = reduced_dims(step.op, rank)
        self.window = tuple(source.shape[dim] for dim in gone)
        self.window_strides = tuple(source.strides[dim] for dim in gone)
        kept = [dim for dim in range(rank) if dim not in gone]
        # Where the dims that stay are in the result: at their own place with keepdim.
        places = kept if len(step.output.shape) == rank else list(range(len(kept)))
        self.results = [value for value in step.results if self._is_wanted(value)]
        outputs = [step.tensor(value).strides for value in self.results]
        extras = [step.broadcast(extra) for extra in self.chain.extras]
        rows = [tuple(row[place] for place in places) for row in (*extras, *outputs)]
        rows.insert(0, tuple(source.strides[dim] for dim in kept))
        self.shape, self.rows = loop_nest(
            [source.shape[d] for d in kept], rows, last=len(extras) + 1
        )
        # Vectors of points side by side stay whole.
        beside = len(self.shape) == 1 and self.rows[0] == (1,)
        group = gcd(self.shape[0], program.target.lanes()) if beside else 1
        time = prod(self.shape) * prod(self.window) / _RATE
        by_channels = program.is_by_channels(program.pointer(step.op.operands[0]))
        moved = 0 if by_channels else source.size * 4
        own = cut([Loop(self.shape[0] // group, even=True, shared=moved)], time)
        (self.tasks,) = own.parts
        self.bands = 1
        if beside and gone and not by_channels and not isinstance(step.op, (*_VARIANCES, *_PLACES)):
            # The rows that a thread has written are in its cache: it adds those up.
            rows = cut([Loop(self.window[self.outermost], even=True)], time + _MEETING)
            self.bands = rows.parts[0] if rows.cost < own.cost else 1
        self.part = (self.shape[0] // self.tasks, *self.shape[1:])
        self.own = dense_strides(self.part)

    @property
    def outermost(self) -> int:
        """The dim of the window whose turns are farthest from each other."""
        return max(range(len(self.window)), key=lambda dim: abs(self.window_strides[dim]))

    def _is_wanted(self, value: SSAValue) -> bool:
        return value in (self.step.results[0],) or value in self.step.tensors

    def lower(self) -> None:
        """Write the launch."""
        op, program = self.op, self.program
        if self.bands > 1:
            self._lower_bands()
            return
        pointers = [program.pointer(op.operands[0])]
        pointers += [program.pointer(e) for e in self.chain.extras]
        pointers += [program.pointer(v) for v in self.results]
        rows = list(self.rows)
        build: Callable[[KernelBuilder, list[SSAValue], Sequence[SSAValue]], None]
        further: list[SSAValue] = []
        scratch = 8 * prod(self.part)
        if isinstance(op, _PLACES):
            count = prod(self.window)
            further = [
                program.weight(np.arange(count, dtype=np.int32), i32),
                program.scratch(scratch, element_type(op.operands[0])),
            ]
            build = self._places
        elif isinstance(op, _VARIANCES):
            further = [program.scratch(scratch, f32)]
            build = self._variance
        else:
            build = self._simple
        count = len(pointers)

        def whole(k: KernelBuilder) -> None:
            begins = [
                k.at(pointer, [(k.task, self.part[0] * row[0])] if self.tasks > 1 else [])
                for pointer, row in zip(k.arguments[:count], rows, strict=True)
            ]
            build(k, begins, k.arguments[count:])

        strides = (self.shape, tuple(rows), self.window, self.window_strides, self.tasks)
        properties = tuple(sorted(op.properties.items()))
        key = (*strides, op.name, properties, self.chain.key)
        program.launch("reduce", key, [*pointers, *further], self.tasks, whole)

    def _lower_bands(self) -> None:
        """Two launches: each task combines a band of the window, the last one what they gave."""
        program, bands, (points,) = self.program, self.bands, self.shape
        recipe = _recipe(self.op, prod(self.window))
        given = element_type(self.op.operands[0])
        window, outer = list(self.window), self.outermost
        window[outer] //= bands
        (sums,) = program.workspace([8 * bands * points], recipe.element)

        def part(k: KernelBuilder) -> None:
            source, target = k.arguments
            band = window[outer] * self.window_strides[outer]
            k.insert(
                kernel.WindowOp(
                    [k.at(source, [(k.task, band)])],
                    [],
                    k.at(target, [(k.task, points)]),
                    self.shape,
                    window,
                    [[1, *self.window_strides]],
                    [],
                    [1],
                    recipe.combination,
                    _region(recipe.prepare, given),
                    identity(recipe.element),
                )
            )

        def whole(k: KernelBuilder) -> None:
            source, *others = k.arguments
            *extras, output = zip(others, self.rows[1:], strict=True)
            k.insert(
                kernel.WindowOp(
                    [source],
                    [pointer for pointer, _ in extras],
                    output[0],
                    self.shape,
                    (bands,),
                    [[1, points]],
                    [row for _, row in extras],
                    output[1],
                    recipe.combination,
                    identity(recipe.element),
                    self._epilogue(recipe.element, recipe.finish),
                )
            )

        operation = (self.op.name, tuple(sorted(self.op.properties.items())))
        key = (*operation, self.shape, tuple(window), self.window_strides)
        source = program.pointer(self.op.operands[0])
        program.launch("reduce_part", key, [source, sums], bands, part)
        others = [program.pointer(value) for value in (*self.chain.extras, self.results[0])]
        key = (*operation, tuple(self.rows), self.shape, self.window, bands, self.chain.key)
        program.launch("reduce_parts", key, [sums, *others], 1, whole)

    def _combine(
        self,
        k: KernelBuilder,
        inputs: Sequence[tuple[SSAValue, Sequence[int], Sequence[int]]],
        extras: Sequence[tuple[SSAValue, Sequence[int]]],
        output: tuple[SSAValue, Sequence[int]],
        combination: str,
        body: Region,
        finish: Region,
    ) -> None:
        """A window over what goes: inputs with their strides over what stays and over the window,
        extras and the output with those over what stays."""
        k.insert(
            kernel.WindowOp(
                [pointer for pointer, _, _ in inputs],
                [pointer for pointer, _ in extras],
                output[0],
                self.part,
                self.window,
                [[*kept, *window] for _, kept, window in inputs],
                [row for _, row in extras],
                output[1],
                combination,
                body,
                finish,
            )
        )

    def _epilogue(self, combined: Attribute, finish: Finish) -> Region:
        """What follows on the combined value: `finish`, then the fused operations."""
        return self.chain.after([combined], lambda body, values: finish(body, values[0]))

    def _operands(
        self, begins: Sequence[SSAValue]
    ) -> tuple[
        SSAValue, list[tuple[SSAValue, tuple[int, ...]]], list[tuple[SSAValue, tuple[int, ...]]]
    ]:
        """The input, the extras and the results, with their strides over what stays."""
        pairs = list(zip(begins, self.rows, strict=True))
        count = 1 + len(self.chain.extras)
        return begins[0], pairs[1:count], pairs[count:]

    def _simple(
        self, k: KernelBuilder, begins: list[SSAValue], further: Sequence[SSAValue]
    ) -> None:
        recipe = _recipe(self.op, prod(self.window))
        source, extras, (output, *_) = self._operands(begins)
        self._combine(
            k,
            [(source, self.rows[0], self.window_strides)],
            extras,
            output,
            recipe.combination,
            _region(recipe.prepare, element_type(self.op.operands[0])),
            self._epilogue(recipe.element, recipe.finish),
        )

    def _variance(
        self, k: KernelBuilder, begins: list[SSAValue], further: Sequence[SSAValue]
    ) -> None:
        """First the means, then the mean squares of what differs from them."""
        (means,) = further
        source, extras, (output, *others) = self._operands(begins)
        count = prod(self.window)
        read = (source, self.rows[0], self.window_strides)
        scale = 1 / count

        def divide(body: Body, total: SSAValue) -> SSAValue:
            return body.multiply(total, scale)

        average = _region(divide, f32)
        for pointer, row in [(means, self.own), *others]:
            self._combine(
                k, [read], [], (pointer, row), "add", _region(_same, f32), average.clone()
            )

        def square(body: Body, value: SSAValue, mean: SSAValue) -> SSAValue:
            difference = body.subtract(value, mean)
            return body.multiply(difference, difference)

        below = count - _correction(self.op)
        rest = 1 / below if below > 0 else (inf if count > 1 else float("nan"))
        self._combine(
            k,
            [read, (means, self.own, [0] * len(self.window))],
            extras,
            output,
            "add",
            _region(square, f32, f32),
            self._epilogue(f32, lambda b, v: b.multiply(v, rest)),
        )

    def _places(
        self, k: KernelBuilder, begins: list[SSAValue], further: Sequence[SSAValue]
    ) -> None:
        """First the extremes, then the first place that holds one."""
        numbers, extremes = further
        recipe = _recipe(self.op, prod(self.window))
        source, extras, outputs = self._operands(begins)
        element = element_type(self.op.operands[0])
        read = (source, self.rows[0], self.window_strides)
        self._combine(
            k,
            [read],
            [],
            (extremes, self.own),
            recipe.combination,
            _region(recipe.prepare, element),
            _region(recipe.finish, recipe.element),
        )
        zeros = [0] * len(self.window)

        def place(body: Body, value: SSAValue, extreme: SSAValue, number: SSAValue) -> SSAValue:
            holds = body.compare("eq", value, extreme)
            if is_float(element):
                holds = body.either(holds, body.is_nan(value))
            return body.select(holds, number, 2**31 - 1)

        several = isinstance(self.op, edge.MaxDimOp | edge.MinDimOp)
        self._combine(
            k,
            [
                read,
                (extremes, self.own, zeros),
                (numbers, [0] * len(self.part), dense_strides(self.window)),
            ],
            [] if several else extras,
            outputs[1] if several else outputs[0],
            "min",
            _region(place, element, element, i32),
            _region(_cast(i64), i32) if several else self._epilogue(i32, _cast(i64)),
        )
        if several:
            target, row = outputs[0]
            k.insert(
                kernel.MapOp(
                    [extremes, *(pointer for pointer, _ in extras)],
                    [target],
                    self.part,
                    [self.own, *(strides for _, strides in extras)],
                    [row],
                    self._epilogue(element, _same),
                )
            )


def _region(prepare: Callable[..., SSAValue], *elements: Attribute) -> Region:
    return region(elements, lambda body, values: prepare(body, *values))


def _correction(op: SchemaOp) -> float:
    if isinstance(op, edge.VarDimOp):
        return float(bool(op.value_of("unbiased")))
    correction = op.value_of("correction")
    return 1.0 if correction is None else cast(float, correction)
