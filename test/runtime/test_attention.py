"""The attention kernel against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.registry import find_kernel

NAME = "aten::scaled_dot_product_attention.out"
attention = torch.nn.functional.scaled_dot_product_attention
LIMITS: dict[torch.dtype, dict[str, float]] = {
    torch.float32: {"rtol": 1e-5, "atol": 1e-5},
    torch.float64: {},
    torch.float16: {"rtol": 4e-3, "atol": 4e-3},
    torch.bfloat16: {"rtol": 3e-2, "atol": 3e-2},
}


def attend(
    query: list[int],
    key: list[int],
    *,
    mask: torch.Tensor | None = None,
    causal: bool = False,
    scale: float | None = None,
    grouped: bool = False,
    values: int = 6,
    dtype: torch.dtype = torch.float32,
) -> None:
    torch.manual_seed(0)
    q, k = torch.randn(query).to(dtype), torch.randn(key).to(dtype)
    v = torch.randn(*key[:-1], values).to(dtype)
    args: dict[str, Any] = {"attn_mask": mask, "dropout_p": 0.0, "is_causal": causal}
    args |= {"scale": scale, "enable_gqa": grouped}
    check(NAME, attention, q, k, v, **args, dynamic=True, **LIMITS[dtype])


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("batch", [[3], [2, 3], [2, 1, 3], [2, 0]], ids=str)
def test_ranks(batch: list[int], causal: bool, dtype: torch.dtype) -> None:
    attend([*batch, 5, 4], [*batch, 7, 4], causal=causal, dtype=dtype)
    attend([*batch, 7, 4], [*batch, 5, 4], causal=causal, scale=0.3, dtype=dtype)


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize(
    "shape", [[5, 7], [2, 1, 5, 7], [1, 3, 5, 7], [2, 3, 5, 7], [1, 7]], ids=str
)
def test_masks(shape: list[int], dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    for mask in (torch.rand(shape) > 0.4, torch.randn(shape).to(dtype)):
        attend([2, 3, 5, 4], [2, 3, 7, 4], mask=mask, dtype=dtype)


def test_rows_without_keys() -> None:
    mask = torch.rand(5, 7) > 0.5
    mask[2] = False
    attend([2, 3, 5, 4], [2, 3, 7, 4], mask=mask)
    added = torch.zeros(5, 7).masked_fill(~mask, float("-inf"))
    attend([2, 3, 5, 4], [2, 3, 7, 4], mask=added)


@pytest.mark.parametrize("heads", [1, 2, 6])
@pytest.mark.parametrize("masked", [False, True])
def test_grouped_queries(heads: int, masked: bool) -> None:
    mask = torch.randn(2, 6, 5, 7) if masked else None
    attend([2, 6, 5, 4], [2, heads, 7, 4], mask=mask, grouped=True)
    attend([6, 5, 4], [heads, 7, 4], causal=True, grouped=True)


def test_broadcast_batch() -> None:
    attend([2, 3, 5, 4], [1, 3, 7, 4])


def test_several_blocks() -> None:
    attend([2, 3, 300, 8], [2, 3, 310, 8], causal=True)
    attend([1, 40, 70, 8], [1, 40, 600, 8], mask=torch.randn(1, 1, 70, 600))


@pytest.mark.parametrize(
    ("key", "arguments", "message"),
    [
        ((2, 3, 4), (np.zeros((3, 3)), 0.0, True, None, False), "not both"),
        ((2, 3, 5), (None, 0.0, False, None, False), "do not fit"),
        ((3, 3, 4), (None, 0.0, False, None, True), "expected a multiple"),
    ],
)
def test_errors(key: tuple[int, ...], arguments: tuple[Any, ...], message: str) -> None:
    run = find_kernel(NAME)
    assert run is not None
    query, other = np.zeros((2, 3, 4), np.float32), np.zeros(key, np.float32)
    with pytest.raises(ProgramError, match=message):
        run(query, other, other, *arguments, np.zeros_like(query))


def test_dropout_drops_weights() -> None:
    run = find_kernel(NAME)
    assert run is not None
    query, key = np.zeros((1, 1, 4), np.float32), np.zeros((1, 10000, 4), np.float32)
    value, out = np.ones((1, 10000, 1), np.float32), np.empty((1, 1, 1), np.float32)
    run(query, key, value, None, 0.25, False, None, False, out)
    assert out[0, 0, 0] != 1
    assert abs(out[0, 0, 0] - 1) < 0.05
