"""The same models on every runtime that is installed, in turns.

Each engine compiles and runs in processes of its own: what one imports, allocates or leaves
spinning does not touch the others. Rounds go round the engines, so that all of them see the same
load of the machine; a ratio is the median over the rounds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np

from .engines import ENGINES, first_output
from .models import model as build

ROUNDS = 15
SECONDS_PER_ROUND = 0.15
TOLERANCE = 1e-3


@dataclass
class Result:
    """What was measured of one engine on one model; times in seconds, sizes in bytes."""

    engine: str
    compile: float
    load: float
    size: int
    peak: int = 0
    rounds: list[float] = field(default_factory=list[float])

    @property
    def latency(self) -> float:
        """The median time of a run."""
        return median(self.rounds)

    def ratio(self, ours: Result) -> float:
        """How many times as long as ours it takes, round by round."""
        return median(a / b for a, b in zip(self.rounds, ours.rounds, strict=True))


class Worker:
    """A running engine."""

    def __init__(self, name: str, folder: Path, inputs: Path, threads: int) -> None:
        arguments = [name, str(folder), str(inputs), str(threads), str(SECONDS_PER_ROUND)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", "run", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def read(self) -> dict[str, Any]:
        """The next message; RuntimeError with the end of its errors if it died."""
        assert self.process.stdout is not None and self.process.stderr is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(_last_line(self.process.stderr.read()))

    def time_round(self) -> dict[str, Any]:
        """Let it run for one round."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.read()

    def stop(self) -> None:
        """End the process."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(timeout=60)


def measure_model(
    name: str, threads: int, folder: Path, engines: Sequence[str], rounds: int = ROUNDS
) -> list[Result]:
    """Measure a model on these engines; one that cannot run it is reported on stderr and left out.

    Raises AssertionError where outputs differ by more than the tolerance: times would not be those
    of the same work.
    """
    inputs = _write_inputs(name, folder / "inputs.npz")
    workers: dict[str, Worker] = {}
    results: dict[str, Result] = {}
    for engine in engines:
        place = folder / engine
        try:
            compile_time = _compile(engine, place, name)
            workers[engine] = Worker(engine, place, inputs, threads)
            load_time = cast(float, workers[engine].read()["load"])
        except RuntimeError as error:
            print(f"{engine} cannot run {name}: {error}", file=sys.stderr)
            workers.pop(engine, None)
            continue
        results[engine] = Result(engine, compile_time, load_time, _size(place))
    _check_outputs(name, {engine: folder / engine / "output.npy" for engine in results})
    for _ in range(rounds):
        for engine, result in results.items():
            message = workers[engine].time_round()
            result.rounds.append(message["latency"])
            result.peak = message["peak"]
    for worker in workers.values():
        worker.stop()
    return list(results.values())


def _write_inputs(name: str, path: Path) -> Path:
    if not path.exists():
        np.savez(path, *[tensor.numpy() for tensor in build(name)[1]])
    return path


def _compile(engine: str, place: Path, name: str) -> float:
    """Compile once for all thread counts."""
    done = place / "compiled.json"
    if not done.exists():
        place.mkdir(parents=True)
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks.worker", "compile", engine, str(place), name],
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
        if run.returncode or not lines:
            raise RuntimeError(_last_line(run.stderr))
        done.write_text(lines[-1])
    return cast(float, json.loads(done.read_text())["compile"])


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def _size(place: Path) -> int:
    return sum(path.stat().st_size for path in place.glob("model.*"))


def _check_outputs(name: str, outputs: dict[str, Path]) -> None:
    import torch

    module, inputs = build(name)
    with torch.inference_mode():
        wanted = first_output(module(*inputs))
    for engine, path in outputs.items():
        error = float(np.abs(np.load(path) - wanted).max() / np.abs(wanted).max())
        assert error <= TOLERANCE, f"{engine} on {name}: differs by {error:.2g} of the largest"


def text(name: str, threads: int, results: Sequence[Result]) -> str:
    """A table of one model: latency, ratio against our first engine, and what else it costs."""
    ours = results[0]
    lines = [
        f"{name}, {threads} thread{'s' * (threads > 1)}",
        f"  {'':20}{'run':>12}{'ratio':>8}{'compile':>11}{'load':>11}{'size':>10}{'peak':>10}",
    ]
    lines += [
        f"  {r.engine:20}{r.latency * 1e3:>9.3f} ms{r.ratio(ours):>7.2f}x{r.compile:>9.2f} s"
        f"{r.load * 1e3:>8.1f} ms{r.size / 2**20:>7.1f} MB{r.peak / 2**20:>7.0f} MB"
        for r in results
    ]
    return "\n".join(lines)


def chart(measured: dict[tuple[str, int], list[Result]], path: Path) -> None:
    """Draw the latencies relative to our first engine as bars, one group a model."""
    import_module("matplotlib").use("agg")
    pyplot: Any = import_module("matplotlib.pyplot")
    names = list(dict.fromkeys(r.engine for results in measured.values() for r in results))
    figure, axes = pyplot.subplots(figsize=(2 + 1.6 * len(measured), 4.5), layout="constrained")
    width = 0.8 / len(names)
    for number, name in enumerate(names):
        heights = [
            next((r.ratio(results[0]) for r in results if r.engine == name), 0.0)
            for results in measured.values()
        ]
        positions = [
            group + (number - len(names) / 2 + 0.5) * width for group in range(len(heights))
        ]
        bars = axes.bar(positions, heights, width, label=name)
        axes.bar_label(bars, fmt="%.2f", fontsize=7)
    labels = [f"{model}\n{threads} thread{'s' * (threads > 1)}" for model, threads in measured]
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yscale("log")
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_ylabel(f"time, relative to {next(iter(measured.values()))[0].engine}")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=150)


def measure_all(
    models: Sequence[str], threads: Sequence[int], engines: Sequence[str] | None, png: Path | None
) -> None:
    """Measure models at thread counts, print a table for each, and draw the chart."""
    chosen = engines or [engine.name for engine in ENGINES if engine.is_installed]
    measured: dict[tuple[str, int], list[Result]] = {}
    for name in models:
        with tempfile.TemporaryDirectory() as temporary:
            for count in threads:
                results = measure_model(name, count, Path(temporary), chosen)
                if results:
                    measured[name, count] = results
                    print(text(name, count, results), flush=True)
    if png is not None and measured:
        chart(measured, png)
        print(f"chart: {png}")
