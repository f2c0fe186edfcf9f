"""Copies between dim orders, compiled with transpositions in registers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from steps import TYPES, run_compiled
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Block

from edgeir.dialects.weights import WeightsStore
from edgeir.lowering.llvm.copying import copy_tensor
from edgeir.lowering.llvm.emit import emit_module
from edgeir.lowering.llvm.program_builder import Place, ProgramBuilder
from edgeir.lowering.llvm.step import Tensor, dense_tensor
from edgeir.lowering.llvm.targets import target_for


@pytest.mark.parametrize("cpu", ["host", "x86-64-v3"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.bool_])
@pytest.mark.parametrize("shape", [(32, 48), (7, 9), (2, 21, 37), (1, 5, 6, 4)])
def test_copies(shape: tuple[int, ...], dtype: Any, cpu: str) -> None:
    """Row-major to channels last: squares of every size, and what is left at the edges."""
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    order = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
    flat = TensorType(TYPES[array.dtype], [array.size])
    inputs = Block(arg_types=[flat, flat])
    source, result = inputs.args
    places = {source: Place("argument", 0), result: Place("argument", 1)}
    target = target_for(cpu)
    program = ProgramBuilder(target, WeightsStore(), places)
    type = TensorType(TYPES[array.dtype], shape)
    read, written = dense_tensor(type), dense_tensor(type, order)
    copy_tensor(program, program.pointer(source), read, program.pointer(result), written)
    made = program.finish([source], [flat], 0)
    (output,) = run_compiled(made, [array.reshape(-1)], {}, target)
    np.testing.assert_array_equal(output, array.transpose(order).reshape(-1))


def test_shuffles() -> None:
    """The squares are there: no element of a full square is moved on its own."""
    type = TensorType(TYPES[np.dtype(np.float32)], [64, 64])
    inputs = Block(arg_types=[type, type])
    places = {inputs.args[0]: Place("argument", 0), inputs.args[1]: Place("argument", 1)}
    target = target_for("x86-64-v4")
    program = ProgramBuilder(target, WeightsStore(), places)
    pointers = [program.pointer(value) for value in inputs.args]
    tensors: list[Tensor] = [dense_tensor(type), dense_tensor(type, (1, 0))]
    copy_tensor(program, pointers[0], tensors[0], pointers[1], tensors[1])
    made = program.finish([inputs.args[0]], [type], 0)
    text = emit_module([made.body.block.first_op], target)
    assert text.count("shufflevector <16 x float>") == 16 * 4
    assert "load float" not in text
