"""Gathers and scatters against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

aten = torch.ops.aten
X = torch.arange(60.0).reshape(3, 4, 5)
K, J = torch.tensor([0, 2, -1]), torch.tensor([[1], [-2]])
MASK = torch.tensor([[True, False, True, False]] * 3)
INDICES: list[list[torch.Tensor | None]] = [
    [K],
    [None, K],
    [None, None, K],
    [K, None, K],
    [K, J],
    [None, K, J],
    [K, J, torch.tensor(3)],
    [torch.tensor(1)],
    [torch.tensor(1), None, K],
    [MASK],
    [None, MASK[0]],
    [torch.tensor([], dtype=torch.int64)],
    [torch.tensor([True, False, True]), None, torch.tensor([0, 3])],
    [K.int(), J.int()],
    [X > 30],
]


@pytest.mark.parametrize("indices", INDICES, ids=range(len(INDICES)))
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.bool], ids=str)
def test_index(indices: list[torch.Tensor | None], dtype: torch.dtype) -> None:
    x = X.to(dtype)
    check("aten::index.Tensor_out", aten.index.Tensor, x, indices, exact=True, dynamic=True)


@pytest.mark.parametrize("indices", INDICES, ids=range(len(INDICES)))
def test_index_put(indices: list[torch.Tensor | None]) -> None:
    shape = aten.index.Tensor(X, indices).shape
    number, values = torch.tensor(-7.0), torch.randn(shape)
    check(
        "aten::index_put.out", aten.index_put, X, indices, number, False, exact=True, dynamic=True
    )
    for dtype in (torch.float32, torch.int64, torch.bfloat16):
        data = [X.to(dtype), indices, (values * 4).to(dtype)]
        check("aten::index_put.out", aten.index_put, *data, True)


def test_index_put_of_few_values() -> None:
    """numpy 2.4 reads behind the end of values that it broadcasts over a matrix of indices."""
    x, index = torch.zeros(4), torch.randint(-4, 4, (3, 5))
    for shape in ((5,), (1,), (3, 1), ()):
        values = torch.arange(1.0, 6)[: shape[-1]] if shape == (5,) else torch.full(shape, 2.0)
        check("aten::index_put.out", aten.index_put, x, [index], values, True)


def test_index_put_in_place() -> None:
    kernel: Any = find_kernel("aten::index_put_")
    x = np.zeros(4, np.float32)
    assert kernel(x, [np.array([1, 1])], np.ones(2, np.float32), True) is x
    assert x.tolist() == [0, 2, 0, 0]


def test_index_select_and_embedding() -> None:
    for dim in (0, -1):
        index = torch.tensor([2, 0, 0])
        check("aten::index_select.out", torch.index_select, X, dim, index, exact=True, dynamic=True)
    check("aten::index_select.out", torch.index_select, torch.tensor(3.0), 0, torch.tensor([0]))
    check("aten::index_select.out", torch.index_select, X, 1, torch.tensor(1), exact=True)
    for index in (torch.tensor([[1, 2], [0, 0]]), torch.tensor(1), torch.zeros(0, 2).int()):
        reference = aten.embedding.default
        for weight in (X[0], X[0].bfloat16()):
            check("aten::embedding.out", reference, weight, index, 0, False, False, dynamic=True)


GATHERED = [
    (X, 1, torch.randint(0, 4, (3, 4, 5))),
    (X, -1, torch.randint(0, 5, (2, 3, 7))),
    (X, 0, torch.randint(0, 3, (1, 1, 1))),
    (X, 0, torch.zeros(0, 2, 2, dtype=torch.int64)),
    (torch.tensor(2.0), 0, torch.tensor(0)),
    (torch.tensor([2.0, 3.0]), 0, torch.tensor(1)),
    (torch.tensor(2.0), 0, torch.tensor([0, 0])),
]


@pytest.mark.parametrize(("x", "dim", "index"), GATHERED)
def test_gather(x: torch.Tensor, dim: int, index: torch.Tensor) -> None:
    arguments = {"sparse_grad": False}
    check("aten::gather.out", torch.gather, x, dim, index, **arguments, exact=True, dynamic=True)


def lines(*shape: int) -> torch.Tensor:
    """Indices for dimension 1 of X that do not repeat, so that a plain scatter is determined."""
    return torch.argsort(torch.rand(3, 4, 5), 1)[tuple(slice(n) for n in shape)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool], ids=str)
def test_scatter(dtype: torch.dtype) -> None:
    x, source = X.to(dtype), (torch.randn(3, 5, 6) * 5).to(dtype)
    for index in (lines(3, 4, 5), lines(2, 3, 4), lines(0, 3, 4)):
        check("aten::scatter.src_out", torch.scatter, x, 1, index, source, exact=True, dynamic=True)
        check("aten::scatter.value_out", torch.scatter, x, -2, index, 1, exact=True)
    check("aten::scatter.value_out", torch.scatter, torch.tensor(1.0), 0, torch.tensor(0), 2.0)


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8], ids=str
)
@pytest.mark.filterwarnings("ignore:The reduce argument of torch.scatter")
def test_scatter_reductions(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 5, (3, 4, 5)).to(dtype)
    source = torch.randint(1, 5, (3, 4, 5)).to(dtype)
    index = torch.randint(0, 4, (2, 4, 4))
    check("aten::scatter_add.out", torch.scatter_add, x, 1, index, source, dynamic=True)
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        for include_self in (True, False):
            arguments: Any = [x, 1, index, source, reduce]
            name = "aten::scatter_reduce.two_out"
            check(name, torch.scatter_reduce, *arguments, include_self=include_self)
    for reduce in ("add", "multiply"):
        check("aten::scatter.reduce_out", torch.scatter, x, 1, index, source, reduce=reduce)
        check("aten::scatter.value_reduce_out", torch.scatter, x, 1, index, 2, reduce=reduce)


def test_masks() -> None:
    mask = X % 3 == 0
    check("aten::masked_select.out", torch.masked_select, X, mask, exact=True, dynamic=True)
    check("aten::masked_select.out", torch.masked_select, X, mask[0, :, :1], exact=True)
    check("aten::masked_select.out", torch.masked_select, torch.tensor(1.0), torch.tensor(True))
    source = torch.randn(70)
    check(
        "aten::masked_scatter.out", torch.masked_scatter, X, mask, source, in_place=0, dynamic=True
    )
    check("aten::masked_scatter.out", torch.masked_scatter, X, mask[:, :1], source)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.bool, torch.int8], ids=str)
def test_nonzero(dtype: torch.dtype) -> None:
    x = (X % 2).to(dtype)
    for y in (x, x[0, 0], x[:0], x[0, 0, 0], x[0, 0, 1]):
        check("aten::nonzero.out", torch.nonzero, y, exact=True)
        out = np.zeros((y.numel(), max(y.dim(), 1)))
        kernel: Any = find_kernel("aten::nonzero.out")
        assert kernel(y.float().numpy(), out).shape == tuple(torch.nonzero(y).shape)


WRONG: list[tuple[str, list[Any], str]] = [
    ("index.Tensor_out", [[np.array([4])]], "index 4 is out of range for size 4"),
    ("index.Tensor_out", [[np.array([-5])]], "index -5 is out of range"),
    ("index.Tensor_out", [[np.array([True, False])]], "mask of shape"),
    ("index.Tensor_out", [[np.arange(2), np.arange(3)]], "index"),
    ("index_put.out", [[np.array([9])], np.zeros(()), False], "out of range"),
    ("index_select.out", [0, np.array([-1])], "out of range"),
    ("gather.out", [0, np.array([[7]]), False], "index 7"),
    ("scatter.value_out", [1, np.array([[7]]), 1.0], "index 7"),
    ("embedding.out", [np.array([4]), -1, False, False], "index 4"),
    ("masked_scatter.out", [np.ones((4, 4), bool), np.zeros(3)], "16 places for 3"),
]


@pytest.mark.parametrize(("name", "args", "message"), WRONG)
def test_wrong_indices(name: str, args: list[Any], message: str) -> None:
    kernel: Any = find_kernel(f"aten::{name}")
    with pytest.raises(ProgramError, match=message):
        kernel(np.zeros((4, 4)), *args, np.zeros((4, 4)))
