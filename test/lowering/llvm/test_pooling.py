"""Pooling, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from steps import Array, check_step, with_gaps
from torch_step import check_against_torch
from xdsl.dialects.builtin import TensorType, f64

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


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding", "dilation", "ceil"),
    [
        ((2, 20, 7, 9), [3, 2], [2, 1], [1, 1], [1, 2], False),
        ((1, 5, 8, 8), [2, 2], [2, 2], [0, 0], [1, 1], True),
        ((1, 3, 4, 5, 6), [2, 3, 2], [2, 1, 2], [1, 1, 0], [1, 1, 2], True),
    ],
)
def test_places(
    shape: tuple[int, ...],
    kernel: list[int],
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    ceil: bool,
) -> None:
    """The first place of each maximum, or of the last nan."""
    x = RNG.integers(-3, 3, shape).astype(np.float32)
    x.reshape(-1)[::40] = np.nan
    x[0, 1] = -np.inf
    kind = edge.MaxPool2dWithIndicesOp if x.ndim == 4 else edge.MaxPool3dWithIndicesOp
    order = (0, *range(2, x.ndim), 1)
    check_against_torch(
        pooling,
        kind,
        [with_gaps(x, order)],
        kernel_size=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil,
    )


VOLUME = (0, 2, 3, 4, 1)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "ceil"),
    [([3, 3, 3], [2, 2, 2], [1, 1, 1], False), ([2, 3, 1], [2, 3, 1], [0, 1, 0], True)],
)
def test_three_dims(kernel: list[int], stride: list[int], padding: list[int], ceil: bool) -> None:
    """Maxima and averages; dims along which nothing is combined are one loop with the channels."""
    x = with_gaps(numbers(2, 5, 4, 5, 6), VOLUME)
    given: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "padding": padding}
    given |= {"ceil_mode": ceil}
    check_against_torch(pooling, edge.MaxPool3dOp, [x], dilation=[1, 1, 1], **given)
    for include in (False, True):
        check_against_torch(pooling, edge.AvgPool3dOp, [x], count_include_pad=include, **given)
    check_against_torch(pooling, edge.AvgPool3dOp, [x], divisor_override=5, **given)


def test_three_dims_fused() -> None:
    """What is fused comes after the average, in tasks."""
    x, other = numbers(1, 64, 5, 6, 7), numbers(1, 64, 4, 5, 6)
    wanted = F.avg_pool3d(torch.as_tensor(x), 2, 1).numpy() * other
    check_step(
        pooling,
        edge.AvgPool3dOp,
        [with_gaps(x, VOLUME)],
        [wanted],
        kernel_size=[2],
        stride=[1],
        extras=[with_gaps(other, VOLUME)],
        fuse=lambda v, e: [edge.MulTensorOp(v, e[0], result_types=[v.type])],
    )


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 4)])
def test_adaptive_maximum(size: tuple[int, int]) -> None:
    """Maxima and their places, with windows of equal sizes and of different ones."""
    x = with_gaps(numbers(2, 20, 6, 9), NHWC)
    check_against_torch(pooling, edge.AdaptiveMaxPool2dOp, [x], output_size=list(size))


@pytest.mark.parametrize("size", [[1, 1, 1], [3, 2, 5], [2, 4, 3]])
def test_adaptive_three_dims(size: list[int]) -> None:
    """Windows of equal sizes, and of different ones."""
    kind = edge.OPERATORS["aten::_adaptive_avg_pool3d"]
    x = with_gaps(numbers(2, 18, 6, 7, 10), VOLUME)
    check_against_torch(pooling, kind, [x], output_size=size)


def test_unsupported() -> None:
    """Other dtypes."""
    x = WeightOp("x", TensorType(f64, [1, 4, 8, 8])).result
    op = edge.MaxPool2dOp(x, [2, 2], [2, 2], result_types=[TensorType(f64, [1, 4, 4, 4])])
    assert pooling.supports(op) == "pooling of f64"


@pytest.mark.parametrize("order", [NHWC, (0, 1, 2, 3)])
@pytest.mark.parametrize("shape", [(2, 40, 7, 5), (1, 128, 56, 40)])
def test_global(shape: tuple[int, ...], order: tuple[int, ...]) -> None:
    """One number for each channel, in any dim order."""
    x = numbers(*shape)
    wanted = F.adaptive_avg_pool2d(torch.from_numpy(x), 1).numpy()
    given = [with_gaps(x, order)]
    check_step(pooling, edge.AdaptiveAvgPool2dOp, given, [wanted], output_size=[1, 1])
