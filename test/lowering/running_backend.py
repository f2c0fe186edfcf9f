"""A backend in one file, as users give it to --load: running sums and signs."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from xdsl.ir import Operation

from edgeir.dialects.delegate import RegionOp, YieldOp
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.backends import BackendError, CompileOptions, Verdict
from edgeir.passes.evaluate.arrays import known_array
from edgeir.runtime.delegates import DelegateOptions

name = "running"
options = {"limit": "the most operators of a region"}


def supports(op: Operation) -> Verdict:
    """Running sums and signs."""
    if isinstance(op, SchemaOp) and op.SCHEMA.key in ("aten::cumsum", "aten::neg"):
        return Verdict(True)
    return Verdict(False, "takes cumsum and neg only")


def compile(region: RegionOp, options: CompileOptions) -> bytes:
    """A list of (function, operand, dim) and of constants, and the numbers of the results."""
    numbers = {argument: i for i, argument in enumerate(region.body.block.args)}
    steps: list[tuple[str, Any, Any]] = []
    for op in region.body.block.ops:
        if isinstance(op, YieldOp):
            results = [numbers[value] for value in op.values]
            return json.dumps([steps, results]).encode()
        number = len(numbers)
        constant = known_array(op.results[0], options.weights)
        numbers[op.results[0]] = number
        if constant is not None:
            steps.append(("constant", constant.tolist(), constant.dtype.str))
            continue
        assert isinstance(op, SchemaOp)
        dim = op.value_of("dim") if op.SCHEMA.key == "aten::cumsum" else None
        steps.append((op.SCHEMA.op_name, numbers[op.operands[0]], dim))
        if len(steps) > int(options.values.get("limit", 1000)):
            raise BackendError(f"the region has more than {options.values['limit']} operators")
    raise AssertionError("a region yields")


def load(payload: memoryview, options: DelegateOptions) -> Callable[..., tuple[Any, ...]]:
    """A function of inputs and outputs."""
    steps, results = json.loads(bytes(payload))

    def run(*args: Any) -> tuple[Any, ...]:
        values = list(args[: len(args) - len(results)])
        for function, operand, dim in steps:
            if function == "constant":
                values.append(np.array(operand, dim))
            elif function == "neg":
                values.append(-values[operand])
            else:
                values.append(np.cumsum(values[operand], axis=dim))
        # Not copied into the outputs, whose sizes may be others than those of the last run.
        return tuple(values[number] for number in results)

    return run
