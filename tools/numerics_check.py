"""`edge-opt --check-numerics`: every pass must leave the results as they were."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import ModuleOp, NoneType, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute
from xdsl.utils.exceptions import DiagnosticException

from ..dialects.function import VALUE, functions, symbol_ranges
from ..dialects.layout import dims_of
from ..dialects.schema_values import from_attribute
from ..dialects.weights import Array, WeightsError
from ..runtime.dtypes import BY_DTYPE, BY_NAME
from ..runtime.errors import ProgramError
from .comparison import compare, largest
from .failure import ToolError
from .inputs import random_array
from .runnable import Runnable, runnable_module

_TOLERANCE = {"f16": 1e-2, "bf16": 5e-2}
"""Largest error by scalar type, as a share of the largest value; others are `_FINE`."""
_FINE = 1e-4
_SIZE = 3
"""What a symbolic size is, where its range allows it."""


@dataclass(frozen=True)
class Results:
    """What a call gives: outputs in order, and what it leaves changed."""

    outputs: list[Any]
    changed: Mapping[str, Array]
    """Mutated inputs and buffers, by what messages call them."""


class NumericsCheck:
    """The results of a module on random inputs, compared after each pass with those before."""

    def __init__(
        self, module: ModuleOp, weights: Mapping[str, Array], backends: Sequence[str] = ()
    ):
        """Run the module, with payloads of these backends; raises what running it raises."""
        self._pending: list[str] = []
        self._backends = backends
        runnable = runnable_module(module, weights, backends)
        inputs = {f.sym_name.data: _function_inputs(f) for f in functions(module)}
        self._inputs = inputs or _program_inputs(runnable)
        self._results = self._run(runnable)

    def check(self, module: ModuleOp, weights: Mapping[str, Array], pass_name: str) -> None:
        """Run the module after a pass; ToolError names the first result that it changes.

        Between stages a module may not be runnable; a warning says so, and the next check answers
        for both passes.
        """
        self._pending.append(pass_name)
        try:
            runnable = runnable_module(module, weights, self._backends)
            results = self._run(runnable)
        except (DiagnosticException, ProgramError, WeightsError) as error:
            reason = str(error).splitlines()[0]
            print(f"warning: numerics not checked after {pass_name}: {reason}", file=sys.stderr)
            return
        for method, result in results.items():
            self._compare(runnable, method, result)
        self._results = results
        self._pending.clear()

    def _run(self, runnable: Runnable) -> Mapping[str, Results]:
        return {
            method: _run_method(runnable, method, inputs)
            for method, inputs in self._inputs.items()
            if method in runnable.methods
        }

    def _compare(self, runnable: Runnable, method: str, results: Results) -> None:
        before = self._results[method]
        # A program without the structure of its outputs also gives the new values of inputs, first.
        expected = before.outputs[-len(results.outputs) :] if results.outputs else []
        infos = runnable.methods[method].outputs
        for output, got, want in zip(infos, results.outputs, expected, strict=True):
            self._compare_value(f"{output.name} of {method}", output.scalar_type, got, want)
        for name, got in results.changed.items():
            if (want := before.changed.get(name)) is None:
                continue
            self._compare_value(f"{name} of {method}", BY_DTYPE[got.dtype].name, got, want)

    def _compare_value(self, name: str, scalar_type: str, got: Any, want: Any) -> None:
        rtol = _TOLERANCE.get(scalar_type, _FINE)
        difference = compare(got, want, rtol, rtol * largest(want))
        if difference is not None:
            passes = " and ".join(self._pending)
            verb = "changes" if len(self._pending) == 1 else "change"
            raise ToolError(f"{passes} {verb} {name}: {difference}")


def _run_method(runnable: Runnable, method: str, inputs: Sequence[Any]) -> Results:
    given: list[Any] = [x.copy() if hasattr(x, "copy") else x for x in inputs]
    outputs = runnable.run(method, given)
    info = runnable.methods[method]
    changed = {f"input {info.inputs[i].name}": given[i] for i in info.mutated_inputs}
    state = {f"state {name}": np.array(value) for name, value in runnable.state.items()}
    return Results(outputs, changed | state)


def _function_inputs(function: FuncOp) -> list[Any]:
    sizes = {
        name: int(min(high, max(low, _SIZE))) if isfinite(low) else _SIZE
        for name, (low, high) in symbol_ranges(function).items()
    }
    types = function.function_type.inputs.data
    attributes = function.arg_attrs.data if function.arg_attrs is not None else [None] * len(types)
    values: list[Any] = []
    for seed, (type, attribute) in enumerate(zip(types, attributes, strict=True)):
        fixed = None if attribute is None else from_attribute(attribute.data.get(VALUE))
        values.append(_random_value(type, sizes, seed) if fixed is None else fixed)
    return values


def _random_value(type: Attribute, sizes: Mapping[str, int], seed: int) -> Any:
    if isinstance(type, TensorType):
        tensor = cast(TensorType[Attribute], type)
        shape = [dim.evaluate(sizes) for dim in dims_of(tensor)]
        return random_array(shape, BY_NAME[str(tensor.element_type)], seed)
    return None if isinstance(type, NoneType) else random_array((), BY_NAME[str(type)], seed).item()


def _program_inputs(runnable: Runnable) -> dict[str, list[Any]]:
    numbers = {"int": "i64", "float": "f64", "bool": "i1"}
    inputs: dict[str, list[Any]] = {}
    for method, info in runnable.methods.items():
        inputs[method] = []
        for seed, value in enumerate(info.inputs):
            name = value.scalar_type if value.is_tensor else numbers.get(value.scalar_type)
            array = None if name is None else random_array(value.shape, BY_NAME[name], seed)
            inputs[method].append(array if value.is_tensor or array is None else array.item())
    return inputs
