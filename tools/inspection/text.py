"""A report as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...runtime.errors import printable
from .memory_plan import Arena, PlannedTensor
from .places import Place
from .report import Argument, Method, Report

_ROWS = 20
"""The most rows of a table of sizes; the smaller ones are one row together."""


def report_text(path: str, report: Report) -> str:
    """The whole report, a section for each method, then what the methods share."""
    lines = [path, *indent(_file(report))]
    for method in report.methods:
        lines += ["", f"method {printable(method.name)}", *indent(_method(method))]
    if report.delegates:
        lines += ["", "delegates", *indent(_delegates(report))]
    if report.constants:
        lines += ["", "sizes", *indent(_sizes(report))]
    return "\n".join(lines) + "\n"


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows with aligned columns; the columns `right` are aligned to the right."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def argument_type(argument: Argument) -> str:
    """`f32[1x3]`, `f32[<=8x3]` where the shape is dynamic, or the type of a Python value."""
    if argument.dtype in _PYTHON_TYPES:
        return argument.dtype
    bound = "<=" if argument.dynamic else ""
    return f"{argument.dtype}[{bound}{'x'.join(map(str, argument.shape))}]"


_PYTHON_TYPES = ("int", "float", "bool", "str", "none")
"""What `TensorInfo` calls the types of Python values; no scalar type has such a name."""


def _argument_bytes(argument: Argument) -> str:
    return "" if argument.dtype in _PYTHON_TYPES else f"{_bytes(argument.bytes)} bytes"


def indent(lines: Sequence[str]) -> Iterator[str]:
    """Lines of a section."""
    return (f"  {line}".rstrip() for line in lines)


def _bytes(count: int) -> str:
    return f"{count:,}"


def _file(report: Report) -> list[str]:
    sizes = report.file
    rows = [
        ("bytes", _bytes(sizes.bytes)),
        ("header", _bytes(sizes.header)),
        ("flatbuffer", _bytes(sizes.flatbuffer)),
        *((f"segment {s.index}: {s.kind}", _bytes(s.bytes)) for s in report.segments),
        ("padding", _bytes(sizes.padding)),
    ]
    return table(rows, right=[1])


def _method(method: Method) -> list[str]:
    lines: list[str] = []
    for what, arguments in (("inputs", method.inputs), ("outputs", method.outputs)):
        if not arguments:
            continue
        rows = [(a.name, argument_type(a), _argument_bytes(a)) for a in arguments]
        lines += [what, *indent(table(rows, right=[2]))]
    if method.mutated_inputs:
        lines.append(f"writes its inputs {printable(', '.join(method.mutated_inputs))}")
    if method.operators:
        rows = [(_bytes(count), name) for name, count in method.operators.items()]
        count = len(method.instructions)
        noun = "instruction" if count == 1 else "instructions"
        lines += [f"{count} {noun}", *indent(table(rows, right=[0]))]
    for arena in method.arenas:
        lines += _arena(arena, [t for t in method.planned if t.arena == arena.id])
    return lines


def _arena(arena: Arena, tensors: Sequence[PlannedTensor]) -> list[str]:
    device = "" if arena.device == "cpu" else f" on {arena.device}"
    title = f"arena {arena.id}{device}: {_bytes(arena.bytes)} bytes"
    if not tensors:
        return [title]
    peak = f"at most {_bytes(arena.peak_live)} live, at {arena.peak_position}"
    rows = [("offset", "bytes", "live", "tensor", "type", "made by", "in")]
    rows += [
        (
            _bytes(tensor.offset),
            _bytes(tensor.bytes),
            f"{tensor.first}..{tensor.last}",
            f"{tensor.name} {tensor.role}".rstrip(),
            f"{tensor.dtype}[{'x'.join(map(str, tensor.shape))}]",
            tensor.operator,
            str(Place(tensor.module, tensor.file, tensor.line)),
        )
        for tensor in tensors
    ]
    return [f"{title}, {peak}", *indent(table(rows, right=[0, 1, 2]))]


def _delegates(report: Report) -> list[str]:
    rows = [("method", "backend", "bytes", "calls", "options")]
    rows += [
        (d.method, d.backend, _bytes(d.bytes), _bytes(d.calls), ", ".join(d.options))
        for d in report.delegates
    ]
    return table(rows, right=[2, 3])


def _sizes(report: Report) -> list[str]:
    inside = [c for c in report.constants if c.kind != "external"]
    lines = [f"{len(inside)} stored tensors, {_bytes(sum(c.bytes for c in inside))} bytes"]
    outside = [c for c in report.constants if c.kind == "external"]
    if outside:
        total = _bytes(sum(c.bytes for c in outside))
        lines.append(f"{len(outside)} external tensors, {total} bytes")
    for title, sizes in (
        ("by module (of the first use)", report.by_module),
        ("by operator (of the first use)", report.by_operator),
        ("by dtype", report.by_dtype),
    ):
        if sizes:
            lines += [title, *indent(_size_rows(sizes))]
    return lines


def _size_rows(sizes: Mapping[str, int]) -> list[str]:
    total = sum(sizes.values()) or 1
    entries = [(name or "(unknown)", size) for name, size in sizes.items()]
    shown, rest = entries[:_ROWS], entries[_ROWS:]
    if rest:
        shown.append((f"{len(rest)} more", sum(size for _, size in rest)))
    rows = [(_bytes(size), f"{size / total:.1%}", name) for name, size in shown]
    return table(rows, right=[0, 1])
