"""Where a tool's output goes: a file, or stdout."""

from __future__ import annotations

import os
import sys
from errno import EISDIR, ENOENT
from typing import TextIO, cast

from ..lowering.output_file import write_file
from .failure import ToolError


def check_output(output: str | None, *inputs: str | None) -> None:
    """Look, before there is work done, whether a file can be written.

    Raises OSError where its folder is missing or it is one itself, and ToolError where it is one of
    the files that the tool reads.
    """
    if output is None or output == "-":
        return
    if os.path.isdir(output):
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), output)
    if not os.path.isdir(os.path.dirname(output) or os.curdir):
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), output)
    for path in inputs:
        if path is None or not (os.path.isfile(path) and os.path.isfile(output)):
            continue
        if os.path.samefile(path, output):
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
