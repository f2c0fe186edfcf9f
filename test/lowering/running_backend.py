"""A backend in one file, as users give it to --load: running sums and signs."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from xdsl.ir import Operation

from edgeir.dialects.delegate import RegionOp, YieldOp
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.backends import BackendError, CompileOptions, Verdict
from edgeir.runtime.delegates import DelegateOptions

name = "running"
options = {"limit": "the most operators of a region"}


def supports(op: Operation) -> Verdict:
    """Running sums and signs."""
    if isinstance(op, SchemaOp) and op.SCHEMA.key in ("aten::cumsum", "aten::neg"):
        return Verdict(True)
    return Verdict(False, "takes cumsum and neg only")


def compile(region: RegionOp, options: CompileOptions) -> bytes:
    """A list of (function, operand, dim), and the numbers of the results."""
    numbers = {argument: i for i, argument in enumerate(region.body.block.args)}
    steps: list[tuple[str, int, Any]] = []
    for op in region.body.block.ops:
        if isinstance(op, YieldOp):
            results = [numbers[value] for value in op.values]
            return json.dumps([steps, results]).encode()
        assert isinstance(op, SchemaOp)
        dim = op.value_of("dim") if op.SCHEMA.key == "aten::cumsum" else None
        steps.append((op.SCHEMA.op_name, numbers[op.operands[0]], dim))
        numbers[op.results[0]] = len(numbers)
        if len(steps) > int(options.values.get("limit", 1000)):
            raise BackendError(f"the region has more than {options.values['limit']} operators")
    raise AssertionError("a region yields")


def load(payload: memoryview, options: DelegateOptions) -> Callable[..., None]:
    """A function of inputs and outputs."""
    steps, results = json.loads(bytes(payload))

    def run(*args: Any) -> None:
        values = list(args[: len(args) - len(results)])
        for function, operand, dim in steps:
            x = values[operand]
            values.append(-x if function == "neg" else np.cumsum(x, axis=dim))
        for out, number in zip(args[len(args) - len(results) :], results, strict=True):
            np.copyto(out, values[number])

    return run
