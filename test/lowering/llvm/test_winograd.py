"""Winograd's algorithm, interpreted and compiled, against PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import Block, SSAValue

from edgeir.dialects import edge
from edgeir.dialects.edge.ops import WeightOp
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.llvm import convolution, winograd
from edgeir.lowering.llvm.program_builder import ProgramBuilder
from edgeir.lowering.llvm.step import Step
from edgeir.lowering.llvm.targets import target_for
from edgeir.lowering.llvm.winograd import Choice

from .steps import Array, Fuse, check_step


def random(*shape: int) -> Array:
    """Numbers that are the same in every run."""
    return np.random.default_rng(sum(shape)).standard_normal(shape, np.float32)


def family(choice: Choice) -> Any:
    """Convolution by a given choice."""

    def lower(step: Step, program: ProgramBuilder) -> None:
        winograd.lower(step, program, choice)

    return SimpleNamespace(
        supports=convolution.supports,
        input_order=convolution.input_order,
        output_order=convolution.output_order,
        lower=lower,
    )


def check(
    choice: Choice,
    shape: tuple[int, ...],
    out: int,
    padding: tuple[int, int] = (1, 1),
    fuse: Fuse | None = None,
    extra: Array | None = None,
    target: str = "host",
    bias: bool = True,
    **options: Any,
) -> None:
    """Compare a convolution with PyTorch's."""
    x = random(shape[0], *shape[2:], shape[1]).transpose(0, 3, 1, 2)
    w, b = random(out, shape[1], 3, 3), random(out) if bias else None
    tensors = [None if a is None else torch.tensor(a) for a in (x, w, b)]
    y = torch.ops.aten.convolution(*tensors, (1, 1), padding, (1, 1), False, (0, 0), 1)
    if extra is not None:
        y = torch.relu(y + torch.tensor(extra))
    check_step(
        family(choice),
        edge.ConvolutionOp,
        [x, w, b],
        [y.numpy()],
        constants=[1, 2],
        fuse=fuse,
        extras=[] if extra is None else [extra],
        target=target_for(target),
        atol=5e-4 if choice.tile == 4 else 2e-5,
        stride=[1, 1],
        padding=list(padding),
        dilation=[1, 1],
        transposed=False,
        output_padding=[0, 0],
        groups=1,
        **options,
    )


@pytest.mark.parametrize("target", ["host", "x86-64-v3"])
@pytest.mark.parametrize("tile", [2, 4])
@pytest.mark.parametrize(
    ("size", "padding"),
    [((8, 8), (1, 1)), ((7, 13), (1, 1)), ((9, 6), (0, 0)), ((3, 3), (2, 1)), ((1, 2), (1, 1))],
)
def test_edges(size: tuple[int, int], padding: tuple[int, int], tile: int, target: str) -> None:
    check(Choice(tile, 1, 1), (1, 9, *size), 19, padding, target=target)


@pytest.mark.parametrize("tile", [2, 4])
def test_tasks(tile: int) -> None:
    """Several rows of tiles, parts of the channels and images are tasks."""
    check(Choice(tile, 2, 2), (2, 18, 11, 10), 64, bias=False)
    check(Choice(tile, 3, 1), (1, 32, 6, 15), 40)


def relu_of_sum(value: SSAValue, extras: Sequence[SSAValue]) -> list[SchemaOp]:
    """relu(value + extra)."""
    total = edge.AddTensorOp(value, extras[0], result_types=[value.type])
    return [total, edge.ReluOp(total.results[0], result_types=[value.type])]


@pytest.mark.parametrize("shape", [(1, 40, 6, 9), (40, 1, 1), (9,)])
def test_fused(shape: tuple[int, ...]) -> None:
    check(Choice(4, 1, 1), (1, 8, 6, 9), 40, fuse=relu_of_sum, extra=random(*shape), output_gap=3)


def convolution_op(
    channels: int, out: int, size: int, stride: int = 1, groups: int = 1
) -> edge.ConvolutionOp:
    """A 3x3 convolution of square images."""
    result = (size - 1) // stride + 1
    x = Block(arg_types=[TensorType(f32, (1, channels, size, size))]).args[0]
    w = WeightOp("w", TensorType(f32, (out, channels // groups, 3, 3))).result
    return edge.ConvolutionOp(
        x,
        w,
        None,
        result_types=[TensorType(f32, (1, out, result, result))],
        stride=[stride, stride],
        padding=[1, 1],
        dilation=[1, 1],
        transposed=False,
        output_padding=[0, 0],
        groups=groups,
    )


@pytest.mark.parametrize(
    ("channels", "size", "tile"), [(64, 56, 4), (128, 28, 4), (256, 14, 4), (512, 7, 2)]
)
def test_choice(channels: int, size: int, tile: int) -> None:
    """Larger tiles for images, smaller ones where the weights would grow too much."""
    choice = winograd.choose(convolution_op(channels, channels, size))
    assert choice is not None
    assert choice.tile == tile


def test_direct_is_kept() -> None:
    assert winograd.choose(convolution_op(64, 64, 56, stride=2)) is None
    assert winograd.choose(convolution_op(64, 64, 56, groups=2)) is None
    assert winograd.choose(convolution_op(3, 64, 56)) is None
    assert winograd.choose(convolution_op(512, 512, 1)) is None
