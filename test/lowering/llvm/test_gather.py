"""Embedding, gather and indexing, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from steps import Array, check_step, with_gaps
from torch_step import check_against_torch
from xdsl.dialects.builtin import IntegerType, Signedness, TensorType, i64
from xdsl.ir import Block

from edgeir.dialects import edge
from edgeir.dialects.diagnostic import DiagnosticsError
from edgeir.lowering.llvm import gather
from edgeir.lowering.llvm.support import supports

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> Array:
    """Random numbers."""
    return RNG.standard_normal(shape, dtype=np.float32)


def places(size: int, *shape: int, dtype: Any = np.int64) -> Array:
    """Random places from -size to size - 1."""
    return RNG.integers(-size, size, shape).astype(dtype)


def as_torch(array: Array) -> torch.Tensor:
    """The same numbers in PyTorch."""
    return torch.from_numpy(np.ascontiguousarray(array))


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
@pytest.mark.parametrize("shape", [(7,), (2, 5), (1, 1), (300, 3)])
def test_embedding(shape: tuple[int, ...], dtype: Any) -> None:
    """Rows of a table that is a weight."""
    table = numbers(50, 37)
    indices = RNG.integers(0, 50, shape).astype(dtype)
    check_step(gather, edge.EmbeddingOp, [table, indices], [table[indices]], constants=[0])


def test_embedding_fused() -> None:
    """Positions added, into memory with gaps."""
    table, position, indices = numbers(50, 20), numbers(1, 6, 20), RNG.integers(0, 50, (3, 6))
    check_step(
        gather,
        edge.EmbeddingOp,
        [table, indices],
        [table[indices] + position],
        constants=[0],
        extras=[position],
        fuse=lambda v, e: [edge.AddTensorOp(v, e[0], result_types=[v.type])],
        output_gap=4,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_index_select(dim: int, dtype: Any) -> None:
    """Along every dim, of a source with gaps."""
    x = with_gaps((numbers(4, 6, 9) * 4).astype(dtype), (1, 0, 2))
    index = RNG.integers(0, x.shape[dim], 5)
    wanted = np.take(x, index, dim)
    check_step(gather, edge.IndexSelectOp, [x, index], [wanted], dim=dim)


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_gather(dim: int) -> None:
    """Indices of every element; the index may be smaller than the source."""
    x, index = numbers(4, 6, 9), RNG.integers(0, 4, (3, 5, 7))
    wanted = as_torch(x).gather(dim, as_torch(index)).numpy()
    check_step(gather, edge.GatherOp, [x, index], [wanted], dim=dim)


def test_gather_rows() -> None:
    """An index that is the same all along a dim leads to whole rows."""
    x, index = numbers(2, 6, 33), RNG.integers(0, 6, (2, 4, 1))
    whole = np.ascontiguousarray(np.broadcast_to(index, (2, 4, 33)))
    wanted = np.take_along_axis(x, whole, 1)
    check_step(gather, edge.GatherOp, [x, whole], [wanted], dim=1)


@pytest.mark.parametrize(
    "dims", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)], ids=lambda dims: str(dims)
)
def test_index(dims: tuple[int, ...]) -> None:
    """Tensors of indices on some dims, which broadcast; negative places count from the end."""
    x = numbers(4, 6, 9)
    shapes = [(3, 1), (5,), (3, 5)]
    indices = [places(x.shape[d], *shape) for d, shape in zip(dims, shapes, strict=False)]
    full: list[Array | None] = [None, None, None]
    for dim, index in zip(dims, indices, strict=True):
        full[dim] = index
    slices = tuple(slice(None) if index is None else index for index in full)
    check_step(gather, edge.IndexTensorOp, [x, full], [x[slices]])


@pytest.mark.parametrize(
    ("shape", "places"), [((), ()), ((), (2,)), ((3,), ())], ids=["none", "source", "index"]
)
def test_without_dims(shape: tuple[int, ...], places: tuple[int, ...]) -> None:
    """A tensor without dims is a line of one element."""
    x, index = np.full(shape, 5, np.float32), np.zeros(places, np.int64)
    for kind in (edge.GatherOp, edge.IndexSelectOp):
        if kind is edge.GatherOp or places != (2,):
            check_against_torch(gather, kind, [x, index], dim=0)


def test_outside() -> None:
    """An index outside of the table is an error, and so is a negative one but for indexing."""
    table = numbers(5, 8)
    for kind, index, given in [
        (edge.EmbeddingOp, -1, {}),
        (edge.IndexSelectOp, 5, {"dim": 0}),
    ]:
        with pytest.raises(DiagnosticsError, match="an index is out of range of its tensor"):
            check_step(gather, kind, [table, np.array([2, index])], [table[:2]], **given)
    with pytest.raises(DiagnosticsError, match="an index is out of range of its tensor"):
        check_step(gather, edge.IndexTensorOp, [table, [np.array([2, -6])]], [table[:2]])


def test_bytes() -> None:
    """Elements without a sign have no kernels, not even to be moved."""
    byte = IntegerType(8, Signedness.UNSIGNED)
    block = Block(arg_types=[TensorType(byte, [4]), TensorType(i64, [2])])
    op = edge.IndexSelectOp(*block.args[:1], 0, block.args[1], result_types=[TensorType(byte, [2])])
    verdict = supports(op)
    assert not verdict.supported
    assert verdict.reason == "there are no kernels for ui8"
