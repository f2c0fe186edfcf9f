"""Winograd's transforms, by their matrices."""

from __future__ import annotations

import numpy as np

from ....dialects import kernel
from ....dialects.kernel.types import int_lists, ints
from ....dialects.kernel.winograd import INPUT_MATRICES, OUTPUT_MATRICES
from ..arrays import Array
from .memory import Pointer
from .registry import Values, evaluates, run_block


@evaluates(kernel.WinogradInputOp)
def run_winograd_input(op: kernel.WinogradInputOp, values: Values) -> None:
    """All patches of a row of tiles at once."""
    m, tiles, channels = op.tile.value.data, op.tiles.value.data, op.channels.value.data
    n, size, strides = m + 2, ints(op.size), ints(op.input_strides)
    image: Pointer = values[op.input]
    above, left = ints(op.padding)
    padded = np.zeros((n, tiles * m + 2, channels), image.memory.dtype)
    first = values[op.row] * m - above
    for i in range(n):
        if not 0 <= first + i < size[0]:
            continue
        row = image.advance((first + i) * strides[0]).view(op, (size[1], channels), (strides[1], 1))
        columns = np.arange(padded.shape[1]) - left
        inside = (columns >= 0) & (columns < size[1])
        padded[i, inside] = row[columns[inside]]
    patches = np.stack([padded[:, t * m : t * m + n] for t in range(tiles)])
    matrix = np.array(INPUT_MATRICES[m], padded.dtype)
    result = np.einsum("ia,tabc,jb->ijtc", matrix, patches, matrix)
    place, tile = ints(op.output_strides)
    output = values[op.output].view(op, (n, n, tiles, channels), (n * place, place, tile, 1))
    np.copyto(output, result)


@evaluates(kernel.WinogradOutputOp)
def run_winograd_output(op: kernel.WinogradOutputOp, values: Values) -> None:
    """All outputs of a row of tiles at once."""
    m, channels = op.tile.value.data, op.channels.value.data
    n, (height, width) = m + 2, ints(op.size)
    tiles = -(-width // m)
    place, tile = ints(op.input_strides)
    products = values[op.input].view(op, (n, n, tiles, channels), (n * place, place, tile, 1))
    first = values[op.row] * m
    rows = min(m, height - first)
    matrix = np.array(OUTPUT_MATRICES[m], products.dtype)
    sums = np.einsum("yi,ijtc,xj->ytxc", matrix, products, matrix)
    total: Array = sums.reshape(m, tiles * m, channels)[:rows, :width]
    if op.bias is not None:
        total = total + values[op.bias].view(op, (channels,), (1,))
    extras = [
        values[extra].advance(first * strides[0]).view(op, total.shape, strides)
        for extra, strides in zip(op.extras, int_lists(op.extra_strides), strict=True)
    ]
    (result,) = run_block(op.epilogue.block, [total, *extras], values)
    strides = ints(op.output_strides)
    target = values[op.output].advance(first * strides[0]).view(op, total.shape, strides)
    np.copyto(target, np.array(result))
