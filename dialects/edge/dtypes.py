"""The dtypes that each operator of the edge dialect takes and gives, as `dtypes.txt` lists them.

A line is a signature, and an operator with several lines has alternatives:

    where.self: i1, T, T -> T              where T: any
    index.Tensor: T, index+bool?* -> T     where T: any
    max.dim: T -> T, i64                   where T: real

The tensors stand in the order of the operator's schema, numbers and other arguments left out. Each
is a dtype (`i64`), a class of dtypes (`index`), several of them (`index+bool`) or a variable
(`T`), which is one dtype throughout the line. `?` follows where the tensor may be absent, `*`
where there is a list of them, `?*` where items of the list may be absent. A line `name = a b c`
defines a class by dtypes and earlier classes; everything else on a line after `#` is a comment.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

Dtypes = str | None | Sequence[str | None]
"""What one tensor argument or result has: a dtype's name, None if absent, a list of these."""

TABLE = Path(__file__).parent / "dtypes.txt"

_SLOT = re.compile(r"(?P<names>[\w+<>]+)(?P<optional>\??)(?P<variadic>\*?)")


class DtypeTableError(ValueError):
    """A line of a dtype table that cannot be read."""


@dataclass(frozen=True)
class Slot:
    """One tensor argument or result of a signature.

    `variable` is set where it is a variable of the signature; `allowed` are the dtypes it may
    have. `optional` tells that it, or an item of it, may be absent.
    """

    allowed: frozenset[str]
    variable: str | None = None
    optional: bool = False
    variadic: bool = False


@dataclass(frozen=True)
class Signature:
    """The dtypes of an operator's tensor arguments and tensor results; `text` is the line."""

    operands: tuple[Slot, ...]
    results: tuple[Slot, ...]
    text: str

    def problem(self, operands: Sequence[Dtypes], results: Sequence[Dtypes]) -> str | None:
        """Say how the dtypes violate the signature; None if they do not."""
        bound: dict[str, tuple[str, str]] = {}
        for kind, slots, given in (
            ("operand", self.operands, operands),
            ("result", self.results, results),
        ):
            if len(given) != len(slots):
                return f"{len(given)} tensor {kind}s where {len(slots)} are expected"
            for position, (slot, dtypes) in enumerate(zip(slots, given, strict=True)):
                if found := _slot_problem(slot, dtypes, f"{kind} {position}", bound):
                    return found
        return None


@cache
def signatures(path: Path = TABLE) -> Mapping[str, tuple[Signature, ...]]:
    """Read a dtype table once: the alternatives of each operator by key (`aten::add.Tensor`).

    Raise `DtypeTableError`, with file and line, for a malformed line.
    """
    classes: dict[str, frozenset[str]] = {}
    found: dict[str, tuple[Signature, ...]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = " ".join(line.partition("#")[0].split())
        try:
            if " = " in text:
                name, _, members = text.partition(" = ")
                classes[name] = frozenset[str]().union(
                    *(classes.get(member, (member,)) for member in members.split())
                )
            elif text:
                name, _, signature = text.partition(": ")
                key = name if "::" in name else f"aten::{name}"
                found[key] = (*found.get(key, ()), _parse_signature(signature, text, classes))
        except DtypeTableError as error:
            raise DtypeTableError(f"{path}:{number}: {error}") from None
    return found


def check(op_key: str, operands: Sequence[Dtypes], results: Sequence[Dtypes]) -> str | None:
    """Check the dtypes of an operation's tensors; return what is wrong, or None.

    `op_key` is `aten::add.Tensor`. `operands` and `results` hold an entry for each tensor argument
    and tensor result of the schema, in its order. Operators outside the table pass.
    """
    alternatives = signatures().get(op_key, ())
    problems = [signature.problem(operands, results) for signature in alternatives]
    if not problems or None in problems:
        return None
    listing = "; ".join(signature.text for signature in alternatives)
    return f"{problems[0]} (dtypes of {listing})"


def _slot_problem(
    slot: Slot, dtypes: Dtypes, place: str, bound: dict[str, tuple[str, str]]
) -> str | None:
    if slot.variadic != isinstance(dtypes, list | tuple):
        return f"{place} is {'no' if slot.variadic else 'a'} list"
    for dtype in [dtypes] if dtypes is None or isinstance(dtypes, str) else dtypes:
        if dtype is None:
            if not slot.optional:
                return f"{place} is absent"
        elif dtype not in slot.allowed:
            return f"{place} is {dtype}, expected {_listing(slot.allowed)}"
        elif slot.variable is not None:
            first_dtype, first_place = bound.setdefault(slot.variable, (dtype, place))
            if dtype != first_dtype:
                return f"{place} is {dtype}, but {first_place} is {first_dtype}"
    return None


def _listing(dtypes: Iterable[str]) -> str:
    *most, last = sorted(dtypes)
    return f"{', '.join(most)} or {last}" if most else last


def _union(names: Sequence[str], classes: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The dtypes of some classes and dtypes together; a dtype is what any class mentions."""
    known = frozenset[str]().union(*classes.values())
    found = frozenset[str]()
    for name in names:
        if name not in classes and name not in known:
            raise DtypeTableError(f"{name!r} is no dtype and no class")
        found |= classes.get(name, frozenset({name}))
    return found


def _parse_signature(signature: str, text: str, classes: Mapping[str, frozenset[str]]) -> Signature:
    body, _, where = signature.partition(" where ")
    operands, arrow, results = f" {body} ".partition(" -> ")
    if not arrow:
        raise DtypeTableError(f"not a dtype signature: {text!r}")
    variables: dict[str, frozenset[str]] = {}
    for clause in filter(None, where.split(", ")):
        name, _, names = clause.partition(": ")
        variables[name] = _union(names.split("+"), classes)

    def slots(side: str) -> tuple[Slot, ...]:
        parts = filter(None, side.strip().split(", "))
        return tuple(_parse_slot(part, variables, classes) for part in parts)

    return Signature(slots(operands), slots(results), text)


def _parse_slot(
    text: str,
    variables: Mapping[str, frozenset[str]],
    classes: Mapping[str, frozenset[str]],
) -> Slot:
    match = _SLOT.fullmatch(text)
    if match is None:
        raise DtypeTableError(f"not the dtype of a tensor: {text!r}")
    names = match["names"]
    is_variable = names in variables
    return Slot(
        variables[names] if is_variable else _union(names.split("+"), classes),
        names if is_variable else None,
        bool(match["optional"]),
        bool(match["variadic"]),
    )
