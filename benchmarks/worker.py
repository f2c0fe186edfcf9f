"""A process that runs one engine: `python -m benchmarks.worker compile|run ENGINE FOLDER …`.

It speaks JSON, one line a message, on standard output: first what compiling or loading cost, then,
for every line that it reads, the times of one round.
"""

from __future__ import annotations

import json
import resource
import sys
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from .engines import engine, first_output, pin


def compile_model(name: str, folder: Path, model: str) -> None:
    """Compile a model and tell how long it took; the imports and the model come before."""
    from .models import model as build

    module, inputs = build(model)
    warm = folder / "warm"
    warm.mkdir()
    engine(name).compile(*build("digits_cnn"), warm)
    begin = perf_counter()
    engine(name).compile(module, inputs, folder)
    print(json.dumps({"compile": perf_counter() - begin}), flush=True)


def run_model(name: str, folder: Path, inputs_file: Path, threads: int, seconds: float) -> None:
    """Load a model, then time rounds of calls for every line on standard input."""
    pin(threads)
    stored = np.load(inputs_file)
    inputs = [stored[key] for key in stored.files]
    import_module(engine(name).package)
    begin = perf_counter()
    run = engine(name).load(folder, inputs, threads)
    loaded = perf_counter() - begin
    output = first_output(run())
    np.save(folder / "output.npy", output)
    begin = perf_counter()
    run()
    calls = max(1, min(10_000, int(seconds / max(perf_counter() - begin, 1e-7))))
    print(json.dumps({"load": loaded}), flush=True)
    for _ in sys.stdin:
        run()
        times: list[float] = []
        # Very short calls are timed several at once, so that the clock does not count.
        group = max(1, calls // 200)
        for _ in range(max(1, calls // group)):
            begin = perf_counter()
            for _ in range(group):
                run()
            times.append((perf_counter() - begin) / group)
        print(json.dumps({"latency": median(times), "peak": peak_memory()}), flush=True)


def peak_memory() -> int:
    """The most memory that this process has had, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # unlike getrusage it does not count what the parent had
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    action, name, folder, *rest = sys.argv[1:]
    if action == "compile":
        compile_model(name, Path(folder), rest[0])
    else:
        run_model(name, Path(folder), Path(rest[0]), int(rest[1]), float(rest[2]))
