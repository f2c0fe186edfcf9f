"""edge-translate: between exported programs (.pt2), text (.mlir) and programs (.pte)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .external_file import add_external_option
from .failure import ToolError, run_tool
from .input_file import read_input
from .options import add_weights_option, tool_parser
from .output_file import check_output, write_output
from .plugins import add_load_option, load_files

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from ..dialects.context import EdgeContext

_FORMATS = ("pt2", "mlir", "pte")
_DESCRIPTION = """\
Translates between forms of a model:
  edge-translate model.pt2 -o model.mlir      aten dialect, weights in model.safetensors
  edge-translate memory.mlir -o model.pte     a planned module of the memory dialect
  edge-translate any.pte -o any.mlir          and back; its data in any.safetensors"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run edge-translate; the exit code is 0, or 1 after a message on stderr."""

    def tool() -> int:
        args = _parser().parse_args(argv)
        check_output(args.output, args.input)
        load_files(args.load)
        source, target = _formats(args)
        _translation(source, target)(args)
        return 0

    return run_tool("edge-translate", tool)


def _parser() -> argparse.ArgumentParser:
    parser = tool_parser("edge-translate", _DESCRIPTION)
    parser.add_argument(
        "input",
        nargs="?",
        default="-",
        metavar="INPUT",
        help="MODEL.pt2, MODEL.mlir or MODEL.pte; - or none for stdin",
    )
    parser.add_argument(
        "-o", "--output", default="-", metavar="FILE", help="where to write; default: stdout"
    )
    parser.add_argument(
        "--from", dest="source", choices=_FORMATS, help="input format (default: by file name)"
    )
    parser.add_argument(
        "--to", dest="target", choices=_FORMATS, help="output format (default: by file name)"
    )
    parser.add_argument(
        "--strip-locations", action="store_true", help="leave out where operations come from"
    )
    add_weights_option(parser)
    parser.add_argument(
        "--save-weights",
        metavar="FILE",
        help="where the data of a .pt2 or .pte goes (default: beside the file of -o)",
    )
    add_external_option(parser, "the external weights of a .pte are read from, or written to,")
    add_load_option(parser)
    return parser


def _formats(args: argparse.Namespace) -> tuple[str, str]:
    source = args.source or ("mlir" if args.input == "-" else _by_name(args.input))
    if source is None:
        raise ToolError(f"{args.input}: unknown format; name it with --from")
    target = (
        args.target
        or _by_name(args.output)
        or {"pt2": "mlir", "mlir": "pte", "pte": "mlir"}.get(source)
    )
    if target is None:
        raise ToolError("name the output format with --to, or by the file of -o")
    return source, target


def _by_name(path: str) -> str | None:
    extension = os.path.splitext(path)[1].removeprefix(".")
    return extension if extension in _FORMATS else None


def _translation(source: str, target: str) -> Callable[[argparse.Namespace], None]:
    match source, target:
        case "pt2", "mlir":
            return _import_program
        case "mlir", "pte":
            return _emit_program
        case "pt2", "pte":
            raise ToolError("compile a .pt2 with edge-compile MODEL.pt2 -o MODEL.pte")
        case "mlir", "mlir":
            raise ToolError("edge-opt reads and writes text")
        case "pte", "mlir":
            return _read_program
        case _:
            raise ToolError(f"there is no way from .{source} to .{target}")


def _import_program(args: argparse.Namespace) -> None:
    from ..dialects.context import EdgeContext
    from ..lowering.from_torch.capture import capture
    from ..lowering.from_torch.importer import import_programs
    from .torch_output import quiet_torch

    context = EdgeContext()
    with quiet_torch():
        programs = capture(args.input)
    module = import_programs(programs, context.weights)
    _write_text(args, module, context)


def _read_program(args: argparse.Namespace) -> None:
    from ..dialects.context import edge_context
    from ..lowering.read_program import program_module
    from ..runtime.errors import ProgramError
    from ..runtime.program.data_file import read_data_files
    from ..runtime.program.reader import read_program
    from .external_file import external_files

    context = edge_context()
    source = read_input("-") if args.input == "-" else args.input
    file = read_program(source)
    if (found := external_files(args)) is not None:
        file = replace(file, external=read_data_files(found))
    try:
        module = program_module(file, context.weights)
    except ProgramError as error:
        raise ToolError(f"{args.input}: {error}") from None
    _write_text(args, module, context)


def _write_text(args: argparse.Namespace, module: ModuleOp, context: EdgeContext) -> None:
    """Write the text of a module, and its data to a file beside it."""
    from ..dialects.module_text import print_module
    from .module_file import Overlay

    overlay = Overlay(args.output, args.save_weights)
    overlay.add(module, context.weights)
    text = print_module(module, locations=False if args.strip_locations else None)
    overlay.write(text)


def _emit_program(args: argparse.Namespace) -> None:
    from ..dialects.context import edge_context
    from ..lowering.emit_program import emit_program
    from .module_file import read_module

    context = edge_context()
    module = read_module(context, args.input, args.weights)
    data = emit_program(module, context.weights, locations=not args.strip_locations)
    if args.external_weights is not None:
        from ..lowering.external_weights import external_items
        from .external_file import write_external

        write_external(args, external_items(module, context.weights))
    write_output(args.output, data)


if __name__ == "__main__":
    sys.exit(main())
