"""edge-compile: from a captured model to a program in one go."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from .external_file import add_external_option
from .failure import ToolError, extra_of, place_and_error, run_tool
from .options import add_weights_option, names, tool_parser
from .output_file import check_output, write_output
from .plugins import add_load_option, load_files

if TYPE_CHECKING:
    from ..lowering.compiled_program import Program

_DESCRIPTION = """\
Compiles a model to a program:
  edge-compile model.pt2 -o model.pte
  edge-compile pkg.module:function -o model.pte
where the function returns (module, example_inputs) or an ExportedProgram. A .mlir file of the aten
dialect is compiled too."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run edge-compile; the exit code is 0, or 1 after a message on stderr."""

    def tool() -> int:
        parser = _parser()
        args = parser.parse_args(argv)
        if args.input is None and not args.print_pipeline:
            parser.error("the following arguments are required: INPUT")
        if not (args.input is None or args.output or args.dump_stages or args.emit):
            parser.error("give -o MODEL.pte, or --dump-stages DIR")
        check_output(args.output, args.input)
        check_output(args.external_weights or None)
        load_files(args.load)
        if args.emit is not None and _emit_regions(args):
            return 0
        pipeline = _pipeline(args)
        if args.print_pipeline:
            print(pipeline)
        if args.input is not None:
            _compile(args, pipeline)
        return 0

    return run_tool("edge-compile", tool)


def _parser() -> argparse.ArgumentParser:
    parser = tool_parser("edge-compile", _DESCRIPTION)
    parser.add_argument(
        "input", nargs="?", metavar="INPUT", help="MODEL.pt2, pkg.module:function, or MODEL.mlir"
    )
    parser.add_argument("-o", "--output", metavar="MODEL.pte", help="the program's file")
    parser.add_argument(
        "--target-runtime",
        metavar="NAME",
        help="executorch-1.5 or edgeir; what it cannot run is an error (default: legalise for "
        "executorch-1.5 as far as possible, and warn)",
    )
    parser.add_argument(
        "--backend",
        metavar="NAME,...",
        type=names,
        action="extend",
        default=[],
        help="compile what these backends support with them, the first preferred",
    )
    parser.add_argument(
        "--target-cpu", metavar="NAME", help="the same as --backend-option target-cpu=NAME"
    )
    parser.add_argument(
        "--emit",
        choices=("llvm-ir", "asm", "object"),
        help="write the code of the llvm backend's regions to -o in place of the program; INPUT "
        "may also be a .mlir file with its regions, planned or lowered to kernels",
    )
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="compile all kernels anew: the same as --backend-option cache=false",
    )
    parser.add_argument(
        "--backend-option",
        metavar="[BACKEND.]KEY=VALUE",
        action="append",
        default=[],
        help="an option of a backend, or of all that have it; may be repeated",
    )
    parser.add_argument(
        "--require-full-delegation",
        action="store_true",
        help="it is an error if the backends leave anything that costs; all of it is listed",
    )
    parser.add_argument(
        "--pipeline", metavar="PASSES", help="passes to run in place of the default ones"
    )
    parser.add_argument(
        "--print-pipeline", action="store_true", help="print the passes, as edge-opt -p takes them"
    )
    parser.add_argument(
        "--dump-stages", metavar="DIR", help="write the text of each stage, with its weights"
    )
    add_weights_option(parser)
    parser.add_argument(
        "--strip-locations", action="store_true", help="leave source lines out of the program"
    )
    add_external_option(parser, "keep the weights in")
    add_load_option(parser)
    return parser


def _pipeline(args: argparse.Namespace) -> str:
    """The text of the pipeline, checked."""
    from ..lowering.pass_registry import all_passes
    from ..passes.pipelines import default_pipeline
    from .pass_specs import parse_passes

    backends = cast(list[str], args.backend)
    options = _backend_options(args)
    if not backends and (options or args.require_full_delegation):
        raise ToolError("give --backend NAME with options for backends")
    if args.pipeline is not None and backends:
        raise ToolError("give --backend or --pipeline: the pipeline names its backends")
    if args.pipeline is not None:
        text: str = args.pipeline
    else:
        passes = default_pipeline(
            args.target_runtime,
            backends=backends,
            backend_options=options,
            require_full_delegation=args.require_full_delegation,
            external_weights=args.external_weights is not None,
        )
        text = ",".join(passes)
    parse_passes(text, all_passes())
    return text


def _backend_options(args: argparse.Namespace) -> dict[str, str | dict[str, str]]:
    """The options of backends, by name; those of one backend under its name."""
    common: dict[str, str] = {}
    own: dict[str, dict[str, str]] = {}
    if args.target_cpu is not None:
        common["target-cpu"] = args.target_cpu
    if args.no_cache:
        common["cache"] = "false"
    for option in cast(list[str], args.backend_option):
        key, equals, value = option.partition("=")
        backend, dot, name = key.rpartition(".")
        if not equals or not name or (dot and not backend):
            raise ToolError(f"--backend-option {option}: expected KEY=VALUE or BACKEND.KEY=VALUE")
        if backend:
            own.setdefault(backend, {})[name] = value
        else:
            common[name] = value
    return {**common, **own}


def _compile(args: argparse.Namespace, pipeline: str) -> None:
    from ..lowering.compile_program import compile_program
    from .torch_output import quiet_torch

    options: dict[str, Any] = {
        "pipeline": pipeline,
        "target_runtime": args.target_runtime,
        "locations": not args.strip_locations,
    }
    path: str = args.input
    if path.endswith(".mlir") or path == "-":
        program = _compile_text(args, options)
    else:
        source = (path,) if path.endswith(".pt2") else _call_function(path)
        with quiet_torch():
            program = compile_program(*source, **options)
    for warning in program.warnings:
        print(warning, file=sys.stderr)
    if args.dump_stages:
        program.save_stages(args.dump_stages)
    if args.emit is not None:
        from .emitted_code import code_of_program

        write_output(args.output, code_of_program(program, args.emit, args.target_cpu or "host"))
    elif args.output is not None:
        from .external_file import write_external

        write_external(args, program.external)
        write_output(args.output, program.buffer)


def _compile_text(args: argparse.Namespace, options: dict[str, Any]) -> Program:
    from ..dialects.context import edge_context
    from ..lowering.compile_program import compile_module
    from .module_file import read_module

    context = edge_context()
    module = read_module(context, args.input, args.weights)
    return compile_module(module, context, **options)


def _emit_regions(args: argparse.Namespace) -> bool:
    """Write the code of a text that has been partitioned; False for any other input."""
    from ..dialects.context import edge_context
    from .emitted_code import emitted_code, is_partitioned
    from .module_file import read_module

    if args.input is None or not args.input.endswith(".mlir"):
        return False
    context = edge_context()
    module = read_module(context, args.input, args.weights)
    if not is_partitioned(module):
        return False
    write_output(args.output, emitted_code(module, context, args.emit, args.target_cpu or "host"))
    return True


def _call_function(path: str) -> tuple[Any, ...]:
    """What the function `pkg.module:function` returns, as the first arguments of `compile`."""
    module_name, _, name = path.partition(":")
    if not module_name or not name:
        raise ToolError(f"{path}: expected MODEL.pt2, MODEL.mlir or pkg.module:function")
    # As python -m does: a console script's path has its own folder instead.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        function = getattr(importlib.import_module(module_name), name, None)
        if not callable(function):
            raise ToolError(f"{path}: {module_name} has no function {name!r}")
        returned = function()
    except (Exception, SystemExit) as error:
        if isinstance(error, ToolError) or extra_of(error) is not None:
            raise
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module_name}.".startswith(f"{missing}."):
            raise ToolError(f"{path}: there is no module {missing!r} here") from None
        raise ToolError(f"{path}: {place_and_error(_file_of(module_name), error)}") from error
    if returned is None or isinstance(returned, str):
        raise ToolError(
            f"{path}: returned {returned!r}; expected (module, example_inputs) or an "
            "ExportedProgram"
        )
    return cast(tuple[Any, ...], returned) if isinstance(returned, tuple) else (returned,)


def _file_of(module_name: str) -> str:
    spec = importlib.util.find_spec(module_name)
    return os.path.relpath(spec.origin) if spec is not None and spec.origin else module_name


if __name__ == "__main__":
    sys.exit(main())
