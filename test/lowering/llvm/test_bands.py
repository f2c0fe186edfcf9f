"""Steps that run band by band give what eager gives: interpreted, compiled, on several threads."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from xdsl.dialects.builtin import ModuleOp

import edgeir
from edgeir.dialects import kernel
from edgeir.dialects.context import edge_context
from edgeir.dialects.function import functions
from edgeir.lowering.llvm import band_kernel, bands
from edgeir.lowering.llvm_kernels import LlvmKernelsPass
from edgeir.lowering.llvm_plan import LlvmPlanPass
from edgeir.passes.evaluate import evaluate


def conv(i: int, o: int, k: int = 1, **options: Any) -> nn.Module:
    return nn.Conv2d(i, o, k, **options)


def depthwise(channels: int, k: int = 3, s: int = 1, p: int = 1, **options: Any) -> nn.Module:
    return nn.Conv2d(channels, channels, k, s, p, groups=channels, **options)


class Residual(nn.Module):
    """The sum is over what the first convolution reads again in other bands."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor):
        x = x * 2.0
        return self.layers(x) + x


class Gated(nn.Module):
    """What the windows give is read twice, so that only the first convolution is in the band."""

    def __init__(self):
        super().__init__()
        self.first, self.windows, self.last = conv(5, 20), depthwise(20), conv(20, 6)

    def forward(self, x: torch.Tensor):
        x = nn.functional.silu(self.windows(nn.functional.silu(self.first(x))))
        return self.last(x * torch.sigmoid(x.mean((2, 3), keepdim=True)))


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "expand, windows, project": (
        lambda: nn.Sequential(
            conv(8, 24), nn.ReLU6(), depthwise(24, s=2), nn.Hardswish(), conv(24, 7)
        ),
        (1, 8, 18, 15),
        3,
    ),
    "residual": (
        lambda: Residual(conv(16, 33), nn.ReLU(), depthwise(33), nn.ReLU(), conv(33, 16)),
        (1, 16, 20, 11),
        3,
    ),
    "images, odd rows": (
        lambda: nn.Sequential(conv(3, 16, 3, stride=2, padding=1), depthwise(16), conv(16, 40)),
        (3, 3, 25, 30),
        3,
    ),
    "rows that no block divides": (
        lambda: nn.Sequential(conv(3, 17, 3, padding=1), depthwise(17, 5, p=2), conv(17, 5)),
        (1, 3, 13, 9),
        3,
    ),
    "dilation, bottom not read": (
        lambda: nn.Sequential(conv(4, 8), depthwise(8, 3, 2, 2, dilation=2), conv(8, 8, groups=2)),
        (1, 4, 23, 17),
        3,
    ),
    "pooling behind a stem": (
        lambda: nn.Sequential(conv(3, 24, 7, stride=2, padding=3), nn.MaxPool2d(3, 2, 1)),
        (1, 3, 50, 34),
        2,
    ),
    "ceiling": (
        lambda: nn.Sequential(conv(3, 24), nn.AvgPool2d(3, 2, ceil_mode=True)),
        (1, 3, 16, 16),
        2,
    ),
    "windows first": (
        lambda: nn.Sequential(depthwise(9, 3, 2), nn.Sigmoid(), conv(9, 31)),
        (2, 9, 16, 12),
        2,
    ),
    "gated": (Gated, (1, 5, 14, 14), 2),
    "the larger of two results": (
        lambda: nn.Sequential(
            conv(3, 12, 3, stride=2, padding=1),
            depthwise(12),
            nn.ReLU(),
            conv(12, 40),
            nn.ReLU(),
            depthwise(40, s=2),
            conv(40, 9),
        ),
        (1, 3, 34, 34),
        4,
    ),
    "no padding": (
        lambda: nn.Sequential(conv(6, 18), depthwise(18, p=0), conv(18, 4)),
        (1, 6, 12, 12),
        3,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_band(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bands, "FEW", 5)
    monkeypatch.setattr(band_kernel, "MOST_REPEATED", 1.0)
    make, shape, steps = CASES[name]
    monkeypatch.setattr(bands, "LARGE", 0)
    torch.manual_seed(0)
    model, x = make().eval(), torch.randn(shape)
    with torch.inference_mode():
        wanted = model(x).numpy()
    program = edgeir.compile(model, (x,), backends=["llvm"])
    for threads in (1, 2, 3):
        module = edgeir.load(program.buffer, backends=["llvm"], threads=threads)
        for _ in range(3):
            np.testing.assert_allclose(module(x), wanted, rtol=1e-4, atol=1e-5)
    planned = program.stages.modules["delegate"].clone()
    ctx = edge_context()
    ctx.weights = program.weights
    LlvmPlanPass().apply(ctx, planned)
    rings = [op for op in planned.walk() if isinstance(op, kernel.StepOp) and in_ring(op)]
    assert len(rings) == steps - 1
    check(planned, program.weights, x, wanted)
    LlvmKernelsPass().apply(ctx, planned)
    check(planned, program.weights, x, wanted)


def in_ring(step: kernel.StepOp) -> bool:
    places = step.places
    return places is not None and any(place.data.base == "ring" for place in places)


def check(module: ModuleOp, weights: Any, x: torch.Tensor, wanted: np.ndarray) -> None:
    module.verify()
    (got,) = evaluate(next(functions(module)), [x.numpy()], weights)
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
