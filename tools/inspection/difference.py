"""What differs between two programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from ...runtime.errors import printable
from ...runtime.program.program_file import ProgramFile
from .report import Delegate, Method, Report, StoredTensor
from .text import argument_type, table


@dataclass(frozen=True)
class Change:
    """One thing that differs; `old` or `new` is None where one program does not have it."""

    what: str
    name: str
    old: int | str | None
    new: int | str | None


@dataclass(frozen=True)
class Program:
    """A program to compare: its tables with the data, and their description."""

    file: ProgramFile
    report: Report


def compare_programs(old: Program, new: Program) -> list[Change]:
    """What differs in sizes, methods, operators, arenas, delegates and stored data.

    Stored tensors are the same where their bytes are; those that differ and have the same first
    use, dtype and shape count as one with other values.
    """
    changes = _entries("file", _file_sizes(old.report), _file_sizes(new.report))
    for method in dict.fromkeys([*_methods(old), *_methods(new)]):
        before, after = _methods(old).get(method), _methods(new).get(method)
        if before is None or after is None:
            present = ("absent", "present")
            changes.append(
                Change("method", method, present[before is not None], present[after is not None])
            )
        elif before != after:
            changes += _method_changes(before, after)
    changes += _entries("delegate", _delegates(old.report), _delegates(new.report))
    changes += _stored_changes(old, new)
    for what, field in (
        ("bytes by module", "by_module"),
        ("bytes by operator", "by_operator"),
        ("bytes by dtype", "by_dtype"),
    ):
        changes += _entries(what, getattr(old.report, field), getattr(new.report, field))
    return changes


def difference_data(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """The changes as what JSON has."""
    return [asdict(change) for change in changes]


def difference_text(changes: Iterable[Change]) -> str:
    """The changes as text, a line each; nothing for programs that do not differ."""
    by_kind: dict[str, list[Change]] = {}
    for change in changes:
        by_kind.setdefault(change.what, []).append(change)
    lines: list[str] = []
    for kind, members in by_kind.items():
        rows = [
            (c.name or "(unknown)", _value(c.old), "->", _value(c.new), _by(c)) for c in members
        ]
        lines += [printable(kind), *(f"  {line}" for line in table(rows, right=[1, 3, 4]))]
    return "".join(f"{line}\n" for line in lines)


def _value(value: int | str | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,}"


def _by(change: Change) -> str:
    if isinstance(change.old, int) and isinstance(change.new, int):
        return f"{change.new - change.old:+,}"
    return ""


def _entries(what: str, old: Mapping[str, int | str], new: Mapping[str, int | str]) -> list[Change]:
    """The entries that differ, in the order of the old program."""
    names = dict.fromkeys([*old, *new])
    changes = (Change(what, name, old.get(name), new.get(name)) for name in names)
    return [change for change in changes if change.old != change.new]


def _methods(program: Program) -> dict[str, Method]:
    return {method.name: method for method in program.report.methods}


def _method_changes(old: Method, new: Method) -> list[Change]:
    parts: list[tuple[str, Callable[[Method], Mapping[str, int | str]]]] = [
        ("inputs", lambda method: {a.name: argument_type(a) for a in method.inputs}),
        ("outputs", lambda method: {a.name: argument_type(a) for a in method.outputs}),
        ("operators", lambda method: method.operators),
        ("arenas", _arenas),
    ]
    changes: list[Change] = []
    for what, part in parts:
        changes += _entries(f"method {new.name}: {what}", part(old), part(new))
    return changes


def _arenas(method: Method) -> dict[str, int | str]:
    sizes: dict[str, int | str] = {}
    for arena in method.arenas:
        sizes[f"{arena.id} bytes"] = arena.bytes
        sizes[f"{arena.id} live at most"] = arena.peak_live
    return sizes


def _file_sizes(report: Report) -> dict[str, int]:
    sizes = asdict(report.file)
    sizes.pop("segments")
    for segment in report.segments:
        sizes[segment.kind] = sizes.get(segment.kind, 0) + segment.bytes
    return sizes


def _delegates(report: Report) -> dict[str, str]:
    return {f"{d.method} {d.index}": _delegate(d) for d in report.delegates}


def _delegate(delegate: Delegate) -> str:
    calls = "1 call" if delegate.calls == 1 else f"{delegate.calls} calls"
    return f"{delegate.backend} {delegate.bytes:,} bytes, {calls}"


# --- stored data ----------------------------------------------------------------------------------


def _stored_changes(old: Program, new: Program) -> list[Change]:
    before, after = _by_content(old), _by_content(new)
    removed = _uses(tensor for digest, tensor in before.items() if digest not in after)
    added = _uses(tensor for digest, tensor in after.items() if digest not in before)
    changes: list[Change] = []
    for use in dict.fromkeys([*removed, *added]):
        gone, come = removed[use], added[use]
        kept = min(gone, come)
        if kept:
            changes.append(Change("stored tensors", use, _values(kept), "other values"))
        if gone != come:
            changes.append(Change("stored tensors", use, gone - kept or None, come - kept or None))
    return changes


def _values(count: int) -> str:
    return "values" if count == 1 else f"values of {count}"


def _uses(tensors: Iterable[StoredTensor]) -> Counter[str]:
    return Counter(
        f"{t.kind} {t.dtype}[{'x'.join(map(str, t.shape))}] "
        f"{' of '.join(filter(None, (t.operator, t.module or t.name)))}".rstrip()
        for t in tensors
    )


def _by_content(program: Program) -> dict[tuple[str, bytes], StoredTensor]:
    """The stored tensors by kind and digest of their bytes; external ones by kind and name."""
    found: dict[tuple[str, bytes], StoredTensor] = {}
    for tensor in program.report.constants:
        match tensor.kind:
            case "external":
                digest = tensor.name.encode()
            case "state":
                digest = sha256(program.file.mutable_bytes(tensor.index, tensor.bytes)).digest()
            case _:
                digest = sha256(program.file.constant_bytes(tensor.index, tensor.bytes)).digest()
        found[tensor.kind, digest + f"{tensor.dtype}{tensor.shape}".encode()] = tensor
    return found
