"""The reference backend: regions become JSON that a few lines of numpy run.

It shows what a backend is made of (docs/backends.md) and is no faster than the interpreter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import Attribute, Operation, SSAValue

from ..dialects.delegate import RegionOp, YieldOp
from ..dialects.layout import order_of
from ..dialects.schema_op import SchemaOp
from ..passes.evaluate.arrays import known_array
from .backends import CompileOptions, Payload, Verdict

name = "numpy"
options: dict[str, str] = {}

_FUNCTIONS = {
    "aten::relu": "relu",
    "aten::neg": "neg",
    "aten::exp": "exp",
    "aten::tanh": "tanh",
    "aten::sigmoid": "sigmoid",
    "aten::add.Tensor": "add",
    "aten::sub.Tensor": "sub",
    "aten::mul.Tensor": "mul",
    "aten::mm": "matmul",
    "aten::bmm": "matmul",
    "aten::matmul": "matmul",
    "aten::linear": "linear",
    "aten::softmax.int": "softmax",
    "aten::_softmax": "softmax",
    "aten::permute": "transpose",
    "aten::view": "reshape",
}
"""The function of the running half for each operator."""

_CONSTANTS = {"softmax": ("dim",), "transpose": ("dims",), "reshape": ("size",)}
"""The arguments that a function takes besides its arrays."""


def supports(op: Operation) -> Verdict:
    """Operators of the table, on static f32 tensors in the usual dim order."""
    if not isinstance(op, SchemaOp) or op.SCHEMA.key not in _FUNCTIONS:
        return Verdict(False, f"has no function for {op.name}")
    for value in (*op.operands, *op.results):
        type = cast(TensorType[Attribute], value.type)
        if type.element_type != f32:
            return Verdict(False, f"takes f32 only, not {type.element_type}")
        if not type.has_static_shape() or list(order_of(type)) != sorted(order_of(type)):
            return Verdict(False, f"takes static shapes in the usual dim order only, not {type}")
    if op.arguments().get("alpha", 1) != 1:
        return Verdict(False, "takes no alpha")
    return Verdict(True)


def compile(region: RegionOp, options: CompileOptions) -> Payload:
    """The steps of a region; weights become named data."""
    numbers: dict[SSAValue, int] = {}
    weights: list[tuple[int, str, str, Sequence[int]]] = []
    data: dict[str, Any] = {}
    steps: list[tuple[str, list[int], list[Any], int]] = []
    for argument in region.body.block.args:
        numbers[argument] = len(numbers)
    for op in region.body.block.ops:
        if isinstance(op, YieldOp):
            break
        number = numbers[op.results[0]] = len(numbers)
        array = known_array(op.results[0], options.weights)
        if array is not None:
            array = np.ascontiguousarray(array)
            key = sha256(array.tobytes()).hexdigest()
            data[key] = array
            weights.append((number, key, array.dtype.str, array.shape))
            continue
        assert isinstance(op, SchemaOp), "all else was refused"
        function = _FUNCTIONS[op.SCHEMA.key]
        constants = [op.value_of(argument) for argument in _CONSTANTS.get(function, ())]
        steps.append((function, [numbers[v] for v in op.operands], constants, number))
    last = region.body.block.last_op
    assert last is not None, "the verifier saw a terminator"
    program = {
        "inputs": len(region.inputs),
        "weights": weights,
        "steps": steps,
        "results": [numbers[value] for value in last.operands],
    }
    return Payload(json.dumps(program).encode(), data)
