"""Normalizations, interpreted and compiled, against PyTorch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from steps import Array, check_step, with_gaps
from torch_step import check_against_torch, torch_results
from xdsl.ir import SSAValue

from edgeir.dialects import edge
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.llvm import normalization

RANDOM = np.random.default_rng(3)
NO_STATISTICS = edge.OPERATORS["aten::_native_batch_norm_legit.no_stats"]


def _floats(*shape: int) -> Array:
    return RANDOM.standard_normal(shape).astype(np.float32) + 1


def _check(kind: type[SchemaOp], operands: Sequence[Array | None], **values: Any) -> None:
    check_against_torch(normalization, kind, operands, **values)


@pytest.mark.parametrize("size", [1, 7, 16, 33, 384])
def test_layer_norm_of_rows(size: int) -> None:
    """Every tail, with and without weight and bias."""
    x, weight, bias = _floats(5, size), _floats(size), _floats(size)
    _check(edge.LayerNormOp, [x, weight, bias], normalized_shape=[size])
    _check(edge.LayerNormOp, [x, None, None], normalized_shape=[size], eps=0.1)
    _check(edge.RmsNormOp, [x, weight], normalized_shape=[size])
    _check(edge.RmsNormOp, [x, None], normalized_shape=[size], eps=0.1)


def test_layer_norm_of_several_dims_and_orders() -> None:
    """Two dims at once; channels that lie apart."""
    x = _floats(4, 6, 20)
    _check(edge.LayerNormOp, [x, _floats(6, 20), None], normalized_shape=[6, 20])
    for order in ((0, 2, 1), (2, 1, 0)):
        operands = [with_gaps(x, order), _floats(20), _floats(20)]
        _check(edge.LayerNormOp, operands, normalized_shape=[20])
    operands = [x, _floats(20), _floats(20)]
    _check(edge.NativeLayerNormOp, operands, normalized_shape=[20], eps=1e-5)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1)])
def test_group_norm(order: tuple[int, ...]) -> None:
    """Channels in front or innermost."""
    x = with_gaps(_floats(2, 12, 5, 7), order)
    for groups in (1, 4, 12):
        _check(edge.GroupNormOp, [x, _floats(12), _floats(12)], num_groups=groups)
    _check(edge.GroupNormOp, [x, None, None], num_groups=3)
    _check(edge.NativeGroupNormOp, [x, _floats(12), None], N=2, C=12, HxW=35, group=3, eps=1e-5)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1)])
def test_batch_norm(order: tuple[int, ...]) -> None:
    """With the batch's own statistics."""
    x = with_gaps(_floats(3, 20, 5, 7), order)
    weight, bias = _floats(20), _floats(20)
    values = {"training": True, "momentum": 0.1, "eps": 1e-5}
    _check(NO_STATISTICS, [x, weight, bias], **values)


def test_epilogue_and_tasks() -> None:
    """Several tasks, with what is fused behind; weights are constants."""
    x, weight, y = _floats(128, 400), _floats(400), _floats(128, 400)

    def fuse(value: SSAValue, extras: Sequence[SSAValue]) -> list[SchemaOp]:
        return [edge.AddTensorOp(value, extras[0], result_types=[value.type])]

    values: dict[str, Any] = {"normalized_shape": [400]}
    (result,) = torch_results(edge.LayerNormOp, [x, weight, None], values)
    check_step(
        normalization,
        edge.LayerNormOp,
        [x, weight, None],
        [result + y],
        constants=[1],
        fuse=fuse,
        extras=[y],
        **values,
    )
