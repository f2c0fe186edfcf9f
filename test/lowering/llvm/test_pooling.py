"""Pooling, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from steps import Array, check_step, with_gaps
from xdsl.dialects.builtin import TensorType, f32

from edgeir.dialects import edge
from edgeir.dialects.edge.ops import WeightOp
from edgeir.lowering.llvm import pooling

RNG = np.random.default_rng(0)
NHWC = (0, 2, 3, 1)


def numbers(*shape: int) -> Array:
    """Random numbers."""
    return RNG.standard_normal(shape, dtype=np.float32)


def places(kernel: int, stride: int, padding: int, ceil: bool, rank: int = 2) -> dict[str, Any]:
    """The properties of a pooling with windows of one size."""
    return {
        "kernel_size": [kernel] * rank,
        "stride": [stride] * rank,
        "padding": [padding] * rank,
        "ceil_mode": ceil,
    }


CASES = [
    ((1, 32, 14, 14), 3, 2, 1, False),
    ((2, 20, 15, 9), 2, 2, 0, True),
    ((1, 7, 8, 11), 5, 1, 2, False),
    ((3, 9, 10), 3, 2, 1, True),
    ((1, 18, 11, 13), 9, 1, 4, False),
    ((1, 18, 23, 20), 10, 3, 5, True),
]


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding", "ceil"), CASES)
def test_maximum(
    shape: tuple[int, ...], kernel: int, stride: int, padding: int, ceil: bool
) -> None:
    """Padding never wins, even over negative numbers; nan does."""
    x = numbers(*shape) - 3
    x.reshape(-1)[::50] = np.nan
    wanted = F.max_pool2d(torch.from_numpy(x), kernel, stride, padding, 1, ceil).numpy()
    order = NHWC if x.ndim == 4 else (1, 2, 0)
    given = [with_gaps(x, order)]
    arguments = places(kernel, stride, padding, ceil) | {"dilation": [1, 1]}
    check_step(pooling, edge.MaxPool2dOp, given, [wanted], output_gap=2, **arguments)


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize(("shape", "kernel", "stride", "padding", "ceil"), CASES)
def test_average(
    shape: tuple[int, ...], kernel: int, stride: int, padding: int, ceil: bool, include: bool
) -> None:
    """With padding counted or not."""
    x = numbers(*shape)
    wanted = F.avg_pool2d(torch.from_numpy(x), kernel, stride, padding, ceil, include).numpy()
    order = NHWC if x.ndim == 4 else (1, 2, 0)
    arguments = places(kernel, stride, padding, ceil) | {"count_include_pad": include}
    check_step(pooling, edge.AvgPool2dOp, [with_gaps(x, order)], [wanted], **arguments)


def test_average_divisor() -> None:
    """A divisor that is given."""
    x = numbers(1, 6, 5, 5)
    wanted = F.avg_pool2d(torch.from_numpy(x), 3, 1, 1, divisor_override=5).numpy()
    arguments = places(3, 1, 1, False) | {"divisor_override": 5}
    check_step(pooling, edge.AvgPool2dOp, [with_gaps(x, NHWC)], [wanted], **arguments)


def test_one_dim() -> None:
    """Pooling of a row."""
    x = numbers(2, 12, 21)
    given = [with_gaps(x, (0, 2, 1))]
    wanted = F.max_pool1d(torch.from_numpy(x), 3, 2, 1, 2).numpy()
    arguments = places(3, 2, 1, False, rank=1) | {"dilation": [2]}
    check_step(pooling, edge.MaxPool1dOp, given, [wanted], **arguments)
    wanted = F.avg_pool1d(torch.from_numpy(x), 3, 2, 1).numpy()
    check_step(pooling, edge.AvgPool1dOp, given, [wanted], **places(3, 2, 1, False, rank=1))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 2), (7, 5), (9, 4)])
def test_adaptive(size: tuple[int, int]) -> None:
    """Windows of equal sizes, of different ones, and more of them than elements."""
    x = numbers(2, 20, 6, 9)
    wanted = F.adaptive_avg_pool2d(torch.from_numpy(x), size).numpy()
    order = [with_gaps(x, NHWC)]
    check_step(pooling, edge.AdaptiveAvgPool2dOp, order, [wanted], output_size=list(size))


def test_adaptive_fused() -> None:
    """What is fused comes after the average."""
    x, other = numbers(1, 6, 5, 5), numbers(1, 6, 3, 3)
    wanted = F.adaptive_avg_pool2d(torch.from_numpy(x), 3).numpy() - other
    check_step(
        pooling,
        edge.AdaptiveAvgPool2dOp,
        [with_gaps(x, NHWC)],
        [wanted],
        output_size=[3, 3],
        extras=[with_gaps(other, NHWC)],
        fuse=lambda v, e: [edge.SubTensorOp(v, e[0], result_types=[v.type])],
    )


def test_unsupported() -> None:
    """The places of the maxima, if they are used."""
    x = WeightOp("x", TensorType(f32, [1, 4, 8, 8])).result
    types = [TensorType(f32, [1, 4, 4, 4]), TensorType(f32, [1, 4, 4, 4])]
    op = edge.MaxPool2dWithIndicesOp(x, [2, 2], [2, 2], result_types=types)
    assert pooling.supports(op) is None
    edge.ReluOp(op.result1, result_types=types[:1])
    assert pooling.supports(op) == "the places of the maxima are used"


@pytest.mark.parametrize("order", [NHWC, (0, 1, 2, 3)])
@pytest.mark.parametrize("shape", [(2, 40, 7, 5), (1, 128, 56, 40)])
def test_global(shape: tuple[int, ...], order: tuple[int, ...]) -> None:
    """One number for each channel, in any dim order."""
    x = numbers(*shape)
    wanted = F.adaptive_avg_pool2d(torch.from_numpy(x), 1).numpy()
    given = [with_gaps(x, order)]
    check_step(pooling, edge.AdaptiveAvgPool2dOp, given, [wanted], output_size=[1, 1])
