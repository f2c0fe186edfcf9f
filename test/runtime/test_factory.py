"""Fills, ranges and random tensors; the latter by their statistics."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.dtypes import BY_NAME
from edgeir.runtime.registry import find_kernel

DTYPES = [torch.float32, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_fills(dtype: torch.dtype) -> None:
    def typed(factory: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: factory(*args[: 1 if factory in PLAIN else 2], dtype=dtype)

    PLAIN = (torch.zeros, torch.ones, torch.zeros_like, torch.ones_like, torch.scalar_tensor)
    x = torch.randn(2, 3)
    check("aten::zeros.out", typed(torch.zeros), [2, 3], dynamic=True)
    check("aten::ones.out", typed(torch.ones), [0, 3], dynamic=True)
    check("aten::full.out", typed(torch.full), [2, 3], 3.0, dynamic=True)
    check("aten::full.out", typed(torch.full), [], True)
    check("aten::full_like.out", typed(torch.full_like), x, 2, None, dynamic=True)
    check("aten::zeros_like.out", typed(torch.zeros_like), x, None)
    check("aten::ones_like.out", typed(torch.ones_like), x, None)
    check("aten::scalar_tensor.out", typed(torch.scalar_tensor), 1)


def test_extreme_fills() -> None:
    for value in (float("inf"), float("-inf"), float("nan"), -3.4028234663852886e38):
        check("aten::full.out", torch.full, [2], value)


def test_empty_has_the_shape() -> None:
    for name in ("aten::empty.out", "dim_order_ops::_empty_dim_order.out"):
        kernel: Any = find_kernel(name)
        assert kernel([2, 3], None, np.zeros((4, 4))).shape == (2, 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.int32], ids=str)
def test_arange(dtype: torch.dtype) -> None:
    def arange(*args: Any) -> torch.Tensor:
        return torch.arange(*args, dtype=dtype)

    for args in ([0, 10, 3], [5, -2, -2], [3, 3, 1], [-4, 9, 1], [0, 9, 3]):
        check("aten::arange.start_out", arange, *args, exact=True, dynamic=True)
    if dtype.is_floating_point:
        for args in ([0, 1, 0.1], [1.5, -1, -0.25], [0.0, 100.0, 0.3]):
            check("aten::arange.start_out", arange, *args)
    check("aten::arange.out", arange, 7, exact=True, dynamic=True)
    check("aten::arange.out", arange, 0, exact=True)


def test_arange_away_from_the_end_is_an_error() -> None:
    kernel: Any = find_kernel("aten::arange.start_out")
    with pytest.raises(ProgramError, match="not a range"):
        kernel(0, 5, -1, np.zeros(5))


def draw(name: str, *args: Any, dtype: str = "f32", shape: tuple[int, ...] = (100, 400)) -> Any:
    kernel: Any = find_kernel(f"aten::{name}")
    out = np.zeros(shape, BY_NAME[dtype].dtype)
    assert kernel(*args, out) is out
    return out.astype(np.float64)


@pytest.mark.parametrize("dtype", ["f32", "f64", "f16", "bf16"])
def test_random_statistics(dtype: str) -> None:
    uniform = draw("rand.out", [100, 400], dtype=dtype)
    assert abs(uniform.mean() - 0.5) < 0.02 and 0 <= uniform.min() and uniform.max() < 1
    assert abs(uniform.var() - 1 / 12) < 0.01
    normal = draw("randn.out", [100, 400], dtype=dtype)
    assert abs(normal.mean()) < 0.05 and abs(normal.std() - 1) < 0.05
    like = draw("rand_like.out", uniform, None, dtype=dtype)
    assert like.shape == uniform.shape and abs(like.mean() - 0.5) < 0.02
    assert abs(draw("randn_like.out", uniform, None, dtype=dtype).mean()) < 0.05
    assert (draw("randn.out", [100, 400], dtype=dtype) != normal).any()


def test_random_integers() -> None:
    assert sorted(draw("randperm.out", 50, dtype="i64", shape=(50,))) == list(range(50))
    drawn = draw("randint.low_out", -2, 3, [100, 400], dtype="i32")
    assert set(drawn.flat) == {-2, -1, 0, 1, 2}
    assert set(draw("randint.out", 2, [100, 400], dtype="i64").flat) == {0, 1}


def test_bernoulli() -> None:
    probability = np.full((100, 400), 0.25, np.float32)
    for name, args in (("bernoulli.out", [None]), ("bernoulli.float_out", [0.25, None])):
        drawn = draw(name, probability, *args)
        assert set(drawn.flat) == {0, 1} and abs(drawn.mean() - 0.25) < 0.02


def test_dropout() -> None:
    x = torch.randn(3, 4)
    check("aten::native_dropout.out", torch.native_dropout, x, 0.5, False, dynamic=True)
    check("aten::dropout.out", torch.dropout, x, 0.5, False, dynamic=True)
    check("aten::native_dropout.out", torch.native_dropout, x, 1.0, True)
    kernel: Any = find_kernel("aten::native_dropout.out")
    ones = np.ones((100, 400), np.float32)
    out, mask = np.zeros_like(ones), np.zeros(ones.shape, np.bool_)
    kernel(ones, 0.25, True, out, mask)
    assert abs(mask.mean() - 0.75) < 0.02
    np.testing.assert_allclose(out, mask / 0.75, rtol=1e-6)
