"""Runs many samples, in several processes: `run(tasks, seed)`."""

import multiprocessing
import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import torch
from conformance import Checker, Outcome
from direct import CALLS, direct_samples
from samples import DTYPES, VARIANTS, Sample, operators, samples, tolerance
from tracing import decomposing_as_export

FOLDER = Path(__file__).parent

FEW = {"f32": 4, "i64": 2, "bool": 1, "f64": 1, "f16": 1, "bf16": 1, "i32": 1, "u8": 1}
"""Samples of each operator in the default run, by dtype; other variants take one each."""


@dataclass(frozen=True)
class Task:
    """Samples of one operator in one dtype and variant: at most `limit`, all if it is None."""

    op: str
    dtype: str
    variant: str
    limit: int | None = None


@dataclass(frozen=True)
class Result:
    """What came of one sample of a task."""

    task: Task
    index: int
    outcome: Outcome

    @property
    def key(self) -> Task:
        """The task as the list of exceptions names it."""
        return replace(self.task, limit=None)

    @property
    def name(self) -> str:
        """How lists and reports call it."""
        return f"{self.task.op} {self.task.dtype} {self.task.variant} #{self.index}"


def few_tasks() -> list[Task]:
    """The default run: a little of everything."""
    tasks: list[Task] = []
    for op in operators():
        tasks += [Task(op, dtype, "function", limit) for dtype, limit in FEW.items()]
        tasks += [Task(op, "f32", variant, 1) for variant in VARIANTS[1:]]
    return tasks + _direct_tasks()


def all_tasks() -> list[Task]:
    """Everything."""
    return [
        Task(op, dtype, variant) for op in operators() for dtype in DTYPES for variant in VARIANTS
    ] + _direct_tasks()


def _direct_tasks() -> list[Task]:
    return [Task(key, "f32", "function") for key in CALLS]


def run(
    tasks: Iterable[Task],
    seed: int,
    processes: int = 2,
    keep_runs: bool = False,
    strict: bool = False,
) -> Iterator[list[Result]]:
    """The results of all tasks, those of one operator together, in no particular order.

    With `keep_runs` outcomes say what ExecuTorch's runtime should do. If `strict`, what is outside
    OpInfo's tolerance fails.
    """
    by_op = [list(group) for _, group in groupby(tasks, lambda task: task.op)]
    if processes < 2:
        _start()
        for group in by_op:
            yield check_operator(group, seed, keep_runs, strict)
        return
    with _workers(processes) as pool:
        pending = [pool.submit(check_operator, group, seed, keep_runs, strict) for group in by_op]
        for future in as_completed(pending):
            yield future.result()


def _workers(processes: int) -> ProcessPoolExecutor:
    """Processes that check samples; what that changes in torch stays in them."""
    # Not forked: torch's threads do not survive that.
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _start)


_started = ExitStack()
_decompositions: dict[object, object] = {}


def _start() -> None:
    """Make this process one that checks samples."""
    if not _decompositions:
        torch.set_num_threads(1)
        _decompositions.update(_started.enter_context(decomposing_as_export()))


def check_operator(
    tasks: Sequence[Task], seed: int, keep_runs: bool = False, strict: bool = False
) -> list[Result]:
    """The results of the tasks of one operator."""
    checker = Checker(_decompositions, keep_runs=keep_runs, strict=strict)
    results: list[Result] = []
    for task in tasks:
        results += [
            Result(task, sample.index, checker.check(sample, _tolerance(task)))
            for sample in _chosen(task, seed)
        ]
    return results


def _tolerance(task: Task) -> dict[str, float]:
    op = operators().get(task.op)
    return tolerance(op, task.dtype) if op else {}


def _chosen(task: Task, seed: int) -> list[Sample]:
    op = operators().get(task.op)
    found = (
        list(samples(task.op, op, task.dtype, task.variant, seed))
        if op
        else direct_samples(task.op, seed)
    )
    if task.limit is None or len(found) <= task.limit:
        return found
    chosen = random.Random(f"{seed} {task}").sample(range(len(found)), task.limit)
    return [found[position] for position in sorted(chosen)]


def failing(tasks: Iterable[Task], seed: int, processes: int = 2) -> set[Task]:
    """The tasks of which a sample fails."""
    with _workers(processes) as pool:
        pending = {task: pool.submit(_fails, task, seed) for task in tasks}
        return {task for task, future in pending.items() if future.result()}


def _fails(task: Task, seed: int) -> bool:
    checker = Checker(_decompositions)
    return any(
        checker.check(sample, _tolerance(task)).kind == "fail" for sample in _chosen(task, seed)
    )


def exceptions() -> dict[Task, str]:
    """The checked-in exceptions with their reasons: lines `op dtype variant reason`."""
    found: dict[Task, str] = {}
    for line in (FOLDER / "exceptions.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            op, dtypes, variants, reason = line.split(maxsplit=3)
            for dtype in dtypes.split(","):
                for variant in variants.split(","):
                    found[Task(op, dtype, variant)] = reason
    return found
