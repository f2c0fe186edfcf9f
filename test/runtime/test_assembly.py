"""Joins, tilings and pads against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

F = torch.nn.functional
aten = torch.ops.aten
X = torch.arange(24.0).reshape(2, 3, 4)
Y = -torch.arange(16.0).reshape(2, 2, 4)
IMAGE = torch.randn(2, 3, 4, 5)
CASES: list[tuple[str, Any, list[Any]]] = [
    ("cat.out", torch.cat, [[X, Y], 1]),
    ("cat.out", torch.cat, [[X, X, X], -1]),
    ("cat.out", torch.cat, [[X, torch.empty(0), Y], 1]),
    ("cat.out", torch.cat, [[X[:, :0], X], 1]),
    ("cat.out", torch.cat, [[torch.empty(0)], 0]),
    ("stack.out", torch.stack, [[X, X + 1], 0]),
    ("stack.out", torch.stack, [[X, X + 1], -1]),
    ("stack.out", torch.stack, [[torch.tensor(1), torch.tensor(2)], 0]),
    ("repeat.out", aten.repeat, [X, [2, 1, 3]]),
    ("repeat.out", aten.repeat, [X, [2, 1, 1, 3]]),
    ("repeat.out", aten.repeat, [torch.tensor(3), [2, 2]]),
    ("repeat.out", aten.repeat, [X, [2, 0, 3]]),
    ("tile.out", torch.tile, [X, [2]]),
    ("flip.out", torch.flip, [X, [0, -1]]),
    ("flip.out", torch.flip, [X, []]),
    ("roll.out", torch.roll, [X, [1], [0]]),
    ("roll.out", torch.roll, [X, [5, -2], [1, 2]]),
    ("roll.out", torch.roll, [X, [1, 1], [1, 1]]),
    ("roll.out", torch.roll, [X, [7], []]),
    ("roll.out", torch.roll, [X[0, 0], [-1], []]),
    ("roll.out", torch.roll, [X[:0], [1], [1]]),
    ("constant_pad_nd.out", aten.constant_pad_nd, [X, [1, 2], 0]),
    ("constant_pad_nd.out", aten.constant_pad_nd, [X, [1, 2, 0, 3, 2, 1], -1.5]),
    ("constant_pad_nd.out", aten.constant_pad_nd, [X, [-1, 2, 1, -1], 7]),
    ("constant_pad_nd.out", aten.constant_pad_nd, [X, [-2, -1], 7]),
    ("constant_pad_nd.out", aten.constant_pad_nd, [X.to(torch.bool), [1, 0], 1]),
    ("constant_pad_nd.out", aten.constant_pad_nd, [X[:0], [0, 0, 0, 0, 1, 1], 3]),
    ("slice_scatter.out", aten.slice_scatter, [X, -X[:, 1:3], 1, 1, 3, 1]),
    ("slice_scatter.out", aten.slice_scatter, [X, -X[..., ::2], -1, None, None, 2]),
    ("select_scatter.out", aten.select_scatter, [X, -X[:, 1], 1, -1]),
    ("tril.out", torch.tril, [X, 0]),
    ("tril.out", torch.tril, [X.long(), -1]),
    ("triu.out", torch.triu, [X, 1]),
    ("triu.out", torch.triu, [torch.full((3, 3), float("-inf")), 1]),
    ("triu.out", torch.triu, [torch.ones(3, 4, dtype=torch.bool), -1]),
    ("repeat_interleave.Tensor_out", aten.repeat_interleave.Tensor, [torch.tensor([2, 0, 3])]),
]


@pytest.mark.parametrize(
    ("name", "reference", "args"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)]
)
def test_assembly(name: str, reference: Any, args: list[Any]) -> None:
    keywords = {"output_size": None} if name.startswith("repeat_interleave") else {}
    check(f"aten::{name}", reference, *args, **keywords, exact=True, dynamic=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.bool, torch.int64], ids=str)
def test_dtypes(dtype: torch.dtype) -> None:
    x = X.to(dtype)
    check("aten::cat.out", torch.cat, [x, x], 0, exact=True)
    check("aten::constant_pad_nd.out", aten.constant_pad_nd, x, [1, 1], 1, exact=True)
    check("aten::tril.out", torch.tril, x, 0, exact=True)
    check("aten::reflection_pad1d.out", aten.reflection_pad1d, X.bfloat16(), [1, 1], exact=True)


def test_cat_promotes() -> None:
    check("aten::cat.out", torch.cat, [X, X.long(), X.half()], 0, exact=True)


def test_cat_channels_last() -> None:
    x = IMAGE.to(memory_format=torch.channels_last)
    check("aten::cat.out", torch.cat, [x, IMAGE], 1, exact=True)


PADS: list[tuple[str, torch.Tensor, list[int]]] = [
    ("1d", X, [2, 3]),
    ("1d", X[0], [0, 1]),
    ("1d", X, [-1, 2]),
    ("2d", IMAGE, [2, 1, 3, 0]),
    ("2d", IMAGE[0], [4, 4, 3, 3]),
    ("2d", IMAGE, [-1, 1, 0, -2]),
    ("3d", IMAGE, [1, 2, 0, 1, 1, 1]),
    ("3d", IMAGE[None], [1, 2, 3, 1, 2, 2]),
]


@pytest.mark.parametrize(("rank", "x", "padding"), PADS)
@pytest.mark.parametrize("kind", ["reflection", "replication"])
def test_pads(kind: str, rank: str, x: torch.Tensor, padding: list[int]) -> None:
    operator = getattr(aten, f"{kind}_pad{rank}")
    check(f"aten::{kind}_pad{rank}.out", operator, x, padding, exact=True, dynamic=True)


WRONG: list[tuple[str, list[Any], str]] = [
    ("cat.out", [[np.zeros((2, 3)), np.zeros((3, 3))], 1], "differ outside"),
    ("reflection_pad1d.out", [np.zeros((2, 3)), [3, 0]], "not less than"),
    ("roll.out", [np.zeros((2, 3)), [1, 2], [0]], "2 shifts"),
    ("slice_scatter.out", [np.zeros((2, 3)), np.zeros((1, 3)), 0, 0, 2, 1], "src is"),
    ("constant_pad_nd.out", [np.zeros((2, 3)), [-2, -2], 0], "leaves size -1"),
]


@pytest.mark.parametrize(("name", "args", "message"), WRONG)
def test_wrong_arguments(name: str, args: list[Any], message: str) -> None:
    kernel: Any = find_kernel(f"aten::{name}")
    with pytest.raises(ProgramError, match=message):
        kernel(*args, np.zeros((2, 3)))


def test_diagonal_scatter() -> None:
    for offset, dim1, dim2 in ((0, 0, 1), (1, 1, 2), (-1, -1, 0), (2, 2, 1)):
        source = -torch.ones_like(torch.diagonal(X, offset, dim1, dim2))
        name = "aten::diagonal_scatter.out"
        check(name, torch.diagonal_scatter, X, source, offset, dim1, dim2, dynamic=True)
