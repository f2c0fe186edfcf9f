"""The sizes that a method's inputs may have: symbols with ranges, and what dimensions have of them.

A program carries them as one more entry, `edgeir.sizes`, of the JSON structure of a method's
inputs, which other runtimes do not read:

    {"symbols": {"s0": [2, 64], "s1": [1]}, "inputs": [["s0", 4], [["s0", 2, 1], "s1"], null]}

An input is null where all is static, a list with a size for each dimension, or `{"number": size}`
for an integer that is one. A size is a number, a symbol, `[symbol, a, b]` for `a * symbol + b`, or
an operation `[operator, left, right]` on sizes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from .errors import InputError

ENTRY = "edgeir.sizes"
"""The entry of the root node of the structure."""

OPERATORS: Mapping[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "min": min,
    "max": max,
}

Size: TypeAlias = "int | Linear | Operation"


@dataclass(frozen=True)
class Linear:
    """`factor * symbol + offset`."""

    symbol: str
    factor: int = 1
    offset: int = 0

    def __str__(self) -> str:
        product = self.symbol if self.factor == 1 else f"{self.factor} * {self.symbol}"
        return f"{product} {'+-'[self.offset < 0]} {abs(self.offset)}" if self.offset else product


@dataclass(frozen=True)
class Operation:
    """An operation on two sizes."""

    operator: str
    left: Size
    right: Size

    def __str__(self) -> str:
        if self.operator in ("min", "max"):
            return f"{self.operator}({self.left}, {self.right})"
        return f"({self.left} {self.operator} {self.right})"


@dataclass(frozen=True)
class Dimension:
    """A size of an input, or the number itself where `dim` is None."""

    input: str
    dim: int | None
    size: int

    def __str__(self) -> str:
        name = f"input {self.input!r}"
        return name if self.dim is None else f"dimension {self.dim} of {name}"


@dataclass(frozen=True)
class InputSizes:
    """What the sizes of inputs must be; `ranges` include their bounds, None is no upper one."""

    ranges: Mapping[str, tuple[int, int | None]]
    inputs: tuple[Size | tuple[Size, ...] | None, ...]

    def check(self, names: Sequence[str], values: Sequence[Sequence[int] | int | None]) -> None:
        """Check the shapes of tensors (numbers themselves) of all inputs, None for the others.

        Raises InputError that names the input and the dimension.
        """
        known: dict[str, tuple[int, Dimension]] = {}
        sizes = list(self._sizes(names, values))
        # A dimension that is a symbol says most clearly what the symbol is.
        for size, found in sorted(sizes, key=_directness):
            if isinstance(size, Linear):
                self._bind(size, found, known)
        for size, found in sizes:
            if not isinstance(size, Operation) or not symbols(size) <= known.keys():
                continue
            wanted = evaluate(size, {name: value for name, (value, _) in known.items()})
            if wanted != found.size:
                sources = ", ".join(str(known[name][1]) for name in sorted(symbols(size)))
                raise _error(found, f"must be {wanted}, which follows from {sources}")

    def values(self, choose: Callable[[str, int, int | None], int]) -> dict[str, int]:
        """A value for each symbol of the inputs, from `choose(symbol, low, high)`."""
        named = {s for entry in self.inputs for size in _as_tuple(entry) for s in symbols(size)}
        return {
            name: choose(name, *bounds) for name, bounds in self.ranges.items() if name in named
        }

    def shape(self, index: int, values: Mapping[str, int]) -> list[int] | int | None:
        """The shape, or the number, of input `index` for the given values of the symbols."""
        sizes = self.inputs[index]
        if sizes is None:
            return None
        if isinstance(sizes, tuple):
            return [evaluate(size, values) for size in sizes]
        return evaluate(sizes, values)

    def _sizes(
        self, names: Sequence[str], values: Sequence[Sequence[int] | int | None]
    ) -> Iterator[tuple[Size, Dimension]]:
        for name, sizes, value in zip(names, self.inputs, values, strict=True):
            if isinstance(sizes, tuple) and isinstance(value, Sequence):
                for dim, (size, given) in enumerate(zip(sizes, value, strict=True)):
                    yield size, Dimension(name, dim, given)
            elif isinstance(value, int) and sizes is not None and not isinstance(sizes, tuple):
                yield sizes, Dimension(name, None, value)

    def _bind(
        self, size: Linear, found: Dimension, known: dict[str, tuple[int, Dimension]]
    ) -> None:
        value, rest = divmod(found.size - size.offset, size.factor)
        low, high = self.ranges.get(size.symbol, (0, None))
        if size.symbol in known:
            expected, source = known[size.symbol]
            wanted = size.factor * expected + size.offset
            if wanted != found.size:
                why = f"as {source} is" if size == Linear(size.symbol) else f"because of {source}"
                raise _error(found, f"must be {wanted}, {why}")
        elif rest or value < low or (high is not None and value > high):
            raise _error(found, f"must be {_range(size, low, high)}")
        known.setdefault(size.symbol, (value, found))


def parse_input_sizes(structure: str, count: int) -> InputSizes | None:
    """The sizes that the structure of `count` inputs carries; None if it has none."""
    try:
        _, root = json.loads(structure)
        entry = root[ENTRY]
        ranges = {name: _bounds(bounds) for name, bounds in entry["symbols"].items()}
        inputs = tuple(_input(sizes) for sizes in entry["inputs"])
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None
    return InputSizes(ranges, inputs) if len(inputs) == count else None


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """The number that a size is for the given values of its symbols."""
    match size:
        case Linear(symbol, factor, offset):
            return factor * values[symbol] + offset
        case Operation(operator, left, right):
            a, b = evaluate(left, values), evaluate(right, values)
            return 0 if operator in ("//", "%") and b == 0 else OPERATORS[operator](a, b)
        case _:
            return size


def symbols(size: Size) -> set[str]:
    """The symbols in a size."""
    match size:
        case Linear(symbol):
            return {symbol}
        case Operation(_, left, right):
            return symbols(left) | symbols(right)
        case _:
            return set()


def _as_tuple(entry: Size | tuple[Size, ...] | None) -> tuple[Size, ...]:
    if entry is None:
        return ()
    return entry if isinstance(entry, tuple) else (entry,)


def _directness(entry: tuple[Size, Dimension]) -> bool:
    return not isinstance(entry[0], Linear) or entry[0] != Linear(entry[0].symbol)


def _range(size: Linear, low: int, high: int | None) -> str:
    """`from 4 to 64`, and what multiples of it."""
    first = size.factor * low + size.offset
    limits = f"at least {first}"
    if high is not None:
        last = size.factor * high + size.offset
        limits = f"{first}" if first == last else f"from {first} to {last}"
    if size.factor == 1:
        return limits
    kind = f"a multiple of {size.factor}"
    return f"{kind}{f' plus {size.offset}' if size.offset else ''}, {limits}"


def _error(found: Dimension, wanted: str) -> InputError:
    if found.dim is None:
        return InputError(f"input {found.input!r} is {found.size}; it {wanted}")
    return InputError(f"input {found.input!r}: dimension {found.dim} is {found.size}; it {wanted}")


def _bounds(bounds: Sequence[Any]) -> tuple[int, int | None]:
    return int(bounds[0]), int(bounds[1]) if len(bounds) > 1 else None


def _input(entry: Any) -> Size | tuple[Size, ...] | None:
    if entry is None:
        return None
    if isinstance(entry, list):
        return tuple(_size(size) for size in cast(list[Any], entry))
    return _size(entry["number"])


def _size(entry: Any) -> Size:
    if isinstance(entry, int):
        return entry
    if isinstance(entry, str):
        return Linear(entry)
    head, left, right = entry
    if head in OPERATORS:
        return Operation(head, _size(left), _size(right))
    factor, offset = int(left), int(right)
    if not isinstance(head, str) or factor < 1:
        raise ValueError("not a size")
    return Linear(head, factor, offset)
