"""Outputs that appear whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def write_output(path: str | None, data: str | bytes) -> None:
    """Write to a file by a temporary one beside it, or to stdout where `path` is None or `-`."""
    if path is None or path == "-":
        if isinstance(data, str):
            sys.stdout.write(data)
        else:
            sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    content = data.encode() if isinstance(data, str) else data
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        # A device or a pipe is written, not replaced.
        target.write_bytes(content)
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    except OSError as error:
        error.filename = path
        raise
    finally:
        temporary.unlink(missing_ok=True)
