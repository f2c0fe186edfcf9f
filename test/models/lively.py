"""Random weights under which every layer of a test model matters.

An untouched random network proves nothing: its activations shrink towards a constant from layer to
layer, so a wrong kernel in the middle hardly moves the output.  The builders of this folder make
their models inside `seeded` and finish them with `finish`, which gives batch norms the statistics
of a real batch and affine parameters that differ from one and zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

Model = tuple[nn.Module, tuple[Tensor, ...]]


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """Seed PyTorch's generator inside the block and restore its state afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def images(count: int, channels: int, resolution: int) -> Tensor:
    """Draw `count` pictures [count, channels, resolution, resolution] of broad shapes and grain.

    White noise alone looks the same to every convolution; broad shapes make pictures differ.
    """
    shapes = F.interpolate(torch.randn(count, channels, 4, 4), resolution, mode="bicubic")
    return shapes + 0.3 * torch.randn(count, channels, resolution, resolution)


def randomize_norms(model: nn.Module) -> None:
    """Give the affine parameters of every normalisation distinct values near one and zero."""
    for module in model.modules():
        if isinstance(module, (_BatchNorm, nn.LayerNorm, nn.GroupNorm)):
            nn.init.uniform_(module.weight, 0.7, 1.3)
            nn.init.normal_(module.bias, std=0.2)


def use_batch_statistics(model: nn.Module, *batch: Tensor) -> None:
    """Run `batch` through `model`; every batch norm keeps the mean and variance that it saw.

    The batch needs two samples or more.  All other modules stay in eval mode (no dropout).
    """
    model.eval()
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over the calls, here of one call
        norm.train()
    with torch.no_grad():
        model(*batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()


def finish(model: nn.Module, *batch: Tensor) -> Model:
    """Make `model` lively on `batch`; return it in eval mode with the first sample as inputs."""
    randomize_norms(model)
    use_batch_statistics(model, *batch)
    return model, tuple(tensor[:1].clone() for tensor in batch)
