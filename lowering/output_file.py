"""Output files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file by way of a temporary one beside it; a device or a pipe is written directly."""
    target = Path(os.path.realpath(path))
    direct = target.exists() and not target.is_file()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        if direct:
            target.write_bytes(content)
        else:
            temporary.write_bytes(content)
            temporary.replace(target)
    except OSError as error:
        error.filename = os.fspath(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
