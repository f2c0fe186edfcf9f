"""Gradients of convolutions of any rank, semantics of `torch.ops.aten.convolution_backward`."""

from collections.abc import Sequence
from itertools import product
from typing import Any, cast

import numpy as np

from ..registry import kernel
from .promotion import compute_dtype
from .shapes import fit


@kernel("aten::convolution_backward.out")
def convolution_backward(
    grad_output: Any,
    input: Any,
    weight: Any,
    bias_sizes: Sequence[int] | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    output_mask: Sequence[bool],
    grad_input: Any,
    grad_weight: Any,
    grad_bias: Any,
) -> Any:
    """The gradients of input, weight and bias; outs that `output_mask` denies are left alone.

    The fine side of a convolution is the one that windows stand on: its input, or its output if it
    is transposed. The weight is [coarse channels, fine channels / groups, *kernel] in both cases.
    """
    dtype = compute_dtype(input.dtype)
    fine, coarse = (grad_output, input) if transposed else (input, grad_output)
    spatial = range(len(stride))
    counts = coarse.shape[2:]
    # Windows that reach beyond the padding find zeros there.
    reach = [
        max(
            fine.shape[2 + i] + 2 * padding[i],
            (counts[i] - 1) * stride[i] + (weight.shape[2 + i] - 1) * dilation[i] + 1,
        )
        for i in spatial
    ]
    inside = tuple(slice(padding[i], padding[i] + fine.shape[2 + i]) for i in spatial)
    batch = fine.shape[0]
    fine_channels, coarse_channels = fine.shape[1] // groups, coarse.shape[1] // groups
    padded = np.zeros((batch, groups, fine_channels, *reach), dtype)
    padded[:, :, :, *inside] = fine.reshape(batch, groups, fine_channels, *fine.shape[2:])
    small = coarse.astype(dtype, copy=False).reshape(batch, groups, coarse_channels, -1)
    weights = weight.astype(dtype, copy=False).reshape(
        groups, coarse_channels, fine_channels, *weight.shape[2:]
    )

    side: Any = np.zeros(small.shape if transposed else padded.shape, dtype)
    slope = np.zeros(weights.shape, dtype)
    for tap in product(*map(range, weight.shape[2:])):
        place = tuple(
            slice(tap[i] * dilation[i], tap[i] * dilation[i] + (counts[i] - 1) * stride[i] + 1,
                  stride[i])
            for i in spatial
        )  # fmt: skip
        factors = weights[:, :, :, *tap]
        window = padded[:, :, :, *place]
        columns = window.reshape(batch, groups, fine_channels, -1)
        if output_mask[0] and transposed:
            side += np.matmul(factors, columns)
        elif output_mask[0]:
            gradient = np.matmul(factors.swapaxes(1, 2), small)
            side[:, :, :, *place] += gradient.reshape(window.shape)
        if output_mask[1]:
            slope[:, :, :, *tap] = np.matmul(small, columns.swapaxes(2, 3)).sum(axis=0)

    if output_mask[0]:
        grad_input = fit(grad_input, input.shape)
        result: Any = side if transposed else side[:, :, :, *inside]
        np.copyto(grad_input, result.reshape(input.shape), casting="unsafe")
    if output_mask[1]:
        grad_weight = fit(grad_weight, weight.shape)
        np.copyto(grad_weight, cast(Any, slope).reshape(weight.shape), casting="unsafe")
    if output_mask[2]:
        grad_bias = fit(grad_bias, (grad_output.shape[1],))
        axes = (0, *(2 + i for i in spatial))
        np.sum(grad_output, axis=axes, dtype=dtype, out=grad_bias)
    return grad_input, grad_weight, grad_bias
