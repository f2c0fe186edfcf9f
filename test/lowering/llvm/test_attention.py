"""Attention, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from steps import Array, check_step, with_gaps

from edgeir.dialects import edge
from edgeir.lowering.llvm import attention
from edgeir.lowering.llvm.targets import target_for

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> Array:
    """Random numbers."""
    return RNG.standard_normal(shape, dtype=np.float32)


def check(
    q: Array, k: Array, v: Array, mask: Array | None = None, cpu: str = "host", **properties: Any
) -> None:
    """Compare with PyTorch."""
    tensors = [
        None if a is None else torch.from_numpy(np.ascontiguousarray(a)) for a in (q, k, v, mask)
    ]
    wanted = F.scaled_dot_product_attention(*tensors, **properties).numpy()
    arguments = {"dropout_p": 0.0, "is_causal": False, "scale": None, "enable_gqa": False}
    check_step(
        attention,
        edge.ScaledDotProductAttentionOp,
        [q, k, v, mask],
        [wanted],
        target=target_for(cpu),
        **(arguments | properties),
    )


@pytest.mark.parametrize("cpu", ["host", "x86-64-v3"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("heads", "length", "keys", "size", "value_size"),
    [
        ((1, 3), 17, 17, 16, 16),
        ((2, 2), 40, 70, 20, 36),
        ((), 5, 33, 8, 8),
        ((2,), 1, 65, 64, 64),
        ((1, 1, 2), 64, 9, 7, 5),
        ((1, 2), 100, 150, 32, 64),
    ],
)
def test_sizes(
    heads: tuple[int, ...],
    length: int,
    keys: int,
    size: int,
    value_size: int,
    causal: bool,
    cpu: str,
) -> None:
    """Sizes that fill no vector, blocks of queries and panels of keys that do not fit."""
    q, k = numbers(*heads, length, size), numbers(*heads, keys, size)
    check(q, k, numbers(*heads, keys, value_size), cpu=cpu, is_causal=causal)


def test_strides() -> None:
    """Queries, keys and values as they come out of one projection: heads inside of the sequence."""
    qkv = numbers(2, 50, 3, 2, 16)
    q, k, v = (with_gaps(qkv[:, :, i].transpose(0, 2, 1, 3), (0, 2, 1, 3), 5) for i in range(3))
    check(q, k, v, scale=0.5)


@pytest.mark.parametrize(
    "shape", [(2, 3, 20, 37), (2, 1, 20, 37), (20, 37), (1, 1, 1, 37), (2, 1, 20, 1)]
)
@pytest.mark.parametrize("bools", [False, True])
def test_masks(shape: tuple[int, ...], bools: bool) -> None:
    """Masks of numbers and of bools that broadcast; a row that sees nothing gives zeros."""
    q, k, v = numbers(2, 3, 20, 8), numbers(2, 3, 37, 8), numbers(2, 3, 37, 8)
    mask: Array = numbers(*shape)
    if bools:
        mask = mask > 0
        mask[..., 4:5, :] = False
    else:
        mask[..., :7] = -np.inf
    check(q, k, v, mask)


@pytest.mark.parametrize("masked", [False, True])
def test_grouped_heads(masked: bool) -> None:
    """Several heads of queries for one of keys."""
    q, k, v = numbers(2, 6, 19, 8), numbers(2, 2, 23, 8), numbers(2, 2, 23, 8)
    mask = numbers(2, 6, 19, 23) if masked else None
    check(q, k, v, mask, enable_gqa=True, is_causal=not masked)


def test_broadcast_keys() -> None:
    """Keys that all heads share."""
    check(numbers(2, 3, 9, 8), numbers(1, 1, 13, 8), numbers(2, 1, 13, 8))


def test_tasks() -> None:
    """One long head in several parts, with values that lie strided."""
    v = with_gaps(numbers(1, 1, 260, 64))
    check(numbers(1, 1, 330, 64), numbers(1, 1, 260, 64), v)
    check(numbers(1, 1, 330, 64), numbers(1, 1, 260, 64), v, is_causal=True)
