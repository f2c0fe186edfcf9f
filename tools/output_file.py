"""Where a tool's output goes: a file, or stdout."""

from __future__ import annotations

import sys

from ..lowering.output_file import write_file


def write_output(path: str | None, data: str | bytes) -> None:
    """Write a file whole or not at all, or to stdout where `path` is None or `-`."""
    if path is not None and path != "-":
        write_file(path, data.encode() if isinstance(data, str) else data)
        return
    if isinstance(data, str):
        sys.stdout.write(data)
    else:
        sys.stdout.buffer.write(data)
    sys.stdout.flush()
