"""The table of what was delegated and what was not, as plain data; programs carry it as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

TABLE_KEY = "edgeir.delegation"
"""The named data of a program that holds the table."""


@dataclass(frozen=True)
class RegionRow:
    """A region: its operators with their counts, and the bytes that cross its border.

    What it reads of weights does not cross; sizes that are not static count with their bounds.
    """

    method: str
    number: int
    backend: str
    operators: Mapping[str, int]
    macs: int
    bytes_in: int
    bytes_out: int


@dataclass(frozen=True)
class LeftRow:
    """An operation that no backend took: why, and what it costs."""

    method: str
    operator: str
    module: str
    place: str
    reason: str
    macs: int
    bytes: int


@dataclass(frozen=True)
class DelegationTable:
    """All regions and all operations that stayed outside, in program order."""

    regions: tuple[RegionRow, ...]
    left: tuple[LeftRow, ...]

    def after(self, earlier: DelegationTable) -> DelegationTable:
        """This table of a module whose earlier regions were lowered before, those included."""
        counts = Counter(row.method for row in earlier.regions)
        later = (replace(row, number=row.number + counts[row.method]) for row in self.regions)
        return DelegationTable((*earlier.regions, *later), self.left)

    def to_json(self) -> str:
        """The table as one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> DelegationTable:
        """The table of a JSON text; ValueError where it is none."""
        try:
            data: dict[str, list[dict[str, Any]]] = json.loads(text)
            return DelegationTable(
                tuple(RegionRow(**row) for row in data["regions"]),
                tuple(LeftRow(**row) for row in data["left"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"is no delegation table: {error}") from error
