"""The kernel of steps that run together: rows of one are made when the next one needs them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from xdsl.dialects import arith
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import edge
from . import convolution
from .bands import middle_of
from .elementwise import epilogue
from .kernel_builder import KernelBuilder
from .product import Finish, Operands, insert_product
from .program_builder import ALIGNMENT, ProgramBuilder, side_by_side
from .stencils import Pointers, RowWindow, Stencil
from .step import Step
from .tasks import Loop, cut

_TIME = 200.0
"""Microseconds of what runs band by band: a long time."""
MOST_REPEATED = 0.08
"""The share of the rows in front of the windows that tasks may make twice, at their borders."""
_PARTS = 4
"""Parts that there may be in any case: threads that wait cost more than rows made twice."""


def lower_band(steps: Sequence[Step], program: ProgramBuilder) -> None:
    """One launch for a convolution, a step with windows, and a 1x1 convolution, of which the first
    or the last may be missing. A task makes some rows of the last result, a few at a time."""
    band = _Band(steps, program)
    tasks = band.images * band.parts
    program.launch("band", band.key, band.arguments, tasks, band.build, band.has_whole)


class _Rows:
    """A convolution that makes some rows of its result at a time."""

    def __init__(self, step: Step, program: ProgramBuilder, rows: int) -> None:
        op = step.op
        assert isinstance(op, edge.ConvolutionOp)
        self.fused, self.target = epilogue(step), program.target
        lines = [line for (line,) in convolution.lines_of(op)]
        product, weights = convolution.product_of(step, self.fused, lines)
        group, self.image, self.row, *rest = product.axes
        self.product = replace(product, axes=(group, replace(self.row, size=rows), *rest))
        array = step.array(op.weight)
        assert array is not None
        packed = weights.packed(array, self.product, self.target)
        self.arguments = [
            program.weight(packed, f32),
            *([] if op.bias is None else [program.pointer(op.bias)]),
            *(program.pointer(e) for e in self.fused.extras),
        ]
        self.key: Hashable = (self.product, self.image, self.row, self.fused.key)

    def insert(
        self,
        k: KernelBuilder,
        arguments: Sequence[SSAValue],
        place: tuple[SSAValue, SSAValue],
        source: SSAValue,
        target: SSAValue,
    ) -> None:
        """Make the rows from a `place` (image and row) on, from what begins at `source`."""
        weights, *rest = arguments
        bias = rest.pop(0) if self.product.has_bias else None
        steps = zip(rest, self.image.extras, self.row.extras, strict=True)
        image, row = place
        extras = tuple(k.at(extra, [(image, n), (row, y)]) for extra, n, y in steps)
        finish = Finish(self.fused.region, self.fused.key)
        operands = Operands(source, weights, target, bias, extras)
        insert_product(k, self.product, operands, self.target, finish)


class _Band:
    """The steps, and how their rows are split into tasks: images, and parts of `per` blocks."""

    def __init__(self, steps: Sequence[Step], program: ProgramBuilder) -> None:
        number, (self.window, family) = next(
            (n, found) for n, step in enumerate(steps) if (found := middle_of(step.op)) is not None
        )
        middle = steps[number]
        self.stencil: Stencil = family.stencil_of(middle)
        self.first = _Rows(steps[0], program, 1) if number else None
        self.last: _Rows | None = None
        if number + 1 < len(steps):
            self.last = _Rows(steps[-1], program, self.window.block)
        self.images, self.channels = self.stencil.written.shape[:2]
        self.blocks = self.window.rows // self.window.block
        self.per, self.parts = _split(self.window, self.first is not None)
        sizes = (
            self.stencil.outside(self.channels),
            self.window.ring * self.stencil.read.strides[2] if self.first else 0,
            self.window.block * self.stencil.written.strides[2] if self.last else 0,
        )
        # Where the row outside, the rows in front of the windows and those behind them begin.
        self.scratch, total = side_by_side(sizes, ALIGNMENT // 4)
        self.lists = (
            [
                program.pointer(steps[0].op.operands[0]),
                program.pointer(steps[-1].results[0]),
                program.scratch(4 * total, f32),
            ],
            self.first.arguments if self.first else [],
            self.stencil.arguments(middle, program),
            self.last.arguments if self.last else [],
        )

    @property
    def arguments(self) -> list[SSAValue]:
        """All pointers."""
        return [argument for arguments in self.lists for argument in arguments]

    @property
    def has_whole(self) -> bool:
        """Whether one more task makes everything, so that a thread alone makes no row twice."""
        return self.first is not None and self.images == 1 and self.parts > 1

    @property
    def key(self) -> Hashable:
        """All that the kernel depends on."""
        products = [product and product.key for product in (self.first, self.last)]
        return (self.stencil.key, self.window, *products, self.per)

    def build(self, k: KernelBuilder) -> None:
        """Block after block: the rows in front of the windows, the windows, the rows behind."""
        window, rest = self.window, iter(k.arguments)
        (source, target, scratch), first, middle, last = (
            [next(rest) for _ in arguments] for arguments in self.lists
        )
        outside, ring, buffer = (k.at(scratch, offset=begin) for begin in self.scratch)
        image, part = k.index([]), k.task
        if self.images > 1:
            image, part = k.split(k.task, (self.images, self.parts))
        read, written = self.stencil.read.strides, self.stencil.written.strides
        pointers = self._pointers(k, middle, image, outside)
        begin = k.at(source, [(image, read[0])]) if self.first is None else ring
        pointers = replace(pointers, source=begin)
        start, count = self._blocks(k, part)
        repeated = self._repeated(k, start)
        with k.loop(0, count) as index:
            block = k.index([(start, 1), (index, 1)])
            if self.first is not None:
                self._make_rows(k, first, (image, block, index), repeated, (source, ring))
            row = k.index([(block, window.block)])
            if self.last is None:
                at = replace(pointers, target=k.at(target, [(image, written[0])]))
            else:
                at = replace(pointers, target=k.at(buffer, [(row, -written[2])]))
            rows = window.ring if self.first is not None else 0
            self.stencil.insert(k, row, window.block, self.channels, at, rows)
            if self.last is not None:
                end = k.at(target, [(image, self.last.image.c), (row, self.last.row.c)])
                self.last.insert(k, last, (image, row), buffer, end)

    def _pointers(
        self, k: KernelBuilder, arguments: Sequence[SSAValue], image: SSAValue, outside: SSAValue
    ) -> Pointers:
        windows, rest = self.stencil.windows, iter(arguments)
        weights = None if windows.weights is None else next(rest)
        bias = None if windows.bias is None else next(rest)
        extras = tuple(
            k.at(extra, [(image, images.strides[0])])
            for extra, images in zip(rest, self.stencil.extras, strict=True)
        )
        row = outside if self.stencil.outside(self.channels) else None
        return Pointers(outside, outside, row, weights, bias, extras)

    def _blocks(self, k: KernelBuilder, part: SSAValue) -> tuple[SSAValue, SSAValue]:
        """The first block of a part, and how many there are; behind the last part comes the
        whole."""
        count = k.chunk(part, self.per, self.blocks)
        if not self.has_whole:
            return k.index([(part, self.per)]), count
        is_part = k.chunk(part, 1, self.parts)
        start = k.insert(arith.MuliOp(part, k.index([(is_part, self.per)]))).result
        return start, k.index([(count, 1), (is_part, -self.blocks)], self.blocks)

    def _repeated(self, k: KernelBuilder, start: SSAValue) -> SSAValue:
        """The rows that the first block of a part reads and those in front of the part made; there
        is none in front of the first row."""
        window = self.window
        is_top = k.chunk(start, 1, 1)
        return k.index([(is_top, -window.padding)], window.padding + window.ahead)

    def _make_rows(
        self,
        k: KernelBuilder,
        arguments: Sequence[SSAValue],
        place: tuple[SSAValue, SSAValue, SSAValue],
        repeated: SSAValue,
        pointers: tuple[SSAValue, SSAValue],
    ) -> None:
        """Make the rows that a block reads and the one in front of it does not; `place` is the
        image, the block, and its number in the part."""
        assert self.first is not None
        window, (image, block, index), (source, ring) = self.window, place, pointers
        is_first = k.chunk(index, 1, 1)
        more = k.insert(arith.MuliOp(is_first, repeated)).result
        new = k.chunk(block, window.step, window.size - window.ahead)
        begin = k.index([(block, window.step), (more, -1)], window.ahead)
        with k.loop(0, k.index([(new, 1), (more, 1)])) as number:
            row = k.index([(begin, 1), (number, 1)])
            _, slot = k.split(row, (1, window.ring))
            a = k.at(source, [(image, self.first.image.a), (row, self.first.row.a)])
            c = k.at(ring, [(slot, self.first.row.c)])
            self.first.insert(k, arguments, (image, row), a, c)


def _split(window: RowWindow, repeats: bool) -> tuple[int, int]:
    """The blocks of a part, and how many parts there are."""
    blocks = window.rows // window.block
    repeated = window.padding + window.ahead if repeats else 0
    most = max(_PARTS, int(window.size * MOST_REPEATED / repeated)) if repeated else blocks
    loop = Loop(blocks, least=-(-blocks // max(1, min(most, blocks))))
    for wanted in range(cut([loop], _TIME).parts[0], 1, -1):
        per = -(-blocks // wanted)
        parts = -(-blocks // per)
        # What the last part reads in front of its blocks is there.
        if (parts - 1) * per * window.step + window.ahead <= window.size:
            return per, parts
    return blocks, 1
