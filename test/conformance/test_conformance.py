"""PyTorch's own samples: a few of every operator, compiled, run and compared with eager.

`python test/conformance --full` runs all of them. The samples come from a seed; CONFORMANCE_SEED
in the environment is another one.
"""

import os
from collections import Counter

import pytest
import torch
from direct import CALLS
from run import Result, Task, exceptions, failing, few_tasks, run

SEED = int(os.environ.get("CONFORMANCE_SEED", "0"))

NOT_COMPILED = {
    "aten::_native_batch_norm_legit": "is functional when it comes from torch.export",
    "aten::atan2.out": "is functional when it comes from torch.export",
    "aten::resize_": "is functional when it comes from torch.export",
    "aten::sym_is_contiguous": "memory formats are fixed at compile time",
    "aten::sym_numel": "sizes are expressions in types",
    "aten::sym_size.int": "sizes are expressions in types",
    "aten::sym_storage_offset": "tensors have no storage in the IR",
    "aten::sym_stride.int": "tensors have no strides in the IR",
}
"""Core operators that need no operation of ours, and why."""


@pytest.fixture(scope="module")
def results() -> list[Result]:
    found: list[Result] = []
    for group in run(few_tasks(), SEED):
        found += group
    return found


def core_operators() -> set[str]:
    found = set()
    for name in torch._C._dispatch_get_all_op_names():
        packet, _, overload = name.removeprefix("aten::").partition(".")
        if not name.startswith("aten::") or not hasattr(torch.ops.aten, packet):
            continue
        operator = getattr(getattr(torch.ops.aten, packet), overload or "default", None)
        if operator is not None and torch.Tag.core in operator.tags:
            found.add(name)
    return found


def test_samples_pass(results: list[Result]) -> None:
    allowed = exceptions()
    failures = [
        f"{result.name}: {result.outcome.detail}"
        for result in results
        if result.outcome.kind == "fail" and result.key not in allowed
    ]
    assert not failures, "\n".join(failures)


def test_most_samples_are_run(results: list[Result]) -> None:
    kinds = Counter(result.outcome.kind for result in results)
    assert kinds["pass"] > 0.7 * kinds.total()


def test_every_core_operator_passes_a_sample(results: list[Result]) -> None:
    core = core_operators()
    assert len(core) == 193
    passed = {
        key
        for result in results
        if result.outcome.kind == "pass"
        for key in result.outcome.overloads
    }
    assert sorted(core - passed - NOT_COMPILED.keys()) == []


def test_direct_calls_reach_what_they_name(results: list[Result]) -> None:
    for result in results:
        if result.task.op in CALLS:
            assert result.outcome.kind == "pass", f"{result.name}: {result.outcome.detail}"
            assert result.task.op in result.outcome.overloads


@pytest.fixture(scope="module")
def failures() -> set[Task]:
    return failing(exceptions(), SEED)


@pytest.mark.parametrize("task", exceptions(), ids=lambda task: f"{task.op} {task.dtype}")
def test_exception_still_fails(task: Task, failures: set[Task]) -> None:
    assert task in failures, f"take {task} from exceptions.txt: all of its samples pass"
