"""Winograd's transforms, which turn a 3x3 convolution into matrix products.

F(m x m, 3x3) computes m x m outputs from a patch of (m + 2) x (m + 2) inputs: with the patch D, the
weights G and the matrices below, they are At ((Gm g Gm^T) * (Bt D Bt^T)) At^T, where * goes element
by element and is summed over the input's channels: a matrix product for each place in the patch.
See Lavin and Gray, Fast Algorithms for Convolutional Neural Networks.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IndexType, IntegerAttr, f32, i64
from xdsl.ir import Operation, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException

from .addressing import POINTER
from .checks import check_at_least, check_body, check_elements, check_pairs
from .types import (
    NumberLists,
    Numbers,
    element_type,
    int_lists,
    ints,
    number_lists,
    numbers,
)

Matrix = tuple[tuple[float, ...], ...]

INPUT_MATRICES: dict[int, Matrix] = {
    2: ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
    4: (
        (4, 0, -5, 0, 1, 0),
        (0, -4, -4, 1, 1, 0),
        (0, 4, -4, -1, 1, 0),
        (0, -2, -1, 2, 1, 0),
        (0, 2, -1, -2, 1, 0),
        (0, 4, 0, -5, 0, 1),
    ),
}
"""Bt, by the outputs m of a tile along a dim."""
WEIGHT_MATRICES: dict[int, Matrix] = {
    2: ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
    4: (
        (1 / 4, 0, 0),
        (-1 / 6, -1 / 6, -1 / 6),
        (-1 / 6, 1 / 6, -1 / 6),
        (1 / 24, 1 / 12, 1 / 6),
        (1 / 24, -1 / 12, 1 / 6),
        (0, 0, 1),
    ),
}
"""Gm."""
OUTPUT_MATRICES: dict[int, Matrix] = {
    2: ((1, 1, 1, 0), (0, 1, -1, -1)),
    4: ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1)),
}
"""At."""


@irdl_op_definition
class WinogradInputOp(IRDLOperation):
    """The transformed patches of one row of tiles.

    With m = `tile` and n = m + 2, for every tile t < `tiles` and channel c: the patch
    D[i, j] = input[row * m + i - padding[0], t * m + j - padding[1], c], zero outside of `size`;
    (Bt D Bt^T)[i, j] is stored at output[(i * n + j) * output_strides[0] + t * output_strides[1]
    + c]. `input_strides` are those of rows and columns; channels stand side by side.

    ```mlir
    kernel.winograd_input %row of %x to %v {tile = 4 : i64, tiles = 14 : i64, channels = 64 : i64,
        size = array<i64: 56, 56>, input_strides = array<i64: 3584, 64>,
        padding = array<i64: 1, 1>, output_strides = array<i64: 896, 64>}
        : !kernel.ptr<f32>, !kernel.ptr<f32>
    ```
    """

    name = "kernel.winograd_input"

    row = operand_def(IndexType())
    input = operand_def(POINTER)
    output = operand_def(POINTER)
    tile = prop_def(IntegerAttr)
    tiles = prop_def(IntegerAttr)
    channels = prop_def(IntegerAttr)
    size = prop_def(Numbers)
    input_strides = prop_def(Numbers)
    padding = prop_def(Numbers)
    output_strides = prop_def(Numbers)

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$row `of` $input `to` $output attr-dict `:` type($input) `,` type($output)"
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    def __init__(
        self,
        row: SSAValue,
        input: SSAValue,
        output: SSAValue,
        *,
        tile: int,
        tiles: int,
        channels: int,
        size: Sequence[int],
        input_strides: Sequence[int],
        padding: Sequence[int],
        output_strides: Sequence[int],
    ) -> None:
        super().__init__(
            operands=[row, input, output],
            properties={
                "tile": IntegerAttr(tile, i64),
                "tiles": IntegerAttr(tiles, i64),
                "channels": IntegerAttr(channels, i64),
                "size": numbers(size),
                "input_strides": numbers(input_strides),
                "padding": numbers(padding),
                "output_strides": numbers(output_strides),
            },
        )

    def verify_(self) -> None:
        """There is such a transform, lists have two numbers, sizes are sizes."""
        _check_tile(self, self.tile)
        check_pairs(self, "size", "input_strides", "padding", "output_strides")
        check_at_least(self, 1, "tiles", "channels", "size")
        check_elements(self, f32, input=self.input, output=self.output)


@irdl_op_definition
class WinogradOutputOp(IRDLOperation):
    """The outputs of one row of tiles, from the products of the transformed patches and weights.

    With m = `tile`, n = m + 2 and P[i, j] = input[(i * n + j) * input_strides[0] +
    t * input_strides[1] + c], output[row * m + y, t * m + x, c] is the epilogue of bias[c] +
    (At P At^T)[y, x] and the extras, where it is inside of `size`. The tiles are those that cover
    the columns. The output and the extras have strides of rows, columns and channels.

    ```mlir
    kernel.winograd_output %row of %m bias(%b : !kernel.ptr<f32>) to %y {tile = 4 : i64,
        channels = 64 : i64, size = array<i64: 56, 56>, input_strides = array<i64: 896, 64>,
        output_strides = array<i64: 3584, 64, 1>, extra_strides = []}
        : !kernel.ptr<f32>, !kernel.ptr<f32> {
    ^bb0(%sum: f32):
      kernel.yield %sum : f32
    }
    ```
    """

    name = "kernel.winograd_output"

    row = operand_def(IndexType())
    input = operand_def(POINTER)
    bias = opt_operand_def(POINTER)
    extras = var_operand_def(POINTER)
    output = operand_def(POINTER)
    tile = prop_def(IntegerAttr)
    channels = prop_def(IntegerAttr)
    size = prop_def(Numbers)
    input_strides = prop_def(Numbers)
    output_strides = prop_def(Numbers)
    extra_strides = prop_def(NumberLists)
    epilogue = region_def("single_block")

    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = (
        "$row `of` $input (`bias` `(` $bias^ `:` type($bias) `)`)?"
        " (`extras` `(` $extras^ `:` type($extras) `)`)? `to` $output attr-dict"
        " `:` type($input) `,` type($output) $epilogue"
    )
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    def __init__(
        self,
        row: SSAValue,
        input: SSAValue,
        output: SSAValue,
        epilogue: Region,
        *,
        tile: int,
        channels: int,
        size: Sequence[int],
        input_strides: Sequence[int],
        output_strides: Sequence[int],
        bias: SSAValue | None = None,
        extras: Sequence[SSAValue] = (),
        extra_strides: Sequence[Sequence[int]] = (),
    ) -> None:
        super().__init__(
            operands=[row, input, bias, extras, output],
            properties={
                "tile": IntegerAttr(tile, i64),
                "channels": IntegerAttr(channels, i64),
                "size": numbers(size),
                "input_strides": numbers(input_strides),
                "output_strides": numbers(output_strides),
                "extra_strides": number_lists(extra_strides),
            },
            regions=[epilogue],
        )

    def verify_(self) -> None:
        """There is such a transform, lists have their lengths, the epilogue's types fit."""
        _check_tile(self, self.tile)
        check_pairs(self, "size", "input_strides")
        check_at_least(self, 1, "channels", "size")
        rows = [ints(self.output_strides), *int_lists(self.extra_strides)]
        if len(rows) != len(self.extras) + 1 or any(len(row) != 3 for row in rows):
            raise VerifyException(
                "kernel.winograd_output: the output and each extra have strides of rows, columns"
                " and channels"
            )
        check_elements(self, f32, input=self.input, output=self.output, bias=self.bias)
        check_body(self, "epilogue", [f32, *(element_type(e.type) for e in self.extras)], [f32])


def _check_tile(op: Operation, tile: IntegerAttr) -> None:
    if tile.value.data not in INPUT_MATRICES:
        raise VerifyException(f"{op.name}: tile is one of {sorted(INPUT_MATRICES)}")
