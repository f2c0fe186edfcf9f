"""Launches of `kernel.stencil`: what depthwise convolution and pooling have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.dialects.builtin import f32
from xdsl.ir import Region, SSAValue

from ...dialects import kernel
from .elementwise import Epilogue, epilogue
from .family import Order
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .step import Array, Step
from .tasks import Loop, cut

Pair = tuple[int, int]

_RATE = 62_500
"""Elements of windows that are combined in a microsecond."""
_LEAST_VECTORS = 12
"""Vectors of channels that a task takes at least: it goes over the edges of the images anew."""
LARGEST_WINDOW = 49
"""Places of a window from which on one row of results is computed at a time."""


@dataclass(frozen=True)
class Windows:
    """A window that moves over the rows and columns of images; `padding` is what is in front.

    `weights` are [window rows, window columns, C], `bias` [C]; `factor` is what the combined values
    are multiplied by: a number, or one for each place, [rows, columns].
    """

    window: Pair
    stride: Pair
    dilation: Pair
    padding: Pair
    combination: str = "add"
    weights: Array | None = None
    bias: Array | None = None
    factor: float | Array = 1.0

    @property
    def shares(self) -> bool:
        """Whether two rows of results together read less than each on its own."""
        return self.window[0] > self.stride[0] and prod(self.window) <= LARGEST_WINDOW


@dataclass(frozen=True)
class RowWindow:
    """How rows of a result come from `size` rows of the input: `reach` of them, from the first to
    the last, for each of the `rows` of the result; `block` rows are made at a time."""

    size: int
    rows: int
    reach: int
    stride: int
    padding: int
    block: int

    @staticmethod
    def of(windows: Windows, size: int, rows: int) -> RowWindow:
        """The window along the rows; blocks have no rest."""
        reach = (windows.window[0] - 1) * windows.dilation[0] + 1
        block = next(n for n in (2, 3, 1) if rows % n == 0) if windows.shares else 1
        return RowWindow(size, rows, reach, windows.stride[0], windows.padding[0], block)

    @property
    def step(self) -> int:
        """The rows of the input that are new for a block."""
        return self.block * self.stride

    @property
    def ahead(self) -> int:
        """Block n reads rows below n * step + step + ahead."""
        return self.reach - self.padding - self.stride

    @property
    def ring(self) -> int:
        """The rows of the input that must be there while a block is made."""
        return self.step + max(0, self.reach - self.stride)

    @property
    def streams(self) -> bool:
        """Whether the input may be made while it is read."""
        return 0 <= self.ahead and self.ring <= self.size


@dataclass(frozen=True)
class Pointers:
    """The pointers of a stencil; `outside` is memory for a row that stands for those outside."""

    source: SSAValue
    target: SSAValue
    outside: SSAValue | None
    weights: SSAValue | None
    bias: SSAValue | None
    extras: tuple[SSAValue, ...]


@dataclass(frozen=True)
class Images:
    """A tensor as [N, C, H, W]."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]


def as_images(shape: Sequence[int], strides: Sequence[int], spatial: int) -> Images:
    """A tensor of images, with a batch dim or without, and one or two `spatial` dims, as four."""
    batch, ones = len(shape) - spatial - 1, (1,) * (2 - spatial)

    def four(values: Sequence[int]) -> tuple[int, ...]:
        return (*(values[:batch] or (1,)), values[batch], *ones, *values[batch + 1 :])

    return Images(four(shape), four(strides))


def step_images(step: Step, fused: Epilogue, spatial: int) -> tuple[Images, Images, list[Images]]:
    """A step's first operand, its result and what is fused reads besides, as images."""
    source, shape = step.tensor(step.op.operands[0]), step.output.shape
    extras = [as_images(shape, step.broadcast(extra), spatial) for extra in fused.extras]
    return (
        as_images(source.shape, source.strides, spatial),
        as_images(shape, step.output.strides, spatial),
        extras,
    )


def as_pair(numbers: Sequence[int], missing: int) -> Pair:
    """Numbers of one or two dims as those of rows and columns."""
    rows, columns = (missing, *numbers)[-2:]
    return rows, columns


def channels_last(rank: int, spatial: int) -> Order:
    """The dim order with the channels innermost; they stand in front of the spatial dims."""
    batch = rank - spatial - 1
    return (*range(batch), *range(batch + 1, rank), batch)


@dataclass(frozen=True)
class Stencil:
    """The windows of a step: over its first operand, with what is fused behind it."""

    windows: Windows
    read: Images
    written: Images
    extras: tuple[Images, ...]
    fused: Epilogue

    @staticmethod
    def of(step: Step, windows: Windows, spatial: int) -> Stencil:
        """Windows over the last `spatial` dims (one or two), whose channels stand side by side in
        memory, as those of the result do."""
        fused = epilogue(step)
        read, written, extras = step_images(step, fused, spatial)
        if isinstance(windows.factor, np.ndarray):
            extras.insert(0, Images(written.shape, (0, 0, written.shape[3], 1)))
        return Stencil(windows, read, written, tuple(extras), fused)

    def outside(self, channels: int) -> int:
        """The elements of scratch memory for a row that stands for those outside; 0: none is."""
        w, (_, _, size, columns) = self.windows, self.read.shape
        last = (self.written.shape[2] - 1) * w.stride[0] + (w.window[0] - 1) * w.dilation[0]
        if w.padding[0] == 0 and last < size:
            return 0
        return (columns - 1) * self.read.strides[3] + channels

    @property
    def key(self) -> tuple[object, ...]:
        """All that a kernel depends on."""
        w = self.windows
        given = (w.weights is not None, w.bias is not None)
        window = (w.window, w.stride, w.dilation, w.padding, w.combination)
        factor = None if isinstance(w.factor, np.ndarray) else w.factor
        tensors = (self.read, self.written, *self.extras)
        return (window, given, factor, tensors, self.fused.key)

    def arguments(self, step: Step, program: ProgramBuilder, parts: int = 1) -> list[SSAValue]:
        """Pointers besides input and result: weights, bias, factors, extras. The weights are those
        of so many parts of the channels, one after the other."""
        w, arguments = self.windows, list[SSAValue]()
        if w.weights is not None:
            split = w.weights.reshape(*w.window, parts, -1).transpose(2, 0, 1, 3)
            arguments.append(program.weight(split, f32))
        if w.bias is not None:
            arguments.append(program.weight(w.bias, f32))
        if isinstance(w.factor, np.ndarray):
            arguments.append(program.weight(w.factor, f32))
        return [*arguments, *(program.pointer(extra) for extra in self.fused.extras)]

    def insert(
        self, k: KernelBuilder, row: SSAValue, rows: int, channels: int, at: Pointers, ring: int = 0
    ) -> None:
        """Write rows of the result from `row` on, for some channels."""
        w = self.windows
        k.insert(
            kernel.StencilOp(
                row,
                at.source,
                at.target,
                scaled(self.fused, None if isinstance(w.factor, np.ndarray) else w.factor),
                rows=rows,
                columns=self.written.shape[3],
                channels=channels,
                size=self.read.shape[2:],
                input_strides=self.read.strides[2:],
                output_strides=self.written.strides[2:],
                window=w.window,
                stride=w.stride,
                dilation=w.dilation,
                padding=w.padding,
                combination=w.combination,
                weights=at.weights,
                bias=at.bias,
                outside=at.outside,
                extras=at.extras,
                extra_strides=[(*e.strides[2:], e.strides[1]) for e in self.extras],
                ring=ring,
            )
        )


def launch_windows(
    step: Step, program: ProgramBuilder, name: str, windows: Windows, spatial: int
) -> None:
    """Combine the windows over the last `spatial` dims (one or two) of the step's first operand.

    Its channels and those of the result stand side by side in memory.
    """
    stencil = Stencil.of(step, windows, spatial)
    arguments = [program.pointer(step.op.operands[0]), program.pointer(step.results[0])]
    plan = _Plan(stencil, program.target.lanes(), program.is_by_channels(arguments[0]))
    program.remember_cut(arguments[1], plan.by_channels)
    outside = stencil.outside(plan.channels)
    if outside:
        arguments.append(program.scratch(4 * outside, f32))
    arguments += stencil.arguments(step, program, plan.parts)
    key = (stencil.key, plan.bands, plan.parts, plan.by_channels)
    program.launch(name, key, arguments, plan.tasks, lambda k: _build(k, plan))


class _Plan:
    """How a launch is cut: images, bands of rows and parts of the channels are tasks of their own;
    if `by_channels`, all bands of a part follow each other.

    A band has `per_band` blocks of `rows` rows; the `left` rows that make no block come first.
    """

    def __init__(self, stencil: Stencil, lanes: int, by_channels: bool) -> None:
        self.stencil = stencil
        self.images, channels, rows, columns = stencil.written.shape
        work = self.images * channels * rows * columns * prod(stencil.windows.window)
        self.rows = min(rows, 2 if stencil.windows.shares else 1)
        self.blocks, self.left = divmod(rows, self.rows)
        # Whatever is not cut as the tensor before is read from other cores, and written to them.
        moved = 4 * channels * (prod(stencil.read.shape[2:]) + rows * columns)
        vectors = channels // lanes if channels % lanes == 0 else 1
        loops = (
            Loop(self.blocks, shared=moved if by_channels else 0),
            Loop(vectors, True, 0 if by_channels else moved, again=0.1, least=_LEAST_VECTORS),
        )
        time = work / _RATE
        if by_channels:
            self.parts, bands = cut(loops[::-1], time, self.images).parts
        else:
            bands, self.parts = cut(loops, time, self.images).parts
        self.by_channels = by_channels and self.parts > 1
        self.per_band = -(-self.blocks // bands)
        self.bands = -(-self.blocks // self.per_band)
        self.channels = channels // self.parts

    @property
    def tasks(self) -> int:
        """The tasks of the launch."""
        return self.images * self.bands * self.parts


def _build(k: KernelBuilder, plan: _Plan) -> None:
    stencil, windows, arguments = plan.stencil, plan.stencil.windows, iter(k.arguments)
    if plan.by_channels:
        image, part, band = k.split(k.task, (plan.images, plan.parts, plan.bands))
    else:
        image, band, part = k.split(k.task, (plan.images, plan.bands, plan.parts))
    images, parts = plan.images > 1, plan.parts > 1

    def at(tensor: Images) -> SSAValue:
        n, c = tensor.strides[:2]
        return k.at(next(arguments), [(image, n * images), (part, c * plan.channels * parts)])

    def of_part(elements: int) -> SSAValue:
        return k.at(next(arguments), [(part, elements * plan.channels * parts)])

    pointers = Pointers(
        at(stencil.read),
        at(stencil.written),
        next(arguments) if stencil.outside(plan.channels) else None,
        None if windows.weights is None else of_part(prod(windows.window)),
        None if windows.bias is None else of_part(1),
        tuple(at(extra) for extra in stencil.extras),
    )

    def insert(row: SSAValue, rows: int) -> None:
        stencil.insert(k, row, rows, plan.channels, pointers)

    several = plan.bands > 1
    if plan.left:
        first = k.chunk(band, 1, 1) if several else None
        with k.loop(1, first) as zero:
            insert(zero, plan.left)
    count = k.chunk(band, plan.per_band, plan.blocks) if several else None
    with k.loop(plan.per_band, count) as block:
        terms = [(band, plan.per_band * plan.rows)] if several else []
        insert(k.index([*terms, (block, plan.rows)], plan.left), plan.rows)


def scaled(fused: Epilogue, factor: float | None) -> Region:
    """What follows on the combined value: it times a number (None: times a first extra), then what
    is fused."""
    if factor == 1.0:
        return fused.region()
    if factor is None:
        return fused.after([f32, f32], lambda body, values: body.multiply(*values))
    return fused.after([f32], lambda body, values: body.multiply(values[0], factor))
