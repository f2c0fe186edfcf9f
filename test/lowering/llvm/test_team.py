"""Programs on several threads: always right, whatever the threads do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from kernel_programs import load_payload, reversals, reversed_rows

from edgeir.lowering.backends import Payload
from edgeir.lowering.llvm.payload import compile_kernel_program
from edgeir.lowering.llvm.targets import target_for
from edgeir.passes.evaluate.kernels import run_program
from edgeir.runtime.backends.llvm.payload import read_payload

TASKS, LAUNCHES = 7, 41


@pytest.fixture(scope="module")
def payload() -> Payload:
    return compile_kernel_program(reversals(24, TASKS, LAUNCHES), target_for("host"), {}, None)


def check(payload: Payload, threads: int, runs: int, alone: bool = True) -> None:
    """Run a program many times on new numbers; not `alone`: with the team in every run."""
    region = load_payload(payload, threads)
    x = np.zeros(24 * TASKS, np.float32)
    y = np.zeros_like(x)
    if not alone:
        # As many runs with the team are to be tried before it is compared.
        region.pace[4] = 1 << 40
    run = region.bind([x, y])
    for seed in range(runs):
        x[:] = np.arange(x.size) + seed
        run()
        np.testing.assert_array_equal(y, reversed_rows(x, TASKS, LAUNCHES))


def test_interpreter_agrees():
    x = np.arange(24 * TASKS, dtype=np.float32)
    (y,) = run_program(reversals(24, TASKS, LAUNCHES), [x], {})
    np.testing.assert_array_equal(y, reversed_rows(x, TASKS, LAUNCHES))


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_threads_agree(payload: Payload, threads: int):
    check(payload, threads, 300)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_the_team_works_on_every_run(payload: Payload, threads: int):
    check(payload, threads, 300, alone=False)


def test_other_threads_take_tasks(payload: Payload):
    """Each keeps numbers in its own scratch memory."""
    region = load_payload(payload, 2)
    region.pace[4] = 1 << 40
    x = np.arange(24 * TASKS, dtype=np.float32)
    run = region.bind([x, np.zeros_like(x)])
    scratch = read_payload(memoryview(payload.code)).scratch
    for _ in range(200_000):
        run()
        if region.arena[-scratch:].any():
            return
    pytest.fail("the leader did all the work")


def test_teams_are_shared_by_programs_that_run_at_once(payload: Payload):
    """One of them has the team, the others work alone meanwhile."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            check(payload, 2, 100, alone=False)
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []


def test_busy_machine(payload: Payload):
    """Other processes on every core: slower, but right."""
    cores = os.cpu_count() or 1
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        check(payload, 2, 100, alone=False)
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_child_process_has_threads_of_its_own(payload: Payload):
    check(payload, 2, 3, alone=False)
    child = os.fork()
    if not child:
        try:
            check(payload, 2, 50, alone=False)
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
