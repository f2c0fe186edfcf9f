"""What a reduction begins with."""

from __future__ import annotations

from math import inf

from .value import Value, element_bits, literal

_FLOATS = {"add": 0.0, "mul": 1.0, "max": -inf, "min": inf}


def identity(combination: str, element: str) -> Value:
    """The value that changes nothing when it is combined with another."""
    if element in ("half", "bfloat", "float", "double") or combination in ("add", "mul"):
        return literal(_FLOATS[combination], element)
    if element == "i1":
        return literal(combination == "min", element)
    bits = element_bits(element)
    return literal(-(1 << bits - 1) if combination == "max" else (1 << bits - 1) - 1, element)
