"""One result in a line, and its values where they are few."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..runtime.dtypes import BY_DTYPE

_FEW = 32


def summarise(name: str, value: Any) -> str:
    """`output_0: f32[1, 10] min -1.5 max 2.25 mean 0.1`, then the values of a small array."""
    if not isinstance(value, np.ndarray):
        return f"{name}: {value}"
    array = cast(NDArray[Any], value)
    known = BY_DTYPE.get(array.dtype)
    text = f"{name}: {known.name if known else array.dtype}{list(array.shape)}"
    if array.size == 0:
        return f"{text} (empty)"
    numbers = array if array.dtype.kind in "biuc" else array.astype(np.float64)
    if array.dtype.kind not in "bc":
        finite = numbers[np.isfinite(numbers)]
        if finite.size:
            text += f" min {finite.min():.6g} max {finite.max():.6g} mean {finite.mean():.6g}"
        if finite.size < array.size:
            text += f" ({array.size - finite.size} not finite)"
    if array.size > _FEW:
        return text
    return f"{text}\n{np.array2string(numbers, precision=6, separator=', ')}"
