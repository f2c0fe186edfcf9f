"""Depthwise convolutions, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from steps import Array, check_step, with_gaps
from xdsl.ir import SSAValue

from edgeir.dialects import edge
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.llvm import depthwise
from edgeir.lowering.llvm.targets import target_for

RNG = np.random.default_rng(0)
NHWC = (0, 2, 3, 1)


def numbers(*shape: int) -> Array:
    """Random numbers."""
    return RNG.standard_normal(shape, dtype=np.float32)


def eager(x: Array, w: Array, b: Array | None, stride: int, padding: int, dilation: int) -> Array:
    """PyTorch's result."""
    function = torch.conv1d if x.ndim == 3 else torch.conv2d
    bias = None if b is None else torch.from_numpy(b)
    arguments = (torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(w), bias)
    return function(*arguments, stride, padding, dilation, groups=x.shape[1]).numpy()


def convolution(rank: int, stride: int, padding: int, dilation: int, groups: int) -> dict[str, Any]:
    """The properties of an `edge.convolution`."""
    return {
        "stride": [stride] * rank,
        "padding": [padding] * rank,
        "dilation": [dilation] * rank,
        "transposed": False,
        "output_padding": [0] * rank,
        "groups": groups,
    }


@pytest.mark.parametrize("cpu", ["host", "x86-64-v3"])
@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding", "dilation"),
    [
        ((1, 32, 14, 14), 3, 1, 1, 1),
        ((1, 16, 7, 7), 3, 1, 1, 1),
        ((2, 24, 15, 9), 3, 2, 1, 1),
        ((1, 5, 9, 40), 5, 1, 2, 1),
        ((1, 40, 8, 8), 7, 1, 3, 1),
        ((1, 16, 12, 12), 3, 1, 4, 4),
        ((1, 3, 6, 5), 3, 1, 0, 1),
        ((1, 17, 5, 5), 2, 2, 1, 1),
        ((1, 33, 1, 20), 3, 1, 1, 1),
        ((1, 20, 12, 10), 11, 1, 5, 1),
    ],
)
def test_two_dims(
    shape: tuple[int, ...], kernel: int, stride: int, padding: int, dilation: int, cpu: str
) -> None:
    """Odd sizes, tails of channels, several rows and images; gaps in memory."""
    x, w, b = numbers(*shape), numbers(shape[1], 1, kernel, kernel), numbers(shape[1])
    check_step(
        depthwise,
        edge.ConvolutionOp,
        [with_gaps(x, NHWC), w, b],
        [eager(x, w, b, stride, padding, dilation)],
        constants=[1, 2],
        output_gap=5,
        target=target_for(cpu),
        **convolution(2, stride, padding, dilation, shape[1]),
    )


@pytest.mark.parametrize("height", [1, 3, 4, 6])
@pytest.mark.parametrize("kernel", [(9, 1), (1, 9), (11, 3)])
def test_windows_longer_than_wide(kernel: tuple[int, int], height: int) -> None:
    """Windows whose rows are a loop, though all their weights would fit the registers."""
    x, w, b = numbers(1, 40, height, 5), numbers(40, 1, *kernel), numbers(40)
    padding = [kernel[0] // 2, kernel[1] // 2]
    wanted = torch.conv2d(
        torch.from_numpy(x), torch.from_numpy(w), torch.from_numpy(b), padding=padding, groups=40
    )
    check_step(
        depthwise,
        edge.ConvolutionOp,
        [with_gaps(x, NHWC), w, b],
        [wanted.numpy()],
        constants=[1, 2],
        **(convolution(2, 1, 0, 1, 40) | {"padding": padding}),
    )


def test_one_dim() -> None:
    """A row of time steps, without bias."""
    x, w = numbers(2, 20, 33), numbers(20, 1, 4)
    check_step(
        depthwise,
        edge.ConvolutionOp,
        [with_gaps(x, (0, 2, 1)), w, None],
        [eager(x, w, None, 1, 3, 1)],
        constants=[1],
        **convolution(1, 1, 3, 1, 20),
    )


@pytest.mark.parametrize("shape", [(1, 256, 40, 24), (1, 512, 1, 240)])
def test_tasks(shape: tuple[int, ...]) -> None:
    """Large enough for several bands of rows, or parts of the channels."""
    x, w, b = numbers(*shape), numbers(shape[1], 1, 3, 3), numbers(shape[1])
    check_step(
        depthwise,
        edge.ConvolutionOp,
        [with_gaps(x, NHWC, 0), w, b],
        [eager(x, w, b, 1, 1, 1)],
        constants=[1, 2],
        **convolution(2, 1, 1, 1, shape[1]),
    )


def test_fused() -> None:
    """An activation, then a sum with a tensor of the same shape and a product with a channel's."""
    x, w, other, scale = (
        numbers(1, 20, 9, 6),
        numbers(20, 1, 3, 3),
        numbers(1, 20, 9, 6),
        numbers(1, 20, 1, 1),
    )

    def fuse(value: SSAValue, extras: Sequence[SSAValue]) -> list[SchemaOp]:
        clamp = edge.HardtanhOp(value, 0.0, 6.0, result_types=[value.type])
        add = edge.AddTensorOp(clamp.result, extras[0], result_types=[value.type])
        return [clamp, add, edge.MulTensorOp(extras[1], add.result, result_types=[value.type])]

    wanted = (np.clip(eager(x, w, None, 1, 1, 1), 0, 6) + other) * scale
    check_step(
        depthwise,
        edge.ConvolutionOp,
        [with_gaps(x, NHWC), w, None],
        [wanted],
        constants=[1],
        fuse=fuse,
        extras=[with_gaps(other, NHWC), scale],
        **convolution(2, 1, 1, 1, 20),
    )


def test_unsupported() -> None:
    """Several filters for a channel are another family's."""
    x, w = numbers(1, 4, 8, 8), numbers(8, 1, 3, 3)
    with pytest.raises(AssertionError, match="several filters"):
        check_step(
            depthwise,
            edge.ConvolutionOp,
            [x, w, None],
            [numbers(1, 8, 6, 6)],
            constants=[1],
            **convolution(2, 1, 0, 1, 4),
        )
