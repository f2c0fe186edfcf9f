"""Code for aarch64 gives what eager gives, under qemu-aarch64 (Debian's qemu-user)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from standalone_elf import standalone_elf
from torch import nn
from torch.utils import _pytree as pytree

import edgeir
from edgeir.dialects import kernel
from edgeir.dialects.context import edge_context
from edgeir.lowering.llvm.targets import target_for
from edgeir.lowering.llvm_kernels import LlvmKernelsPass

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-aarch64") is None, reason="qemu-aarch64 is not installed (qemu-user)"
)


class Images(nn.Module):
    """Convolutions of every kind, pooling, a classifier."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 12, 3, stride=2, padding=1),
            nn.ReLU6(),
            nn.Conv2d(12, 12, 3, padding=1, groups=12),
            nn.Hardswish(),
            nn.Conv2d(12, 21, 1),
            nn.MaxPool2d(2),
            nn.Conv2d(21, 8, 3, padding=1, groups=1),
            nn.SiLU(),
        )
        self.classifier = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor):
        x = self.features(x)
        return self.classifier(x.mean((2, 3)))


class Tokens(nn.Module):
    """Attention, normalization, transcendental functions, and a prediction of integers."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 24)
        self.norm = nn.LayerNorm(24)
        self.joint = nn.Linear(24, 72)
        self.up, self.down = nn.Linear(24, 40), nn.Linear(40, 24)

    def forward(self, tokens: torch.Tensor):
        x = self.embedding(tokens)
        n, t, c = x.shape
        q, k, v = self.joint(self.norm(x)).view(n, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + mixed.transpose(1, 2).reshape(n, t, c)
        x = x + self.down(nn.functional.gelu(self.up(self.norm(x))))
        return torch.tanh(x), torch.log_softmax(x, -1)


class Places(nn.Module):
    """Sorting, reading and writing at computed places, pooling with places, sampling."""

    def forward(self, x: torch.Tensor):
        flat = x.flatten(1)
        largest, places = flat.topk(9)
        ordered, order = x[0, 0].sort(0, descending=True)
        added = flat.scatter_add(1, places, largest).index_add(0, order[0, :4] % 1, flat[[0] * 4])
        pooled, maxima = nn.functional.max_pool2d(x, 3, 2, return_indices=True)
        taken = x.flatten(2).gather(2, maxima.flatten(2)).view(pooled.shape)
        grid = torch.tanh(x[:, :2].permute(0, 2, 3, 1))
        sampled = nn.functional.grid_sample(x, grid, align_corners=False)
        folded = nn.functional.fold(nn.functional.unfold(x, 3), x.shape[2:], 3)
        distances = torch.cdist(x[:, 0], x[:, 1])
        return largest, ordered, added, pooled, taken, sampled, folded, distances


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    ("model", "example"),
    [
        (Images, torch.randn(1, 3, 18, 22)),
        (Tokens, torch.tensor([[1, 5, 10, 0, 3, 3, 7]])),
        (Places, torch.randn(1, 3, 18, 22)),
    ],
)
@pytest.mark.parametrize("cpu", ["cortex-a76"])
def test_equal_to_eager(model: type[nn.Module], example: torch.Tensor, cpu: str, tmp_path: Path):
    torch.manual_seed(0)
    module = model().eval()
    program = edgeir.compile(module, (example,), backends=["llvm"])
    context = edge_context()
    context.weights = program.weights
    stage = program.stages.modules["delegate"].clone()
    LlvmKernelsPass(cpu).apply(context, stage)
    (region,) = (op for op in stage.walk() if isinstance(op, kernel.ProgramOp))
    with torch.no_grad():
        returned: Any = module(example)
    expected = [np.asarray(tensor) for tensor in pytree.tree_leaves(returned)]
    path = tmp_path / "program"
    inputs = [np.ascontiguousarray(example.numpy())]
    path.write_bytes(standalone_elf(region, target_for(cpu), inputs, expected, context.weights))
    path.chmod(0o755)
    done = subprocess.run(["qemu-aarch64", str(path)], capture_output=True, check=True, timeout=60)
    got = np.frombuffer(done.stdout, np.float32)
    wanted = np.concatenate([array.reshape(-1) for array in expected])
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
