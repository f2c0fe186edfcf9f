"""Scatter and index_put, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from steps import Array, check_step, with_gaps
from torch_step import check_against_torch
from xdsl.dialects.builtin import TensorType, f16, f32, i1, i64
from xdsl.ir import Block

from edgeir.dialects import edge
from edgeir.dialects.diagnostic import DiagnosticsError
from edgeir.dialects.edge.ops import StateOp
from edgeir.lowering.llvm import scatter

RNG = np.random.default_rng(0)


def numbers(*shape: int, dtype: Any = np.float32) -> Array:
    """Random numbers, whole ones of other dtypes."""
    return (RNG.standard_normal(shape, dtype=np.float32) * 9).astype(dtype)


def distinct(shape: tuple[int, ...], dim: int, count: int) -> Array:
    """So many indices into a dim at each place of the others, none twice."""
    return RNG.random(shape).argsort(dim).take(range(count), dim)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_scatter(dim: int, dtype: Any) -> None:
    """Along every dim; the index and what is written may be smaller than the tensor."""
    x = with_gaps(numbers(5, 6, 17, dtype=dtype), (1, 0, 2))
    index = distinct(x.shape, dim, 4)[:4, :5, :15]
    update = numbers(4, 6, 17, dtype=dtype)
    check_against_torch(scatter, edge.ScatterSrcOp, [x, index, update], dim=dim)


def test_scatter_value() -> None:
    """One number, to places that come twice."""
    x, index = numbers(5, 6), RNG.integers(0, 6, (5, 9))
    check_against_torch(scatter, edge.ScatterValueOp, [x, index], dim=1, value=1.5)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_scatter_add(dtype: Any) -> None:
    """Several numbers to one place."""
    x, index = numbers(6, 7, dtype=dtype), RNG.integers(0, 6, (9, 7))
    update = numbers(9, 7, dtype=dtype)
    check_against_torch(scatter, edge.ScatterAddOp, [x, index, update], 1e-5, 1e-4, dim=0)


def test_scatter_rows() -> None:
    """An index that is the same all along a dim leads to whole rows, parts of which are tasks."""
    x, rows, update = numbers(8, 1800), RNG.integers(0, 8, (20, 1)), numbers(20, 1800)
    index = np.broadcast_to(rows, update.shape)
    wanted = x.copy()
    np.add.at(wanted, rows[:, 0], update)
    check_step(scatter, edge.ScatterAddOp, [x, index, update], [wanted], atol=1e-4, dim=0)


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("reduce", ["sum", "prod", "amax", "amin"])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_scatter_reduce(dtype: Any, reduce: str, include: bool) -> None:
    """With and without what the tensor had."""
    x, index = numbers(5, 12, dtype=dtype), RNG.integers(0, 12, (5, 20))
    update = numbers(5, 20, dtype=dtype)
    check_against_torch(
        scatter,
        edge.ScatterReduceTwoOp,
        [x, index, update],
        1e-5,
        dim=1,
        reduce=reduce,
        include_self=include,
    )


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize(
    "dims", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)], ids=lambda dims: str(dims)
)
def test_index_put(dims: tuple[int, ...], accumulate: bool) -> None:
    """Indices on some dims, which broadcast; negative ones count from the end, and some come twice
    where numbers are added."""
    x = numbers(7, 8, 19)
    shapes = [(3, 1), (5,), (1, 1)]
    full: list[Array | None] = [None, None, None]
    for dim, shape in zip(dims, shapes, strict=False):
        size = x.shape[dim]
        index = (RNG.permutation(size)[: np.prod(shape)] - size // 2).reshape(shape)
        full[dim] = index // 2 if accumulate else index
    given = [None if index is None else torch.as_tensor(index) for index in full]
    update = numbers(*torch.ops.aten.index(torch.as_tensor(x), given).shape)
    wanted = torch.ops.aten.index_put(
        torch.as_tensor(x.copy()), given, torch.as_tensor(update), accumulate
    )
    check_step(
        scatter,
        edge.IndexPutOp,
        [x, full, update],
        [wanted.numpy()],
        atol=1e-4,
        accumulate=accumulate,
    )


def test_index_put_broadcasts() -> None:
    """One row for all places, and one number."""
    x, index = numbers(6, 5), np.array([4, 0, -3])
    for update in (numbers(5), numbers(1, 1), numbers(1).reshape(())):
        wanted = x.copy()
        wanted[index] = update
        check_step(scatter, edge.IndexPutOp, [x, [index], update], [wanted])


def test_mask() -> None:
    """A mask of all dims, and one of the first."""
    x = numbers(6, 5, 3)
    for mask, update in [
        (RNG.random((6, 5, 3)) < 0.5, numbers(1).reshape(())),
        (RNG.random((6, 5)) < 0.5, numbers(1, 3)),
        (RNG.random(6) < 0.5, numbers(3)),
    ]:
        wanted = x.copy()
        wanted[mask] = update
        check_step(scatter, edge.IndexPutOp, [x, [mask], update], [wanted])


def test_outside() -> None:
    """An index outside of the tensor is an error."""
    x, update = numbers(5, 8), numbers(2, 8)
    with pytest.raises(DiagnosticsError, match="an index is out of range of its tensor"):
        check_step(scatter, edge.IndexPutOp, [x, [np.array([2, 5])], update], [x])


@pytest.mark.parametrize("places", [(), (1,)])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_without_dims(shape: tuple[int, ...], places: tuple[int, ...]) -> None:
    """A tensor without dims is a line of one element."""
    x, index = np.zeros(shape, np.float32), np.zeros(places, np.int64)
    update = np.full(places, 5, np.float32)
    check_against_torch(scatter, edge.ScatterSrcOp, [x, index, update], dim=0)
    check_against_torch(scatter, edge.ScatterAddOp, [x, index, update], dim=-1)


def test_refused() -> None:
    """What there are no kernels for is said."""
    x, y, half, index, mask = Block(
        arg_types=[
            TensorType(f32, [4, 5]),
            TensorType(f32, [7, 5]),
            TensorType(f16, [4, 5]),
            TensorType(i64, [4, 5]),
            TensorType(i1, [4]),
        ]
    ).args
    like = [x.type]
    mean = edge.ScatterReduceTwoOp(x, 0, index, x, "mean", result_types=like)
    assert scatter.supports(mean) == "the mean of what comes to one place"
    list = edge.IndexPutOp(x, [mask], y, result_types=like)
    assert scatter.supports(list) == "a mask that takes elements of a list one after the other"
    other = edge.ScatterSrcOp(half, 0, index, half, result_types=[half.type])
    assert scatter.supports(other) == "there are no kernels for f16"


def test_state() -> None:
    """A large buffer is written in place by the program, a small one in a region."""
    for size, message in [(4096, "the program writes into the buffer in place"), (4095, "None")]:
        row, index = Block(arg_types=[TensorType(f32, [1, 4]), TensorType(i64, [1])]).args
        state = StateOp("cache", TensorType(f32, [size, 4]))
        put = edge.IndexPutOp(state.result, [index], row, result_types=[state.result.type])
        assert str(scatter.supports(put)).startswith(message)
