"""3x3 convolutions by Winograd's algorithm, where it takes less time.

A task transforms the patches of some rows of tiles, multiplies them with the transformed weights,
one product for each place in a patch, and transforms the products back. What is in between stays in
the second-level cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
from xdsl.dialects.builtin import f32

from ...dialects import edge, kernel
from ...dialects.kernel.winograd import WEIGHT_MATRICES
from .elementwise import epilogue
from .kernel_builder import KernelBuilder
from .product import Axis, Operands, Product, insert_product, pack, panel_columns
from .program_builder import ProgramBuilder
from .roots import is_constant
from .step import Array, Step, shape_of
from .target import Target

_LANES = 16
"""Elements of a vector in the model below: a plan is for all targets, that of AVX-512 decides."""
_CACHE = 800 * 1024
"""Bytes of transformed data that stay in the second-level cache."""
_STREAM, _STREAM_AGAIN = 12.0, 24.0
"""Bytes of weights that arrive in a cycle, the first time and later."""
_TRANSFORM_CYCLES = {2: (70.0, 60.0), 4: (220.0, 180.0)}
"""Cycles to transform a vector of a patch, and to transform one back."""
_GAIN = 0.85
"""The share of direct convolution's time below which the transforms are worth it."""
_LEAST_CHANNELS = 8
_HEAVY = 100_000
"""Cycles from which on several threads should find work."""
_WANTED_TASKS = 4
_SPREAD = 16
"""Elements after each transformed tile, so that tiles do not lie in the same lines of a cache."""


@dataclass(frozen=True)
class Choice:
    """How a convolution is done: `tile` outputs along a dim, `rows` of tiles for a task, and into
    how many `parts` the channels of the result are split."""

    tile: int
    rows: int
    parts: int


@dataclass(frozen=True)
class _Sizes:
    """A convolution's sizes."""

    images: int
    channels: int
    columns: int
    height: int
    width: int

    def tiles(self, m: int) -> tuple[int, int]:
        return -(-self.height // m), -(-self.width // m)


def choose(op: edge.ConvolutionOp) -> Choice | None:
    """The fastest way by a model of cycles; None if direct convolution is as fast or the algorithm
    does not apply."""
    weight, result = shape_of(op.weight), shape_of(op.result)
    if weight[2:] != (3, 3) or op.value_of("transposed") or op.value_of("groups") != 1:
        return None
    numbers = [
        *cast("list[int]", op.value_of("stride")),
        *cast("list[int]", op.value_of("dilation")),
    ]
    if not is_constant(op.weight):
        return None
    if any(number != 1 for number in numbers) or min(weight[:2]) < _LEAST_CHANNELS:
        return None
    return _fastest(_Sizes(result[0], weight[1], weight[0], *result[2:]))


@cache
def _fastest(sizes: _Sizes) -> Choice | None:
    """Of all tiles, rows and parts; None if direct convolution is as fast."""
    points = sizes.images * sizes.height * sizes.width
    direct = _product_cycles(sizes, 9, points, points, 1)
    best: tuple[float, Choice] | None = None
    for m in WEIGHT_MATRICES:
        for rows in range(1, sizes.tiles(m)[0] + 1):
            for parts in (1, 2, 4, 8):
                choice = Choice(m, rows, parts)
                cycles = _cycles(sizes, choice)
                if cycles is not None and (best is None or cycles < best[0]):
                    best = cycles, choice
    return best[1] if best is not None and best[0] < _GAIN * direct else None


def _product_cycles(sizes: _Sizes, places: int, rows: int, tile_rows: int, streams: int) -> float:
    """Cycles of multiplications, or of waiting for the weights if that takes longer."""
    # A tile of fewer rows waits for its sums.
    waiting = max(1.0, 4 / tile_rows)
    vectors = -(-sizes.columns // _LANES)
    multiply = places * rows * sizes.channels * vectors / 2 * waiting
    weights = 4.0 * places * sizes.channels * sizes.columns
    return max(multiply, weights / _STREAM + (streams - 1) * weights / _STREAM_AGAIN)


def _cycles(sizes: _Sizes, choice: Choice) -> float | None:
    m = choice.tile
    high, wide = sizes.tiles(m)
    places, tiles = (m + 2) ** 2, choice.rows * wide
    blocks = sizes.images * -(-high // choice.rows)
    columns = sizes.columns // choice.parts
    if sizes.columns % choice.parts or (choice.parts > 1 and columns % (2 * _LANES)):
        return None
    if choice.rows > 1 and 4 * places * tiles * (sizes.channels + columns) > _CACHE:
        return None
    into, out = _TRANSFORM_CYCLES[m]
    vectors = -(-sizes.channels // _LANES)
    transforms = choice.parts * vectors * into + -(-sizes.columns // _LANES) * out
    cycles = blocks * tiles * transforms
    cycles += _product_cycles(sizes, places, blocks * tiles, tiles, blocks)
    if cycles > _HEAVY:
        cycles *= 1 + 0.02 * max(0, _WANTED_TASKS - blocks * choice.parts)
    return cycles


def lower(step: Step, program: ProgramBuilder, choice: Choice) -> None:
    """One launch; a task does some rows of tiles of an image and a part of the channels."""
    op, m = step.op, choice.tile
    assert isinstance(op, edge.ConvolutionOp)
    fused = epilogue(step)
    source, target = step.tensor(op.input), step.output
    weight = step.array(op.weight)
    assert weight is not None
    sizes = _Sizes(source.shape[0], *weight.shape[1::-1], *target.shape[2:])
    layout = _Layout.of(sizes, choice, program.target)
    extras = [step.broadcast(extra) for extra in fused.extras]
    padding = cast("list[int]", op.value_of("padding"))
    arguments = [
        program.pointer(op.input),
        program.weight(_pack(weight, choice, layout, program.target), f32),
        program.pointer(step.results[0]),
        program.scratch(4 * layout.scratch, f32),
        *(program.pointer(extra) for extra in fused.extras),
    ]
    if op.bias is not None:
        arguments.append(program.pointer(op.bias))
    key = (
        choice,
        source.shape,
        source.strides,
        target.shape,
        target.strides,
        tuple(padding),
        tuple(extras),
        fused.key,
    )

    def build(k: KernelBuilder) -> None:
        x, weights, y, scratch, *rest = k.arguments
        bias = rest.pop() if op.bias is not None else None
        high, wide = sizes.tiles(m)
        blocks = -(-high // choice.rows)
        image, block, part = k.split(k.task, (sizes.images, blocks, choice.parts))
        x = k.at(x, [(image, source.strides[0])])
        y = k.at(y, [(image, target.strides[0]), (part, layout.columns * target.strides[1])])
        weights = k.at(weights, [(part, layout.part)])
        products = k.at(scratch, offset=layout.products)
        bias = None if bias is None else k.at(bias, [(part, layout.columns)])
        others = [
            k.at(extra, [(image, strides[0]), (part, layout.columns * strides[1])])
            for extra, strides in zip(rest, extras, strict=True)
        ]
        first = k.index([(block, choice.rows)])
        count = k.chunk(block, choice.rows, high)
        with k.loop(0, count) as index:
            k.insert(
                kernel.WinogradInputOp(
                    k.index([(first, 1), (index, 1)]),
                    x,
                    k.at(scratch, [(index, wide * layout.patch)]),
                    tile=m,
                    tiles=wide,
                    channels=sizes.channels,
                    size=source.shape[2:],
                    input_strides=source.strides[2:],
                    padding=padding * 2 if len(padding) == 1 else padding,
                    output_strides=(layout.rows * layout.patch, layout.patch),
                )
            )
        operands = Operands(scratch, weights, products)
        insert_product(k, layout.product, operands, program.target)
        with k.loop(0, count) as index:
            k.insert(
                kernel.WinogradOutputOp(
                    k.index([(first, 1), (index, 1)]),
                    k.at(products, [(index, wide * layout.columns)]),
                    y,
                    fused.region(),
                    tile=m,
                    channels=layout.columns,
                    size=target.shape[2:],
                    input_strides=(layout.rows * layout.columns, layout.columns),
                    output_strides=(*target.strides[2:], target.strides[1]),
                    bias=bias,
                    extras=others,
                    extra_strides=[(s[2], s[3], s[1]) for s in extras],
                )
            )

    tasks = sizes.images * -(-sizes.tiles(m)[0] // choice.rows) * choice.parts
    program.launch(f"winograd_{m}x{m}", key, arguments, tasks, build)


@dataclass(frozen=True)
class _Layout:
    """How the scratch memory of a task and the packed weights lie, in elements.

    Patches are [places, rows, channels] with a gap after each row, products [places, rows,
    columns]: a row for each tile.
    """

    rows: int
    patch: int
    columns: int
    products: int
    scratch: int
    part: int
    product: Product

    @staticmethod
    def of(sizes: _Sizes, choice: Choice, target: Target) -> _Layout:
        """The layout for a choice."""
        places = (choice.tile + 2) ** 2
        rows = choice.rows * sizes.tiles(choice.tile)[1]
        columns = sizes.columns // choice.parts
        patch = sizes.channels + _SPREAD
        matrix = sizes.channels * columns
        product = Product(
            (
                Axis(places, rows * patch, matrix, 0, rows * columns),
                Axis(rows, patch, 0, 0, columns),
            ),
            columns,
            sizes.channels,
        )
        products = places * rows * patch
        scratch = products + places * rows * columns
        return _Layout(rows, patch, columns, products, scratch, places * matrix, product)


def _pack(weight: Array, choice: Choice, layout: _Layout, target: Target) -> Array:
    """The transformed weights in panels, [parts, places, …]."""
    matrix = np.array(WEIGHT_MATRICES[choice.tile])
    out, channels = weight.shape[:2]
    # One product for all filters: (Gm x Gm) g.
    filters = weight.astype(np.float64).transpose(2, 3, 1, 0).reshape(9, -1)
    transformed = (np.kron(matrix, matrix) @ filters).astype(np.float32)
    parts = transformed.reshape(-1, channels, choice.parts, out // choice.parts)
    return pack(parts.transpose(2, 0, 1, 3), panel_columns(layout.product, target))
