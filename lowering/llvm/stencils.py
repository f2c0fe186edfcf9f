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
from .program_builder import MOST_TASKS, ProgramBuilder
from .step import Array, Step

Pair = tuple[int, int]

_TASK = 250_000
"""Elements of windows that a task combines: about 4 µs."""
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


def launch_windows(
    step: Step, program: ProgramBuilder, name: str, windows: Windows, spatial: int
) -> None:
    """Combine the windows over the last `spatial` dims (one or two) of the step's first operand.

    Its channels and those of the result stand side by side in memory.
    """
    fused = epilogue(step)
    read, written, extras = step_images(step, fused, spatial)
    plan = _Plan(windows, read, written, program.target.lanes())
    arguments = [
        program.pointer(step.op.operands[0]),
        program.pointer(step.results[0]),
    ]
    if windows.weights is not None:
        arguments.append(program.weight(plan.split_channels(windows.weights), f32))
    if windows.bias is not None:
        arguments.append(program.weight(windows.bias, f32))
    if plan.outside:
        arguments.append(program.scratch(4 * plan.outside, f32))
    factor = windows.factor
    if isinstance(factor, np.ndarray):
        arguments.append(program.weight(factor, f32))
        extras.insert(0, Images(written.shape, (0, 0, written.shape[3], 1)))
        factor = None
    arguments += [program.pointer(extra) for extra in fused.extras]

    def build(k: KernelBuilder) -> None:
        _build(k, plan, extras, scaled(fused, factor))

    key = (plan.key, tuple(e.strides for e in extras), factor, fused.key)
    program.launch(name, key, arguments, plan.tasks, build)


class _Plan:
    """How a launch is cut: images, bands of rows and parts of the channels are tasks of their own.

    A band has `per_band` blocks of `rows` rows; the `left` rows that make no block come first.
    """

    def __init__(self, windows: Windows, read: Images, written: Images, lanes: int) -> None:
        self.windows, self.read, self.written = windows, read, written
        self.images, channels, rows, columns = written.shape
        work = self.images * channels * rows * columns * prod(windows.window)
        wanted = -(-min(MOST_TASKS, max(1, work // _TASK)) // self.images)
        shares = windows.window[0] > windows.stride[0] and prod(windows.window) <= LARGEST_WINDOW
        self.rows = min(rows, 2 if shares else 1)
        self.blocks, self.left = divmod(rows, self.rows)
        self.per_band = -(-self.blocks // min(wanted, self.blocks))
        self.bands = -(-self.blocks // self.per_band)
        vectors = channels // lanes if channels % lanes == 0 else 1
        most = max(1, wanted // self.bands)
        self.parts = max(n for n in range(1, most + 1) if vectors % n == 0)
        self.channels = channels // self.parts

    @property
    def tasks(self) -> int:
        """The tasks of the launch."""
        return self.images * self.bands * self.parts

    @property
    def outside(self) -> int:
        """The elements of scratch memory for a row that stands for those outside; 0: none is."""
        w, (_, _, size, columns) = self.windows, self.read.shape
        last = (self.written.shape[2] - 1) * w.stride[0] + (w.window[0] - 1) * w.dilation[0]
        if w.padding[0] == 0 and last < size:
            return 0
        return (columns - 1) * self.read.strides[3] + self.channels

    @property
    def key(self) -> tuple[object, ...]:
        """All that the kernel depends on, but for the extras and the epilogue."""
        w = self.windows
        given = (w.weights is not None, w.bias is not None)
        window = (w.window, w.stride, w.dilation, w.padding, w.combination)
        tensors = (self.read.shape, self.read.strides, self.written.shape, self.written.strides)
        return (*window, *given, *tensors, self.bands, self.parts)

    def split_channels(self, weights: Array) -> Array:
        """The weights part after part, [parts, rows, columns, channels of a part]."""
        parts = weights.reshape(*weights.shape[:2], self.parts, self.channels)
        return parts.transpose(2, 0, 1, 3)


def _build(k: KernelBuilder, plan: _Plan, extras: Sequence[Images], finish: Region) -> None:
    windows, arguments = plan.windows, iter(k.arguments)
    image, band, part = k.split(k.task, (plan.images, plan.bands, plan.parts))
    images, parts = plan.images > 1, plan.parts > 1

    def at(tensor: Images) -> SSAValue:
        n, c = tensor.strides[:2]
        return k.at(next(arguments), [(image, n * images), (part, c * plan.channels * parts)])

    source, target = at(plan.read), at(plan.written)
    taps = prod(windows.window)
    weights = bias = outside = None
    if windows.weights is not None:
        weights = k.at(next(arguments), [(part, taps * plan.channels * parts)])
    if windows.bias is not None:
        bias = k.at(next(arguments), [(part, plan.channels * parts)])
    if plan.outside:
        outside = next(arguments)
    others = [at(extra) for extra in extras]

    def stencil(row: SSAValue, rows: int) -> None:
        k.insert(
            kernel.StencilOp(
                row,
                source,
                target,
                finish.clone(),
                rows=rows,
                columns=plan.written.shape[3],
                channels=plan.channels,
                size=plan.read.shape[2:],
                input_strides=plan.read.strides[2:],
                output_strides=plan.written.strides[2:],
                window=windows.window,
                stride=windows.stride,
                dilation=windows.dilation,
                padding=windows.padding,
                combination=windows.combination,
                weights=weights,
                bias=bias,
                outside=outside,
                extras=others,
                extra_strides=[(*e.strides[2:], e.strides[1]) for e in extras],
            )
        )

    several = plan.bands > 1
    if plan.left:
        first = k.chunk(band, 1, 1) if several else None
        with k.loop(1, first) as zero:
            stencil(zero, plan.left)
    count = k.chunk(band, plan.per_band, plan.blocks) if several else None
    with k.loop(plan.per_band, count) as block:
        terms = [(band, plan.per_band * plan.rows)] if several else []
        stencil(k.index([*terms, (block, plan.rows)], plan.left), plan.rows)


def scaled(fused: Epilogue, factor: float | None) -> Region:
    """What follows on the combined value: it times a number (None: times a first extra), then what
    is fused."""
    if factor == 1.0:
        return fused.region()
    if factor is None:
        return fused.after([f32, f32], lambda body, values: body.multiply(*values))
    return fused.after([f32], lambda body, values: body.multiply(values[0], factor))
