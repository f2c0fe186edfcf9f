"""The matrix product of a tile, the heart of convolutions, linear layers and attention."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Region, SSAValue
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
from .checks import check_at_least, check_body, check_elements
from .types import (
    NumberLists,
    Numbers,
    element_type,
    int_lists,
    ints,
    number_lists,
    numbers,
)


@irdl_op_definition
class TileOp(IRDLOperation):
    """C[r, n] = epilogue(bias[n] + sum over k of A[r, k] * B[k, n], extras…), in registers.

    `a_rows` and `c_rows` are the distances of the tile's rows from `a` and `c`, `columns` how many
    n there are, `c_step` apart in C. K is a nest of loops: `chunks` are (count, stride in A) pairs
    from outside to inside, and inside them `depth` elements of A, `a_step` apart; B goes on by
    `b_step` at every k, its n are side by side. Without a bias the sum begins at 0, with
    `accumulate` at what C holds. An extra has rows like C (`extra_rows`) and n `extra_steps` apart
    (0: one element for the row); it may be the very memory of C.
    Meanwhile every `prefetch`-th row of what `ahead` points to, which lies like B, is fetched into
    the cache (0: none): tiles that run one after the other share the work for the next panel.

    ```mlir
    kernel.tile %a, %b, %c bias(%bias : !kernel.ptr<f32>) {
        a_rows = array<i64: 0, 64, 128>, c_rows = array<i64: 0, 96, 192>, columns = 32 : i64,
        chunks = [], depth = 64 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, …}
        : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
    ^bb0(%acc: f32):
      %zero = arith.constant 0.0 : f32
      %r = arith.maximumf %acc, %zero : f32
      kernel.yield %r : f32
    }
    ```
    """

    name = "kernel.tile"

    a = operand_def(POINTER)
    b = operand_def(POINTER)
    c = operand_def(POINTER)
    bias = opt_operand_def(POINTER)
    ahead = opt_operand_def(POINTER)
    extras = var_operand_def(POINTER)
    a_rows = prop_def(Numbers)
    c_rows = prop_def(Numbers)
    extra_rows = prop_def(NumberLists)
    extra_steps = prop_def(Numbers)
    columns = prop_def(IntegerAttr)
    chunks = prop_def(NumberLists)
    depth = prop_def(IntegerAttr)
    a_step = prop_def(IntegerAttr)
    b_step = prop_def(IntegerAttr)
    c_step = prop_def(IntegerAttr)
    accumulate = prop_def(IntegerAttr)
    prefetch = prop_def(IntegerAttr)
    epilogue = region_def("single_block")

    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = (
        "$a `,` $b `,` $c (`bias` `(` $bias^ `:` type($bias) `)`)?"
        " (`ahead` `(` $ahead^ `:` type($ahead) `)`)?"
        " (`extras` `(` $extras^ `:` type($extras) `)`)? attr-dict"
        " `:` type($a) `,` type($b) `,` type($c) $epilogue"
    )
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    def __init__(
        self,
        a: SSAValue,
        b: SSAValue,
        c: SSAValue,
        epilogue: Region,
        *,
        a_rows: Sequence[int],
        c_rows: Sequence[int],
        columns: int,
        depth: int,
        b_step: int,
        a_step: int = 1,
        c_step: int = 1,
        chunks: Sequence[tuple[int, int]] = (),
        bias: SSAValue | None = None,
        extras: Sequence[SSAValue] = (),
        extra_rows: Sequence[Sequence[int]] = (),
        extra_steps: Sequence[int] = (),
        accumulate: bool = False,
        ahead: SSAValue | None = None,
        prefetch: int = 0,
    ) -> None:
        super().__init__(
            operands=[a, b, c, bias, ahead, extras],
            properties={
                "a_rows": numbers(a_rows),
                "c_rows": numbers(c_rows),
                "extra_rows": number_lists(extra_rows),
                "extra_steps": numbers(extra_steps),
                "columns": IntegerAttr(columns, i64),
                "chunks": number_lists(chunks),
                "depth": IntegerAttr(depth, i64),
                "a_step": IntegerAttr(a_step, i64),
                "b_step": IntegerAttr(b_step, i64),
                "c_step": IntegerAttr(c_step, i64),
                "accumulate": IntegerAttr(int(accumulate), 1),
                "prefetch": IntegerAttr(prefetch, i64),
            },
            regions=[epilogue],
        )

    def verify_(self) -> None:
        """Rows agree in number, elements are of one type, which the epilogue takes and gives."""
        rows = len(ints(self.a_rows))
        if not rows or len(ints(self.c_rows)) != rows:
            raise VerifyException("kernel.tile: a_rows and c_rows have one distance for each row")
        extra_rows = int_lists(self.extra_rows)
        if len(extra_rows) != len(self.extras) or len(ints(self.extra_steps)) != len(extra_rows):
            raise VerifyException("kernel.tile: each extra has rows and a step")
        if any(len(row) != rows for row in extra_rows):
            raise VerifyException(f"kernel.tile: an extra has {rows} rows, as many as the tile")
        if (self.ahead is None) != (self.prefetch.value.data == 0):
            raise VerifyException("kernel.tile: prefetch says which rows of ahead are fetched")
        if self.bias is not None and self.accumulate.value.data:
            raise VerifyException("kernel.tile: the sum begins at the bias or at C, not at both")
        check_at_least(self, 1, "columns")
        check_at_least(self, 0, "depth", "prefetch")
        chunks = int_lists(self.chunks)
        if any(len(chunk) != 2 or chunk[0] < 0 for chunk in chunks):
            raise VerifyException("kernel.tile: each of the chunks is a count and a stride in A")
        element = element_type(self.c.type)
        pointers = {"a": self.a, "b": self.b, "bias": self.bias, "ahead": self.ahead}
        check_elements(self, element, **pointers)
        taken = [element, *(element_type(extra.type) for extra in self.extras)]
        check_body(self, "epilogue", taken, [element])
