"""Runs a function of the aten or the edge dialect, operation by operation.

No pass is involved: what is run is what the text says. It is the reference that passes are checked
against, and what `edge-run` does with such a text.
"""

from __future__ import annotations

import operator
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from ...dialects import control_flow, kernel
from ...dialects.aten.numbers import NumberOp
from ...dialects.control_flow import ControlFlowOp
from ...dialects.delegate import CallOp, RegionOp, YieldOp
from ...dialects.diagnostic import Diagnostic, DiagnosticsError
from ...dialects.edge.ops import LiteralOp, ScalarOp, StateOp, SymbolOp, ToLayoutOp
from ...dialects.edge.predicates import CompareOp, LogicOp
from ...dialects.expr import Expr
from ...dialects.function import mutations
from ...dialects.schema_op import SchemaOp
from ...runtime.delegates import Backends
from .arrays import Array, empty_array, fits, known_array, numpy_dtype
from .control_flow import run_control_flow
from .delegate_call import call_payload
from .inputs import bind_sizes
from .kernels import run_program
from .operation import evaluate_operation


def evaluate(
    function: FuncOp,
    inputs: Sequence[Any],
    weights: Mapping[str, Array],
    state: dict[str, Array] | None = None,
    backends: Backends = (),
) -> list[Any]:
    """The user's outputs of a function for the inputs: arrays, and Python numbers for scalars.

    `state` holds what the mutable buffers hold, by name, and takes their new values; a buffer that
    is not in it has its initial value. An input that the function mutates is written where its
    memory is writable. `backends` names those whose compiled payloads may be loaded, or maps names
    to loaders; regions that are not compiled need none. Raises InputError for inputs that do not
    fit the signature, DiagnosticsError for operations that cannot be run.
    """
    state = {} if state is None else state
    buffers = ChainMap(state, cast(dict[str, Array], weights))
    surroundings = _Surroundings(weights, buffers, backends)
    returned = _run_block(function.body.block, inputs, bind_sizes(function, inputs), surroundings)
    return _keep_mutations(function, inputs, state, returned)


@dataclass(frozen=True)
class _Surroundings:
    """What operations refer to besides their operands."""

    weights: Mapping[str, Array]
    buffers: Mapping[str, Array]
    backends: Backends


def _run_block(
    block: Block,
    inputs: Sequence[Any],
    sizes: dict[str, int],
    surroundings: _Surroundings,
    outer: Mapping[SSAValue, Any] = MappingProxyType({}),
) -> list[Any]:
    """The values that a block's terminator gives; new symbols are added to `sizes`.

    `outer` holds what the block reads from outside.
    """
    values: dict[SSAValue, Any] = {**outer, **dict(zip(block.args, inputs, strict=True))}
    last_use = _last_uses(block)
    for op in block.ops:
        if isinstance(op, ReturnOp | YieldOp | kernel.YieldOp | control_flow.YieldOp):
            return [values[operand] for operand in op.operands]
        results = _results(op, values, sizes, surroundings)
        for result, value in zip(op.results, results, strict=True):
            values[result] = value
            if isinstance(op, SchemaOp | ControlFlowOp) and isinstance(result.type, TensorType):
                # A size that depends on data is known from here on.
                fits(cast(TensorType[Attribute], result.type), value, sizes)
        for operand in last_use.get(op, ()):
            del values[operand]
    return []


def _keep_mutations(
    function: FuncOp, inputs: Sequence[Any], state: dict[str, Array], returned: list[Any]
) -> list[Any]:
    """Put new values where they belong; what is left is the user's."""
    targets = mutations(function)
    new = [np.array(value) for value in returned[: len(targets)]]
    # An output may be the memory of an input that is about to be written.
    outputs: list[Any] = returned[len(targets) :]
    if new:
        outputs = [np.array(cast(Array, v)) if isinstance(v, np.ndarray) else v for v in outputs]
    for target, value in zip(targets, new, strict=True):
        if isinstance(target, str):
            state[target] = value
            continue
        array: Any = inputs[target]
        if isinstance(array, np.ndarray) and array.flags.writeable:
            np.copyto(cast(Array, array), value)
    return outputs


def _results(
    op: Operation,
    values: Mapping[SSAValue, Any],
    sizes: dict[str, int],
    surroundings: _Surroundings,
) -> list[Any]:
    match op:
        case StateOp():
            return [surroundings.buffers[op.buffer.data]]
        case RegionOp():
            inputs = [values[value] for value in op.inputs]
            return _run_block(op.body.block, inputs, sizes, surroundings)
        case kernel.StepOp():
            return _run_block(op.body.block, (), sizes, surroundings, values)
        case kernel.CopyOp():
            return [values[op.source]]
        case ControlFlowOp():

            def run(block: Block, inputs: Sequence[Any], sizes: dict[str, int]) -> list[Any]:
                return _run_block(block, inputs, sizes, surroundings, values)

            return run_control_flow(op, [values[value] for value in op.operands], sizes, run)
        case CompareOp():
            left, right = (
                side.evaluate(sizes) if isinstance(side, Expr) else side for side in op.sides
            )
            return [getattr(operator, op.predicate.data)(left, right)]
        case LogicOp():
            return [_LOGIC[op.operator.data](values[value] for value in op.inputs)]
        case CallOp():
            inputs = [values[value] for value in op.inputs]
            return call_payload(op, inputs, sizes, surroundings.weights, surroundings.backends)
        case kernel.ProgramOp():
            return run_program(op, [values[value] for value in op.inputs], surroundings.weights)
        case SchemaOp():
            return evaluate_operation(op, values, sizes)
        case SymbolOp():
            value = values[op.source]
            sizes[op.symbol.data] = value if op.dim is None else np.shape(value)[op.dim.value.data]
            return []
        case NumberOp() if isinstance(op.number, Expr):
            element = numpy_dtype(op.result.type.element_type)
            return [np.array(op.number.evaluate(sizes), element)]
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
            known = (
                known_array(op.results[0], surroundings.weights) if len(op.results) == 1 else None
            )
            if known is None:
                raise DiagnosticsError([Diagnostic.at(op, "cannot be run in this dialect")])
            return [known]


_LOGIC: Mapping[str, Callable[[Iterable[bool]], bool]] = {
    "and": all,
    "or": any,
    "not": lambda inputs: not any(inputs),
}


def _last_uses(block: Block) -> dict[Operation, list[SSAValue]]:
    """For each operation the values that nothing uses after it, so that memory is given back."""
    last: dict[SSAValue, Operation] = {}
    own: set[SSAValue] = set(block.args)
    for op in block.ops:
        for inner in op.walk():
            for operand in inner.operands:
                if operand in own:
                    last[operand] = op
        for result in op.results:
            own.add(result)
            last.setdefault(result, op)
    ends: dict[Operation, list[SSAValue]] = {}
    for value, op in last.items():
        ends.setdefault(op, []).append(value)
    return ends
