"""The table of what a runtime can run, as data.

    real = f32 i64 …                                  a class of dtypes
    aten::gather.out         real; index: i64         an operator, and what its kernel takes

After the operator of the program format come the dtypes that its tensors may have, all of them the
same one, and then, each after a semicolon, any of

- `index: i64`: the dtypes of the argument `index`, or of the results for `result`;
- `rank <= 4`, `pad >= 0`, `len(dims) >= 1`, `elements >= 1`: bounds of the rank of the first
  tensor, of all numbers in an argument, of their count, and of the elements of the first result;
- `channels-last`: tensors of rank 4 may all have the dim order [0, 2, 3, 1].

Masks are bool and not mentioned. A table lists only what was found to give PyTorch's results.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import Attribute, SSAValue

from ...dialects.layout import order_of
from ...dialects.schema_op import SchemaOp

CHANNELS_LAST = (0, 2, 3, 1)

_MASKS = frozenset({"condition", "mask"})

_RESULT = "result"

_BOUND = re.compile(
    r"(?:(?P<function>len)\((?P<list>\w+)\)|(?P<name>\w+)) (?P<sign>>=|<=) (?P<n>-?\d+)"
)
_SIGNS: Mapping[str, Callable[[int, int], bool]] = {">=": operator.ge, "<=": operator.le}

Tensor = TensorType[Attribute]


class TargetTableError(ValueError):
    """A line of a target's table that cannot be read."""


@dataclass(frozen=True)
class Bound:
    """A bound of what `name` is: an argument, `rank` or `elements`; `counts` is for its length."""

    text: str
    name: str
    counts: bool
    sign: str
    number: int

    def problem(self, op: SchemaOp) -> str | None:
        """How an operation violates the bound; None if it does not."""
        found = self._numbers(op)
        if all(_SIGNS[self.sign](number, self.number) for number in found):
            return None
        return f"with {self.text} only, not {', '.join(map(str, found))}"

    def _numbers(self, op: SchemaOp) -> list[int]:
        if self.name == "rank":
            return [cast(Tensor, op.operand_types[0]).get_num_dims()]
        if self.name == "elements":
            shape = cast(Tensor, op.result_types[0]).get_shape()
            return [] if DYNAMIC_INDEX in shape else [math.prod(shape)]
        value = cast(Any, op.value_of(self.name))
        numbers = cast(list[Any], value if isinstance(value, list) else [value])
        if self.counts:
            return [len(numbers)]
        return [number for number in numbers if isinstance(number, int)]


@dataclass(frozen=True)
class Row:
    """What one kernel takes; `dtypes` are those of all tensors that `named` does not mention."""

    dtypes: frozenset[str]
    channels_last: bool = False
    named: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    bounds: tuple[Bound, ...] = ()

    def problem(self, op: SchemaOp) -> str | None:
        """Why the kernel does not take an operation; None where it does."""
        seen: dict[str, None] = {}
        for name, type in _tensors(op):
            dtype = str(type.element_type)
            allowed = self.named.get(name)
            if allowed is None and name != _RESULT and name not in _MASKS:
                allowed = self.dtypes
                seen[dtype] = None
            if allowed is not None and dtype not in allowed:
                return f"not on {dtype}"
        if len(seen) > 1:
            return f"not on {' and '.join(seen)} together"
        for bound in self.bounds:
            if found := bound.problem(op):
                return found
        return self._order_problem(op)

    def _order_problem(self, op: SchemaOp) -> str | None:
        orders = {order_of(type) for _, type in _tensors(op) if type.get_num_dims() == 4}
        others = [order_of(type) for _, type in _tensors(op) if type.get_num_dims() != 4]
        if any(list(order) != sorted(order) for order in others):
            return "only in the default dim order"
        if orders <= {(0, 1, 2, 3)} or (self.channels_last and orders == {CHANNELS_LAST}):
            return None
        return f"not in the dim orders {', '.join(str(list(order)) for order in sorted(orders))}"


def _tensors(op: SchemaOp) -> Iterator[tuple[str, Tensor]]:
    """The tensors of an operation with the names of their arguments, results as `result`."""
    for argument in op.kept_arguments():
        if not argument.is_tensor:
            continue
        operand = op.operand_of(argument.name)
        values = operand if isinstance(operand, Sequence) else [operand]
        for value in values:
            if isinstance(value, SSAValue):
                yield argument.name, cast(Tensor, value.type)
    for type in op.result_types:
        if isinstance(type, TensorType):
            yield _RESULT, cast(Tensor, type)


@cache
def read_target_table(path: Path) -> Mapping[str, Row]:
    """Read a table once: rows by operator of the program format.

    Raise `TargetTableError`, with file and line, for a malformed line.
    """
    classes: dict[str, frozenset[str]] = {}
    rows: dict[str, Row] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.partition("#")[0].strip()
        try:
            if " = " in text:
                name, _, members = text.partition(" = ")
                classes[name] = _dtypes(members, classes)
            elif text:
                name, _, columns = text.partition(" ")
                rows[name] = parse_row(columns, classes)
        except TargetTableError as error:
            raise TargetTableError(f"{path}:{number}: {error}") from None
    return rows


def parse_row(text: str, classes: Mapping[str, frozenset[str]]) -> Row:
    """The row that the columns after an operator spell, with these classes of dtypes."""
    first, *rest = (column.strip() for column in text.split(";"))
    named: dict[str, frozenset[str]] = {}
    bounds: list[Bound] = []
    channels_last = False
    for column in rest:
        name, colon, dtypes = column.partition(": ")
        if colon:
            named[name] = _dtypes(dtypes, classes)
        elif match := _BOUND.fullmatch(column):
            bounds.append(
                Bound(
                    column,
                    match["list"] or match["name"],
                    match["function"] is not None,
                    match["sign"],
                    int(match["n"]),
                )
            )
        elif column == "channels-last":
            channels_last = True
        else:
            raise TargetTableError(f"unknown column {column!r}")
    return Row(_dtypes(first, classes), channels_last, named, tuple(bounds))


def _dtypes(text: str, classes: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*(classes.get(word, {word}) for word in text.split()))
