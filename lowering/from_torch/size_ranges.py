"""The ranges of symbolic sizes: what torch knows of them, and what it does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch.export import ExportedProgram
from torch.fx import Node
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    IntegerAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute

from ...dialects.layout import dims_of
from .types import SymbolNames

_TORCH_LEAST = 2
"""What torch takes a size to be at least while it captures, whatever its user allows."""

_UNBOUNDED = 2**62
"""Bounds from here on are torch's way to say that a size has none."""

_COPIES = frozenset({"aten.lift_fresh_copy.default", "aten.clone.default", "aten._to_copy.default"})
"""Operators whose result has the values of their operand."""


class SizeRanges:
    """The ranges of the symbols of one function.

    `constant` gives the tensor of a node that is known at compile time, else None.
    """

    def __init__(
        self,
        program: ExportedProgram,
        symbols: SymbolNames,
        constant: Callable[[Node], torch.Tensor | None],
    ) -> None:
        self._program = program
        self._symbols = symbols
        self._constant = constant
        self._limits: dict[str, int] = {}

    def attribute(self) -> DictionaryAttr:
        """The ranges of all symbols that have names by now."""
        ranges: dict[str, Attribute] = {}
        found = cast(dict[Any, Any], self._program.range_constraints)
        constraints = {str(symbol): bounds for symbol, bounds in found.items()}
        derived = self._derived_least(found)
        for torch_name, name in list(self._symbols.names.items()):
            if name.startswith("f"):
                continue
            bounds = constraints.get(torch_name)
            low = _least(bounds)
            high = bounds.upper if bounds is not None else None
            low = derived.get(name, low) if low == _TORCH_LEAST else low
            items: list[Attribute] = [IntegerAttr(int(low), i64)]
            if name in self._limits:
                items.append(IntegerAttr(max(self._limits[name], int(low)), i64))
            elif high is not None and high.is_Integer and high < _UNBOUNDED:
                items.append(IntegerAttr(int(high), i64))
            ranges[name] = ArrayAttr(items)
        return DictionaryAttr(ranges)

    def limit(self, key: str, node: Node, type: Attribute) -> None:
        """Note what a result's size is at most: all elements that can be selected.

        Torch's own bound ignores broadcasting.
        """
        if key in ("aten::_unique2", "aten::unique_dim", "aten::unique_consecutive"):
            self._limit_distinct(key, node, type)
        if key == "aten::repeat_interleave.Tensor":
            self._limit_repeats(node, type)
        if key not in ("aten::nonzero", "aten::masked_select"):
            return
        shapes = [cast(Node, argument).meta["val"].shape for argument in node.args]
        shape = cast("tuple[Any, ...]", cast(Any, torch).broadcast_shapes(*shapes))
        linear = dims_of(cast(TensorType[Attribute], type))[0].linear()
        if linear is not None and all(isinstance(size, int) for size in shape):
            self._limits[linear[0]] = math.prod(shape)

    def _limit_repeats(self, node: Node, type: Attribute) -> None:
        """Numbers of repetitions that are constant say how many there are in all."""
        source = cast(Node, node.args[0])
        while str(source.target) in _COPIES:
            source = cast(Node, source.args[0])
        linear = dims_of(cast(TensorType[Attribute], type))[0].linear()
        repeats = self._constant(source)
        if repeats is not None and linear is not None:
            self._limits[linear[0]] = int(repeats.sum())

    def _limit_distinct(self, key: str, node: Node, type: Attribute) -> None:
        """There are at most as many distinct elements, or slices, as all."""
        shape = cast("tuple[Any, ...]", cast(Node, node.args[0]).meta["val"].shape)
        position = 3 if key == "aten::unique_consecutive" else 1
        dim = node.kwargs.get("dim", node.args[position] if len(node.args) > position else None)
        if key == "aten::_unique2" or dim is None:
            count: Any = math.prod(shape)
        else:
            count = shape[cast(int, dim)]
        sizes = dims_of(cast(TensorType[Attribute], type))
        for linear in (size.linear() for size in sizes):
            if linear is not None and isinstance(count, int):
                self._limits.setdefault(linear[0], count)

    def _derived_least(self, constraints: dict[Any, Any]) -> dict[str, int]:
        """The least value of symbols that torch has bounds for as parts of sizes, `2 * s0`."""
        least: dict[str, int] = {}
        for size, bounds in constraints.items():
            if not size.is_Symbol and bounds.lower.is_Integer:
                linear = self._symbols.expr(size).linear()
                if linear is not None and linear[1] > 0:
                    symbol, factor, offset = linear
                    least[symbol] = max(0, -(-(int(bounds.lower) - offset) // factor))
        return least


def _least(bounds: Any) -> int:
    """The lower bound of a symbol; only a number out of a tensor may be negative."""
    if bounds is None or bounds.lower.is_Integer:
        return 0 if bounds is None else int(bounds.lower)
    return -_UNBOUNDED
