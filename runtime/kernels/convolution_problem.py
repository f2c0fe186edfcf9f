"""The normal form of a convolution that the algorithms work on."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .steps import Steps


@dataclass(frozen=True)
class Problem:
    """One convolution: `x` [N, C, *sizes], `out` [N, O, *out sizes], `bias` [O] or None.

    `weight` is [O, C / groups, *kernel], transposed [C, O / groups, *kernel]; `stride`, `before`
    (the padding in front) and `dilation` have one entry for each spatial dimension, and `out` says
    how much padding is behind. `dtype` is the one to compute in.
    """

    x: Any
    weight: Any
    bias: Any
    stride: tuple[int, ...]
    before: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    out: Any
    dtype: Any

    @property
    def kernel(self) -> tuple[int, ...]:
        """Sizes of the kernel."""
        return self.weight.shape[2:]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Spatial sizes of the result."""
        return self.out.shape[2:]

    def pack_bias(self, steps: Steps, shape: tuple[int, ...]) -> Any:
        """The bias in the compute dtype with a shape that broadcasts, or None."""
        if self.bias is None:
            return None
        bias = self.bias
        if bias.dtype != self.dtype:
            packed = np.empty(bias.shape, self.dtype)
            steps.prepare(packed, bias)
            bias = packed
        # Splitting a dimension and adding ones never copies, so a changing bias is seen.
        return bias.reshape(shape)


def overlap(size: int, before: int, step: int, count: int, phase: int = 0) -> tuple[slice, slice]:
    """Which of `count` places hold input, and which input: (places, input) as slices.

    Place i stands for coordinate `step * i + phase` of an input of `size`, padded by `before`.
    """
    first = max(0, -((phase - before) // step))
    last = min(count, -((phase - before - size) // step))
    start = step * first + phase - before
    if last <= first:
        return slice(0, 0), slice(0, 0)
    return slice(first, last), slice(start, start + step * (last - first - 1) + 1, step)
