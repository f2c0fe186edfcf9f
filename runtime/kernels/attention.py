"""Scaled dot product attention, semantics of `torch.nn.functional.scaled_dot_product_attention`."""

from math import prod, sqrt
from typing import Any, cast

import numpy as np

from ..errors import ProgramError
from .matmul import broadcast_shapes
from .promotion import compute_dtype
from .random import GENERATOR
from .shapes import fit
from .steps import Steps, blocks, planned_kernel

BLOCK = 1 << 18
"""Elements of a block of scores, [heads, queries, keys]; a block stays in the L2 cache."""


def plan(
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
    enable_gqa: bool,
    out: Any,
) -> tuple[Steps, tuple[Any, ...]]:
    """Steps for `softmax(scale * query @ key^T + mask) @ value`, block by block of scores.

    `query` [*, H, L, E], `key` [*, H, S, E], `value` [*, H, S, V], `out` [*, H, L, V]; with
    `enable_gqa` keys and values may have fewer heads. `mask` is added to [*, H, L, S], or says
    where to attend if it is bool. A row that attends to nothing gives 0. `dropout_p` drops weights
    after the softmax.
    """
    if is_causal and mask is not None:
        raise ProgramError("attention takes a mask or is_causal, not both")
    length, size = query.shape[-2:]
    keys = key.shape[-2]
    if key.shape[-1] != size or value.shape[-2] != keys:
        shapes = ", ".join(str(list(a.shape)) for a in (query, key, value))
        raise ProgramError(f"query, key and value {shapes} do not fit together")
    grouped = enable_gqa and query.shape[-3] != key.shape[-3]
    if grouped and query.shape[-3] % key.shape[-3]:
        heads = f"{query.shape[-3]} query heads, {key.shape[-3]} key heads"
        raise ProgramError(f"attention: {heads}; expected a multiple")
    leading = [query.shape[:-2], key.shape[:-2], value.shape[:-2]]
    batch = leading[0] if grouped else broadcast_shapes(*leading)
    out = fit(out, (*batch, length, value.shape[-1]))
    steps = Steps()
    if out.size == 0 or keys == 0:
        steps.add(out.fill, 0)
        return steps, (out,)
    result = out
    # Eager's fused kernel rounds the weights of narrow floats, and takes only arguments like these.
    fused = query.ndim == 4 and leading[0] == leading[1] == leading[2] and not dropout_p
    fused &= size == value.shape[-1] and (mask is None or mask.ndim in (2, 4))
    if mask is not None:
        mask = np.broadcast_to(mask, (*batch, length, keys))
    if grouped:
        split = (*batch[:-1], key.shape[-3], query.shape[-3] // key.shape[-3])
        query = query.reshape(*split, length, size)
        result = out.reshape(*split, length, value.shape[-1])
        mask = None if mask is None else mask.reshape(*split, length, keys)
        key, value, batch = key[..., None, :, :], value[..., None, :, :], split
    _attend(
        np.broadcast_to(query, (*batch, length, size)),
        np.broadcast_to(steps.operand(key), (*batch, keys, size)),
        np.broadcast_to(steps.operand(value), (*batch, keys, value.shape[-1])),
        np.triu(np.ones((length, keys), np.bool_), 1) if is_causal else None,
        mask,
        1 / sqrt(size) if scale is None else scale,
        dropout_p,
        result,
        steps,
        fused and compute_dtype(out.dtype) != out.dtype,
    )
    return steps, (out,)


def _attend(
    query: Any,
    key: Any,
    value: Any,
    future: Any,
    mask: Any,
    scale: float,
    dropout: float,
    out: Any,
    steps: Steps,
    rounded: bool,
) -> None:
    """Append the steps for arrays whose batch dimensions are all the same.

    If `rounded`, the values are multiplied by weights in the dtype of `out`.
    """
    dtype = compute_dtype(out.dtype)
    limits = np.finfo(dtype)
    keys = key.shape[-2]
    boxes = list(blocks(query.shape[:-1], max(1, BLOCK // keys)))
    rows = max(prod(s.stop - s.start for s in box) for box in boxes)
    scratch = [np.empty(rows * n, dtype) for n in (query.shape[-1], keys, 1, out.shape[-1])]
    hidden = np.empty(rows * keys if mask is not None and mask.dtype == np.bool_ else 0, np.bool_)
    for box in boxes:
        shape = tuple(s.stop - s.start for s in box)
        count = prod(shape)
        scaled, scores, total, product = (
            memory[: count * (memory.size // rows)].reshape(*shape, -1) for memory in scratch
        )
        steps.add(np.multiply, query[box], scale, scaled, dtype=dtype, casting="unsafe")
        steps.add(np.matmul, scaled, key[box[:-1]].swapaxes(-1, -2), scores)
        if future is not None:
            steps.add(np.copyto, scores, -np.inf, where=future[box[-1]])
        if mask is not None and mask.dtype == np.bool_:
            other = hidden[: scores.size].reshape(scores.shape)
            steps.add(np.logical_not, mask[box], other)
            steps.add(np.copyto, scores, -np.inf, where=other)
        elif mask is not None:
            steps.add(np.add, scores, mask[box], scores, dtype=dtype, casting="unsafe")
        steps.add(np.maximum.reduce, scores, -1, None, total, True)
        # Finite, so that a row without any key becomes 0 and not nan, here and in the division.
        steps.add(np.maximum, total, limits.min, out=total)
        steps.add(np.subtract, scores, total, scores)
        steps.add(np.exp, scores, scores)
        steps.add(np.add.reduce, scores, -1, None, total, True)
        steps.add(np.maximum, total, limits.tiny, out=total)
        if dropout:
            steps.add(_drop, scores, dropout)
        if rounded:
            steps.add(_round, scores, out.dtype)
        steps.add(np.matmul, scores, value[box[:-1]], product)
        steps.add(np.divide, product, total, out[box], dtype=dtype, casting="unsafe")


def _round(weights: Any, dtype: Any) -> None:
    np.copyto(weights, weights.astype(dtype))


def _drop(weights: Any, probability: float) -> None:
    """Make weights 0 with a probability and scale the others, in place."""
    kept = cast(Any, GENERATOR).random(weights.shape) >= probability
    np.multiply(weights, 1 / (1 - probability) if probability < 1 else 0, weights)
    np.multiply(weights, kept, weights)


planned_kernel("aten::scaled_dot_product_attention.out", plan)
