"""Inputs of `edge-run` as they are written on the command line.

`1x3x224x224xf32=random:0` (seeded), `4xi64=0` (all the same), `3xf32=1,2,3` (row-major),
`@x.npy`, and Python numbers `5:i64`, `0.5:f64`, `true:i1`; each may start with `NAME=`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..runtime.dtypes import BY_NAME, ScalarType
from ..runtime.method_info import MethodInfo, TensorInfo
from .array_file import read_array
from .failure import ToolError

_TENSOR = re.compile(r"(?P<dims>(\d+x)*)(?P<type>[a-zA-Z]\w*(<\w+>)?)=(?P<values>.*)", re.DOTALL)
_NUMBER = re.compile(r"(?P<value>[^:=]+):(?P<type>i64|f64|i1)")
_BOOLS = {"true": True, "false": False, "1": True, "0": False}


def bind_inputs(method: MethodInfo, specs: Sequence[str]) -> list[Any]:
    """The inputs of a method, in order, from their specs by name or by position.

    Raises ToolError for a spec that cannot be read, and for inputs missing or left over.
    """
    named: dict[str, Any] = {}
    positional: list[Any] = []
    names = [info.name for info in method.inputs]
    for spec in specs:
        name, _, rest = spec.partition("=")
        if name in names:
            if name in named:
                raise ToolError(f"--input {name} is given twice")
            named[name] = parse_value(rest)
        else:
            positional.append(parse_value(spec))
    free = [name for name in names if name not in named]
    if len(positional) != len(free):
        raise ToolError(_wrong_count(method, len(positional) + len(named)))
    values = named | dict(zip(free, positional, strict=True))
    return [_as_wanted(values[info.name], info) for info in method.inputs]


def parse_value(spec: str) -> Any:
    """The array, or Python number, of a spec without a name; ToolError where it is none."""
    if spec.startswith("@"):
        return read_array(spec[1:])
    if match := _TENSOR.fullmatch(spec):
        scalar = BY_NAME.get(match["type"])
        if scalar is None:
            raise ToolError(
                f"{spec}: no type and no input is called {match['type']!r}; "
                f"types are {', '.join(BY_NAME)}"
            )
        return _tensor(spec, match["dims"].split("x")[:-1], scalar, match["values"])
    if match := _NUMBER.fullmatch(spec):
        return _number(spec, match["type"], match["value"])
    raise ToolError(
        f"cannot read the value {spec!r}; write 1x3xf32=random:0, 1x3xf32=0, 3xf32=1,2,3, "
        "@file.npy, or 5:i64 for a Python number, with NAME= before it to name it"
    )


def random_array(shape: Sequence[int], scalar: ScalarType, seed: int) -> NDArray[Any]:
    """A random array: normally distributed, or 0, 1 and 2 for integers, which index anything.

    Raises ToolError where there is no memory for it.
    """
    try:
        return _random_array(shape, scalar, seed)
    except (ValueError, MemoryError) as error:
        raise ToolError(f"an input of shape {list(shape)}: {error}") from None


def _random_array(shape: Sequence[int], scalar: ScalarType, seed: int) -> NDArray[Any]:
    generator = np.random.default_rng(seed)
    match scalar.dtype.kind:
        case "b":
            return generator.integers(0, 2, shape).astype(np.bool_)
        case "i" | "u":
            return generator.integers(0, 3, shape).astype(scalar.dtype)
        case "c":
            values = generator.standard_normal(shape) + 1j * generator.standard_normal(shape)
            return values.astype(scalar.dtype)
        case _:
            return generator.standard_normal(shape).astype(scalar.dtype)


def _tensor(spec: str, sizes: list[str], scalar: ScalarType, values: str) -> NDArray[Any]:
    try:
        shape = list(map(int, sizes))
    except ValueError as error:
        raise ToolError(f"{spec[:40]}…: {error}") from None
    if match := re.fullmatch(r"random(?::(\d+))?", values):
        return random_array(shape, scalar, int(match[1] or 0))
    items = [item for item in re.split(r"[\s,\[\]]+", values) if item]
    if len(items) not in (1, prod(shape)):
        raise ToolError(f"{spec}: {len(items)} values for {prod(shape)} elements")
    try:
        numbers = [_parse(item, scalar.dtype.kind) for item in items]
        array = np.array(numbers, scalar.dtype)
    except (ValueError, KeyError, OverflowError) as error:
        raise ToolError(f"{spec}: values that are not {scalar.name}: {error}") from None
    try:
        return np.broadcast_to(array[0], shape).copy() if len(items) == 1 else array.reshape(shape)
    except (ValueError, MemoryError) as error:
        raise ToolError(f"{spec}: {error}") from None


def _parse(text: str, kind: str) -> Any:
    match kind:
        case "b":
            return _BOOLS[text.lower()]
        case "i" | "u":
            return int(text, 0)
        case "c":
            return complex(text)
        case _:
            return float(text)


def _number(spec: str, type: str, text: str) -> int | float | bool:
    try:
        return _parse(text, {"i64": "i", "f64": "f", "i1": "b"}[type])
    except (ValueError, KeyError):
        raise ToolError(f"{spec}: {text!r} is not {type}") from None


def _as_wanted(value: Any, info: TensorInfo) -> Any:
    """numpy stores the dtypes it does not know (bf16) as bare bytes."""
    if not isinstance(value, np.ndarray):
        return value
    array = cast(NDArray[Any], value)
    if array.dtype.kind == "V" and info.dtype and array.dtype.itemsize == info.dtype.itemsize:
        return array.view(info.dtype)
    return array


def _wrong_count(method: MethodInfo, given: int) -> str:
    count = len(method.inputs)
    plural = "input" if count == 1 else "inputs"
    lines = [f"method {method.name!r} takes {count} {plural}, got {given}:"]
    lines += [f"  --input {describe_input(info)}" for info in method.inputs]
    return "\n".join(lines)


def describe_input(info: TensorInfo) -> str:
    """A spec that fits an input: `x=1x3xf32=random:0`; dynamic sizes are the largest ones."""
    if not info.is_tensor:
        number = {"int": "0:i64", "float": "0.0:f64", "bool": "false:i1"}
        return f"{info.name}={number.get(info.scalar_type, info.scalar_type)}"
    shape = "".join(f"{size}x" for size in info.shape)
    note = "  (sizes up to these)" if info.dynamic else ""
    return f"{info.name}={shape}{info.scalar_type}=random:0{note}"
