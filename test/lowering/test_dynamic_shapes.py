"""Models with symbolic sizes: equal to eager at several sizes, in the interpreter and on
ExecuTorch's runtime.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import stock_runtime
import torch
from registry import build_small
from torch import Tensor, nn
from torch.export import Dim
from torch.utils._pytree import tree_leaves

import edgeir

BATCH = Dim("batch", min=2, max=16)
HEIGHT = Dim("height", min=8, max=64)
LENGTH = Dim("length", min=2, max=32)


class Forward(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function
        self.convolution = nn.Conv2d(3, 4, 3, stride=2)

    def forward(self, *args: Tensor) -> Any:
        return self.function(self, *args)


def check(model: nn.Module, shapes: Any, *inputs: tuple[Tensor, ...]) -> None:
    """Compile at the first inputs, run at all of them on both runtimes."""
    program = edgeir.compile(model, inputs[0], dynamic_shapes=shapes)
    assert not program.warnings
    module = edgeir.load(program.buffer)
    method = stock_runtime.load_method(program.buffer)
    for arguments in inputs:
        with torch.no_grad():
            expected = [np.asarray(x) for x in tree_leaves(model(*arguments))]
        for results in (tree_leaves(module(*arguments)), method.execute(list(arguments))):
            for result, value in zip(results, expected, strict=True):
                assert np.shape(result) == value.shape
                np.testing.assert_allclose(np.asarray(result), value, rtol=1e-4, atol=1e-5)


def images(batch: int, height: int) -> tuple[Tensor]:
    return (torch.randn(batch, 3, height, 16),)


@pytest.mark.parametrize(
    "function",
    [
        lambda self, x: self.convolution(x).relu().mean((2, 3)),
        lambda self, x: torch.cat([x, x * 2], 2).flatten(1),
        lambda self, x: x.sum(1)[:, : min(x.shape[0], 4)],
        lambda self, x: (x.shape[0] * 2, x + x.shape[2]),
        lambda self, x: x.permute(2, 0, 1, 3).reshape(x.shape[2], -1).softmax(-1),
        lambda self, x: nn.functional.interpolate(x, scale_factor=2),
        lambda self, x: torch.zeros(x.shape[0], x.shape[2]) + torch.arange(x.shape[2]),
        lambda self, x: x.unbind(1)[1].expand(3, -1, -1, -1).contiguous().view(3, -1),
    ],
)
def test_functions_of_images(function):
    shapes = (({0: BATCH, 2: HEIGHT},),)
    check(Forward(function), shapes, images(4, 16), images(2, 8), images(16, 64), images(3, 33))


@pytest.mark.parametrize("name", ["bert", "gpt2"])
def test_text_models(name):
    model, inputs = build_small(name)
    inputs = tuple(x.repeat(2, 1) for x in inputs)
    shorter = tuple(x[:, :5].contiguous() for x in inputs)
    check(model, tuple({1: LENGTH} for _ in inputs), inputs, shorter)


def test_sizes_in_common():
    def function(self, x, y):
        return x @ y.transpose(0, 1), torch.cat([x, y])

    def sample(batch, length):
        return torch.randn(batch, length), torch.randn(2 * batch, length)

    shapes = (({0: BATCH, 1: LENGTH}, {0: 2 * BATCH, 1: LENGTH}),)
    check(Forward(function), shapes, sample(4, 6), sample(2, 2), sample(16, 32))


def test_size_without_a_bound_is_refused():
    with pytest.raises(edgeir.CompileError, match="without an upper bound"):
        edgeir.compile(
            Forward(lambda self, x: x + 1), images(4, 16), dynamic_shapes=(({0: Dim("batch")},),)
        )
