"""Operator schemas: the text form of PyTorch's `FunctionSchema` and the tables written in it.

A table is a text file with one operator a line, `#` comments and blank lines:

    aten::exp(Tensor self) -> Tensor | out=exp.out overwrites=self promote=float

Left of ` | ` stands the schema as PyTorch prints it; right of it, separated by spaces, any of

- `out=NAME`: the operator of the program format, which takes `Schema.out_arguments` and then the
  results (its namespace is that of the schema unless given).
- `own`: `out` is a name of ours, because PyTorch has no out variant.
- `overwrites=a,b`: the operands, each of which the kernel may overwrite with its first result
  when shape, dtype and layout agree.
- `promote=KIND`: how operands of several dtypes are computed, one of `PROMOTIONS`.
- `composite`: the operator is kept whole, and a decomposition into others exists.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import cast

Default = None | bool | int | float | str | tuple["Default", ...]
"""A default value: lists are tuples; names such as `contiguous_format` are strings."""

PROMOTIONS = ("arithmetic", "float", "compare")
"""The kinds of `promote=`.

`arithmetic`: computed and returned in the promoted dtype of all tensors and numbers.
`float`: the same, but integers and bool become the default float, f32.
`compare`: operands are promoted against each other, the result is bool.
"""

_TENSOR_OPTIONS = ("dtype", "layout", "device", "pin_memory")

NOT_PROMOTED = frozenset({"alpha", "beta", "condition", "mask"})
"""Arguments that no promotion reads: factors, which take the type of the result, and the bools by
which a choice is made."""

_ARGUMENT = re.compile(
    r"(?P<base>\w+)"
    r"(?:\((?P<alias>[a-z|]+)(?P<write>!)?(?: -> [a-z*|]+)?\))?"
    r"(?P<item_optional>\?(?=\[))?"
    r"(?P<list>\[(?P<size>\d*)\])?"
    r"(?P<optional>\?)?"
    r"(?: (?P<name>\w+)(?:=(?P<default>.+))?)?"
)
_SCHEMA = re.compile(
    r"(?P<namespace>\w+)::(?P<name>\w+)(?:\.(?P<overload>\w+))?"
    r"\((?P<arguments>.*)\) -> (?P<results>.+)"
)


class SchemaError(ValueError):
    """A schema or a table line that cannot be read; the message says which and why."""


@dataclass(frozen=True)
class Argument:
    """An argument or a result of a schema, for instance `Tensor?[] indices` or `int[2] padding=0`.

    `base` is the type without its decorations (`Tensor`, `SymInt`, `Scalar`, `bool`, `str`, …).
    `list_size` is the 2 of `int[2]`, where one number stands for a list of that many.
    `default` means something only where `has_default`. `alias` is the alias set of a view
    (`"a"` of `Tensor(a)`), and `writes` tells that the memory is written (`Tensor(a!)`).
    `name` is empty for unnamed results.
    """

    name: str
    base: str
    optional: bool = False
    is_list: bool = False
    item_optional: bool = False
    list_size: int | None = None
    has_default: bool = False
    default: Default = None
    keyword_only: bool = False
    alias: str | None = None
    writes: bool = False

    @property
    def is_tensor(self) -> bool:
        """Whether it holds tensors: one, an optional one or a list of them."""
        return self.base == "Tensor"


@dataclass(frozen=True)
class Schema:
    """An operator's signature; `text` is the line that it was read from."""

    namespace: str
    name: str
    overload: str
    arguments: tuple[Argument, ...]
    results: tuple[Argument, ...]
    text: str

    @property
    def op_name(self) -> str:
        """The name without its namespace, `add.Tensor`."""
        return f"{self.name}.{self.overload}" if self.overload else self.name

    @property
    def key(self) -> str:
        """The full name, `aten::add.Tensor`."""
        return f"{self.namespace}::{self.op_name}"

    @property
    def class_name(self) -> str:
        """The name of the operation's Python class, `AddTensorOp`; `_softmax` is `_SoftmaxOp`."""
        words = [word for word in re.split(r"[._]", self.op_name) if word]
        prefix = "_" if self.name.startswith("_") else ""
        return prefix + "".join(word[0].upper() + word[1:] for word in words) + "Op"

    @cached_property
    def out_arguments(self) -> tuple[Argument, ...]:
        """The arguments that the out variant takes before its outs.

        They are all arguments, but for factories: the out tensor itself carries their tensor
        options (`dtype`, `layout`, `device`, `pin_memory`).
        """
        if not any(argument.name == "layout" for argument in self.arguments):
            return self.arguments
        return tuple(a for a in self.arguments if a.name not in _TENSOR_OPTIONS)


@dataclass(frozen=True)
class OpEntry:
    """A line of a table: a schema and what the compiler knows of the operator besides.

    `out` is the full name in the program format (`aten::add.out`), None where it has none.
    The other fields are those of the module's docstring.
    """

    schema: Schema
    out: str | None = None
    own: bool = False
    overwrites: tuple[str, ...] = ()
    promotion: str | None = None
    composite: bool = False

    @cached_property
    def promoted(self) -> tuple[Argument, ...]:
        """The tensor and number arguments whose types are promoted against each other."""
        if self.promotion is None:
            return ()
        return tuple(
            argument
            for argument in self.schema.arguments
            if argument.base in ("Tensor", "Scalar") and argument.name not in NOT_PROMOTED
        )


def parse_schema(text: str) -> Schema:
    """Read a schema as PyTorch prints it; raise `SchemaError` if it is not one."""
    match = _SCHEMA.fullmatch(text)
    if match is None:
        raise SchemaError(f"not an operator schema: {text!r}")
    arguments: list[Argument] = []
    keyword_only = False
    for part in _split(match["arguments"]):
        if part == "*":
            keyword_only = True
        else:
            arguments.append(_parse_argument(part, keyword_only))
    results = match["results"]
    if results.startswith("("):
        results = results[1:-1]
    return Schema(
        match["namespace"],
        match["name"],
        match["overload"] or "",
        tuple(arguments),
        tuple(_parse_argument(part) for part in _split(results)),
        text,
    )


def parse_entry(line: str) -> OpEntry:
    """Read a table line; raise `SchemaError` if it is malformed."""
    text, _, words = line.partition(" | ")
    schema = parse_schema(text.strip())
    entry = OpEntry(schema)
    for word in words.split():
        name, _, value = word.partition("=")
        match name:
            case "out" if value:
                out = value if "::" in value else f"{schema.namespace}::{value}"
                entry = replace(entry, out=out)
            case "overwrites" if value:
                operands = tuple(value.split(","))
                tensors = {argument.name for argument in schema.arguments if argument.is_tensor}
                if not tensors.issuperset(operands):
                    raise SchemaError(f"{schema.key}: not tensor arguments: {value}")
                entry = replace(entry, overwrites=operands)
            case "promote" if value in PROMOTIONS:
                entry = replace(entry, promotion=value)
            case "own" if word == name:
                entry = replace(entry, own=True)
            case "composite" if word == name:
                entry = replace(entry, composite=True)
            case _:
                raise SchemaError(f"{schema.key}: unknown column {word!r}")
    return entry


@cache
def read_table(path: Path) -> Mapping[str, OpEntry]:
    """Read a table once: its entries by key (`aten::add.Tensor`), in the order of the file.

    Raise `SchemaError`, with file and line, for a malformed or repeated line.
    """
    entries: dict[str, OpEntry] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            entry = parse_entry(line)
        except SchemaError as error:
            raise SchemaError(f"{path}:{number}: {error}") from None
        if entry.schema.key in entries:
            raise SchemaError(f"{path}:{number}: {entry.schema.key} is there already")
        entries[entry.schema.key] = entry
    return MappingProxyType(entries)


def _split(text: str) -> Iterator[str]:
    """Split at commas outside brackets and strings."""
    depth, quoted, start = 0, False, 0
    for position, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    if last := text[start:].strip():
        yield last


def _parse_argument(text: str, keyword_only: bool = False) -> Argument:
    match = _ARGUMENT.fullmatch(text)
    if match is None:
        raise SchemaError(f"not an argument of a schema: {text!r}")
    size = int(match["size"]) if match["size"] else None
    default = None if match["default"] is None else _parse_default(match["default"])
    if size is not None and isinstance(default, bool | int | float):
        default = (default,) * size
    return Argument(
        name=match["name"] or "",
        base=match["base"],
        optional=match["optional"] is not None,
        is_list=match["list"] is not None,
        item_optional=match["item_optional"] is not None,
        list_size=size,
        has_default=match["default"] is not None,
        default=default,
        keyword_only=keyword_only,
        alias=match["alias"],
        writes=match["write"] is not None,
    )


def _parse_default(text: str) -> Default:
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text  # A name, such as contiguous_format.
    return tuple(cast(list[Default], value)) if isinstance(value, list) else value
