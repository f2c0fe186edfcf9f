"""Functions of the aten and edge dialects, run by the evaluator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import ModuleOp, NoneType, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute

from ..dialects.function import functions, input_names, mutations, output_names, symbol_ranges
from ..dialects.layout import upper_bounds
from ..dialects.weights import Array
from ..lowering.size_entry import function_sizes
from ..passes.evaluate import evaluate
from ..runtime.dtypes import BY_NAME
from ..runtime.inputs import check_sizes
from ..runtime.method_info import MethodInfo, TensorInfo, unique_names
from .failure import ToolError

_UNBOUNDED = 2**31
"""Stands for a size without an upper bound."""
_NUMBERS = {"i64": "int", "f64": "float", "i1": "bool"}


class RunnableFunctions:
    """The functions of a module.

    `state` holds the buffers that a call has written; the others have their initial values.
    """

    def __init__(
        self, module: ModuleOp, weights: Mapping[str, Array], backends: Sequence[str] = ()
    ):
        self._functions = {f.sym_name.data: f for f in functions(module)}
        self._weights = weights
        self._backends = backends
        self.state: dict[str, Array] = {}
        self.methods: Mapping[str, MethodInfo] = {
            name: _describe(function) for name, function in self._functions.items()
        }

    def run(self, method: str, inputs: Sequence[Any]) -> list[Any]:
        """The user's outputs of a function for its inputs, in order; `state` is updated."""
        function = self._functions[method]
        check_sizes(self.methods[method], inputs)
        return evaluate(function, inputs, self._weights, self.state, self._backends)

    def profile(self, method: str, inputs: Sequence[Any]) -> list[tuple[str, float]]:
        """Functions have no instructions to log: raises ToolError."""
        raise ToolError("only programs and memory modules can be profiled; compile the module")


def _describe(function: FuncOp) -> MethodInfo:
    types = function.function_type
    targets = mutations(function)
    new = len(targets)
    mutated = tuple(target for target in targets if isinstance(target, int))
    inputs = _describe_values(function, "input", input_names(function), types.inputs)
    outputs = _describe_values(
        function, "output", output_names(function)[new:], types.outputs.data[new:]
    )
    sizes = function_sizes(function)
    return MethodInfo(function.sym_name.data, inputs, outputs, None, None, mutated, (), sizes)


def _describe_values(
    function: FuncOp, kind: str, names: Iterable[str], types: Iterable[Attribute]
) -> tuple[TensorInfo, ...]:
    described = zip(unique_names(kind, names), types, strict=True)
    return tuple(_describe_value(function, name, type) for name, type in described)


def _describe_value(function: FuncOp, name: str, type: Attribute) -> TensorInfo:
    if not isinstance(type, TensorType):
        scalar_type = "none" if isinstance(type, NoneType) else _NUMBERS[str(type)]
        return TensorInfo(name, (), None, scalar_type, 0, dynamic=False, is_tensor=False)
    tensor = cast(TensorType[Attribute], type)
    scalar = BY_NAME[str(tensor.element_type)]
    bounds = upper_bounds(tensor, symbol_ranges(function))
    shape = tuple(int(min(bound, _UNBOUNDED)) for bound in bounds)
    dtype = np.dtype(scalar.dtype)
    return TensorInfo(
        name,
        shape,
        dtype,
        scalar.name,
        prod(shape) * dtype.itemsize,
        dynamic=not tensor.has_static_shape(),
        is_tensor=True,
    )
