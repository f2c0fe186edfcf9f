"""Runs a function of the aten or the edge dialect, operation by operation.

No pass is involved: what is run is what the text says. It is the reference that passes are checked
against, and what `edge-run` does with such a text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Operation, SSAValue

from ...dialects.diagnostic import Diagnostic, DiagnosticsError
from ...dialects.edge.ops import LiteralOp, ScalarOp, ToLayoutOp
from ...dialects.expr import Expr
from ...dialects.schema_op import SchemaOp
from .arrays import Array, empty_array, known_array
from .inputs import bind_sizes
from .operation import evaluate_operation


def evaluate(function: FuncOp, inputs: Sequence[Any], weights: Mapping[str, Array]) -> list[Any]:
    """The results of a function for the given inputs: arrays, and Python numbers for scalars.

    Raises InputError for inputs that do not fit the signature, DiagnosticsError for operations
    that cannot be run.
    """
    block = function.body.block
    sizes = bind_sizes(function, inputs)
    values: dict[SSAValue, Any] = dict(zip(block.args, inputs, strict=True))
    last_use = _last_uses(function)
    for op in block.ops:
        if isinstance(op, ReturnOp):
            return [values[operand] for operand in op.arguments]
        for result, value in zip(op.results, _results(op, values, sizes, weights), strict=True):
            values[result] = value
        for operand in last_use.get(op, ()):
            del values[operand]
    return []


def _results(
    op: Operation,
    values: Mapping[SSAValue, Any],
    sizes: Mapping[str, int],
    weights: Mapping[str, Array],
) -> list[Any]:
    match op:
        case SchemaOp():
            return evaluate_operation(op, values, sizes)
        case LiteralOp():
            number = op.number
            return [number.evaluate(sizes) if isinstance(number, Expr) else number]
        case ScalarOp():
            operands = {f"v{i}": values[v] for i, v in enumerate(op.inputs)}
            return [op.expr.data.evaluate({**sizes, **operands})]
        case ToLayoutOp():
            out = empty_array(op.result.type, sizes)
            np.copyto(out, values[op.input])
            return [out]
        case _:
            known = known_array(op.results[0], weights) if len(op.results) == 1 else None
            if known is None:
                raise DiagnosticsError([Diagnostic.at(op, "cannot be run in this dialect")])
            return [known]


def _last_uses(function: FuncOp) -> dict[Operation, list[SSAValue]]:
    """For each operation the values that nothing uses after it, so that memory is given back."""
    last: dict[SSAValue, Operation] = {}
    for op in function.body.block.ops:
        for operand in op.operands:
            last[operand] = op
        for result in op.results:
            last.setdefault(result, op)
    ends: dict[Operation, list[SSAValue]] = {}
    for value, op in last.items():
        ends.setdefault(op, []).append(value)
    return ends
