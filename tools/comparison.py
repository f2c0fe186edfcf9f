"""How far results are from those expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Difference:
    """A result that differs: in shape, or in its values by these largest errors."""

    description: str
    max_abs: float = float("nan")
    max_rel: float = float("nan")

    def __str__(self) -> str:
        return self.description


def compare(actual: Any, expected: Any, rtol: float, atol: float) -> Difference | None:
    """How `actual` differs from `expected`; None where it is within the tolerance.

    Floating-point values may differ by `atol + rtol * |expected|`, all others not at all; nan
    equals nan. Both may be arrays or Python numbers; None only equals None.
    """
    if actual is None or expected is None:
        return None if actual is expected else Difference(f"{actual} instead of {expected}")
    got, want = _widen(np.asarray(actual)), _widen(np.asarray(expected))
    if got.shape != want.shape:
        return Difference(f"shape {list(got.shape)} instead of {list(want.shape)}")
    exact = got.dtype.kind in "biu" and want.dtype.kind in "biu"
    with np.errstate(all="ignore"):
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        error = np.where(same, 0, _distance(got, want))
        # An infinite expectation allows nothing but itself.
        within = (error <= atol + rtol * np.abs(want)) & np.isfinite(want)
        wrong = ~same if exact else ~same & ~within
        if not wrong.any():
            return None
        relative = np.where(same, 0, error / np.abs(want))
    max_abs, max_rel = float(np.max(error)), float(np.max(relative))
    worst = np.unravel_index(int(np.argmax(np.where(wrong, error, -1))), got.shape)
    place = f" at {[int(i) for i in worst]}" if got.ndim else ""
    errors = f"max abs error {max_abs:.3g}, max rel error {max_rel:.3g}"
    example = f"{got[worst]:.6g} instead of {want[worst]:.6g}{place}"
    return Difference(
        f"{errors}; {int(wrong.sum())} of {got.size} values differ, the worst: {example}",
        max_abs,
        max_rel,
    )


def largest(values: Any) -> float:
    """The largest finite magnitude, 0 where there is none."""
    if values is None:
        return 0.0
    magnitudes = np.abs(_widen(np.asarray(values)).astype(np.complex128))
    return float(np.max(magnitudes, where=np.isfinite(magnitudes), initial=0.0))


def _widen(array: NDArray[Any]) -> NDArray[Any]:
    """A dtype in which numpy can subtract: its own integers, f64 or complex."""
    if array.dtype.kind in "biu":
        return array
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _distance(got: NDArray[Any], want: NDArray[Any]) -> NDArray[Any]:
    if got.dtype.kind in "biu":
        got, want = got.astype(np.float64), want.astype(np.float64)
    return np.abs(got - want)
