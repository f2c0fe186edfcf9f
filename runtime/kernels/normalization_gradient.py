"""Gradients of normalizations, semantics of `torch.ops.aten.native_{layer,group}_norm_backward`.

`output_mask` says which of the gradients of input, weight and bias are wanted; the outs of the
others are left as they are.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..registry import kernel
from .promotion import compute_dtype
from .shapes import fit


def _wide(array: Any, dtype: Any) -> Any:
    return array.astype(dtype, copy=False)


def _filled(out: Any, wanted: bool, shape: tuple[int, ...], value: Any) -> Any:
    if not wanted:
        return out
    out = fit(out, shape)
    np.copyto(out, value.reshape(shape), casting="unsafe")
    return out


def _input_gradient(grad: Any, normalized: Any, rstd: Any, axes: tuple[int, ...]) -> Any:
    """`grad` is with respect to `normalized`, whose mean and variance are over `axes`."""
    mean = grad.mean(axis=axes, keepdims=True)
    slope = (grad * normalized).mean(axis=axes, keepdims=True)
    return rstd * (grad - mean - normalized * slope)


@kernel("aten::native_layer_norm_backward.out")
def native_layer_norm_backward(
    grad_out: Any,
    input: Any,
    normalized_shape: Sequence[int],
    mean: Any,
    rstd: Any,
    weight: Any,
    bias: Any,
    output_mask: Sequence[bool],
    grad_input: Any,
    grad_weight: Any,
    grad_bias: Any,
) -> Any:
    """`mean` and `rstd` are those of the forward call, [..., 1] for each normalized dimension."""
    dtype = compute_dtype(input.dtype)
    inner = prod(normalized_shape)
    outer = prod(input.shape[: input.ndim - len(normalized_shape)])
    grad = _wide(grad_out, dtype).reshape(outer, inner)
    scale = _wide(rstd, dtype).reshape(outer, 1)
    normalized = (
        _wide(input, dtype).reshape(outer, inner) - _wide(mean, dtype).reshape(outer, 1)
    ) * scale
    scaled = grad if weight is None else grad * _wide(weight, dtype).reshape(1, inner)
    shape = tuple(normalized_shape)
    return (
        _filled(
            grad_input,
            output_mask[0],
            input.shape,
            _input_gradient(scaled, normalized, scale, (1,)),
        ),
        _filled(
            grad_weight,
            output_mask[1] and weight is not None,
            shape,
            (grad * normalized).sum(axis=0),
        ),
        _filled(grad_bias, output_mask[2] and bias is not None, shape, grad.sum(axis=0)),
    )


@kernel("aten::native_group_norm_backward.out")
def native_group_norm_backward(
    grad_out: Any,
    input: Any,
    mean: Any,
    rstd: Any,
    weight: Any,
    N: int,
    C: int,
    HxW: int,
    group: int,
    output_mask: Sequence[bool],
    grad_input: Any,
    grad_weight: Any,
    grad_bias: Any,
) -> Any:
    """`mean` and `rstd` [N, group] are those of the forward call."""
    dtype = compute_dtype(input.dtype)
    shape = (N, group, C // group, HxW)
    grad = _wide(grad_out, dtype).reshape(shape)
    scale = _wide(rstd, dtype).reshape(N, group, 1, 1)
    normalized = (
        _wide(input, dtype).reshape(shape) - _wide(mean, dtype).reshape(N, group, 1, 1)
    ) * scale
    scaled = grad
    if weight is not None:
        scaled = grad * _wide(weight, dtype).reshape(1, group, C // group, 1)
    return (
        _filled(
            grad_input,
            output_mask[0],
            input.shape,
            _input_gradient(scaled, normalized, scale, (2, 3)),
        ),
        _filled(grad_weight, output_mask[1], (C,), (grad * normalized).sum(axis=(0, 3))),
        _filled(grad_bias, output_mask[2], (C,), grad.sum(axis=(0, 3))),
    )
