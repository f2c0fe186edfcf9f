"""edge-run: runs a program, or a module of any stage, on given inputs."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from ..runtime.errors import ProgramError
from ..runtime.method_info import MethodInfo
from ..runtime.module import load
from .array_file import read_arrays, write_arrays
from .comparison import compare, largest
from .failure import ToolError, run_tool
from .inputs import bind_inputs, parse_value
from .options import add_weights_option, count, names, tolerance, tool_parser
from .output_file import check_output
from .plugins import add_load_option, load_files
from .result_summary import summarise
from .runnable import Runnable, RunnableProgram, runnable_module
from .sweep import sweep_points

_DESCRIPTION = """\
Runs a program (.pte), or a module of any stage (.mlir), with the numpy interpreter:
  edge-run model.pte --input 1x3x224x224xf32=random:0 --output out.npz
  edge-run model.mlir --input @x.npy --expect @y.npy --rtol 1e-4
  edge-run model.pte --shapes min,mid,max --compare stages/aten.mlir

An input is 1x3xf32=random:SEED, 1x3xf32=0 (all the same), 3xf32=1,2,3, @file.npy, or a Python
number 5:i64, 0.5:f64, true:i1; with NAME= before it, it is given by name."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run edge-run; the exit code is 0, or 1 after a message on stderr."""

    def tool() -> int:
        args = _parser().parse_args(argv)
        load_files(args.load)
        return _run(args)

    return run_tool("edge-run", tool)


def _parser() -> argparse.ArgumentParser:
    parser = tool_parser("edge-run", _DESCRIPTION)
    parser.add_argument(
        "file", metavar="FILE", help="MODEL.pte or MODEL.mlir; - for text from stdin"
    )
    parser.add_argument(
        "--input", action="append", default=[], metavar="SPEC", help="an input, in order or by name"
    )
    parser.add_argument(
        "--shapes",
        metavar="min,mid,max",
        help="run with random inputs at these values of the dynamic sizes (or at numbers), and "
        "print a line for each",
    )
    parser.add_argument(
        "--compare",
        metavar="FILE",
        help="the outputs must be those of another program or module for the same inputs",
    )
    parser.add_argument("--method", metavar="NAME", help="default: forward, or the only one")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write the outputs to a .npz, or a single one to a .npy",
    )
    parser.add_argument(
        "--expect",
        action="append",
        default=[],
        metavar="FILE",
        help="the outputs must be these: .npy in order, .npz by name, or a SPEC",
    )
    parser.add_argument(
        "--rtol",
        metavar="R",
        type=tolerance,
        default=1e-4,
        help="for --expect and --compare: allowed error as a share of the expected value; "
        "default: 1e-4",
    )
    parser.add_argument(
        "--atol",
        metavar="A",
        type=tolerance,
        help="for both: allowed error besides; default: rtol times the largest value",
    )
    parser.add_argument(
        "--benchmark", type=count, metavar="N", help="run N times and print the median milliseconds"
    )
    parser.add_argument(
        "--profile", action="store_true", help="print the time of each operator in one run"
    )
    add_weights_option(parser)
    parser.add_argument(
        "--backend",
        metavar="NAME,...",
        type=names,
        action="extend",
        default=[],
        help="backends whose payloads may be loaded (they may be machine code)",
    )
    parser.add_argument(
        "--threads",
        type=count,
        default=1,
        metavar="N",
        help="how many threads matrix products and delegates may use; default: 1",
    )
    parser.add_argument(
        "--external-weights",
        action="append",
        default=[],
        metavar="FILE.ptd",
        help="a data file of the program; default: the one beside it",
    )
    add_load_option(parser)
    return parser


def _run(args: argparse.Namespace) -> int:
    check_output(args.output, args.file, args.compare)
    runnable = _open(args, args.file)
    method = _method(runnable, args)
    other = None if args.compare is None else _open(args, args.compare)
    if args.shapes is not None:
        return _sweep(runnable, other, method, args)
    inputs = bind_inputs(method, args.input)
    outputs = runnable.run(method.name, inputs)
    named = {info.name: value for info, value in zip(method.outputs, outputs, strict=True)}
    if args.output is not None:
        write_arrays(args.output, named)
    if args.expect:
        _check(args, named)
    if other is not None and (problems := _compare(other, method, inputs, outputs, args)):
        raise ToolError("\n".join(problems))
    if args.benchmark:
        print(f"median of {args.benchmark} runs: {_benchmark(runnable, method, inputs, args)}")
    if args.profile:
        _print_profile(runnable.profile(method.name, inputs))
    if not (args.output or args.expect or args.compare or args.benchmark or args.profile):
        for name, value in named.items():
            print(summarise(name, value))
    return 0


def _sweep(
    runnable: Runnable, other: Runnable | None, method: MethodInfo, args: argparse.Namespace
) -> int:
    """Run at each of the shapes, a line for each; 1 where one failed or differed."""
    unused = {"--input": args.input, "--expect": args.expect, "--output": args.output}
    unused |= {"--benchmark": args.benchmark, "--profile": args.profile}
    if given := [name for name, value in unused.items() if value]:
        raise ToolError(f"--shapes makes its own inputs; leave out {', '.join(given)}")
    failed = False
    for point in sweep_points(method, args.shapes):
        # Both may write inputs that they mutate.
        inputs = [x.copy() if hasattr(x, "copy") else x for x in point.inputs]
        try:
            outputs = runnable.run(method.name, inputs)
            problems = _compare(other, method, point.inputs, outputs, args) if other else []
        except (ProgramError, ToolError) as error:
            problems, outputs = [str(error)], []
        failed = failed or bool(problems)
        result = "; ".join(problems) or ", ".join(
            f"{list(np.shape(value))}" for value in outputs if value is not None
        )
        print(f"{point} -> {result}")
    return int(failed)


def _compare(
    other: Runnable,
    method: MethodInfo,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    args: argparse.Namespace,
) -> list[str]:
    """How the outputs differ from those of another program or module."""
    if method.name not in other.methods:
        raise ToolError(f"{args.compare} has no method {method.name!r}")
    wanted = other.run(method.name, inputs)
    if len(wanted) != len(outputs):
        return [f"{len(outputs)} outputs, {args.compare} has {len(wanted)}"]
    problems: list[str] = []
    for info, value, want in zip(method.outputs, outputs, wanted, strict=True):
        atol = args.rtol * largest(want) if args.atol is None else args.atol
        if (difference := compare(value, want, args.rtol, atol)) is not None:
            problems.append(f"output {info.name} is not that of {args.compare}: {difference}")
    return problems


def _open(args: argparse.Namespace, path: str) -> Runnable:
    backends: list[str] = args.backend
    if path != "-" and (path.endswith(".pte") or _is_program(path)):
        try:
            data = args.external_weights or None
            module = load(path, backends=backends, threads=args.threads, external_weights=data)
            return RunnableProgram(module)
        except ProgramError as error:
            raise ToolError(_with_path(path, str(error))) from error
    if path.endswith(".pt2"):
        raise ToolError(f"{path}: compile it with edge-compile, or edge-translate it to .mlir")
    from ..dialects.context import edge_context
    from .module_file import read_module

    context = edge_context()
    module = read_module(context, path, args.weights)
    return runnable_module(module, context.weights, backends, args.threads)


def _method(runnable: Runnable, args: argparse.Namespace) -> MethodInfo:
    names = list(runnable.methods)
    name: str = args.method or (names[0] if len(names) == 1 else "forward")
    if name not in names:
        known = ", ".join(names) or "none"
        raise ToolError(f"{args.file} has no method {name!r}; it has: {known}")
    return runnable.methods[name]


def _is_program(path: str) -> bool:
    """Whether the file has the format's identifier, whatever it is called."""
    with Path(path).open("rb") as file:
        return file.read(8)[4:] == b"ET12"


def _with_path(path: str, message: str) -> str:
    return message if path in message else f"{path}: {message}"


def _check(args: argparse.Namespace, outputs: dict[str, Any]) -> None:
    """Compare with what is expected; ToolError names every output that differs."""
    expected: dict[str, Any] = {}
    free = iter(outputs)
    for spec in args.expect:
        path = spec.removeprefix("@")
        if path.endswith(".npz"):
            expected |= read_arrays(path)
            continue
        value = parse_value(f"@{path}" if path.endswith(".npy") else spec)
        name = next((name for name in free if name not in expected), None)
        if name is None:
            plural = "output" if len(outputs) == 1 else "outputs"
            raise ToolError(f"--expect {spec}: the method has only {len(outputs)} {plural}")
        expected[name] = value
    if unknown := expected.keys() - outputs.keys():
        names = ", ".join(outputs)
        raise ToolError(f"--expect: no output {', '.join(sorted(unknown))}; there are {names}")
    problems: list[str] = []
    for name, want in expected.items():
        want = _like(want, outputs[name])
        atol = args.rtol * largest(want) if args.atol is None else args.atol
        difference = compare(outputs[name], want, args.rtol, atol)
        if difference is not None:
            problems.append(f"output {name} is not as expected: {difference}")
    if problems:
        raise ToolError("\n".join(problems))


def _like(expected: Any, actual: Any) -> Any:
    """numpy stores the dtypes it does not know (bf16) as bare bytes."""
    dtype = getattr(actual, "dtype", None)
    bare = getattr(expected, "dtype", None)
    if dtype is not None and bare is not None and bare.kind == "V":
        return expected.view(dtype) if bare.itemsize == dtype.itemsize else expected
    return expected


def _benchmark(
    runnable: Runnable, method: MethodInfo, inputs: list[Any], args: argparse.Namespace
) -> str:
    times: list[float] = []
    for _ in range(args.benchmark):
        start = perf_counter()
        runnable.run(method.name, inputs)
        times.append(perf_counter() - start)
    return f"{median(times) * 1e3:.3f} ms"


def _print_profile(log: list[tuple[str, float]]) -> None:
    """A table of operators, the slowest first."""
    times: dict[str, list[float]] = defaultdict(list)
    for operator, seconds in log:
        times[operator].append(seconds)
    total = sum(seconds for _, seconds in log) or 1.0
    print(f"{'ms':>10} {'share':>7} {'calls':>6}  operator")
    for operator, values in sorted(times.items(), key=lambda item: -sum(item[1])):
        spent = sum(values)
        print(f"{spent * 1e3:10.3f} {spent / total:7.1%} {len(values):6}  {operator}")
    print(f"{total * 1e3:10.3f} {'100.0%':>7} {len(log):6}  total")


if __name__ == "__main__":
    sys.exit(main())
