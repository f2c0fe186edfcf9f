"""Sorting, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from steps import Array, check_step, with_gaps
from torch_step import check_against_torch

from edgeir.dialects import edge
from edgeir.lowering.llvm import sort

RNG = np.random.default_rng(0)


def mixed(*shape: int) -> Array:
    """Numbers, some of them twice, with infinities, both zeros and nan."""
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0]
    numbers = RNG.integers(-9, 9, shape) / 4
    return np.where(RNG.random(shape) < 0.2, RNG.choice(special, shape), numbers).astype(np.float32)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 129])
def test_lengths(length: int, descending: bool) -> None:
    """Equal elements keep their order, nan is the largest."""
    x = mixed(3, length)
    check_against_torch(sort, edge.SortStableOp, [x], stable=True, dim=-1, descending=descending)


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.int32, np.bool_])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_dtypes(dim: int, dtype: Any) -> None:
    """Along every dim of memory with gaps."""
    x = with_gaps((RNG.standard_normal((4, 9, 5)) * 9).astype(dtype), (1, 0, 2))
    for descending in (False, True):
        check_against_torch(
            sort, edge.SortStableOp, [x], stable=True, dim=dim, descending=descending
        )


@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize(
    ("length", "k"), [(1, 1), (6, 2), (100, 5), (33, 33), (257, 16), (301, 1), (900, 7)]
)
def test_topk(length: int, k: int, largest: bool) -> None:
    """A few of many elements, all different."""
    x = RNG.permutation(2 * length).reshape(2, length).astype(np.float32)
    check_against_torch(sort, edge.TopkOp, [x], k=k, dim=1, largest=largest, sorted=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_few_of_many(dtype: Any) -> None:
    """Many equal elements, the last ones of which are not wanted; nan, infinities and both ends."""
    x = mixed(4, 260)
    x[0], x[1] = 1, np.nan
    if dtype is np.int64:
        x = RNG.choice([-(2**63), 2**63 - 1, 0, 1], (4, 260))
    x = x.astype(dtype)
    for largest in (False, True):
        keys = -x if largest and dtype is not np.int64 else ~x if largest else x
        if dtype is not np.int64 and largest:
            keys = np.where(np.isnan(keys), -np.inf, keys)
            keys[~np.isnan(x) & (keys == -np.inf)] = -1e30
        order = np.argsort(keys, axis=1, kind="stable")[:, :20]
        wanted = [np.take_along_axis(x, order, 1), order]
        check_step(sort, edge.TopkOp, [x], wanted, k=20, dim=1, largest=largest, sorted=True)


def test_tasks() -> None:
    """Lines are tasks, as they lie in memory."""
    x = RNG.permutation(64 * 300).reshape(64, 300).astype(np.float32)
    check_against_torch(sort, edge.TopkOp, [x.T], k=3, dim=0, largest=True, sorted=True)


@pytest.mark.parametrize("keepdim", [False, True])
def test_ranks(keepdim: bool) -> None:
    """One element of a line: the k-th, the middle one, nan if there is one."""
    x = RNG.permutation(3 * 8 * 5).reshape(3, 8, 5).astype(np.float32)
    for k in (1, 4, 8):
        check_against_torch(sort, edge.KthvalueOp, [x], k=k, dim=1, keepdim=keepdim)
    x[1, 6, 2] = np.nan
    for dim in (0, 1, -1):
        check_against_torch(sort, edge.MedianDimOp, [x], dim=dim, keepdim=keepdim)


def test_places_in_order() -> None:
    """Among equal elements those in front come first."""
    x = np.zeros((2, 9), np.float32)
    wanted = np.tile(np.arange(4), (2, 1))
    check_step(sort, edge.TopkOp, [x], [x[:, :4], wanted], k=4, dim=1, largest=True, sorted=True)
