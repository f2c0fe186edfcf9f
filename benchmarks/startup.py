"""Start-up of `edge-opt` and import time of `edgeir.runtime`, and that neither imports torch."""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from time import perf_counter

from .row import Row, times

PROCESSES = 7
MODULE = "builtin.module {}\n"

EDGE_OPT = "from edgeir.tools.edge_opt import main; assert main(['-p', 'canonicalize']) == 0"
XDSL_OPT = (
    "import sys; sys.argv[1:] = ['-p', 'canonicalize']; "
    "from xdsl.tools.xdsl_opt import main; main()"
)
# A bare `import edgeir.runtime` puts off the rest, numpy too: what loads a program is asked for.
RUNTIME = "import numpy; from edgeir.runtime import load"
EXECUTORCH = "from executorch.runtime import Runtime"
NO_TORCH = "; import sys; assert 'torch' not in sys.modules, 'torch was imported'"


def python(code: str) -> str:
    """Run code in a fresh Python with an empty module as its stdin; return what it printed.

    An exit code that is not 0 ends the benchmark with what the process said.
    """
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, input=MODULE, capture_output=True, text=True, check=False)
    if process.returncode:
        sys.exit(f"benchmarks: this failed: python -c {code!r}\n{process.stderr}")
    return process.stdout


def process_seconds(code: str) -> float:
    """Return the time of a whole process."""
    start = perf_counter()
    python(code)
    return perf_counter() - start


def import_seconds(statement: str) -> float:
    """Return the time of an import statement in a fresh process, Python's own start not counted."""
    clock = "from time import perf_counter as now; start = now(); "
    return float(python(f"{clock}{statement}; print(now() - start)").splitlines()[-1])


def measure() -> list[Row]:
    """Measure in turns; the medians over the processes."""
    python(EDGE_OPT + NO_TORCH)
    python(RUNTIME + NO_TORCH)
    opts = [(process_seconds(EDGE_OPT), process_seconds(XDSL_OPT)) for _ in range(PROCESSES)]
    imports = [(import_seconds(RUNTIME), import_seconds(EXECUTORCH)) for _ in range(PROCESSES)]
    rows = (
        ("edge-opt on an empty module (peer: xdsl-opt)", opts, "<= 0.24 s"),
        ("import edgeir.runtime.load (peer: executorch.runtime)", imports, "<= 0.15 s"),
    )
    return [
        Row(
            what,
            f"{median(ours for ours, _ in pairs):.3f} s",
            f"{median(peer for _, peer in pairs):.3f} s",
            times(median(peer / ours for ours, peer in pairs)),
            wanted,
        )
        for what, pairs, wanted in rows
    ]
