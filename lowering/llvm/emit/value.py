"""Values of the emitted text: a name or a literal, with its type."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import ml_dtypes
import numpy as np
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
)
from xdsl.ir import Attribute

from ....dialects.kernel.types import PointerType

_FLOATS: dict[type[Attribute], str] = {
    Float16Type: "half",
    BFloat16Type: "bfloat",
    Float32Type: "float",
    Float64Type: "double",
}
_BITS = {"half": 16, "bfloat": 16, "float": 32, "double": 64, "ptr": 64}
_HALVES = {"half": ("H", np.float16), "bfloat": ("R", ml_dtypes.bfloat16)}
"""How literals of 16 bits begin, and numpy's types of these."""
_INTRINSIC_SUFFIXES = {"half": "f16", "bfloat": "bf16", "float": "f32", "double": "f64"}


@dataclass(frozen=True)
class Value:
    """An SSA name (`%3`) or a literal (`0x3FF0000000000000`), and its type.

    `element` is LLVM's name of the scalar type; with `lanes` of 1 the value is a scalar, else a
    vector. A literal is kept as a scalar and becomes a `splat (…)` where a vector is needed.
    """

    text: str
    element: str
    lanes: int = 1

    @property
    def type(self) -> str:
        """The type in LLVM's text: `float` or `<16 x float>`."""
        return vector_type(self.element, self.lanes)

    @property
    def typed(self) -> str:
        """Type and name, as instructions take their first operand."""
        return f"{self.type} {self.text}"

    @property
    def is_literal(self) -> bool:
        """Whether it is a scalar constant."""
        return self.lanes == 1 and not self.text.startswith("%")

    @property
    def is_float(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return self.element in _INTRINSIC_SUFFIXES

    @property
    def bits(self) -> int:
        """The bits of an element."""
        return element_bits(self.element)


def vector_type(element: str, lanes: int) -> str:
    """LLVM's name of a vector type, or of the scalar for one lane."""
    return f"<{lanes} x {element}>" if lanes > 1 else element


def element_bits(element: str) -> int:
    """The bits of LLVM's scalar type."""
    return _BITS[element] if element in _BITS else int(element[1:])


def intrinsic_suffix(element: str, lanes: int) -> str:
    """How overloaded intrinsics name a type: `v16f32`, `i64`."""
    suffix = _INTRINSIC_SUFFIXES.get(element, element)
    return f"v{lanes}{suffix}" if lanes > 1 else suffix


def element_of(type: Attribute) -> str:
    """LLVM's name of a scalar type of the IR; `index` is i64."""
    if isinstance(type, PointerType):
        return "ptr"
    if isinstance(type, IndexType):
        return "i64"
    if isinstance(type, IntegerType):
        return f"i{type.bitwidth}"
    return _FLOATS[type.__class__]


def memory_element(element: str) -> str:
    """The type in memory: a bool is a byte."""
    return "i8" if element == "i1" else element


def literal(value: float, element: str) -> Value:
    """A constant: floats are written by their bits, so that they are exact."""
    if element == "i1":
        return Value("true" if value else "false", element)
    if element not in _INTRINSIC_SUFFIXES:
        return Value(str(int(value)), element)
    if element in _HALVES:
        prefix, dtype = _HALVES[element]
        with np.errstate(over="ignore"):
            bits = np.asarray(value).astype(dtype).view(np.uint16)
        return Value(f"0x{prefix}{int(bits):04X}", element)
    if element == "float":
        value = _round_to_float(value)
    return Value(f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}", element)


def _round_to_float(value: float) -> float:
    """The nearest f32; what is too large becomes infinite, as in a conversion."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
