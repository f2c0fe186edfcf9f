"""Runs a kernel program: data in flat memory, then launch after launch, task after task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from ....dialects import kernel
from ....dialects.diagnostic import Diagnostic, DiagnosticsError
from ....dialects.kernel.types import element_type
from ....dialects.layout import order_of
from ..arrays import Array, empty_array, numpy_dtype
from .memory import Pointer
from .registry import Values, run_block, run_operation

UNKNOWN = 0xFF
"""The byte that fills memory nobody has written: nan in floats."""


def run_program(
    program: kernel.ProgramOp, inputs: Sequence[Any], weights: Mapping[str, Array]
) -> list[Array]:
    """The program's outputs for its inputs; `weights` are the arrays of its `kernel.weight`s.

    Arena and scratch memory hold nan at first. Raises DiagnosticsError, at the operation, for an
    access outside of a tensor or of the arena, for operations that cannot be run, and for what
    kernels require.
    """
    outputs = [empty_array(_tensor(result), {}) for result in program.outputs]
    arguments = [
        *(_flat(np.asarray(a), v.type) for a, v in zip(inputs, program.inputs, strict=True)),
        *(
            _flat(array, result.type)
            for array, result in zip(outputs, program.outputs, strict=True)
        ),
    ]
    arena, scratch = _unknown(program.arena.value.data), _unknown(program.scratch.value.data)
    values: Values = {}
    for op in program.body.block.ops:
        match op:
            case kernel.ArgumentOp():
                values[op.result] = _pointer(arguments[op.index.value.data], op.result)
            case kernel.ArenaOp():
                values[op.result] = _pointer(arena[op.offset.value.data :], op.result)
            case kernel.StatusOp():
                values[op.result] = status = _pointer(arena[op.offset.value.data :], op.result)
                status.view(op, (), ())[...] = 0
            case kernel.ScratchOp():
                values[op.result] = _pointer(scratch, op.result)
            case kernel.WeightOp():
                weight = np.ascontiguousarray(weights[op.key.data])
                values[op.result] = _pointer(weight.reshape(-1), op.result)
            case kernel.LaunchOp():
                _launch(program, op, values, scratch)
            case kernel.FuncOp() | kernel.CodeOp():
                pass
            case _:
                run_operation(op, values)
    for op in program.body.block.ops:
        if isinstance(op, kernel.StatusOp) and values[op.result].view(op, (), ())[()]:
            raise DiagnosticsError(
                [Diagnostic.at(program, "an index is out of range of its tensor")]
            )
    return outputs


def _launch(program: kernel.ProgramOp, op: kernel.LaunchOp, values: Values, scratch: Array) -> None:
    function = next(
        other
        for other in program.body.block.ops
        if isinstance(other, kernel.FuncOp) and other.sym_name.data == op.kernel.root_reference.data
    )
    arguments = [values[argument] for argument in op.arguments]
    for task in range(op.tasks.value.data):
        scratch.fill(UNKNOWN)
        run_block(function.body.block, [*arguments, task], {})


def _tensor(value: SSAValue) -> TensorType[Attribute]:
    return cast(TensorType[Attribute], value.type)


def _flat(array: Array, type: Attribute) -> Array:
    """The elements in the order in which they lie; a view, if the array lies so already."""
    order = order_of(cast(TensorType[Attribute], type)) or range(array.ndim)
    return np.ascontiguousarray(array.transpose(tuple(order))).reshape(-1)


def _pointer(memory: Array, pointer: SSAValue) -> Pointer:
    """The begin of flat memory as elements of a pointer's type."""
    dtype = numpy_dtype(element_type(pointer.type))
    raw = memory.view(np.uint8)
    return Pointer(raw[: raw.size // dtype.itemsize * dtype.itemsize].view(dtype), 0)


def _unknown(size: int) -> Array:
    return np.full(size, UNKNOWN, np.uint8)
