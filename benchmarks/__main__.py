"""Measure edgeir against ExecuTorch in one run and print one table.

Only ratios travel: the times are those of this machine, under the load that it has now.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import cast

from .row import Row, table

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
    arguments = parser.parse_args()
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
