"""Reductions and scans, interpreted and compiled, against PyTorch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from steps import Array, check_step, with_gaps
from torch_step import check_against_torch
from xdsl.ir import SSAValue

from edgeir.dialects import edge
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.llvm import reduction, scan

RANDOM = np.random.default_rng(1)


def _floats(*shape: int) -> Array:
    return RANDOM.standard_normal(shape).astype(np.float32)


DIMS: list[tuple[type[SchemaOp], dict[str, Any]]] = [
    (edge.SumDimIntListOp, {}),
    (edge.MeanDimOp, {}),
    (edge.AmaxOp, {}),
    (edge.AminOp, {}),
    (edge.VarCorrectionOp, {}),
    (edge.VarCorrectionOp, {"correction": 0}),
    (edge.LinalgVectorNormOp, {}),
    (edge.LinalgVectorNormOp, {"ord": 1}),
    (edge.LinalgVectorNormOp, {"ord": float("inf")}),
    (edge.LinalgVectorNormOp, {"ord": 3.5}),
]


@pytest.mark.parametrize(("kind", "values"), DIMS)
def test_over_any_dims(kind: type[SchemaOp], values: dict[str, Any]) -> None:
    """The innermost ones, the outermost, some; in other orders of memory, with gaps."""
    x = _floats(3, 5, 18)
    cases = [([2], (0, 1, 2)), ([0], (0, 2, 1)), ([0, 2], (2, 1, 0)), ([1, 2], (0, 1, 2))]
    for dims, order in cases:
        keep = bool(dims[0])
        check_against_torch(
            reduction, kind, [with_gaps(x, order)], dim=dims, keepdim=keep, **values
        )


@pytest.mark.parametrize("size", [1, 7, 16, 17, 64, 65, 1000])
def test_of_rows_and_of_columns(size: int) -> None:
    """Every tail."""
    x = _floats(3, size)
    x[1, size // 2] = np.nan
    for kind in (edge.SumDimIntListOp, edge.AmaxOp):
        check_against_torch(reduction, kind, [x], dim=[1])
        check_against_torch(reduction, kind, [np.ascontiguousarray(x.T)], dim=[0])


def test_of_everything() -> None:
    """To a tensor without dims."""
    x = _floats(4, 3, 50)
    for kind in (edge.MeanOp, edge.MaxOp, edge.MinOp, edge.ProdOp):
        check_against_torch(reduction, kind, [x])
    check_against_torch(reduction, edge.SumDimIntListOp, [x], dim=None)
    check_against_torch(reduction, edge.ProdDimIntOp, [x], dim=1)


def test_of_integers_and_bools() -> None:
    """Sums of integers are i64."""
    integers = RANDOM.integers(-9, 9, (5, 33))
    bools = RANDOM.random((5, 33)) < 0.05
    for array in (integers, integers.astype(np.int32), bools):
        check_against_torch(reduction, edge.SumDimIntListOp, [array], dim=[1])
        check_against_torch(reduction, edge.AmaxOp, [array], dim=[0])
        check_against_torch(reduction, edge.AnyDimOp, [array], dim=1)
    check_against_torch(reduction, edge.AnyOp, [bools])


@pytest.mark.parametrize("kind", [edge.ArgmaxOp, edge.ArgminOp, edge.MaxDimOp, edge.MinDimOp])
def test_places(kind: type[SchemaOp]) -> None:
    """The first of equal ones, and nan before all."""
    x = np.round(_floats(4, 6, 21))
    x[1, 2, 7] = np.nan
    for dim in (0, 1, 2):
        check_against_torch(reduction, kind, [x], dim=dim)
        check_against_torch(reduction, kind, [RANDOM.integers(0, 4, (4, 6, 21))], dim=dim)
    if "Arg" in kind.__name__:
        check_against_torch(reduction, kind, [x], dim=None)


def test_variance_with_mean() -> None:
    """Two results."""
    check_against_torch(reduction, edge.VarMeanCorrectionOp, [_floats(7, 40)], dim=[1])


def test_epilogue_and_tasks() -> None:
    """A mean large enough for several tasks, with what is fused behind."""
    x, y = _floats(2, 300, 250), _floats(300)

    def fuse(value: SSAValue, extras: Sequence[SSAValue]) -> list[SchemaOp]:
        total = edge.AddTensorOp(value, extras[0], result_types=[value.type])
        return [total, edge.ReluOp(total.result, result_types=[value.type])]

    for array, dims in ((x, [2]), (with_gaps(x, (0, 2, 1)), [2])):
        wanted = np.maximum(array.mean(axis=tuple(dims)) + y, 0)
        check_step(reduction, edge.MeanDimOp, [array], [wanted], fuse=fuse, extras=[y], dim=dims)


@pytest.mark.parametrize("kind", [edge.MeanDimOp, edge.SumDimIntListOp, edge.AmaxOp])
def test_bands_of_images(kind: type[SchemaOp]) -> None:
    """Channels side by side: bands of rows are combined first, then what they gave."""
    x = with_gaps(np.round(_floats(1, 24, 60, 60)), (0, 2, 3, 1))
    check_against_torch(reduction, kind, [x], dim=[2, 3], keepdim=True)


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_scans(dim: int) -> None:
    """Along any dim, of floats and of bools."""
    x = _floats(4, 9, 20)
    check_against_torch(scan, edge.CumsumOp, [with_gaps(x, (1, 0, 2))], dim=dim)
    check_against_torch(scan, edge.CumprodOp, [x], dim=dim)
    check_against_torch(scan, edge.CumsumOp, [x > 0], dim=dim)
