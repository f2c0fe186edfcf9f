"""How the tools fail: one clear message on stderr and exit code 1, never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, cast

from ..runtime.errors import printable


class ToolError(Exception):
    """What the user asked for cannot be done; the message says why and what to do."""


def run_tool(name: str, tool: Callable[[], int]) -> int:
    """The exit code of a tool; a failure that the user can mend is printed, exit code 1."""
    try:
        return tool()
    except BrokenPipeError:
        # The reader of a pipe went away; the interpreter must not flush into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseException as error:
        message = failure_message(name, error)
        if message is None:
            raise
        print(message, file=sys.stderr)
        return 1


def place_and_error(path: str, error: BaseException) -> str:
    """`FILE:LINE: ValueError: message`, one line, of what the user's own Python file raised."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if os.path.realpath(frame.filename) == os.path.realpath(path):
            line = frame.lineno
    place = path if line is None else f"{path}:{line}"
    return f"{place}: {type(error).__name__}: {printable(str(error))}"


def failure_message(name: str, error: BaseException) -> str | None:
    """The message about an error that the user can mend; None for an error of our own."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"DiagnosticsError", "CompileError"}:
        # They say `file:line: error:` themselves.
        return str(error).rstrip()
    if "ParseError" in kinds:
        return _parse_message(error)
    if isinstance(error, ModuleNotFoundError) and (extra := extra_of(error)) is not None:
        return f"{name}: error: this needs {error.name}: pip install 'edgeir[{extra}]'"
    if isinstance(error, ImportError) and "pip install" in str(error):
        return f"{name}: error: {error}"
    if isinstance(error, OSError):
        return f"{name}: error: {_os_message(error)}"
    if kinds & _MENDABLE:
        return f"{name}: error: {str(error).rstrip()}"
    return None


def extra_of(error: BaseException) -> str | None:
    """The extra of ours that installs the package whose import failed, None for other errors."""
    package = error.name if isinstance(error, ModuleNotFoundError) else None
    return _EXTRAS.get((package or "").split(".")[0])


_MENDABLE = frozenset(
    {
        "ToolError",
        "ArgSpecParseError",
        "CaptureError",
        "DiagnosticException",
        "ProgramError",
        "UnregisteredConstructException",
        "WeightsError",
    }
)
"""Names of the errors whose messages are for users.

Names, because importing their classes would import xDSL, and torch, into tools that need neither.
"""


_EXTRAS = {"xdsl": "compiler", "llvmlite": "compiler", "torch": "torch"}
"""The extra of ours that installs a package."""


def _parse_message(error: Any) -> str:
    """`file:line:column: error: …`, then the line of text and a mark below it."""
    place, *context = error.span.print_with_context().splitlines()
    return "\n".join([f"{place}: error: {error.msg}", *context])


def _os_message(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return str(error)
    return f"{cast(object, error.filename)}: {error.strerror}"
