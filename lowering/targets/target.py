"""What a runtime can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...dialects.schema_op import SchemaOp
from ...passes.evaluate.operation import has_kernel
from ...runtime.program.signatures import stock_signatures


@dataclass(frozen=True)
class Target:
    """A runtime: `problem` says why it cannot run an operation, None where it can."""

    name: str
    problem: Callable[[SchemaOp], str | None]


def _interpreter_problem(op: SchemaOp) -> str | None:
    return None if has_kernel(op) else f"edgeir's interpreter has no kernel {op.ENTRY.out}"


def _executorch_problem(op: SchemaOp) -> str | None:
    if op.ENTRY.out in stock_signatures() and op.ENTRY.out != "aten::linear.out":
        return None
    return f"executorch-1.5 has no kernel {op.ENTRY.out}"


TARGETS: Mapping[str, Target] = {
    "edgeir": Target("edgeir", _interpreter_problem),
    "executorch-1.5": Target("executorch-1.5", _executorch_problem),
}
