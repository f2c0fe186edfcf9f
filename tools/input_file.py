"""Where a tool's input comes from: a file, or stdin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO, cast

from .failure import ToolError


def read_input(path: str) -> bytes:
    """The bytes of a file, or of stdin for `-`; ToolError where that is closed."""
    if path != "-":
        return Path(path).read_bytes()
    stdin = cast(TextIO | None, sys.stdin)
    if stdin is None:
        raise ToolError("stdin is closed; name a file")
    return stdin.buffer.read()


def read_text(path: str) -> str:
    """The text of a file or of stdin (`-`); ToolError for what is no text, or none at all."""
    name = "stdin" if path == "-" else path
    try:
        text = read_input(path).decode()
    except UnicodeDecodeError:
        raise ToolError(f"{name}: is not text; expected a .mlir file") from None
    if not text.strip():
        raise ToolError(f"{name}: is empty; expected the text of a module")
    return text
