"""Convolutions over any number of dims: grouped, strided, dilated, transposed.

A convolution is a product whose rows are the points of the result and whose K runs over taps and
channels: what a row of A is for one k follows from strides, so nothing is copied. The zeros around
the input stand in memory (`halo`). A transposed convolution is a convolution for each of the
`stride` phases of its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product as combinations
from math import gcd, prod
from typing import cast

import numpy as np
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from . import winograd
from .body import identity
from .copying import loop_nest
from .elementwise import Epilogue, epilogue
from .family import Halo, Order
from .kernel_builder import KernelBuilder
from .product import Axis, Finish, Operands, Product, launch_product, pack, panel_columns
from .program_builder import ProgramBuilder
from .stencils import channels_last
from .step import Array, Step, Tensor, dense_strides, element_type, shape_of
from .target import Target

OPERATIONS = (edge.ConvolutionOp,)
FUSES = True

_FEW_CHANNELS = 4
"""So few channels are read as they lie: copying them side by side would gain nothing."""


def supports(op: SchemaOp) -> str | None:
    """Convolutions of f32."""
    assert isinstance(op, edge.ConvolutionOp)
    if element_type(op.input) != f32:
        return f"convolutions of {element_type(op.input)}"
    return None


def input_order(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
    """Channels side by side, if they are more than a few; a bias dense."""
    assert isinstance(op, edge.ConvolutionOp)
    if operand is op.weight:
        return None
    if operand is not op.input:
        return None if tensor.strides[0] == 1 else (0,)
    if tensor.shape[1] <= _FEW_CHANNELS or tensor.strides[1] == 1:
        return None
    rank = len(tensor.shape)
    return channels_last(rank, rank - 2)


def halo(op: SchemaOp, operand: SSAValue) -> Halo | None:
    """Zeros where windows reach out of the input."""
    assert isinstance(op, edge.ConvolutionOp)
    if operand is not op.input or winograd.choose(op) is not None:
        return None
    sizes = shape_of(op.input)[2:]
    sides = [
        (
            max([0, *(-line.start for line in lines if line.taps)]),
            max([0, *(line.last - (size - 1) for line in lines if line.taps)]),
        )
        for lines, size in zip(lines_of(op), sizes, strict=True)
    ]
    return ((0, 0), (0, 0), *sides)


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """Channels side by side."""
    rank = len(inputs[0].shape)
    return channels_last(rank, rank - 2)


@dataclass(frozen=True)
class Line:
    """What outputs along a dim read: `outputs` of them, `every` so many, from `begin` on.

    The first one's first tap is at position `start` of the input (in front of it, if negative); the
    next output's are `step` on. `taps` are the numbers of the taps along the dim of the weights;
    in the input they are `spacing` apart.
    """

    outputs: int
    start: int
    step: int
    spacing: int
    taps: tuple[int, ...]
    begin: int = 0
    every: int = 1

    @property
    def last(self) -> int:
        """The last position of the input that is read."""
        return self.start + (self.outputs - 1) * self.step + (len(self.taps) - 1) * self.spacing


def lines_of(op: edge.ConvolutionOp) -> list[list[Line]]:
    """For each spatial dim the lines of outputs: one, or one for each phase if transposed."""
    outputs, taps = shape_of(op.result)[2:], shape_of(op.weight)[2:]
    stride, padding, dilation = (
        per_dim(op, name, len(taps)) for name in ("stride", "padding", "dilation")
    )
    make = _phases if op.value_of("transposed") else _plain
    return [
        make(*numbers) for numbers in zip(outputs, taps, stride, padding, dilation, strict=True)
    ]


def _plain(outputs: int, taps: int, stride: int, padding: int, dilation: int) -> list[Line]:
    return [Line(outputs, -padding, stride, dilation, tuple(range(taps)))]


def _phases(outputs: int, taps: int, stride: int, padding: int, dilation: int) -> list[Line]:
    """Output o takes input (o + padding - k * dilation) / stride for every tap k for which that is
    whole."""
    lines: list[Line] = []
    for phase in range(min(stride, outputs)):
        shifts = [
            (divmod(phase + padding - k * dilation, stride), k) for k in reversed(range(taps))
        ]
        whole = [(position, k) for (position, rest), k in shifts if rest == 0]
        lines.append(
            Line(
                outputs=-(-(outputs - phase) // stride),
                start=whole[0][0] if whole else 0,
                step=1,
                spacing=dilation // gcd(dilation, stride),
                taps=tuple(k for _, k in whole),
                begin=phase,
                every=stride,
            )
        )
    return lines


def per_dim(op: SchemaOp, name: str, dims: int) -> list[int]:
    """A list of numbers of an operation, one for each dim; a single one stands for all."""
    values = cast("list[int]", op.value_of(name))
    return values * dims if len(values) == 1 else values


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch, or one for each phase of a transposed convolution."""
    op = step.op
    assert isinstance(op, edge.ConvolutionOp)
    choice = winograd.choose(op)
    if choice is not None:
        winograd.lower(step, program, choice)
        return
    fused = epilogue(step)
    for lines in combinations(*lines_of(op)):
        _lower_lines(step, program, op, fused, lines)


def _lower_lines(
    step: Step,
    program: ProgramBuilder,
    op: edge.ConvolutionOp,
    fused: Epilogue,
    lines: Sequence[Line],
) -> None:
    product, weights = product_of(step, fused, lines)
    array = step.array(op.weight)
    if array is None:
        product = replace(product, b_step=product.columns)
        b = _copied(program, op.weight, weights)
    else:
        b = program.weight(weights.packed(array, product, program.target), f32)
    operands = Operands(
        program.pointer(op.input),
        b,
        program.pointer(step.results[0]),
        None if op.bias is None else program.pointer(op.bias),
        tuple(program.pointer(extra) for extra in fused.extras),
    )
    name = "x".join(str(len(line.taps)) for line in lines)
    kind = "transposed" if op.value_of("transposed") else "convolution"
    launch_product(program, f"{kind}_{name}", product, operands, Finish(fused.region, fused.key))


def product_of(step: Step, fused: Epilogue, lines: Sequence[Line]) -> tuple[Product, Weights]:
    """The product that lines of a convolution are, and its B: groups, what is summed, channels out.
    The product's axes are the groups, the images and the spatial dims."""
    op = step.op
    assert isinstance(op, edge.ConvolutionOp)
    source, target = step.tensor(op.input), step.output
    groups = cast(int, op.value_of("groups"))
    transposed = bool(op.value_of("transposed"))
    weight = _weights_of(step.tensor(op.weight), groups, transposed, lines)
    _, columns, channels, *_ = weight.tensor.shape
    nest = _nest(
        [channels, *(len(line.taps) for line in lines)],
        [
            source.strides[1],
            *(line.spacing * s for line, s in zip(lines, source.strides[2:], strict=True)),
        ],
    )
    extras = [step.broadcast(extra) for extra in fused.extras]
    group = Axis(
        groups,
        channels * source.strides[1],
        weight.tensor.size // groups,
        columns,
        columns * target.strides[1],
        tuple(columns * strides[1] for strides in extras),
    )
    batch = Axis(
        source.shape[0],
        source.strides[0],
        0,
        0,
        target.strides[0],
        tuple(strides[0] for strides in extras),
    )
    spatial = [
        Axis(
            line.outputs,
            line.step * source.strides[dim],
            0,
            0,
            line.every * target.strides[dim],
            tuple(line.every * strides[dim] for strides in extras),
        )
        for dim, line in enumerate(lines, 2)
    ]
    product = Product(
        (group, batch, *spatial),
        columns,
        nest.sizes[-1],
        tuple(zip(nest.sizes[:-1], nest.strides[:-1], strict=True)),
        nest.strides[-1],
        c_column=target.strides[1],
        extra_columns=tuple(strides[1] for strides in extras),
        has_bias=op.bias is not None,
        a_begin=sum(line.start * s for line, s in zip(lines, source.strides[2:], strict=True)),
        c_begin=_begin(lines, target.strides),
        extra_begins=tuple(_begin(lines, strides) for strides in extras),
    )
    return product, weight.permuted((0, *(2 + dim for dim in nest.order), 1))


@dataclass(frozen=True)
class Weights:
    """Weights of some taps as a tensor, from element `begin` of the weights of an operation on."""

    tensor: Tensor
    begin: int

    def permuted(self, dims: Sequence[int]) -> Weights:
        """The same with its dims in another order."""
        shape, strides = (tuple(own[d] for d in dims) for own in self._layout)
        return Weights(Tensor(self.tensor.element, shape, strides), self.begin)

    @property
    def _layout(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self.tensor.shape, self.tensor.strides

    def of(self, array: Array) -> Array:
        """These weights of an array of all."""
        flat = np.ascontiguousarray(array).reshape(-1)[self.begin :]
        strides = [stride * array.itemsize for stride in self.tensor.strides]
        return np.lib.stride_tricks.as_strided(flat, self.tensor.shape, strides)

    def packed(self, array: Array, product: Product, target: Target) -> Array:
        """These weights of an array of all, packed for a product."""
        shape = (self.tensor.shape[0], product.inner, product.columns)
        matrices = self.of(array).reshape(shape)
        return pack(matrices, panel_columns(product, target))


def _weights_of(weight: Tensor, groups: int, transposed: bool, lines: Sequence[Line]) -> Weights:
    """The weights of some taps as [groups, channels out, channels in, taps…]."""
    first, second, *_ = weight.shape
    far, near, *steps = weight.strides
    shape, strides = [groups, first // groups, second], [first // groups * far, far, near]
    if transposed:
        shape[1:], strides[1:] = shape[:0:-1], strides[:0:-1]
    begin = 0
    for line, step in zip(lines, steps, strict=True):
        # The taps of a phase are equally far apart.
        taps = (*line.taps, *line.taps[:1], 0, 0)
        begin += taps[0] * step
        shape.append(len(line.taps))
        strides.append((taps[1] - taps[0]) * step)
    return Weights(Tensor(weight.element, tuple(shape), tuple(strides)), begin)


def _copied(program: ProgramBuilder, value: SSAValue, weight: Weights) -> SSAValue:
    """Where computed weights lie for a product: dense, channels out side by side."""
    own = weight.tensor
    (memory,) = program.workspace([4 * own.size], f32)
    shape, (reads, writes) = loop_nest(own.shape, [own.strides, dense_strides(own.shape)], last=1)

    def build(k: KernelBuilder) -> None:
        source = k.at(k.arguments[0], [], weight.begin)
        k.insert(kernel.MapOp([source], k.arguments[1:], shape, [reads], [writes], identity(f32)))

    program.launch("weights", weight, [program.pointer(value), memory], 1, build)
    return memory


def _begin(lines: Sequence[Line], strides: Sequence[int]) -> int:
    return sum(line.begin * stride for line, stride in zip(lines, strides[2:], strict=True))


@dataclass(frozen=True)
class _Nest:
    """Loops over K from outside to inside; `order` are the dims, those of a merged loop too."""

    order: tuple[int, ...]
    sizes: tuple[int, ...]
    strides: tuple[int, ...]


def _nest(sizes: Sequence[int], strides: Sequence[int]) -> _Nest:
    """Channels and taps in the order in which they lie in memory, merged where there is no gap."""
    order = sorted(range(len(sizes)), key=lambda dim: (sizes[dim] != 1, -strides[dim]))
    loops: list[tuple[int, int]] = []
    for dim in order:
        if sizes[dim] == 1:
            continue
        if loops and loops[-1][1] == sizes[dim] * strides[dim]:
            loops[-1] = (loops[-1][0] * sizes[dim], strides[dim])
        else:
            loops.append((sizes[dim], strides[dim]))
    if prod(sizes) == 0:
        loops = [(0, 1)]
    loops = loops or [(1, 1)]
    return _Nest(tuple(order), tuple(s for s, _ in loops), tuple(s for _, s in loops))
