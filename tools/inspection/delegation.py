"""What backends took of a program and what they left, for `edge-inspect --delegation`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...lowering.delegation_table import TABLE_KEY, DelegationTable, LeftRow, RegionRow
from ...runtime.errors import ProgramError
from ...runtime.program.program_file import ProgramFile
from ...runtime.program.reader import read_program
from ..failure import ToolError
from .text import indent, table


def read_delegation(path: str, weights: Sequence[str] = ()) -> DelegationTable:
    """The table of a program, or of a module of any stage from `edge` on (`.mlir`)."""
    if path == "-" or Path(path).suffix == ".mlir":
        return _of_module(path, weights)
    return _stored(path, _stored_bytes(read_program(path)))


def _of_module(path: str, weights: Sequence[str]) -> DelegationTable:
    from ...dialects.context import edge_context
    from ...dialects.memory import NamedDataOp
    from ...lowering.describe_delegation import describe_delegation
    from ..module_file import read_module

    context = edge_context()
    module = read_module(context, path, weights)
    for op in module.ops:
        if isinstance(op, NamedDataOp) and op.key.data == TABLE_KEY:
            return _stored(path, context.weights[op.payload.data].tobytes())
    found = describe_delegation(module)
    if not found.regions and not found.left:
        raise ToolError(f"{path}: nothing here could be delegated; give a stage from edge on")
    return found


def _stored_bytes(file: ProgramFile) -> bytes | None:
    try:
        return bytes(file.named_data(TABLE_KEY))
    except ProgramError:
        return None


def _stored(path: str, data: bytes | None) -> DelegationTable:
    if data is None:
        raise ToolError(
            f"{path}: does not tell what was delegated; compile it with edge-compile --backend, "
            "with locations"
        )
    try:
        return DelegationTable.from_json(data.decode())
    except ValueError as error:
        raise ToolError(f"{path}: {error}") from error


def delegation_text(delegation: DelegationTable) -> str:
    """The regions, then what is left, then what they come to."""
    regions, left = delegation.regions, delegation.left
    lines: list[str] = []
    if regions:
        lines += ["delegated", *indent(_regions(regions))]
    if left:
        lines += ["left behind", *indent(_left(left))]
    return "\n".join([*lines, *_totals(regions, left)]) + "\n"


def _regions(regions: Sequence[RegionRow]) -> list[str]:
    rows = [("region", "backend", "operators", "MACs", "bytes in", "bytes out", "")]
    rows += [
        (
            f"{region.method} {region.number}",
            region.backend,
            f"{_count(region):,}",
            f"{region.macs:,}",
            f"{region.bytes_in:,}",
            f"{region.bytes_out:,}",
            ", ".join(_operators(region)),
        )
        for region in regions
    ]
    return table(rows, right=[2, 3, 4, 5])


def _operators(region: RegionRow) -> Iterator[str]:
    """The operators of a region, the most frequent first."""
    for name, count in sorted(region.operators.items(), key=lambda item: -item[1]):
        yield name if count == 1 else f"{count} {name}"


def _left(left: Sequence[LeftRow]) -> list[str]:
    rows = [("method", "operator", "MACs", "bytes", "why", "in")]
    rows += [
        (
            row.method,
            row.operator,
            f"{row.macs:,}",
            f"{row.bytes:,}",
            row.reason,
            " in ".join(filter(None, (row.place, row.module))),
        )
        for row in left
    ]
    return table(rows, right=[2, 3])


def _totals(regions: Sequence[RegionRow], left: Sequence[LeftRow]) -> list[str]:
    taken = sum(map(_count, regions))
    operators = taken + len(left)
    macs = sum(region.macs for region in regions)
    all_macs = macs + sum(row.macs for row in left)
    crossing = sum(region.bytes_in + region.bytes_out for region in regions)
    share = f", {macs / all_macs:.1%} of {all_macs:,} MACs" if all_macs else ""
    noun = "region" if len(regions) == 1 else "regions"
    return [
        f"{len(regions)} {noun} with {taken:,} of {operators:,} operators{share}; "
        f"{crossing:,} bytes cross their borders"
    ]


def _count(region: RegionRow) -> int:
    return sum(region.operators.values())
