"""Runs programs on ExecuTorch's runtime, in processes of their own, which a kernel may abort."""

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

BATCH = 200
"""Programs of one process."""


def differences(runs: Sequence[Any]) -> list[str]:
    """For each `Run` how the runtime's outputs differ from the interpreter's; empty if not."""
    found: list[str] = []
    for start in range(0, len(runs), BATCH):
        batch = runs[start : start + BATCH]
        with tempfile.TemporaryDirectory() as folder:
            results = _run_batch(Path(folder), batch)
        found += [_difference(run, result) for run, result in zip(batch, results, strict=True)]
    return found


def _run_batch(folder: Path, runs: Sequence[Any]) -> list[Any]:
    work, done = folder / "work", folder / "done"
    work.write_bytes(pickle.dumps([(run.program, run.inputs) for run in runs]))
    results: list[Any] = []
    while len(results) < len(runs):
        done.write_bytes(b"")
        command = [sys.executable, __file__, str(work), str(done), str(len(results))]
        subprocess.run(command, capture_output=True, check=False)
        with done.open("rb") as stream:
            while stream.peek(1):
                results.append(pickle.load(stream))
        if len(results) < len(runs):
            results.append("the process ends in the kernel")
    return results


def _difference(run: Any, results: Any) -> str:
    if isinstance(results, str):
        return results
    try:
        assert len(results) == len(run.outputs), f"{len(results)} outputs"
        for result, wanted in zip(results, run.outputs, strict=True):
            torch.testing.assert_close(result, wanted, equal_nan=True, **_tolerance(wanted))
    except AssertionError as error:
        return " ".join(str(error).split())[:200]
    return ""


def _tolerance(wanted: Any) -> dict[str, float]:
    """Some roundings of the largest element: other kernels add in another order."""
    if not isinstance(wanted, torch.Tensor) or not wanted.is_floating_point() or not wanted.numel():
        return {}
    largest = wanted.double().nan_to_num(0, 0, 0).abs().max().item()
    rounding = 16 * torch.finfo(wanted.dtype).eps
    return {"rtol": rounding, "atol": rounding * largest}


def main() -> None:
    """Run the programs of a file from a number on; each result is on disk before the next run."""
    from executorch.runtime import Runtime

    work, done, first = sys.argv[1:]
    runtime = Runtime.get()
    programs = pickle.loads(Path(work).read_bytes())
    with Path(done).open("ab", buffering=0) as stream:
        for program, inputs in programs[int(first) :]:
            try:
                method = runtime.load_program(program).load_method("forward")
                outputs = method.execute(list(inputs))
                result = [o.clone() if isinstance(o, torch.Tensor) else o for o in outputs]
            except Exception as error:
                result = f"{type(error).__name__}: {error}"[:200]
            stream.write(pickle.dumps(result))


if __name__ == "__main__":
    main()
