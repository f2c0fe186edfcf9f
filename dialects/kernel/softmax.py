"""Rows of scores to rows of weights, between the two products of attention."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IndexType, IntegerAttr, f32, i1, i64
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    traits_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException

from .addressing import POINTER
from .checks import check_at_least, check_elements
from .types import Numbers, element_type, ints, numbers


@irdl_op_definition
class SoftmaxOp(IRDLOperation):
    """Rows of scores become exp(score - the row's largest), in place; `factors` takes for each row
    1 / their sum, with which they would be a softmax.

    A row has `columns` scores side by side, rows are `stride` apart. A mask is added to the scores
    if it holds numbers; one of bools says which scores count. With `visible` only the first
    `visible + r` scores of row r count, at most `columns`: what is causal sees no later keys.
    Scores that do not count become 0; a row where none counts has a factor of finite size.

    ```mlir
    kernel.softmax %scores, %factors mask(%m : !kernel.ptr<i1>) visible(%n) {rows = 12 : i64,
        columns = 197 : i64, stride = 224 : i64, mask_strides = array<i64: 197, 1>}
        : !kernel.ptr<f32>, !kernel.ptr<f32>
    ```
    """

    name = "kernel.softmax"

    scores = operand_def(POINTER)
    factors = operand_def(POINTER)
    mask = opt_operand_def(POINTER)
    visible = opt_operand_def(IndexType())
    rows = prop_def(IntegerAttr)
    columns = prop_def(IntegerAttr)
    stride = prop_def(IntegerAttr)
    mask_strides = prop_def(Numbers)

    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = (
        "$scores `,` $factors (`mask` `(` $mask^ `:` type($mask) `)`)?"
        " (`visible` `(` $visible^ `)`)? attr-dict `:` type($scores) `,` type($factors)"
    )
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    def __init__(
        self,
        scores: SSAValue,
        factors: SSAValue,
        *,
        rows: int,
        columns: int,
        stride: int,
        mask: SSAValue | None = None,
        mask_strides: Sequence[int] = (0, 0),
        visible: SSAValue | None = None,
    ) -> None:
        super().__init__(
            operands=[scores, factors, mask, visible],
            properties={
                "rows": IntegerAttr(rows, i64),
                "columns": IntegerAttr(columns, i64),
                "stride": IntegerAttr(stride, i64),
                "mask_strides": numbers(mask_strides),
            },
        )

    def verify_(self) -> None:
        """Scores are f32; a mask holds bools or what they are, and lies row by row."""
        strides = ints(self.mask_strides)
        if len(strides) != 2 or strides[1] not in (0, 1):
            raise VerifyException(
                "kernel.softmax: the mask has strides of rows and columns, the latter 0 or 1"
            )
        check_at_least(self, 1, "rows", "columns")
        check_elements(self, f32, scores=self.scores, factors=self.factors)
        if self.mask is not None and element_type(self.mask.type) not in (f32, i1):
            raise VerifyException("kernel.softmax: a mask holds bools or what the scores are")
