"""Softmax and log softmax, interpreted and compiled, against PyTorch."""

from collections.abc import Sequence

import numpy as np
import pytest
from steps import check_step, with_gaps
from torch_step import check_against_torch, torch_results
from xdsl.ir import SSAValue

from edgeir.dialects import edge
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.llvm import softmax

RANDOM = np.random.default_rng(2)
KINDS = (edge.SoftmaxIntOp, edge.LogSoftmaxIntOp)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 7, 16, 33, 200])
def test_rows_and_columns(kind: type[SchemaOp], size: int) -> None:
    """Every tail; also large numbers and masked ones."""
    x = (RANDOM.standard_normal((5, size)) * 30).astype(np.float32)
    x[1, : size // 2] = -np.inf
    check_against_torch(softmax, kind, [x], dim=1)
    check_against_torch(softmax, kind, [np.ascontiguousarray(x.T)], dim=0)


@pytest.mark.parametrize("kind", KINDS)
def test_any_dim_and_order(kind: type[SchemaOp]) -> None:
    """With gaps, in other orders."""
    x = RANDOM.standard_normal((3, 6, 4, 20)).astype(np.float32)
    for dim, order in ((1, (0, 1, 2, 3)), (1, (0, 2, 3, 1)), (2, (0, 3, 1, 2)), (0, (0, 1, 2, 3))):
        check_against_torch(softmax, kind, [with_gaps(x, order)], dim=dim)


def test_epilogue_and_tasks() -> None:
    """Several tasks, with what is fused behind."""
    x = RANDOM.standard_normal((64, 300)).astype(np.float32)
    y = RANDOM.standard_normal(300).astype(np.float32)

    def fuse(value: SSAValue, extras: Sequence[SSAValue]) -> list[SchemaOp]:
        return [edge.MulTensorOp(value, extras[0], result_types=[value.type])]

    for kind in KINDS:
        (result,) = torch_results(kind, [x], {"dim": 1})
        check_step(softmax, kind, [x], [result * y], fuse=fuse, extras=[y], dim=1)
