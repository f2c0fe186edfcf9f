"""Normalization kernels against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.registry import find_kernel

aten = torch.ops.aten
F = torch.nn.functional
LIMITS: dict[torch.dtype, dict[str, float]] = {
    torch.float32: {"rtol": 1e-5, "atol": 1e-5},
    torch.float64: {},
    torch.float16: {"rtol": 5e-3, "atol": 5e-3},
    torch.bfloat16: {"rtol": 3e-2, "atol": 3e-2},
}


def parameters(count: int, *shape: int, dtype: torch.dtype) -> list[torch.Tensor | None]:
    """`count` random tensors, then None for the rest of weight and bias."""
    return [torch.randn(shape).to(dtype) if i < count else None for i in range(2)]


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize(
    ("shape", "rank"), [([2, 3, 8], 1), ([2, 3, 8], 2), ([7], 1), ([0, 4], 1), ([50, 3, 400], 1)]
)
def test_layer_norm(shape: list[int], rank: int, count: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = (torch.randn(shape) * 3 + 1).to(dtype)
    normalized = shape[-rank:]
    affine = parameters(count, *normalized, dtype=dtype)
    args = [normalized, *affine, 1e-5]
    limits = LIMITS[dtype]
    name = "native_layer_norm"
    check(f"aten::{name}.out", getattr(aten, name), x, *args, dynamic=True, **limits)
    check("aten::layer_norm.out", aten.layer_norm, x, *args, False, in_place=0, **limits)


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("eps", [None, 1e-3])
@pytest.mark.parametrize("weighted", [False, True])
def test_rms_norm(weighted: bool, eps: float | None, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    for scale in (2.0, 1e-4):
        x = (torch.randn(3, 5, 8) * scale).to(dtype)
        for normalized in ([8], [5, 8]):
            weight = torch.randn(normalized).to(dtype) if weighted else None
            args = [normalized, weight, eps]
            check("aten::rms_norm.out", aten.rms_norm, x, *args, dynamic=True, **LIMITS[dtype])


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("sizes", [[], [5], [3, 5]], ids=str)
def test_group_norm(sizes: list[int], count: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    for groups in (1, 3, 6):
        x = torch.randn(2, 12, *sizes).to(dtype)
        affine = parameters(count, 12, dtype=dtype)
        limits = LIMITS[dtype]
        args = [2, 12, x[0, 0].numel(), groups, 1e-5]
        name = "native_group_norm"
        check(f"aten::{name}.out", getattr(aten, name), x, *affine, *args, dynamic=True, **limits)
        check("aten::group_norm.out", aten.group_norm, x, groups, *affine, 1e-5, False, **limits)


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("shape", [[4, 6], [3, 6, 5], [2, 6, 4, 3], [0, 6, 2]], ids=str)
def test_batch_norm(shape: list[int], count: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = (torch.randn(shape) * 2 + 1).to(dtype)
    args = [*parameters(count, 6, dtype=dtype), torch.randn(6).to(dtype), torch.rand(6).to(dtype)]
    limits = LIMITS[dtype]

    def no_training(*args: Any) -> Any:
        # The CPU kernel returns empty statistics, the decomposition as well.
        return aten._native_batch_norm_legit_no_training(*args)

    name = "aten::_native_batch_norm_legit_no_training.out"
    check(name, no_training, x, *args, 0.1, 1e-4, dynamic=True, **limits)
    composite = [*args, False, 0.1, 1e-4, False]
    check("aten::batch_norm.out", aten.batch_norm, x, *composite, dynamic=True, **limits)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("training", [False, True])
def test_batch_statistics(training: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 6, 4, 5).to(dtype) * 2 + 1
    affine = parameters(2, 6, dtype=dtype)
    running = [torch.randn(6).to(dtype), torch.rand(6).to(dtype)]
    limits = LIMITS[dtype]
    if training:
        operator = aten._native_batch_norm_legit.no_stats
        name = "aten::_native_batch_norm_legit.no_stats_out"
        check(name, operator, x, *affine, True, 0.1, 1e-5, dynamic=True, **limits)
    operator = aten._native_batch_norm_legit_functional
    name = "aten::_native_batch_norm_legit_functional.out"
    check(name, operator, x, *affine, *running, training, 0.1, 1e-5, **limits)


def test_training_updates_running_statistics() -> None:
    torch.manual_seed(0)
    x, mean, variance = torch.randn(3, 6, 4), torch.randn(6), torch.rand(6)
    arrays = [x.numpy(), None, None, mean.numpy().copy(), variance.numpy().copy()]
    outs = [np.empty(s, np.float32) for s in ((3, 6, 4), (6,), (6,))]
    run = find_kernel("aten::_native_batch_norm_legit.out")
    assert run is not None
    run(*arrays, True, 0.3, 1e-5, *outs)
    wanted = F.batch_norm(x, mean, variance, training=True, momentum=0.3)
    results = [outs[0], arrays[3], arrays[4]]
    for result, expected in zip(results, (wanted, mean, variance), strict=True):
        assert isinstance(result, np.ndarray)
        torch.testing.assert_close(torch.from_numpy(result), expected)


def test_errors() -> None:
    x, out = np.zeros((2, 4), np.float32), np.zeros((2, 4), np.float32)
    layer, group = find_kernel("aten::layer_norm.out"), find_kernel("aten::group_norm.out")
    assert layer is not None and group is not None
    with pytest.raises(ProgramError, match="is not the end of"):
        layer(x, [3], None, None, 1e-5, False, out)
    with pytest.raises(ProgramError, match="do not split into 3 groups"):
        group(x, 3, None, None, 1e-5, False, out)
