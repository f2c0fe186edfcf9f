"""The bytes that a program stores for weights and constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, Operation

from ..dialects.constant import ConstantAttr
from ..dialects.diagnostic import Diagnostic
from ..dialects.weights import WeightsError

Weights = Mapping[str, NDArray[Any]]
"""Arrays by the keys of `memory.constant`, initial states and payloads; their bytes are stored as
they are, so an array for a slot with a dim order has its elements in that order."""


def stored_bytes(
    op: Operation,
    value: Attribute,
    weights: Weights,
    diagnostics: list[Diagnostic],
    subject: str,
) -> memoryview | None:
    """The bytes of a weights key or a constant; None, with a diagnostic, where there are none."""
    if isinstance(value, ConstantAttr):
        return memoryview(value.data.data)
    message, advice = f"no bytes in {value}", "give a weights key or an #edge.constant"
    if isinstance(value, StringAttr):
        try:
            array = weights[value.data]
            return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        except (WeightsError, KeyError) as error:
            known = isinstance(error, WeightsError)
            message, advice = str(error) if known else f"there are no weights {value}", ""
    diagnostics.append(Diagnostic.at(op, f"{subject}: {message}", advice))
    return None
