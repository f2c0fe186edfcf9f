"""The parser of a tool's command line, and what the options of several tools have in common."""

from __future__ import annotations

import argparse
from math import isfinite
from typing import NoReturn

from .failure import ToolError


def tool_parser(name: str, description: str) -> argparse.ArgumentParser:
    """The parser of the tool `name`; the lines of its description stay as they are."""
    parser = argparse.ArgumentParser(
        name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    fail_in_one_line(parser)
    return parser


def fail_in_one_line(parser: argparse.ArgumentParser) -> None:
    """Let a parser raise ToolError for arguments that it does not take."""

    def fail(message: str) -> NoReturn:
        raise ToolError(f"{message}; --help shows how it is used")

    parser.error = fail


def add_weights_option(parser: argparse.ArgumentParser) -> None:
    """Add `--weights`, a list of files."""
    parser.add_argument(
        "--weights",
        metavar="FILE,...",
        type=names,
        default=[],
        help="safetensors files to read in place of those that a .mlir input lists",
    )


def names(text: str) -> list[str]:
    """The names in `a,b`."""
    return [name for name in text.split(",") if name]


def count(text: str) -> int:
    """A positive number."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def tolerance(text: str) -> float:
    """A number that errors may reach: neither negative nor infinite."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number < 0 or not isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a tolerance; write a number like 1e-4")
    return number
