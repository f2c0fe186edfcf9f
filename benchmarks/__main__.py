"""Measure edgeir against ExecuTorch in one run and print one table.

Only ratios travel: the times are those of this machine, under the load that it has now.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path
from typing import cast

from .engines import ENGINES
from .models import NAMES, model
from .row import Row, table
from .runtimes import measure_all

PARTS = {
    "compile": "compile_time",
    "latency": "latency",
    "kernels": "kernels",
    "memory": "memory",
    "startup": "startup",
}


def names_of(kind: str, known: Collection[str]) -> Callable[[str], list[str]]:
    """Return the parser of a comma-separated list; it raises argparse.ArgumentTypeError."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"no {kind} {name!r}; there are {', '.join(known)}"
                )
        return names

    return parse


def counts(text: str) -> list[int]:
    """Parse a comma-separated list of positive numbers; raises argparse.ArgumentTypeError."""
    numbers = [int(number) if number.isdecimal() else 0 for number in text.split(",")]
    if 0 in numbers:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of positive numbers")
    return numbers


def model_of(text: str) -> str:
    """Check the name of a user's model; raises argparse.ArgumentTypeError."""
    try:
        model(text)
    except (ImportError, AttributeError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error
    return text


def writable(text: str) -> Path:
    """Check the path of a file to be; raises argparse.ArgumentTypeError."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written")
    return path


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        type=names_of("part", PARTS),
        default=list(PARTS),
        metavar="PARTS",
        help=f"comma-separated parts to run, of {', '.join(PARTS)} (all)",
    )
    parser.add_argument(
        "--models",
        type=names_of("model", NAMES),
        metavar="NAMES",
        help="measure these test models on every runtime that is installed, instead of the parts",
    )
    parser.add_argument(
        "--model",
        type=model_of,
        action="append",
        metavar="PKG.MODULE:FUNCTION",
        help="the same for a model of yours: the function returns the module and its inputs",
    )
    parser.add_argument(
        "--threads",
        type=counts,
        default=[1],
        metavar="N,...",
        help="thread counts for --models and --model (1)",
    )
    parser.add_argument(
        "--engines",
        type=names_of("engine", [engine.name for engine in ENGINES]),
        metavar="NAMES",
        help=f"of {', '.join(engine.name for engine in ENGINES)} (those that are installed)",
    )
    parser.add_argument("--png", type=writable, metavar="FILE", help="draw the ratios as bars")
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
