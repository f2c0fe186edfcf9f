"""Pooling with windows whose borders are read from tables: windows of different sizes, over three
dims, and maxima whose places are wanted."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from math import inf, prod

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, f32, i32, i64
from xdsl.ir import SSAValue

from ...dialects import kernel
from .body import Body, number, region
from .elementwise import Epilogue, epilogue
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder, aligned
from .stencils import scaled
from .step import Array, Step, dense_strides
from .tasks import parts

_RATE = 5_000
"""Elements of windows that are combined in a microsecond."""
_AT_ONCE = 4096
"""Results that are made at once at most: they stay in the L1 cache."""


@dataclass(frozen=True)
class Spans:
    """The windows along a dim: where each begins, how many elements it has, how far these are
    apart."""

    begins: tuple[int, ...]
    counts: tuple[int, ...]
    spacing: int = 1

    @property
    def is_same(self) -> bool:
        """Whether each window is the element at its own place."""
        return set(self.counts) == {1} and self.begins == tuple(range(len(self.begins)))


def even_spans(size: int, count: int) -> Spans:
    """The windows of adaptive pooling: i * size // count to ceil((i + 1) * size / count)."""
    begins = tuple(i * size // count for i in range(count))
    ends = [-(-(i + 1) * size // count) for i in range(count)]
    return Spans(begins, tuple(e - b for b, e in zip(begins, ends, strict=True)))


def outer_reciprocals(counts: Sequence[Sequence[int]]) -> float | Array:
    """1 / the elements of each window, from how many it has along each dim; a number if they are
    all equal."""
    elements: Array = reduce(np.multiply.outer, [np.array(own) for own in counts])
    if elements.min() == elements.max():
        return 1 / int(elements.flat[0])
    return (1 / elements).astype(np.float32)


def launch_tabled(
    step: Step,
    program: ProgramBuilder,
    spans: Sequence[Spans],
    combination: str,
    factor: float | Array = 1.0,
    places: SSAValue | None = None,
) -> None:
    """Combine (`add`, `max`) windows over the last dims of the step's first operand, multiply by a
    number or by one for each place, and go on with what is fused; into `places` go the positions of
    the maxima in these dims, counted row-major, of the first one or the last nan.

    Windows are combined in scratch memory, for all channels at once, and for dims along which
    nothing is combined.
    """
    plan = _Plan(step, spans, combination, factor, places)
    arguments = [program.pointer(step.op.operands[0]), program.pointer(step.results[0])]
    for dim in plan.walked:
        own = spans[dim - plan.first]
        arguments.append(program.weight(np.stack([own.begins, own.counts], 1), i64))
    area = aligned(4 * prod(plan.shape))
    arguments.append(program.scratch(2 * area if places else area, f32))
    if places is not None:
        arguments += [program.scratch(2 * area, i32), program.pointer(places)]
    if isinstance(factor, np.ndarray):
        arguments.append(program.weight(factor, f32))
    arguments += [program.pointer(e) for e in plan.fused.extras]

    def build(k: KernelBuilder) -> None:
        _Windows(k, plan, area // 4).build()

    program.launch("windows", plan.key, arguments, plan.tasks, build)


class _Plan:
    """The space of the results: `batch` and `walked` dims are gone through one by one, `kept` ones
    at once, for which `shape` are the sizes."""

    def __init__(
        self,
        step: Step,
        spans: Sequence[Spans],
        combination: str,
        factor: float | Array,
        places: SSAValue | None,
    ) -> None:
        self.spans, self.combination, self.factor = spans, combination, factor
        self.fused: Epilogue = epilogue(step)
        self.source, self.output = step.tensor(step.op.operands[0]), step.output
        self.places = None if places is None else step.tensor(places).strides
        self.first = len(self.output.shape) - len(spans)
        channel = self.first - 1
        self.kept = [channel]
        for dim in range(len(self.output.shape) - 1, channel, -1):
            size = prod(self.output.shape[d] for d in [dim, *self.kept])
            if places is None and spans[dim - self.first].is_same and size <= _AT_ONCE:
                self.kept.insert(0, dim)
        self.batch = list(range(channel))
        self.walked = [d for d in range(self.first, len(self.output.shape)) if d not in self.kept]
        self.shape = [self.output.shape[d] for d in self.kept]
        self.extras = [step.broadcast(extra) for extra in self.fused.extras]
        if isinstance(factor, np.ndarray):
            own = (0,) * self.first + dense_strides(factor.shape)
            self.extras.insert(0, own)
        self.sizes = [self.output.shape[d] for d in (*self.batch, *self.walked)]
        points = prod(self.sizes)
        work = self.output.size * prod(max(own.counts) for own in spans)
        self.per_task = -(-points // parts(points, work / _RATE))
        self.tasks = -(-points // self.per_task)

    @property
    def key(self) -> tuple[object, ...]:
        """All that the kernel depends on."""
        scale = "table" if isinstance(self.factor, np.ndarray) else self.factor
        tensors = (self.source.strides, self.output, self.places, tuple(self.extras))
        spacing = tuple(own.spacing for own in self.spans)
        own = (self.source.shape, tuple(self.kept), spacing, self.combination, scale)
        return (*tensors, *own, self.tasks, self.fused.key)


class _Windows:
    def __init__(self, k: KernelBuilder, plan: _Plan, area: int) -> None:
        self.k, self.plan = k, plan
        arguments = iter(k.arguments)
        self.x, self.y = next(arguments), next(arguments)
        self.tables = [next(arguments) for _ in plan.walked]
        self.best = next(arguments)
        self.own = dense_strides(plan.shape)
        if plan.places is not None:
            self.best_places = k.at(next(arguments), [], area)
            self.places = next(arguments)
        self.extras = list(arguments)

    def build(self) -> None:
        """The results of a task, those of the kept dims at once."""
        k, plan = self.k, self.plan
        count = k.chunk(k.task, plan.per_task, prod(plan.sizes)) if plan.tasks > 1 else None
        with k.loop(plan.per_task, count) as index:
            point = k.index([(k.task, plan.per_task), (index, 1)]) if plan.tasks > 1 else index
            found = k.split(point, plan.sizes) if plan.sizes else []
            at = dict(zip((*plan.batch, *plan.walked), found, strict=True))
            begins: list[SSAValue] = []
            counts: list[SSAValue] = []
            for dim, table in zip(plan.walked, self.tables, strict=True):
                for number_, target in enumerate((begins, counts)):
                    pointer = k.at(table, [(at[dim], 2)], number_)
                    target.append(k.insert(kernel.LoadOp(pointer, IndexType())).result)
            begin = self._position(self.x, plan.source.strides, at | self._by_dim(begins))
            self._start(begins)
            with self._taps(counts) as taps:
                self._combine(begin, begins, taps)
            self._finish(at)

    def _by_dim(self, values: Sequence[SSAValue]) -> dict[int, SSAValue]:
        return dict(zip(self.plan.walked, values, strict=True))

    def _position(
        self, pointer: SSAValue, strides: Sequence[int], at: dict[int, SSAValue]
    ) -> SSAValue:
        return self.k.at(pointer, [(index, strides[dim]) for dim, index in at.items()])

    def _kept(self, strides: Sequence[int]) -> tuple[int, ...]:
        return tuple(strides[dim] for dim in self.plan.kept)

    def _map(
        self,
        inputs: Sequence[tuple[SSAValue, Sequence[int]]],
        outputs: Sequence[tuple[SSAValue, Sequence[int]]],
        body: Body,
        results: Sequence[SSAValue],
    ) -> None:
        self.k.insert(
            kernel.MapOp(
                [pointer for pointer, _ in inputs],
                [pointer for pointer, _ in outputs],
                self.plan.shape,
                [strides for _, strides in inputs],
                [strides for _, strides in outputs],
                body.finish(results),
            )
        )

    def _start(self, begins: Sequence[SSAValue]) -> None:
        """What any element changes, at the place of the first one."""
        k, plan = self.k, self.plan
        start = number(-inf if plan.combination == "max" else 0.0)
        k.insert(kernel.MapOp([], [self.best], plan.shape, [], [self.own], start))
        if plan.places is not None:
            body = Body([])
            self._map([], [(self.best_places, self.own)], body, [self._place(begins, [])])

    def _place(self, begins: Sequence[SSAValue], taps: Sequence[SSAValue]) -> SSAValue:
        """The position of an element of a window in the dims that are pooled."""
        plan = self.plan
        dense = dense_strides(plan.source.shape[plan.first :])
        steps = [(dense[d - plan.first], plan.spans[d - plan.first].spacing) for d in plan.walked]
        terms = [(begin, own) for begin, (own, _) in zip(begins, steps, strict=True)]
        terms += [(tap, own * by) for tap, (own, by) in zip(taps, steps, strict=False)]
        return self.k.insert(arith.IndexCastOp(self.k.index(terms), i32)).result

    @contextmanager
    def _taps(self, counts: Sequence[SSAValue]) -> Generator[list[SSAValue]]:
        """Loops over a window."""
        if not counts:
            yield []
            return
        with self.k.loop(0, counts[0]) as index, self._taps(counts[1:]) as further:
            yield [index, *further]

    def _combine(
        self, begin: SSAValue, begins: Sequence[SSAValue], taps: Sequence[SSAValue]
    ) -> None:
        """One element more of a window."""
        plan = self.plan
        steps = [
            own.spacing * stride
            for own, stride in zip(plan.spans, plan.source.strides[plan.first :], strict=True)
        ]
        terms = [(tap, steps[d - plan.first]) for tap, d in zip(taps, plan.walked, strict=True)]
        read = (self.k.at(begin, terms), self._kept(plan.source.strides))
        best = (self.best, self.own)
        if plan.places is None:
            body = Body([f32, f32])
            join = body.maximum if plan.combination == "max" else body.add
            self._map([best, read], [best], body, [join(*body.arguments)])
            return
        place = self._place(begins, taps)
        body = Body([f32, i32, f32])
        largest, own, value = body.arguments
        better = body.either(body.compare("gt", value, largest), body.is_nan(value))
        chosen = [body.select(better, value, largest), body.select(better, place, own)]
        places = (self.best_places, self.own)
        self._map([best, places, read], [best, places], body, chosen)

    def _finish(self, at: dict[int, SSAValue]) -> None:
        """What became of the windows, and their places, to the results."""
        k, plan = self.k, self.plan
        others = [
            (self._position(pointer, strides, at), self._kept(strides))
            for pointer, strides in zip(self.extras, plan.extras, strict=True)
        ]
        target = self._position(self.y, plan.output.strides, at)
        finish = scaled(plan.fused, None if isinstance(plan.factor, np.ndarray) else plan.factor)
        k.insert(
            kernel.MapOp(
                [self.best, *(pointer for pointer, _ in others)],
                [target],
                plan.shape,
                [self.own, *(strides for _, strides in others)],
                [self._kept(plan.output.strides)],
                finish,
            )
        )
        if plan.places is not None:
            target = self._position(self.places, plan.places, at)
            wide = region([i32], lambda body, values: body.cast(values[0], i64))
            strides = self._kept(plan.places)
            k.insert(
                kernel.MapOp([self.best_places], [target], plan.shape, [self.own], [strides], wide)
            )
