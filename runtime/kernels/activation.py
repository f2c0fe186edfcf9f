"""Activation functions of one tensor, mostly chains of ufuncs; semantics of `aten::<name>`.

A chain writes `out` last, because `out` may be the memory of `x` (see elementwise.py).
"""

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
from numpy._core import umath

from ..errors import ProgramError
from ..registry import kernel
from .elementwise import chain_kernel, run_chain, run_ufunc, ufunc_kernel, ufunc_thunk
from .erf import erf_block
from .shapes import dimension

SQRT_HALF = 0.7071067811865476
SQRT_TWO_OVER_PI = 0.7978845608028654

clip: Any = getattr(umath, "clip")  # noqa: B009 - the ufunc behind np.clip, which stubs leave out

ufunc_kernel("aten::relu6.out", clip, constants=(0, 6))
ufunc_kernel("aten::hardtanh.out", clip)


def at_least(self: Any, low: Any, out: Any) -> tuple[Any, list[Any]]:
    """The ufunc and operands of max(self, low); numpy's clip is faster than its maximum."""
    if out.dtype.kind == "f" and not hasattr(low, "dtype"):
        return clip, [self, low, inf]
    return np.maximum, [self, low]


@kernel("aten::relu.out")
def relu(self: Any, out: Any) -> Any:
    """max(x, 0)."""
    return run_ufunc(*at_least(self, 0, out), out)


@relu.specialize
def _(self: Any, out: Any) -> Callable[[], object] | None:
    return ufunc_thunk(*at_least(self, 0, out), out)


@chain_kernel("aten::sigmoid.out")
def sigmoid(x: Any, out: Any) -> None:
    """1 / (1 + exp(-x))."""
    np.negative(x, out)
    np.exp(out, out)
    np.add(out, 1, out)
    np.divide(1, out, out)


@chain_kernel("aten::silu.out", scratch=1)
def silu(x: Any, out: Any, scratch: Any) -> None:
    """x * sigmoid(x)."""
    np.negative(x, scratch)
    np.exp(scratch, scratch)
    np.add(scratch, 1, scratch)
    np.divide(x, scratch, out)


@chain_kernel("aten::gelu.out", scratch=3)
def gelu(x: Any, approximate: str, out: Any, inner: Any, square: Any, scratch: Any) -> None:
    """x / 2 * (1 + erf(x / sqrt 2)), or the form with tanh."""
    if approximate == "none":
        np.multiply(x, SQRT_HALF, inner)
        erf_block(inner, inner, square, scratch)
    elif approximate == "tanh":
        np.multiply(x, x, inner)
        np.multiply(inner, 0.044715 * SQRT_TWO_OVER_PI, inner)
        np.add(inner, SQRT_TWO_OVER_PI, inner)
        np.multiply(inner, x, inner)
        np.tanh(inner, inner)
    else:
        raise ProgramError(f"gelu: approximate is {approximate!r}; expected 'none' or 'tanh'")
    np.add(inner, 1, inner)
    np.multiply(inner, x, out)
    np.multiply(out, 0.5, out)


@kernel("aten::glu.out")
def glu(self: Any, dim: int, out: Any) -> Any:
    """The first half of a dimension times the sigmoid of the second."""
    axis = dimension(dim, self.ndim)
    if self.ndim == 0 or self.shape[axis] % 2:
        raise ProgramError(f"glu: dimension {dim} of shape {list(self.shape)} has no halves")
    left, right = np.split(self, 2, axis)
    return run_chain(_gated, [left, right], [], out, 1)


def _gated(left: Any, right: Any, out: Any, scratch: Any) -> None:
    np.negative(right, scratch)
    np.exp(scratch, scratch)
    np.add(scratch, 1, scratch)
    np.divide(left, scratch, out)


@chain_kernel("aten::hardsigmoid.out")
def hardsigmoid(x: Any, out: Any) -> None:
    """min(max(x + 3, 0), 6) / 6."""
    np.add(x, 3, out)
    clip(out, 0, 6, out)
    np.divide(out, 6, out)


@chain_kernel("aten::hardswish.out", scratch=1)
def hardswish(x: Any, out: Any, scratch: Any) -> None:
    """x * min(max(x + 3, 0), 6) / 6."""
    np.add(x, 3, scratch)
    clip(scratch, 0, 6, scratch)
    np.multiply(x, scratch, out)
    np.divide(out, 6, out)


@chain_kernel("aten::elu.out", scratch=1)
def elu(x: Any, alpha: Any, scale: Any, input_scale: Any, out: Any, negative: Any) -> None:
    """scale * x above 0, below it scale * alpha * (exp(input_scale * x) - 1)."""
    clip(x, -inf, 0, negative)
    np.multiply(negative, input_scale, negative)
    np.expm1(negative, negative)
    np.multiply(negative, alpha * scale, negative)
    clip(x, 0, inf, out)
    np.multiply(out, scale, out)
    np.add(out, negative, out)


@chain_kernel("aten::leaky_relu.out", scratch=1)
def leaky_relu(x: Any, negative_slope: Any, out: Any, scratch: Any) -> None:
    """x above 0, negative_slope * x below."""
    if 0 <= negative_slope <= 1:
        np.multiply(x, negative_slope, scratch)
        np.maximum(x, scratch, out=out)
        return
    clip(x, -inf, 0, scratch)
    np.multiply(scratch, negative_slope, scratch)
    clip(x, 0, inf, out)
    np.add(out, scratch, out)


@chain_kernel("aten::softplus.out", scratch=1)
def softplus(x: Any, beta: Any, threshold: Any, out: Any, scratch: Any) -> None:
    """log(1 + exp(beta * x)) / beta, and x itself where beta * x is above the threshold."""
    np.multiply(x, beta, scratch)
    linear = scratch > threshold
    np.exp(scratch, scratch)
    np.log1p(scratch, scratch)
    np.divide(scratch, beta, scratch)
    np.copyto(scratch, x, where=linear)
    np.copyto(out, scratch)


@chain_kernel("aten::log_sigmoid.out", scratch=1)
def log_sigmoid(x: Any, out: Any, scratch: Any) -> None:
    """min(x, 0) - log(1 + exp(-|x|))."""
    np.absolute(x, scratch)
    np.negative(scratch, scratch)
    np.exp(scratch, scratch)
    np.log1p(scratch, scratch)
    clip(x, -inf, 0, out)
    np.subtract(out, scratch, out)


@chain_kernel("aten::mish.out", scratch=2)
def mish(x: Any, out: Any, power: Any, scratch: Any) -> None:
    """x * tanh(log(1 + exp(x))), which is x * n / (n + 2) for n = exp(x) * (exp(x) + 2)."""
    clip(x, -inf, 20, power)
    np.exp(power, power)
    np.add(power, 2, scratch)
    np.multiply(power, scratch, power)
    np.add(power, 2, scratch)
    np.divide(power, scratch, power)
    np.multiply(x, power, out)


@chain_kernel("aten::logit.out", scratch=2)
def logit(x: Any, eps: Any, out: Any, probability: Any, scratch: Any) -> None:
    """log(x / (1 - x)), with x limited to [eps, 1 - eps] where eps is given."""
    if eps is None:
        np.copyto(probability, x)
    else:
        clip(x, eps, 1 - eps, probability)
    np.subtract(1, probability, scratch)
    np.divide(probability, scratch, scratch)
    np.log(scratch, out)


@chain_kernel("aten::threshold.out")
def threshold(x: Any, limit: Any, value: Any, out: Any) -> None:
    """x where it is above the limit (or nan), `value` elsewhere."""
    below = x <= limit
    np.copyto(out, x)
    np.copyto(out, value, where=below)


@chain_kernel("aten::hardshrink.out")
def hardshrink(x: Any, lambd: Any, out: Any) -> None:
    """x outside of [-lambd, lambd], 0 inside."""
    inside = (x >= -lambd) & (x <= lambd)
    np.copyto(out, x)
    np.copyto(out, 0, where=inside)


@chain_kernel("aten::softshrink.out", scratch=1)
def softshrink(x: Any, lambd: Any, out: Any, scratch: Any) -> None:
    """x moved by lambd towards 0, and 0 inside of [-lambd, lambd]."""
    clip(x, -lambd, lambd, scratch)
    np.subtract(x, scratch, out)
