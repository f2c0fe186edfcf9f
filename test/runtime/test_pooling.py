"""Pooling kernels against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.registry import find_kernel

aten = torch.ops.aten
FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
SIZES = [9, 8, 7]
WINDOWS: list[dict[str, Any]] = [
    {},
    {"stride": [1, 2, 1]},
    {"stride": [3, 2, 2], "padding": [1, 1, 0]},
    {"stride": [2, 2, 3], "padding": [1, 0, 1], "ceil_mode": True},
    {"stride": [4, 3, 3], "ceil_mode": True},
]


def in_f32(operator: Any) -> Any:
    """The operator of narrow floats computed in f32: eager sums 3-d ones in the narrow dtype."""

    def call(x: torch.Tensor, *args: Any) -> torch.Tensor:
        return operator(x.float(), *args).to(x.dtype) if x.itemsize == 2 else operator(x, *args)

    return call


def window(rank: int, changes: dict[str, Any], dilated: bool) -> list[Any]:
    """Arguments of a pooling, in schema order, of `rank` dimensions."""
    lists = {"kernel": [3, 2, 2], "stride": [], "padding": [0, 0, 0], "dilation": [1, 1, 1]}
    lists |= changes
    names = ["kernel", "stride", "padding"] + ["dilation"] * dilated
    return [*(lists[name][:rank] for name in names), changes.get("ceil_mode", False)]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("changes", [*WINDOWS, {"dilation": [2, 3, 1], "padding": [1, 1, 1]}])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_max_pool(rank: int, changes: Any, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    args = window(rank, changes, dilated=True)
    for batch in ([], [2]):
        x = torch.randint(-4, 4, (*batch, 3, *SIZES[:rank])).to(dtype)
        check(
            f"aten::max_pool{rank}d.out",
            getattr(aten, f"max_pool{rank}d"),
            x,
            *args,
            exact=True,
            dynamic=True,
        )
        if rank > 1:
            check(
                f"aten::max_pool{rank}d_with_indices.out",
                getattr(aten, f"max_pool{rank}d_with_indices"),
                x,
                *args,
                exact=True,
                dynamic=True,
            )


def test_max_pool_of_nans_and_infinities() -> None:
    x = torch.randn(2, 3, 8, 8)
    x[:, :, 2:5, 3] = float("nan")
    x[0, 0] = float("-inf")
    x[0, 1, 5:, 5:] = float("inf")
    args = [[3, 3], [2, 2], [1, 1], [1, 1], False]
    name = "max_pool2d_with_indices"
    check(f"aten::{name}.out", getattr(aten, name), x, *args, exact=True)


def test_max_pool_with_many_taps() -> None:
    x = torch.randn(1, 2, 40, 40)
    args = [[20, 20], [3, 3], [0, 0], [1, 1], False]
    name = "max_pool2d_with_indices"
    check(f"aten::{name}.out", getattr(aten, name), x, *args, exact=True)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.uint8])
def test_max_pool_of_integers(dtype: torch.dtype) -> None:
    x = torch.arange(50, dtype=dtype).view(1, 2, 5, 5)
    args = [[3, 3], [2, 2], [1, 1], [1, 1], False]
    name = "max_pool2d_with_indices"
    check(f"aten::{name}.out", getattr(aten, name), x, *args, exact=True)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("changes", WINDOWS)
@pytest.mark.parametrize("include_padding", [False, True])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_avg_pool(rank: int, include_padding: bool, changes: Any, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    args = [*window(rank, changes, dilated=False), include_padding]
    for batch in ([], [2]):
        x = torch.randn(*batch, 3, *SIZES[:rank]).to(dtype)
        for rest in [[]] if rank == 1 else [[None], [7]]:
            name = f"avg_pool{rank}d"
            reference = in_f32(getattr(aten, name))
            check(f"aten::{name}.out", reference, x, *args, *rest, dynamic=True)


def test_avg_pool_of_integers() -> None:
    x = torch.arange(-20, 30).view(1, 2, 5, 5)
    args = [[2, 2], [1, 1], [1, 1], False, True, None]
    check("aten::avg_pool2d.out", aten.avg_pool2d, x, *args, exact=True)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("counts", [[1, 1, 1], [3, 2, 7], [5, 3, 4], [11, 9, 20], [9, 8, 7]])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_adaptive_avg_pool(rank: int, counts: list[int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    for batch in ([], [2], [0]):
        x = torch.randn(*batch, 3, *SIZES[:rank]).to(dtype)
        names = [f"adaptive_avg_pool{rank}d"]
        names += [f"_adaptive_avg_pool{rank}d"] if rank > 1 else []
        for name in names:
            # Eager's three-dimensional sums are of narrow floats.
            reference = getattr(aten, name) if rank == 3 else in_f32(getattr(aten, name))
            check(f"aten::{name}.out", reference, x, counts[:rank], dynamic=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("counts", [[1, 1, 1], [3, 2, 4], [5, 3, 2], [11, 9, 8]])
@pytest.mark.parametrize("rank", [2, 3])
def test_adaptive_max_pool(rank: int, counts: list[int], dtype: torch.dtype) -> None:
    x = torch.randint(-4, 4, (2, 3, 9, 8, 7)[: rank + 2]).to(dtype)
    x[0, 0, 3, 3:5] = float("nan")
    x[1, 1] = float("-inf")
    name, args = f"adaptive_max_pool{rank}d", counts[:rank]
    check(f"aten::{name}.out", getattr(aten, name), x, args, exact=True, dynamic=True)
    check(f"aten::{name}.out", getattr(aten, name), x[0], args, exact=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16], ids=str)
@pytest.mark.parametrize("counts", [[1, 1, 1], [3, 2, 4], [7, 5, 5]])
@pytest.mark.parametrize("rank", [2, 3])
def test_fractional_max_pool(rank: int, counts: list[int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randint(-4, 4, (2, 3, 9, 8, 7)[: rank + 2]).to(dtype)
    x[0, 0, 3, 3:5] = float("nan")
    x[1, 1] = float("-inf")
    name, args = f"fractional_max_pool{rank}d", ([2, 3, 2][:rank], counts[:rank])
    samples = torch.rand(2, 3, rank).to(dtype)
    operator = getattr(aten, name)
    check(f"aten::{name}.output", operator, x, *args, samples, exact=True, dynamic=True)
    check(f"aten::{name}.output", operator, x[0], *args, samples[:1], exact=True)
    check(f"aten::{name}.output", operator, x[:0], *args, samples[:0], exact=True)


@pytest.mark.parametrize(
    ("shape", "kernel", "padding"), [((1, 2, 3, 3), 4, 0), ((3, 3), 2, 0), ((1, 2, 5, 5), 2, 2)]
)
def test_errors(shape: tuple[int, ...], kernel: int, padding: int) -> None:
    run = find_kernel("aten::max_pool2d.out")
    assert run is not None
    x, out = np.zeros(shape, np.float32), np.zeros((1, 2, 1, 1), np.float32)
    with pytest.raises(ProgramError, match=r"does not fit|expected 4-d"):
        run(x, [kernel], [1], [padding], [1], False, out)
