"""Average pooling with windows of different sizes, whose borders are read from tables."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import IndexType, f32, i64
from xdsl.ir import SSAValue

from ...dialects import kernel
from .body import number, region
from .elementwise import epilogue
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .stencils import Images, as_images, scaled
from .step import Array, Step


def launch_adaptive(step: Step, program: ProgramBuilder, spatial: int) -> None:
    """Average windows i * n // m to ceil((i + 1) * n / m) of the last `spatial` dims; a task for
    each row of the result.

    The windows' elements are summed up in scratch memory, all channels at once.
    """
    fused, shape = epilogue(step), step.output.shape
    source = step.tensor(step.op.operands[0])
    read = as_images(source.shape, source.strides, spatial)
    written = as_images(shape, step.output.strides, spatial)
    extras = [as_images(shape, step.broadcast(e), spatial) for e in fused.extras]
    images, channels, rows, columns = written.shape
    borders = [_borders(n, m) for n, m in zip(read.shape[2:], (rows, columns), strict=True)]
    factors = 1 / np.outer(borders[0][:, 1], borders[1][:, 1])
    arguments = [
        program.pointer(step.op.operands[0], f32),
        program.pointer(step.results[0], f32),
        *(program.weight(table, i64) for table in borders),
        program.scratch(4 * channels, f32),
        program.weight(factors.astype(np.float32), f32),
        *(program.pointer(extra, step.tensor(extra).element) for extra in fused.extras),
    ]
    places = Images(written.shape, (0, 0, columns, 1))

    def build(k: KernelBuilder) -> None:
        x, y, top, left, sums, *others = k.arguments
        image, row = k.split(k.task, (images, rows))
        first_row, height = _load_border(k, top, row)
        with k.loop(columns) as column:
            first_column, width = _load_border(k, left, column)
            begin = _place(k, x, read, image, first_row, first_column)
            total = number(0.0)
            k.insert(kernel.MapOp([], [sums], (channels,), [], [(1,)], total))
            with k.loop(0, height) as i, k.loop(0, width) as j:
                at = k.at(begin, [(i, read.strides[2]), (j, read.strides[3])])
                ones = [(1,), (1,)]
                total = region([f32, f32], lambda body, values: body.add(*values))
                k.insert(kernel.MapOp([sums, at], [sums], (channels,), ones, [(1,)], total))
            tensors = [places, *extras]
            inputs = [
                sums,
                *(
                    _place(k, pointer, tensor, image, row, column)
                    for pointer, tensor in zip(others, tensors, strict=True)
                ),
            ]
            target = _place(k, y, written, image, row, column)
            strides = [(1,), *((tensor.strides[1],) for tensor in tensors)]
            finish = scaled(fused, None)
            k.insert(kernel.MapOp(inputs, [target], (channels,), strides, [(1,)], finish))

    key = (read, written, tuple(extras), fused.key)
    program.launch("adaptive_pool", key, arguments, images * rows, build)


def _borders(size: int, count: int) -> Array:
    """Where each of `count` windows over `size` elements begins, and how many elements it has."""
    index = np.arange(count)
    start = index * size // count
    return np.stack([start, -(-(index + 1) * size // count) - start], axis=1)


def _load_border(k: KernelBuilder, table: SSAValue, index: SSAValue) -> tuple[SSAValue, SSAValue]:
    start, count = (k.at(table, [(index, 2)], offset) for offset in (0, 1))
    begin = k.insert(kernel.LoadOp(start, IndexType()))
    size = k.insert(kernel.LoadOp(count, IndexType()))
    return begin.result, size.result


def _place(
    k: KernelBuilder,
    pointer: SSAValue,
    tensor: Images,
    image: SSAValue,
    row: SSAValue,
    column: SSAValue,
) -> SSAValue:
    n, _, h, w = tensor.strides
    return k.at(pointer, [(image, n), (row, h), (column, w)])
