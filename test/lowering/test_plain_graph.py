"""Graphs that are imported without torch decomposing them, and those that must not be."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from registry import build_small
from torch import Tensor, nn

import edgeir
from edgeir.lowering.from_torch.plain_graph import is_plain


class Forward(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def check(function: Callable[[Tensor], Tensor], plain: bool) -> None:
    x = torch.randn(2, 3, 4)
    program = torch.export.export(Forward(function), (x,))
    assert is_plain(program) == plain
    result = edgeir.load(edgeir.compile(program).buffer)(x)
    np.testing.assert_allclose(result, function(x.clone()).numpy(), rtol=1e-5, atol=1e-6)


# PyTorch's own recurrent layers set their list of weights again while they are exported.
@pytest.mark.filterwarnings("ignore:The tensor attribute")
@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18", "vit", "convnext", "lstm", "gru"])
def test_whole_models_are_plain(name):
    assert is_plain(torch.export.export(*build_small(name)))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x + 1).relu_(),
        lambda x: (x + 1).relu_().add_(x).mul_(2),
        lambda x: x.reshape(6, 4).flatten(0).contiguous() + torch.zeros(24),
        lambda x: nn.functional.dropout(x, 0.5, training=False) * torch.ones(4),
    ],
)
def test_plain(function):
    check(function, plain=True)


def seen_before(x):
    y = x + 1
    z = y * 2
    y.add_(1)
    return y + z


def through_a_view(x):
    y = x + 1
    y[0].add_(1)
    return y


def of_a_reshape(x):
    y = x + 1
    y.reshape(6, 4).add_(1)
    return y


def of_another_dtype(x):
    return (x > 0).long().add_(torch.ones(4, dtype=torch.int32)).float()


@pytest.mark.parametrize("function", [seen_before, through_a_view, of_a_reshape, of_another_dtype])
def test_writes_that_others_see_are_left_to_torch(function):
    check(function, plain=False)


def test_training_is_left_to_torch():
    model = nn.BatchNorm1d(3).train()
    assert not is_plain(torch.export.export(model, (torch.randn(2, 3, 4),)))
