"""A line of the benchmark table, and its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

HEADINGS = ("", "edgeir", "peer", "ratio", "wanted")


@dataclass(frozen=True)
class Row:
    """One measurement; each field is text as printed, empty where it does not apply."""

    what: str
    ours: str
    peer: str = ""
    ratio: str = ""
    wanted: str = ""


def times(ratio: float) -> str:
    """Return a ratio as text, `20.3x`."""
    return f"{ratio:.1f}x" if ratio < 100 else f"{ratio:.0f}x"


def milliseconds(seconds: float) -> str:
    """Return a time as text in milliseconds."""
    return f"{seconds * 1e3:,.1f} ms"


def kibibytes(count: int) -> str:
    """Return a size as text in KiB."""
    return f"{count / 1024:,.1f} KiB"


def table(rows: Sequence[Row]) -> str:
    """Return the rows under their headings, the first column left-aligned, the others right."""
    lines = [HEADINGS, *map(astuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    texts = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([texts[0], "-" * (sum(widths) + 2 * (len(widths) - 1)), *texts[1:]])
