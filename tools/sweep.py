"""Runs of a method over its shapes: `edge-run --shapes min,mid,max`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..runtime.dtypes import BY_NAME
from ..runtime.method_info import MethodInfo, TensorInfo
from .failure import ToolError
from .inputs import random_array

_POINTS = ("min", "mid", "max")


@dataclass(frozen=True)
class Point:
    """One run: the values of the symbols, and inputs of these sizes."""

    name: str
    sizes: Mapping[str, int]
    inputs: Sequence[Any]

    def __str__(self) -> str:
        shapes = ", ".join(map(_shape_text, self.inputs))
        return " ".join((f"{self.name}:", *(f"{s}={n}" for s, n in self.sizes.items()), shapes))


def sweep_points(method: MethodInfo, shapes: str) -> list[Point]:
    """The runs that `shapes` asks for: `min`, `mid`, `max` of every symbol's range, or a number.

    A number is what every symbol is, as far as its range allows it. A method without dynamic sizes
    has one run. Inputs are random, of a fixed seed. Raises ToolError for what cannot be chosen.
    """
    names = [name.strip() for name in shapes.split(",") if name.strip()]
    if not names:
        raise ToolError("--shapes: name some, min,mid,max")
    for name in names:
        if name not in _POINTS and not name.isdecimal():
            raise ToolError(f"--shapes: {name!r} is none of {', '.join(_POINTS)} or a number")
    if method.input_sizes is None:
        if any(info.dynamic for info in method.inputs):
            raise ToolError(
                f"method {method.name!r} does not say how its sizes depend on each other (it is "
                "not from edgeir); give inputs with --input"
            )
        names = ["static"]
    return [_point(method, name) for name in dict.fromkeys(names)]


def _point(method: MethodInfo, name: str) -> Point:
    known = method.input_sizes
    sizes: dict[str, int] = {}
    if known is not None:
        sizes = known.values(lambda symbol, low, high: _choose(name, symbol, low, high))
    inputs: list[Any] = []
    for index, info in enumerate(method.inputs):
        shape = None if known is None else known.shape(index, sizes)
        inputs.append(shape if isinstance(shape, int) else _input(info, shape, index))
    return Point(name, sizes, inputs)


def _choose(point: str, symbol: str, low: int, high: int | None) -> int:
    low = max(low, 0)
    if point == "min":
        return low
    if point.isdecimal():
        number = max(low, int(point))
        return number if high is None else min(number, high)
    if high is None:
        raise ToolError(f"--shapes {point}: size {symbol} has no upper bound; give a number")
    return high if point == "max" else (low + high) // 2


def _input(info: TensorInfo, shape: Sequence[int] | None, seed: int) -> Any:
    if not info.is_tensor:
        default = {"int": 1, "float": 1.0, "bool": True, "str": ""}.get(info.scalar_type)
        return default if info.value is None else info.value
    scalar = BY_NAME.get(info.scalar_type)
    if scalar is None:
        raise ToolError(f"input {info.name!r} is of {info.scalar_type}; give it with --input")
    return random_array(info.shape if shape is None else shape, scalar, seed)


def _shape_text(value: Any) -> str:
    return f"{list(value.shape)}" if hasattr(value, "shape") else repr(value)
