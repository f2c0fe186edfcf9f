"""What is in a data file (`.ptd`): names, types and bytes."""

from __future__ import annotations

from typing import Any

from ...runtime.errors import printable
from ...runtime.program.data_file import DataFile, DataItem


def data_items_data(items: DataFile) -> list[dict[str, Any]]:
    """The items as JSON data, the largest first."""
    return [
        {
            "name": name,
            "bytes": len(memoryview(item.data)),
            "type": None if item.layout is None else str(item.layout),
        }
        for name, item in _by_size(items)
    ]


def data_items_text(path: str, items: DataFile) -> str:
    """The items as a table, the largest first."""
    total = sum(len(memoryview(item.data)) for item in items.values())
    lines = [f"{path}: {len(items)} named tensors, {total:,} bytes"]
    for name, item in _by_size(items):
        kind = "bytes" if item.layout is None else str(item.layout)
        lines.append(f"{len(memoryview(item.data)):>14,}  {printable(name)}  {kind}")
    return "\n".join(lines) + "\n"


def _by_size(items: DataFile) -> list[tuple[str, DataItem]]:
    return sorted(items.items(), key=lambda entry: (-len(memoryview(entry[1].data)), entry[0]))
