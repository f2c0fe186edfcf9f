"""Runs branches and loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Block

from ...dialects.control_flow import CondOp, ControlFlowOp, MapOp, ScanOp, WhileLoopOp
from ...dialects.layout import dims_of, tensor_type
from .arrays import Array, empty_array, fits

RunBlock = Callable[[Block, Sequence[Any], dict[str, int]], list[Any]]
"""Gives what a block yields for its arguments; new symbols are added to the sizes."""


def run_control_flow(
    op: ControlFlowOp, operands: Sequence[Any], sizes: dict[str, int], run: RunBlock
) -> list[Any]:
    """The results of a branch or loop; `sizes` holds the symbols that are known before it."""

    def run_region(block: Block, arguments: Sequence[Any]) -> list[Any]:
        # Symbols that are defined in a region do not leave it.
        inner = dict(sizes)
        for argument, value in zip(block.args, arguments, strict=True):
            if isinstance(argument.type, TensorType):
                fits(cast(TensorType[Attribute], argument.type), value, inner)
        return run(block, arguments, inner)

    match op:
        case CondOp():
            taken = op.then if _is_true(operands[0]) else op.otherwise
            return run_region(taken.block, ())
        case WhileLoopOp():
            values = list(operands)
            while _is_true(run_region(op.condition.block, values)[0]):
                values = run_region(op.body.block, values)
            return values
        case MapOp():
            return _run_steps(op, (), operands, sizes, run_region)
        case ScanOp():
            count = len(op.init)
            return _run_steps(op, operands[:count], operands[count:], sizes, run_region)
        case _:
            raise AssertionError(f"{op.name} is no branch or loop")


def _run_steps(
    op: MapOp | ScanOp,
    init: Sequence[Any],
    xs: Sequence[Array],
    sizes: dict[str, int],
    run: Callable[[Block, Sequence[Any]], list[Any]],
) -> list[Any]:
    """The last carried values, and the stacks of what each step yields besides."""
    carried = list(init)
    rows: list[list[Any]] = []
    for index in range(len(xs[0])):
        yielded = run(op.body.block, [*carried, *(x[index] for x in xs)])
        carried = yielded[: len(init)]
        rows.append(yielded[len(init) :])
    stacked = zip(*rows, strict=True) if rows else ((),) * len(op.outputs[len(init) :])
    types = [cast(TensorType[Attribute], result.type) for result in op.outputs[len(init) :]]
    pairs = zip(types, stacked, strict=True)
    return carried + [_stack(type, column, sizes) for type, column in pairs]


def _stack(type: TensorType[Attribute], rows: Sequence[Array], sizes: dict[str, int]) -> Array:
    if rows:
        return np.stack(rows)
    dims = [0, *dims_of(type)[1:]]
    return empty_array(tensor_type(type.element_type, dims), sizes)


def _is_true(value: Any) -> bool:
    """Whether a predicate is true: a bool, or an array of one."""
    return bool(np.all(value))
