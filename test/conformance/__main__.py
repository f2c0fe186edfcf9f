"""`python test/conformance --full`: every sample, and the shares that pass.

`strictly` is the share within OpInfo's tolerances; a sample also passes if it is as near to the
exact result as eager is.
"""

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "runtime"))

from direct import CALLS
from on_executorch import differences
from operators_page import coverage_page
from run import Result, Task, all_tasks, exceptions, few_tasks, run
from samples import DTYPES, VARIANTS, operators


def main() -> int:
    """Run the samples that the arguments name; 1 where one fails that is no exception."""
    arguments = _parse()
    tasks = [task for task in _tasks(arguments) if _wanted(task, arguments)]
    if arguments.samples:
        tasks = [replace(task, limit=arguments.samples) for task in tasks]
    started, results = time.monotonic(), []
    for group in _run(tasks, arguments):
        results += group
        if arguments.verbose:
            for result in group:
                if result.outcome.kind != "pass" or result.outcome.detail:
                    print(f"{result.name}: {result.outcome.kind}: {result.outcome.detail}")
        if sys.stderr.isatty():
            print(f"\r{len(results)} samples", end="", file=sys.stderr, flush=True)
    print(f"{len(results)} samples in {time.monotonic() - started:.0f} s, seed {arguments.seed}")
    unexpected = _report(results, arguments.by_op)
    on_executorch = _run_on_executorch(results) if arguments.executorch else {}
    if arguments.coverage:
        page = coverage_page(results, on_executorch)
        arguments.coverage.write_text(page, encoding="utf-8")
    if arguments.json:
        rows = [[r.name, r.outcome.kind, r.outcome.detail, r.outcome.uses] for r in results]
        arguments.json.write_text(json.dumps(rows, indent=0), encoding="utf-8")
    return 1 if unexpected else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python test/conformance", description=__doc__)
    parser.add_argument("--full", action="store_true", help="every sample, not a few of each")
    parser.add_argument("--samples", type=int, help="at most so many of each operator and dtype")
    parser.add_argument("--seed", type=int, default=0, help="of the samples' values (0)")
    parser.add_argument("--processes", type=int, default=2, help="processes at once (2)")
    parser.add_argument("--op", action="append", help="only this OpInfo (may be repeated)")
    parser.add_argument("--dtype", action="append", choices=DTYPES, help="only this dtype")
    parser.add_argument("--variant", action="append", choices=VARIANTS, help="only this variant")
    parser.add_argument("--strict", action="store_true", help="fail outside OpInfo's tolerances")
    parser.add_argument("--by-op", action="store_true", help="print the share of each OpInfo")
    parser.add_argument("--verbose", action="store_true", help="print every sample not passed")
    parser.add_argument("--executorch", action="store_true", help="run on its runtime too")
    parser.add_argument("--coverage", type=Path, metavar="FILE", help="write the page of operators")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all outcomes to a file")
    return parser.parse_args()


def _tasks(arguments: argparse.Namespace) -> list[Task]:
    return all_tasks() if arguments.full or arguments.op else few_tasks()


def _run(tasks: list[Task], arguments: argparse.Namespace) -> Iterator[list[Result]]:
    return run(tasks, arguments.seed, arguments.processes, arguments.executorch, arguments.strict)


def _wanted(task: Task, arguments: argparse.Namespace) -> bool:
    return (
        task.op in (arguments.op or (*operators(), *CALLS))
        and task.dtype in (arguments.dtype or DTYPES)
        and task.variant in (arguments.variant or VARIANTS)
    )


def _report(results: list[Result], by_op: bool) -> list[Result]:
    """Print the shares; the failures that are no exceptions."""
    excepted = exceptions()
    failures = [r for r in results if r.outcome.kind == "fail"]
    unexpected = [r for r in failures if r.key not in excepted]
    _print_shares("dtype", results, lambda r: r.task.dtype)
    _print_shares("variant", results, lambda r: r.task.variant)
    if by_op:
        _print_shares("OpInfo", results, lambda r: r.task.op)
    outside = Counter(r.outcome.detail for r in results if r.outcome.kind == "outside")
    print(f"\noutside the table: {outside.total()} samples, by operators:")
    for names, count in outside.most_common(20):
        print(f"{count:6} {names}")
    print(f"\n{len(failures)} samples fail, {len(unexpected)} of them unexpectedly")
    for (operator, detail), count in Counter(
        (f"{r.task.op} {r.task.dtype} {r.task.variant}", r.outcome.detail) for r in unexpected
    ).most_common():
        print(f"{count:6} {operator}: {detail}")
    return unexpected


def _run_on_executorch(results: list[Result]) -> dict[str, bool]:
    """By the name of a result whether ExecuTorch's runtime agrees; what it does not is printed."""
    portable = [result for result in results if result.outcome.run is not None]
    found = differences([result.outcome.run for result in portable])
    print(f"\nExecuTorch's runtime: {found.count('')} of {len(portable)} programs agree")
    for result, difference in zip(portable, found, strict=True):
        if difference:
            print(f"       {result.name}: {difference}")
    return {r.name: not difference for r, difference in zip(portable, found, strict=True)}


def _print_shares(title: str, results: Iterable[Result], key: Callable[[Result], str]) -> None:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        kind, detail = result.outcome.kind, result.outcome.detail
        counts[key(result)][kind] += 1
        counts[key(result)]["strictly"] += kind == "pass" and not detail
    columns = ("share", "strictly", "outside", "untraced", "refused")
    print(f"\n{title:40} {'passed':>15} " + " ".join(f"{column:>8}" for column in columns))
    for name, kinds in counts.items():
        run_count = kinds["pass"] + kinds["fail"]
        shares = [_percent(kinds[kind], run_count) for kind in ("pass", "strictly")]
        others = [kinds[kind] for kind in ("outside", "untraceable", "no reference")]
        passed = f"{kinds['pass']} of {run_count}"
        print(f"{name:40} {passed:>15} " + " ".join(f"{n:>8}" for n in (*shares, *others)))


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}%" if whole else ""


if __name__ == "__main__":
    sys.exit(main())
