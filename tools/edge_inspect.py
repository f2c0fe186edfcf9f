"""edge-inspect: what is in a program."""

from __future__ import annotations

import argparse
import json
import mmap
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..runtime.program.container import read_container
from ..runtime.program.data_file import read_data_file
from ..runtime.program.reader import read_program
from .failure import ToolError, run_tool
from .inspection.data_items import data_items_data, data_items_text
from .inspection.delegation import delegation_text, read_delegation
from .inspection.difference import Program, compare_programs, difference_data, difference_text
from .inspection.mistakes import MOST, find_mistakes
from .inspection.operator_list import operator_list
from .inspection.page import report_page
from .inspection.report import describe_program
from .inspection.text import report_text
from .options import add_weights_option, tool_parser
from .output_file import check_output, write_output
from .plugins import add_load_option, load_files

_DESCRIPTION = """\
Shows what is in a program (.pte): methods, operators, delegates, memory plan and sizes.
  edge-inspect model.pte                       # as text; --json as data
  edge-inspect model.pte --html report.html    # one page to look at
  edge-inspect model.pte --operators -o selected_operators.yaml
  edge-inspect model.pte --check               # exit code 1 and all mistakes, if there are any
  edge-inspect old.pte --diff new.pte          # what changed
  edge-inspect model.pte --delegation          # what backends took, what not and why; .mlir too
  edge-inspect model.ptd                       # what a file of external weights holds

Positions in the memory plan number a run: 0 is its entry, instruction i is position i + 1."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run edge-inspect; the exit code is 0, or 1 after a message on stderr."""

    def tool() -> int:
        args = _parser().parse_args(argv)
        load_files(args.load)
        return _inspect(args)

    return run_tool("edge-inspect", tool)


def _parser() -> argparse.ArgumentParser:
    parser = tool_parser("edge-inspect", _DESCRIPTION)
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a program (.pte) or its external weights (.ptd); for --delegation also a .mlir, or - "
        "for one from stdin",
    )
    task = parser.add_mutually_exclusive_group()
    task.add_argument(
        "--check",
        action="store_true",
        help="only verify the program: all mistakes with instruction and source line",
    )
    task.add_argument(
        "--operators",
        action="store_true",
        help="print the operators in the YAML form of ExecuTorch's selective build",
    )
    task.add_argument(
        "--delegation",
        action="store_true",
        help="a table of the regions that backends took, and of what they left with the reasons",
    )
    task.add_argument(
        "--diff",
        metavar="OTHER.pte",
        help="what differs in another program",
    )
    task.add_argument("--html", metavar="REPORT.html", help="write one page to look at")
    parser.add_argument(
        "--source",
        default=".",
        metavar="DIR",
        help="for --html: the folder of the model's source, which the page shows; default: here",
    )
    add_weights_option(parser)
    parser.add_argument("--json", action="store_true", help="print data instead of text")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; default: stdout")
    add_load_option(parser)
    return parser


def _inspect(args: argparse.Namespace) -> int:
    path: str = args.file
    if args.json and (args.operators or args.html is not None):
        raise ToolError("--operators is YAML and --html a page; leave out --json")
    if args.html is not None and args.output is not None:
        raise ToolError(f"--html says where the page goes; leave out --output {args.output}")
    for output in (args.output, args.html):
        check_output(output, path, args.diff)
    if path.endswith(".ptd"):
        return _inspect_data(args)
    if args.check:
        return _check(args)
    if args.delegation:
        delegation = read_delegation(path, args.weights)
        text = _as_json(asdict(delegation)) if args.json else delegation_text(delegation)
        write_output(args.output, text)
        return 0
    if args.operators:
        program = read_program(path).program
        write_output(args.output, operator_list(path, program.execution_plan))
        return 0
    program = _read(path)
    if args.html is not None:
        write_output(args.html, report_page(path, program.report, args.source))
        return 0
    if args.diff is not None:
        changes = compare_programs(program, _read(args.diff))
        text = _as_json(difference_data(changes)) if args.json else difference_text(changes)
    else:
        report = program.report
        text = _as_json(report.as_json()) if args.json else report_text(path, report)
    write_output(args.output, text)
    return 0


def _inspect_data(args: argparse.Namespace) -> int:
    """A data file: its items; with --check nothing, unless it cannot be read."""
    if args.operators or args.delegation or args.diff is not None or args.html is not None:
        raise ToolError(f"{args.file} is a data file; it has items, and --json and --check")
    items = read_data_file(args.file)
    if not args.check:
        data = _as_json(data_items_data(items)) if args.json else None
        write_output(args.output, data or data_items_text(args.file, items))
    return 0


def _check(args: argparse.Namespace) -> int:
    """Quiet and 0 for a sound program; else 1, and a line for each mistake on stderr."""
    mistakes = find_mistakes(read_program(args.file, verify=False))
    if args.json:
        write_output(args.output, _as_json([asdict(mistake) for mistake in mistakes]))
    else:
        for mistake in mistakes:
            print(f"{args.file}: error: {mistake}", file=sys.stderr)
        if len(mistakes) == MOST:
            print(f"{args.file}: the first {MOST} mistakes are shown", file=sys.stderr)
    return 1 if mistakes else 0


def _as_json(data: object) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _read(path: str) -> Program:
    file = read_program(path)
    with Path(path).open("rb") as stream:
        data = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    return Program(file, describe_program(file, read_container(data), len(data)))


if __name__ == "__main__":
    sys.exit(main())
