"""Backward operators against PyTorch eager."""

from typing import Any

import pytest
import torch
from eager import check

aten: Any = torch.ops.aten


@pytest.mark.parametrize(
    ("shape", "weight", "settings"),
    [
        ((2, 4, 9), (6, 4, 3), ([2], [1], [1], False, [0], 1)),
        ((2, 4, 7, 8), (6, 2, 3, 2), ([2, 1], [1, 0], [1, 2], False, [0, 0], 2)),
        ((1, 4, 5, 6), (4, 3, 3, 3), ([2, 2], [1, 0], [1, 1], True, [0, 1], 1)),
        ((2, 2, 4, 5, 4), (4, 2, 2, 2, 2), ([1] * 3, [0] * 3, [1] * 3, False, [0] * 3, 1)),
    ],
)
def test_convolution(shape: Any, weight: Any, settings: Any) -> None:
    x, w = torch.randn(shape), torch.randn(weight)
    grad = torch.randn_like(aten.convolution(x, w, None, *settings))
    args = (grad, x, w, [grad.shape[1]], *settings, [True] * 3)
    check("aten::convolution_backward.out", aten.convolution_backward, *args, rtol=1e-4, atol=1e-4)


def test_pooling() -> None:
    x = torch.randn(2, 3, 7, 8)
    settings = ([3, 2], [2, 1], [1, 1], True, False, None)
    grad = torch.randn_like(aten.avg_pool2d(x, *settings))
    check("aten::avg_pool2d_backward.grad_input", aten.avg_pool2d_backward, grad, x, *settings)
    settings = ([3, 3], [2, 2], [1, 0], [2, 1], True)
    out, indices = aten.max_pool2d_with_indices(x, *settings)
    name = "aten::max_pool2d_with_indices_backward.grad_input"
    args = (torch.randn_like(out), x, *settings, indices)
    check(name, aten.max_pool2d_with_indices_backward, *args)
    grad = torch.randn(2, 3, 3, 4)
    name = "aten::_adaptive_avg_pool2d_backward.out"
    check(name, aten._adaptive_avg_pool2d_backward, grad, x)


def test_normalization() -> None:
    x, weight, bias = torch.randn(3, 4, 5), torch.randn(5), torch.randn(5)
    _, mean, rstd = aten.native_layer_norm(x, [5], weight, bias, 1e-5)
    args = (torch.randn_like(x), x, [5], mean, rstd, weight, bias, [True] * 3)
    name = "aten::native_layer_norm_backward.out"
    check(name, aten.native_layer_norm_backward, *args, rtol=1e-4, atol=1e-5)
    x, weight, bias = torch.randn(2, 6, 5), torch.randn(6), torch.randn(6)
    _, mean, rstd = aten.native_group_norm(x, weight, bias, 2, 6, 5, 3, 1e-5)
    args = (torch.randn_like(x), x, mean, rstd, weight, 2, 6, 5, 3, [True] * 3)
    name = "aten::native_group_norm_backward.out"
    check(name, aten.native_group_norm_backward, *args, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("by_frequency", [False, True])
def test_embedding(by_frequency: bool) -> None:
    args = (torch.randn(4, 5, 3), torch.randint(0, 7, (4, 5)), 7, 2, by_frequency)
    check("aten::embedding_dense_backward.out", aten.embedding_dense_backward, *args)
