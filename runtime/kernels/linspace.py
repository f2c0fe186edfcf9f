"""Evenly spaced numbers, semantics of `torch.linspace` and `torch.logspace`, bit for bit.

Eager counts from the start in the first half and from the end in the second, each number by one
fused multiplication and addition.
"""

from typing import Any

import numpy as np

from ..registry import kernel
from .copy import assign
from .shapes import fit


def spaced(start: Any, end: Any, steps: int, dtype: Any, rounds: bool = True) -> Any:
    """`steps` numbers from start to end: f64 for integers, else of the dtype.

    Unless `rounds` is set, what is computed with start and step in half precision stays in f32.
    """
    first, last = (np.asarray(x).astype(dtype).reshape(()) for x in (start, end))
    inner = dtype if dtype.kind in "fVc" else np.dtype(np.float64)
    first, last = first.astype(inner), last.astype(inner)
    if steps < 2:
        return np.full(steps, first, inner)
    step = ((last - first) / np.asarray(steps - 1, inner)).astype(inner)
    index = np.arange(steps)
    if inner.itemsize == 2 and not rounds:
        first, last, step = (value.astype(np.float32) for value in (first, last, step))
        inner = np.dtype(np.float32)
    if inner in (np.float32, np.float64):
        rising = _fused(*(x.astype(np.float64) for x in (step, index, first)))
        falling = _fused(*(x.astype(np.float64) for x in (-step, steps - 1 - index, last)))
    else:
        rising = first + step * index.astype(inner)
        falling = last - step * (steps - 1 - index).astype(inner)
    return np.where(index < steps // 2, rising, falling).astype(inner)


def _fused(a: Any, b: Any, c: Any) -> Any:
    """`a * b + c` with one rounding, by Dekker's exact product and Knuth's exact sum."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = product + c
    added = total - product
    return total + ((product - (total - added)) + (c - added) + lost)


def _halves(x: Any) -> tuple[Any, Any]:
    shifted = x * 134217729.0  # 2 ** 27 + 1
    high = shifted - (shifted - x)
    return high, x - high


def _linspace(start: Any, end: Any, steps: int, out: Any) -> Any:
    out = fit(out, (steps,))
    assign(out, spaced(start, end, steps, out.dtype))
    return out


def _logspace(start: Any, end: Any, steps: int, base: float, out: Any) -> Any:
    """`base ** linspace(start, end, steps)`."""
    out = fit(out, (steps,))
    if steps == 1:
        # Of the only number eager rounds nothing before the result.
        out[...] = np.power(np.asarray(base), np.asarray(start)).astype(out.dtype)
        return out
    exponents = spaced(start, end, steps, out.dtype, rounds=False)
    wide = np.complex128 if out.dtype.kind == "c" else np.float64
    assign(out, np.power(wide(base), exponents.astype(wide)))
    return out


for _name in ("out", "Tensor_Tensor_out", "Tensor_Scalar_out", "Scalar_Tensor_out"):
    kernel(f"aten::linspace.{_name}")(_linspace)
    kernel(f"aten::logspace.{_name}")(_logspace)
