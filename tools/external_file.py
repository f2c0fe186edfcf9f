"""The option `--external-weights`: the data file (`.ptd`) of a program."""

from __future__ import annotations

import argparse

from ..runtime.program.data_file import DataFile, data_file_beside, find_data_files
from .failure import ToolError

_BESIDE = ""
"""The option without a path: the file beside the program."""


def add_external_option(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--external-weights [FILE]` to a tool that writes programs; `what` it does with it."""
    parser.add_argument(
        "--external-weights",
        nargs="?",
        const=_BESIDE,
        type=_data_file,
        metavar="FILE.ptd",
        help=f"{what} a data file that both runtimes load; default: MODEL.ptd beside MODEL.pte. A "
        "FILE that is named may be shared by several programs: what it has is kept",
    )


def _data_file(path: str) -> str:
    # What follows the option without a path may be the model.
    if path != _BESIDE and not path.endswith(".ptd"):
        raise argparse.ArgumentTypeError(f"{path}: expected FILE.ptd; put the option last")
    return path


def external_files(args: argparse.Namespace) -> list[str] | None:
    """The data files to read with the program `args.input`, None where there are none."""
    if args.external_weights:
        return [args.external_weights]
    found = [] if args.input == "-" else find_data_files(args.input)
    if args.external_weights is not None and not found:
        raise ToolError(f"{args.input}: there is no data file beside it; name it")
    return found or None


def write_external(args: argparse.Namespace, items: DataFile) -> None:
    """Write external weights, if there are any, to the file that is named or beside `args.output`.

    Raises ToolError where there is no place for them.
    """
    if not items:
        return
    from ..lowering.external_weights import save_data
    from ..runtime.program.data_file import write_data_file
    from .output_file import write_output

    if args.external_weights:
        save_data(args.external_weights, items)
    elif args.output is None or args.output == "-":
        raise ToolError("the program goes to stdout: name a file, --external-weights FILE.ptd")
    else:
        write_output(data_file_beside(args.output), write_data_file(items))
