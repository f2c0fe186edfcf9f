"""Kernels that work on one slice of a tensor after the other: normalizations and softmax."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute, Region, SSAValue

from ...dialects import kernel
from .body import identity
from .copying import loop_nest
from .elementwise import Epilogue
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .step import Step, element_type
from .tasks import parts

_RATE = 3_000
"""Elements in a microsecond."""
_LANE_GROUP = 1024
"""Slices side by side that are worked on at once at most: their statistics stay in the L1 cache."""


@dataclass(frozen=True)
class Operand:
    """A value with its strides over the dims of the slices' space."""

    value: SSAValue
    strides: tuple[int, ...]

    @property
    def element(self) -> Attribute:
        """The type of an element."""
        return element_type(self.value)


@dataclass(frozen=True)
class Local:
    """An operand within a slice (or within slices side by side): its pointer and strides there."""

    pointer: SSAValue
    strides: tuple[int, ...]
    element: Attribute = f32


class Slices:
    """A space of dims that are cut (`outer`) and dims within a slice (`inner`).

    A slice is worked on by itself if its elements lie side by side; else slices that lie side by
    side are worked on together: `columns` of them, and the first local dim counts them.
    Numbers that belong to a slice (a mean, a sum) are f32 in scratch memory: `statistic` has them.
    """

    def __init__(
        self,
        program: ProgramBuilder,
        shape: Sequence[int],
        inner: Sequence[int],
        operands: Sequence[Operand],
        statistics: int,
    ) -> None:
        self.program, self.operands = program, list(operands)
        inside = [dim for dim in inner if shape[dim] > 1]
        outside = [dim for dim in range(len(shape)) if dim not in inner]
        self.inner = tuple(shape[dim] for dim in inside)
        self._inner_rows = [tuple(o.strides[dim] for dim in inside) for o in operands]
        rows = [tuple(o.strides[dim] for dim in outside) for o in operands]
        sizes = [shape[dim] for dim in outside]
        outer, outer_rows = loop_nest(sizes, rows, last=len(operands) - 1)
        self.columns = 0
        self._column_rows = [0] * len(operands)
        first = outer_rows[0][-1]
        if 1 not in self._inner_rows[0] and first == 1 and outer[-1] > 1:
            self.columns = _largest_divisor(outer[-1], _LANE_GROUP)
            self._column_rows = [row[-1] for row in outer_rows]
            blocks = outer[-1] // self.columns
            outer = (*outer[:-1], blocks)
            outer_rows = [(*row[:-1], row[-1] * self.columns) for row in outer_rows]
        self.outer, self._outer_rows = outer, outer_rows
        elements = prod(outer) * prod(self.inner) * max(1, self.columns)
        self.tasks = parts(outer[0], elements / _RATE)
        self._statistics = statistics

    @property
    def local_shape(self) -> tuple[int, ...]:
        """The dims of what is worked on at once."""
        return (self.columns, *self.inner) if self.columns else self.inner

    @property
    def size(self) -> int:
        """The elements of a slice."""
        return prod(self.inner)

    def launch(
        self,
        name: str,
        key: Hashable,
        build: Callable[[KernelBuilder, list[Local], list[Local]], None],
    ) -> None:
        """One launch: `build` gets the operands and the statistics of the slice at hand."""
        program = self.program
        width = max(1, self.columns)
        pointers = [program.pointer(o.value) for o in self.operands]
        pointers.append(program.scratch(4 * width * max(1, self._statistics), f32))

        def whole(k: KernelBuilder) -> None:
            with self._slices(k) as locals:
                zeros = (0,) * len(self.inner)
                statistics = [
                    Local(
                        k.at(k.arguments[-1], [], number * width),
                        (1, *zeros) if self.columns else zeros,
                    )
                    for number in range(self._statistics)
                ]
                build(k, locals, statistics)

        strides = (tuple(self._outer_rows), tuple(self._inner_rows), tuple(self._column_rows))
        shape = (self.outer, self.columns, self.inner, self.tasks)
        program.launch(name, (shape, strides, key), pointers, self.tasks, whole)

    @contextmanager
    def _slices(self, k: KernelBuilder) -> Generator[list[Local]]:
        """Loops over the slices of a task."""
        pointers = list(k.arguments[:-1])
        size, total = -(-self.outer[0] // self.tasks), self.outer[0]
        if self.tasks > 1:
            pointers = [
                k.at(pointer, [(k.task, size * row[0])])
                for pointer, row in zip(pointers, self._outer_rows, strict=True)
            ]
        limit = k.chunk(k.task, size, total) if total % size else None
        with k.loop(size, limit) as index, _nest(k, self.outer[1:]) as inner_indices:
            indices = [index, *inner_indices]
            yield [
                Local(
                    k.at(pointer, list(zip(indices, outer, strict=True))),
                    (column, *inner) if self.columns else inner,
                    operand.element,
                )
                for pointer, outer, inner, column, operand in zip(
                    pointers,
                    self._outer_rows,
                    self._inner_rows,
                    self._column_rows,
                    self.operands,
                    strict=True,
                )
            ]

    def reduce(
        self,
        k: KernelBuilder,
        combination: str,
        inputs: Sequence[Local],
        body: Region,
        finish: Region,
        target: Local,
    ) -> None:
        """A statistic of every slice."""
        count = 1 if self.columns else 0
        k.insert(
            kernel.WindowOp(
                [local.pointer for local in inputs],
                [],
                target.pointer,
                self.local_shape[:count],
                self.inner,
                [local.strides for local in inputs],
                [],
                target.strides[:count],
                combination,
                body,
                finish,
            )
        )

    def map(self, k: KernelBuilder, inputs: Sequence[Local], target: Local, body: Region) -> None:
        """Elements of every slice from elements and statistics."""
        k.insert(self._map(inputs, target, body))

    def derive(
        self, k: KernelBuilder, inputs: Sequence[Local], target: Local, body: Region
    ) -> None:
        """A statistic of every slice from others."""
        count = 1 if self.columns else 0
        k.insert(
            kernel.MapOp(
                [local.pointer for local in inputs],
                [target.pointer],
                self.local_shape[:count],
                [local.strides[:count] for local in inputs],
                [target.strides[:count]],
                body,
            )
        )

    def map_and_sum(
        self, k: KernelBuilder, inputs: Sequence[Local], target: Local, body: Region, total: Local
    ) -> None:
        """Like `map`; the sum of the new elements becomes a statistic."""
        if self.columns:
            self.map(k, inputs, target, body)
            self.reduce(k, "add", [target], identity(), identity(), total)
            return
        last = body.block.last_op
        assert last is not None
        last.operands = [last.operands[0], last.operands[0]]
        op = k.insert(self._map(inputs, target, body, summed=True))
        k.insert(kernel.StoreOp(op.results_[0], total.pointer))

    def _map(
        self, inputs: Sequence[Local], target: Local, body: Region, summed: bool = False
    ) -> kernel.MapOp:
        return kernel.MapOp(
            [local.pointer for local in inputs],
            [target.pointer],
            self.local_shape,
            [local.strides for local in inputs],
            [target.strides],
            body,
            ["add"] if summed else [],
            [f32] if summed else [],
        )


@contextmanager
def _nest(k: KernelBuilder, sizes: Sequence[int]) -> Generator[list[SSAValue]]:
    if not sizes:
        yield []
        return
    with k.loop(sizes[0]) as index, _nest(k, sizes[1:]) as further:
        yield [index, *further]


def _largest_divisor(size: int, most: int) -> int:
    """How many columns to take at once: all, or the largest part that divides them evenly."""
    if size <= most:
        return size
    return next((n for n in range(most, 15, -1) if size % n == 0), size)


def epilogue_operands(step: Step, chain: Epilogue) -> list[tuple[SSAValue, tuple[int, ...]]]:
    """What the fused operations read besides, with strides over the result's dims."""
    return [(v, step.broadcast(v)) for v in chain.extras]
