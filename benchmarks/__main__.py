"""Measure edgeir against ExecuTorch in one run and print one table.

Only ratios travel: the times are those of this machine, under the load that it has now.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

from .engines import ENGINES
from .row import Row, table
from .runtimes import measure_all

PARTS = {
    "compile": "compile_time",
    "latency": "latency",
    "kernels": "kernels",
    "memory": "memory",
    "startup": "startup",
}


def parts(text: str) -> list[str]:
    """Parse a comma-separated list of parts.

    Raises argparse.ArgumentTypeError.
    """
    names = text.split(",")
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f"no part {name!r}; there are {', '.join(PARTS)}")
    return names


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        type=parts,
        default=list(PARTS),
        metavar="PARTS",
        help=f"comma-separated parts to run, of {', '.join(PARTS)} (all)",
    )
    parser.add_argument(
        "--models",
        type=lambda text: text.split(","),
        metavar="NAMES",
        help="measure these test models on every runtime that is installed, instead of the parts",
    )
    parser.add_argument(
        "--model",
        action="append",
        metavar="PKG.MODULE:FUNCTION",
        help="the same for a model of yours: the function returns the module and its inputs",
    )
    parser.add_argument(
        "--threads",
        type=lambda text: [int(count) for count in text.split(",")],
        default=[1],
        metavar="N,...",
        help="thread counts for --models and --model (1)",
    )
    parser.add_argument(
        "--engines",
        type=lambda text: text.split(","),
        metavar="NAMES",
        help=f"of {', '.join(engine.name for engine in ENGINES)} (those that are installed)",
    )
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw the ratios as bars")
    arguments = parser.parse_args()
    models = cast("list[str]", [*(arguments.models or []), *(arguments.model or [])])
    if models:
        measure_all(models, arguments.threads, arguments.engines, arguments.png)
        return
    rows: list[Row] = []
    for part in cast(list[str], arguments.only):
        print(f"measuring {part} ...", file=sys.stderr)
        measure = cast(
            Callable[[], list[Row]], import_module(f".{PARTS[part]}", __package__).measure
        )
        rows += measure()
    print(table(rows))


if __name__ == "__main__":
    main()
