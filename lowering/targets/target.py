"""What a runtime can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...dialects.schema_op import SchemaOp
from ...passes.evaluate.operation import has_kernel
from .table import read_target_table

EXECUTORCH_TABLE = Path(__file__).with_name("executorch_1_5.txt")


@dataclass(frozen=True)
class Target:
    """A runtime: `problem` says why it cannot run an operation, None where it can."""

    name: str
    problem: Callable[[SchemaOp], str | None]


def _interpreter_problem(op: SchemaOp) -> str | None:
    return None if has_kernel(op) else f"edgeir's interpreter has no kernel {op.ENTRY.out}"


def _executorch_problem(op: SchemaOp) -> str | None:
    row = read_target_table(EXECUTORCH_TABLE).get(op.ENTRY.out or "")
    if row is None:
        return f"executorch-1.5 has no kernel {op.ENTRY.out or op.SCHEMA.key}"
    if any(isinstance(value, complex) for value in op.arguments().values()):
        return "executorch-1.5 has no complex numbers as arguments"
    found = row.problem(op)
    return None if found is None else f"executorch-1.5 runs {op.ENTRY.out} {found}"


TARGETS: Mapping[str, Target] = {
    "edgeir": Target("edgeir", _interpreter_problem),
    "executorch-1.5": Target("executorch-1.5", _executorch_problem),
}
"""The runtimes by name."""
