"""Locations: the module path and source line of the user's model on every operation.

An operation carries `loc("features.0.conv"("model.py":12:0))`, a fusion
`loc(fused["a"(…), "b"(…)])`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import (
    UNKNOWN_LOC,
    ArrayAttr,
    FileLineColLoc,
    FusedLoc,
    IntAttr,
    LocationAttr,
    NameLoc,
    NoneAttr,
    StringAttr,
    UnknownLoc,
)
from xdsl.ir import Attribute, Operation


@dataclass(frozen=True)
class Place:
    """A location as a message names it: module "features.0.conv", file_line "model.py:12"."""

    module: str = ""
    file_line: str = ""

    def __str__(self) -> str:
        return " in ".join(filter(None, (self.file_line, self.module))) or "unknown location"


def make_location(module: str, file: str, line: int) -> LocationAttr:
    """The location of a line of source, called from the given module path; either may be empty."""
    source = FileLineColLoc(StringAttr(file), IntAttr(line), IntAttr(0)) if file else None
    if module:
        return NameLoc(StringAttr(module), source or NoneAttr())
    return source or UNKNOWN_LOC


def is_known(location: Attribute) -> bool:
    """Whether a location says anything."""
    return not isinstance(location, UnknownLoc)


def fuse_locations(ops: Iterable[Operation]) -> LocationAttr:
    """The location of an operation that replaces several."""
    parts: list[Attribute] = []
    for op in ops:
        for part in _parts(op.location):
            if is_known(part) and part not in parts:
                parts.append(part)
    if len(parts) <= 1:
        return cast(LocationAttr, parts[0]) if parts else UNKNOWN_LOC
    return FusedLoc(tuple(parts), NoneAttr())


def place_of(location: LocationAttr) -> Place:
    """The first module path and source line that a location names."""
    module = file_line = ""
    for part in _parts(location):
        while isinstance(part, NameLoc):
            module = module or part.desc.data
            part = part.location
        if isinstance(part, FileLineColLoc) and not file_line:
            file_line = f"{part.filename.data}:{part.line.data}"
    return Place(module, file_line)


def _parts(location: Attribute) -> Iterator[Attribute]:
    if isinstance(location, FusedLoc):
        for part in cast(ArrayAttr[Attribute], location.locations):
            yield from _parts(part)
    else:
        yield location
