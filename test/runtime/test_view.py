"""Views as copies, and splits, against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

aten = torch.ops.aten
X = torch.arange(24.0).reshape(2, 3, 4)
CASES: list[tuple[str, Any, list[Any]]] = [
    ("view_copy.out", aten.view_copy, [X, [4, 6]]),
    ("view_copy.out", aten.view_copy, [X, [-1]]),
    ("view_copy.out", aten.view_copy, [X, [2, -1, 2]]),
    ("view_copy.out", aten.view_copy, [X[:0], [0, 12]]),
    ("view_copy.out", aten.view_copy, [X[:0], [-1, 3]]),
    ("view_copy.out", aten.view_copy, [torch.tensor([5.0]), []]),
    ("view_copy.dtype_out", torch.Tensor.view, [X, torch.int32]),
    ("view_copy.dtype_out", torch.Tensor.view, [X, torch.int16]),
    ("reshape.out", torch.reshape, [X.permute(2, 0, 1), [6, -1]]),
    ("flatten.using_ints_out", torch.flatten, [X, 1, -1]),
    ("flatten.using_ints_out", torch.flatten, [torch.tensor(1.0), 0, -1]),
    ("permute_copy.out", aten.permute_copy, [X, [2, 0, 1]]),
    ("permute_copy.out", aten.permute_copy, [X, [-1, -3, -2]]),
    ("permute_copy.out", aten.permute_copy, [torch.tensor(1.0), []]),
    ("transpose_copy.int_out", aten.transpose_copy.int, [X, 0, -1]),
    ("transpose.int_out", torch.transpose, [X, 1, 2]),
    ("transpose_copy.int_out", aten.transpose_copy.int, [torch.tensor(1.0), 0, -1]),
    ("t_copy.out", aten.t_copy, [X[0]]),
    ("t_copy.out", aten.t_copy, [X[0, 0]]),
    ("unsqueeze_copy.out", aten.unsqueeze_copy, [X, -1]),
    ("unsqueeze_copy.out", aten.unsqueeze_copy, [torch.tensor(1), 0]),
    ("squeeze_copy.out", aten.squeeze_copy.default, [X[:1, :, :1]]),
    ("squeeze_copy.dim_out", aten.squeeze_copy.dim, [X[:1], 0]),
    ("squeeze_copy.dim_out", aten.squeeze_copy.dim, [X, 1]),
    ("squeeze_copy.dim_out", aten.squeeze_copy.dim, [torch.tensor(1), -1]),
    ("squeeze_copy.dims_out", aten.squeeze_copy.dims, [X[:1, :, :1], [0, 1, -1]]),
    ("select_copy.int_out", aten.select_copy.int, [X, 1, -1]),
    ("select_copy.int_out", aten.select_copy.int, [X[0, 0], 0, 2]),
    ("slice_copy.Tensor_out", aten.slice_copy.Tensor, [X, 1, 1, None, 1]),
    ("slice_copy.Tensor_out", aten.slice_copy.Tensor, [X, -1, -3, 100, 2]),
    ("slice_copy.Tensor_out", aten.slice_copy.Tensor, [X, 0, 5, 1, 1]),
    ("slice_copy.Tensor_out", aten.slice_copy.Tensor, [X, 2, None, -1, 1]),
    (
        "slice_copy.Tensor_out",
        aten.slice_copy.Tensor,
        [X, 2, -9223372036854775808, 9223372036854775807, 3],
    ),
    ("narrow_copy.out", aten.narrow_copy, [X, 1, 1, 2]),
    ("narrow_copy.out", aten.narrow_copy, [X, -1, -2, 2]),
    ("diagonal_copy.out", aten.diagonal_copy, [X, 0, 0, 1]),
    ("diagonal_copy.out", aten.diagonal_copy, [X, -1, 2, 0]),
    ("diagonal_copy.out", aten.diagonal_copy, [X, 9, 1, 2]),
    ("as_strided_copy.out", aten.as_strided_copy, [X, [2, 3], [1, 2], 4]),
    ("as_strided_copy.out", aten.as_strided_copy, [X, [2, 2, 2], [0, 1, 12], None]),
    ("unfold_copy.out", aten.unfold_copy, [X, -1, 2, 1]),
    ("unfold_copy.out", aten.unfold_copy, [X, 1, 2, 3]),
    ("view_as_real_copy.out", aten.view_as_real_copy, [torch.complex(X, -X)]),
    ("pixel_shuffle.out", torch.pixel_shuffle, [torch.randn(2, 12, 3, 4), 2]),
    ("pixel_shuffle.out", torch.pixel_shuffle, [torch.randn(9, 3, 4), 3]),
    ("pixel_unshuffle.out", torch.pixel_unshuffle, [torch.randn(2, 3, 4, 6), 2]),
    ("split_copy.Tensor_out", aten.split.Tensor, [X, 2, 1]),
    ("split_copy.Tensor_out", aten.split.Tensor, [X, 5, -1]),
    ("split_copy.Tensor_out", aten.split.Tensor, [X[:0], 5, 0]),
    ("split_with_sizes_copy.out", aten.split_with_sizes, [X, [1, 0, 3], 2]),
    ("unbind_copy.int_out", aten.unbind.int, [X, 1]),
    ("unbind_copy.int_out", aten.unbind.int, [X[0, 0], -1]),
    ("chunk.out", torch.chunk, [X, 2, -1]),
    ("chunk.out", torch.chunk, [X, 3, 2]),
    ("chunk.out", torch.chunk, [X, 4, 1]),
]
IDS = [f"{name}-{i}" for i, (name, _, _) in enumerate(CASES)]


@pytest.mark.parametrize(("name", "reference", "args"), CASES, ids=IDS)
def test_views(name: str, reference: Any, args: list[Any]) -> None:
    check(f"aten::{name}", reference, *args, exact=True, dynamic=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.bool, torch.int64, torch.uint8], ids=str)
def test_dtypes(dtype: torch.dtype) -> None:
    x = X.to(dtype)
    check("aten::permute_copy.out", aten.permute_copy, x, [1, 2, 0], exact=True)
    check("aten::view_copy.out", aten.view_copy, x, [4, 6], exact=True)
    check("aten::slice_copy.Tensor_out", aten.slice_copy.Tensor, x, 0, 1, None, 1, exact=True)


def test_channels_last() -> None:
    x = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    check("aten::view_copy.out", torch.reshape, x, [2, -1], exact=True)
    check("aten::permute_copy.out", aten.permute_copy, x, [0, 2, 3, 1], exact=True)
    check("aten::pixel_unshuffle.out", torch.pixel_unshuffle, x[:, :, :, :4], 2, exact=True)


WRONG: list[tuple[str, list[Any], str]] = [
    ("view_copy.out", [[5, 5]], "cannot be viewed"),
    ("select_copy.int_out", [0, 2], "out of range"),
    ("select_copy.int_out", [3, 0], "dimension 3 is out of range"),
    ("narrow_copy.out", [0, 1, 2], "do not lie"),
    ("as_strided_copy.out", [[3], [20], 0], "outside"),
    ("permute_copy.out", [[0, 1]], "rank 3"),
    ("permute_copy.out", [[0, 1, 1]], "twice"),
    ("slice_copy.Tensor_out", [0, 0, 1, 0], "step"),
]


@pytest.mark.parametrize(("name", "args", "message"), WRONG)
def test_wrong_arguments(name: str, args: list[Any], message: str) -> None:
    kernel: Any = find_kernel(f"aten::{name}")
    with pytest.raises(ProgramError, match=message):
        kernel(np.zeros((2, 3, 4)), *args, np.zeros((2, 3, 4)))
