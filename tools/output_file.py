"""Where a tool's output goes: a file, or stdout."""

from __future__ import annotations

import os
import sys
from typing import TextIO, cast

from ..lowering.output_file import write_file
from .failure import ToolError


def keep_inputs(output: str | None, *inputs: str | None) -> None:
    """Raise ToolError where the output would overwrite a file that the tool reads."""
    if output is None or not os.path.isfile(output):
        return
    for path in inputs:
        if path is not None and os.path.isfile(path) and os.path.samefile(path, output):
            raise ToolError(f"{output}: is an input too; write to another file")


def write_output(path: str | None, data: str | bytes) -> None:
    """Write a file whole or not at all, or to stdout where `path` is None or `-`.

    Raises OSError, and ToolError where stdout is closed.
    """
    if path is not None and path != "-":
        write_file(path, data.encode() if isinstance(data, str) else data)
        return
    stdout = cast(TextIO | None, sys.stdout)
    if stdout is None:
        raise ToolError("stdout is closed; write to a file with -o")
    if isinstance(data, str):
        stdout.write(data)
    else:
        stdout.buffer.write(data)
    stdout.flush()
