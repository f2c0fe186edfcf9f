"""Random networks: what is planned, made into kernels and compiled gives what eager gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from xdsl.dialects.builtin import ModuleOp

import edgeir
from edgeir.dialects.context import edge_context
from edgeir.dialects.function import functions
from edgeir.lowering.llvm_kernels import LlvmKernelsPass
from edgeir.lowering.llvm_plan import LlvmPlanPass
from edgeir.passes.evaluate import evaluate


class RandomNetwork(nn.Module):
    """A graph of operations on images [n, channels, h, w], chosen by a seed.

    Every result may be used several times, so that steps, concatenations, halos and memory that is
    written over meet in many ways.
    """

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed
        self.weights = nn.ParameterDict()

    def weight(self, *shape: int) -> torch.Tensor:
        key = "x".join(map(str, (len(self.weights), *shape)))
        if not self.building:
            key = self.keys[self.position]
            self.position += 1
            return self.weights[key]
        self.weights[key] = nn.Parameter(torch.randn(shape) / max(1, shape[-1]), False)
        self.keys.append(key)
        return self.weights[key]

    def build(self, x: torch.Tensor) -> RandomNetwork:
        """Make the weights."""
        self.building, self.keys = True, list[str]()
        self(x)
        self.building = False
        return self

    def forward(self, x: torch.Tensor):
        choose = random.Random(self.seed)
        self.position = 0
        values = [x]
        for _ in range(choose.randint(3, 14)):
            values.append(self.step(choose, values))
        outputs = choose.sample(values[1:], k=min(2, len(values) - 1))
        return (*outputs, values[-1])

    def step(self, choose: random.Random, values: list[torch.Tensor]) -> torch.Tensor:
        x = choose.choice(values[-4:])
        n, c, h, w = x.shape
        match choose.randrange(14):
            case 0:
                return F.relu(x) * 0.5
            case 1:
                other = choose.choice(values)
                return x + other if other.shape == x.shape else x + other.mean()
            case 2:
                return F.hardswish(x * self.weight(1, c, 1, 1))
            case 3:
                same = [v for v in values if v.shape[2:] == x.shape[2:] and v.shape[0] == n]
                return torch.cat([choose.choice(same), x], 1) if c < 40 else x
            case 4:
                return x.permute(0, 1, 3, 2) if h == w else torch.tanh(x)
            case 5:
                return x[:, : max(1, c // 2)] if choose.random() < 0.5 else x[:, :, h // 2 :]
            case 6:
                return F.conv2d(x, self.weight(choose.choice([3, 8, 17]), c, 1, 1))
            case 7:
                return F.conv2d(x, self.weight(choose.choice([4, 9]), c, 3, 3), padding=1)
            case 8:
                return F.conv2d(x, self.weight(c, 1, 3, 3), padding=1, groups=c)
            case 9:
                return F.max_pool2d(x, 3, 2, 1) if min(h, w) > 2 else -x
            case 10:
                return x * torch.sigmoid(x.mean((2, 3), keepdim=True))
            case 11:
                mixed = F.linear(x.flatten(2).transpose(1, 2), self.weight(7, c))
                return mixed.transpose(1, 2).reshape(n, 7, h, w)
            case 12:
                return F.layer_norm(x.permute(0, 2, 3, 1), (c,)).permute(0, 3, 1, 2)
            case _:
                return torch.softmax(x, choose.choice([1, 3]))


@pytest.mark.parametrize("seed", range(40))
def test_random_network(seed: int):
    torch.manual_seed(seed)
    x = torch.randn(1 + seed % 2, 1 + seed % 5, 6, 6 if seed % 3 else 5)
    model = RandomNetwork(seed).build(x).eval()
    with torch.inference_mode():
        wanted = [y.numpy() for y in model(x)]
    program = edgeir.compile(model, (x,), backends=["llvm"])
    equal(edgeir.load(program.buffer, backends=["llvm"])(x), wanted)
    planned = program.stages.modules["delegate"].clone()
    ctx = edge_context()
    ctx.weights = program.weights
    LlvmPlanPass().apply(ctx, planned)
    check(planned, program.weights, x, wanted)
    LlvmKernelsPass().apply(ctx, planned)
    check(planned, program.weights, x, wanted)


def check(module: ModuleOp, weights: Any, x: torch.Tensor, wanted: list[np.ndarray]) -> None:
    module.verify()
    equal(evaluate(next(functions(module)), [x.numpy()], weights), wanted)


def equal(got: Any, wanted: list[np.ndarray]) -> None:
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


class Sum(nn.Module):
    """What computes comes after an elementwise operation that its result is added to."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor):
        gate = torch.sigmoid(x)
        return gate * self.linear(x)


def test_what_computes_comes_first_in_a_step():
    torch.manual_seed(0)
    model, x = Sum().eval(), torch.randn(3, 4)
    program = edgeir.compile(model, (x,), backends=["llvm"])
    with torch.inference_mode():
        equal([edgeir.load(program.buffer, backends=["llvm"])(x)], [model(x).numpy()])


class PaddedConcatenation(nn.Module):
    """A convolution pads a concatenation, in memory that something else was in before."""

    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(3, 40, 1), nn.Conv2d(40, 4, 1)
        self.pieces = nn.ModuleList(nn.Conv2d(4, 3, 1) for _ in range(2))
        self.last = nn.Conv2d(6, 2, 3, padding=1)

    def forward(self, x: torch.Tensor):
        y = self.narrow(self.wide(x) + 9)
        return self.last(torch.cat([piece(y) for piece in self.pieces], 1))


def test_the_halo_of_a_concatenation_is_zero():
    torch.manual_seed(0)
    model, x = PaddedConcatenation().eval(), torch.randn(1, 3, 5, 5)
    program = edgeir.compile(model, (x,), backends=["llvm"])
    with torch.inference_mode():
        equal([edgeir.load(program.buffer, backends=["llvm"])(x)], [model(x).numpy()])


class Scattered(nn.Module):
    """What is fused behind a scatter reads memory that the result may be written over."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor):
        gate = self.linear(x)
        y = torch.select_scatter(x, x[:, 0] + 1, 1, 2) * torch.sigmoid(gate)
        return self.linear(torch.slice_scatter(y, x[:, :2], 1, 1, 5, 2) * self.linear(y))


def test_scatters_may_be_written_over_what_they_are_combined_with():
    torch.manual_seed(0)
    model, x = Scattered().eval(), torch.randn(3, 6, 4)
    program = edgeir.compile(model, (x,), backends=["llvm"])
    with torch.inference_mode():
        equal([edgeir.load(program.buffer, backends=["llvm"])(x)], [model(x).numpy()])


COMPUTED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "softmax": lambda x: torch.softmax(x, 1),
    "softmax of rows": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, 1),
    "layer_norm": lambda x: F.layer_norm(x, x.shape[2:]),
    "group_norm": lambda x: F.group_norm(x, 2),
    "max_pool": lambda x: F.max_pool2d(x, 3, 1, 1),
    "avg_pool": lambda x: F.avg_pool2d(x, 3, 1, 1),
    "adaptive_pool": lambda x: F.adaptive_avg_pool2d(F.pad(x, (0, 2, 0, 3)), 5),
    "resize": lambda x: F.interpolate(x[:, :, :3, :3], (5, 5), mode="bilinear"),
    "convolution": lambda x: F.conv2d(x, torch.ones(4, 4, 3, 3) / 9, padding=1),
    "depthwise": lambda x: F.conv2d(x, torch.ones(4, 1, 3, 3) / 9, padding=1, groups=4),
    "long product": lambda x: F.linear(x.repeat(1, 1, 1, 400), torch.ones(5, 2000) / 2000),
    "pad": lambda x: F.pad(x[:, :, 1:, :3], (0, 2, 1, 0), value=2.0),
    "reflection": lambda x: F.pad(x[:, :, :4, :3], (1, 1, 1, 0), mode="reflect"),
    "roll": lambda x: torch.roll(x, 2, 1),
    "gather": lambda x: x[:, torch.tensor([3, 1, 1, 0])],
}


class WrittenOver(nn.Module):
    """What is computed is combined with another value, which nothing needs later."""

    def __init__(self, compute: Callable[[torch.Tensor], torch.Tensor]):
        super().__init__()
        self.compute = compute

    def forward(self, x: torch.Tensor):
        y = F.max_pool2d(x, 3, 1, 1)
        z = (self.compute(x) - 2) * y
        return F.avg_pool2d(z, 2)


@pytest.mark.parametrize("name", COMPUTED)
def test_results_may_lie_over_what_is_fused(name: str):
    torch.manual_seed(0)
    model, x = WrittenOver(COMPUTED[name]).eval(), torch.randn(1, 4, 5, 5)
    for example in (x, x.to(memory_format=torch.channels_last)):
        program = edgeir.compile(model, (example,), backends=["llvm"])
        with torch.inference_mode():
            equal([edgeir.load(program.buffer, backends=["llvm"])(example)], [model(x).numpy()])


class PieceOfAnotherOrder(nn.Module):
    """A concatenation in an argument's order, with a piece whose kernels write another one."""

    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(10, 10, 3, padding=1, groups=10)

    def forward(self, x: torch.Tensor):
        return torch.cat([x[:, :10], self.depthwise(x[:, 10:])], 1)


def test_pieces_of_concatenations_keep_their_order():
    torch.manual_seed(0)
    model, x = PieceOfAnotherOrder().eval(), torch.randn(1, 20, 6, 6)
    program = edgeir.compile(model, (x,), backends=["llvm"])
    with torch.inference_mode():
        equal([edgeir.load(program.buffer, backends=["llvm"])(x)], [model(x).numpy()])
