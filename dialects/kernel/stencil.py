"""Windows over an image, channel by channel: depthwise convolution and pooling."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IndexType, IntegerAttr, StringAttr, i64
from xdsl.ir import Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException

from .addressing import POINTER
from .checks import check_at_least, check_body, check_elements, check_pairs
from .types import NumberLists, Numbers, element_type, int_lists, ints, number_lists, numbers

STENCIL_COMBINATIONS = ("add", "max")
"""How the elements of a window are combined; max gives nan where one is nan."""


@irdl_op_definition
class StencilOp(IRDLOperation):
    """Some rows of the result of a window that moves over an image, for each channel on its own.

    For r < `rows`, x < `columns` and c < `channels`: out[row + r, x, c] = epilogue of bias[c] and
    the combination, over the window's i and j, of
    input[(row + r) * stride[0] + i * dilation[0] - padding[0], x * stride[1] + …, c] times
    weights[i, j, c]; without weights, of the elements alone. `row` is known at run time. Channels
    stand side by side in memory; strides are those of rows and columns. The input has `size` rows
    and columns; what a window has outside of it is left out. `outside` is memory for a row of the
    input, which the operation may write; without it all rows are inside. The weights are [window
    rows, window columns, channels], dense. Extras have strides of rows, columns and channels. With
    a `ring` the memory of the input has so many rows, and row y is at y modulo that.

    ```mlir
    kernel.stencil %y of %x weights(%w : …) bias(%b : …) outside(%room : …) to %out {
        rows = 2 : i64, columns = 14 : i64, channels = 384 : i64, size = array<i64: 14, 14>,
        input_strides = array<i64: 5376, 384>, output_strides = array<i64: 5376, 384>,
        window = array<i64: 3, 3>, stride = array<i64: 1, 1>, dilation = array<i64: 1, 1>,
        padding = array<i64: 1, 1>, combination = "add", extra_strides = []}
        : !kernel.ptr<f32>, !kernel.ptr<f32> {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    }
    ```
    """

    name = "kernel.stencil"

    row = operand_def(IndexType())
    input = operand_def(POINTER)
    weights = opt_operand_def(POINTER)
    bias = opt_operand_def(POINTER)
    outside = opt_operand_def(POINTER)
    extras = var_operand_def(POINTER)
    output = operand_def(POINTER)
    rows = prop_def(IntegerAttr)
    columns = prop_def(IntegerAttr)
    channels = prop_def(IntegerAttr)
    size = prop_def(Numbers)
    input_strides = prop_def(Numbers)
    output_strides = prop_def(Numbers)
    extra_strides = prop_def(NumberLists)
    window = prop_def(Numbers)
    stride = prop_def(Numbers)
    dilation = prop_def(Numbers)
    padding = prop_def(Numbers)
    combination = prop_def(StringAttr)
    ring = opt_prop_def(IntegerAttr)
    epilogue = region_def("single_block")

    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = (
        "$row `of` $input (`weights` `(` $weights^ `:` type($weights) `)`)?"
        " (`bias` `(` $bias^ `:` type($bias) `)`)?"
        " (`outside` `(` $outside^ `:` type($outside) `)`)?"
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
        rows: int,
        columns: int,
        channels: int,
        size: Sequence[int],
        input_strides: Sequence[int],
        output_strides: Sequence[int],
        window: Sequence[int],
        stride: Sequence[int] = (1, 1),
        dilation: Sequence[int] = (1, 1),
        padding: Sequence[int] = (0, 0),
        combination: str = "add",
        weights: SSAValue | None = None,
        bias: SSAValue | None = None,
        outside: SSAValue | None = None,
        extras: Sequence[SSAValue] = (),
        extra_strides: Sequence[Sequence[int]] = (),
        ring: int = 0,
    ) -> None:
        super().__init__(
            operands=[row, input, weights, bias, outside, extras, output],
            properties={
                "rows": IntegerAttr(rows, i64),
                "columns": IntegerAttr(columns, i64),
                "channels": IntegerAttr(channels, i64),
                "size": numbers(size),
                "input_strides": numbers(input_strides),
                "output_strides": numbers(output_strides),
                "extra_strides": number_lists(extra_strides),
                "window": numbers(window),
                "stride": numbers(stride),
                "dilation": numbers(dilation),
                "padding": numbers(padding),
                "combination": StringAttr(combination),
                "ring": IntegerAttr(ring, i64) if ring else None,
            },
            regions=[epilogue],
        )

    def verify_(self) -> None:
        """Lists have their lengths, sizes are sizes, and elements are of the types they must be."""
        check_pairs(self, "size", "input_strides", "output_strides")
        check_pairs(self, "window", "stride", "dilation", "padding")
        check_at_least(self, 1, "rows", "columns", "channels", "size")
        check_at_least(self, 1, "window", "stride", "dilation")
        check_at_least(self, 0, "padding")
        if self.combination.data not in STENCIL_COMBINATIONS:
            raise VerifyException(
                f"kernel.stencil: {self.combination} is not one of "
                f"{', '.join(STENCIL_COMBINATIONS)}"
            )
        if self.combination.data != "add" and (self.weights or self.bias):
            raise VerifyException("kernel.stencil: only a sum has weights or a bias")
        read = (self.rows.value.data - 1) * ints(self.stride)[0]
        read += (ints(self.window)[0] - 1) * ints(self.dilation)[0] + 1
        if self.ring is not None and self.ring.value.data < read:
            raise VerifyException(f"kernel.stencil: {read} rows are read, more than the ring has")
        rows = int_lists(self.extra_strides)
        if len(rows) != len(self.extras) or any(len(row) != 3 for row in rows):
            raise VerifyException(
                "kernel.stencil: each extra has strides of rows, columns and channels"
            )
        element = element_type(self.input.type)
        check_elements(self, element, weights=self.weights, bias=self.bias, outside=self.outside)
        taken = [element, *(element_type(extra.type) for extra in self.extras)]
        check_body(self, "epilogue", taken, [element_type(self.output.type)])
