"""A program or a module of any stage, made runnable: `edge-run` and the numeric check use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from ..runtime.method_info import MethodInfo
from ..runtime.module import Module

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from ..dialects.weights import Array

Log = list[tuple[str, float]]
"""(operator, seconds) of each instruction, in order."""


class Runnable(Protocol):
    """Methods that take and give flat lists of arrays and Python numbers."""

    @property
    def methods(self) -> Mapping[str, MethodInfo]:
        """The methods, by name."""
        ...

    @property
    def state(self) -> Mapping[str, Array]:
        """What the mutable buffers hold that the calls so far have written, and maybe others."""
        ...

    def run(self, method: str, inputs: Sequence[Any]) -> list[Any]:
        """The outputs of a method for its inputs, in order; an input that it mutates is written."""
        ...

    def profile(self, method: str, inputs: Sequence[Any]) -> Log:
        """Run a method and log its instructions."""
        ...


class RunnableProgram:
    """A loaded program."""

    def __init__(self, module: Module):
        self._module = module
        self.methods: Mapping[str, MethodInfo] = module.methods
        self.state: Mapping[str, Array] = module.state

    def run(self, method: str, inputs: Sequence[Any]) -> list[Any]:
        """The outputs of a method for its inputs, in order."""
        structure = self.methods[method].output_structure
        outputs = self._module.run(method, **self._by_name(method, inputs))
        if structure is not None:
            return structure.flatten(outputs, "output")
        return list(cast(Any, outputs)) if isinstance(outputs, tuple) else [outputs]

    def profile(self, method: str, inputs: Sequence[Any]) -> Log:
        """Run a method and log its instructions."""
        return self._module.profile(method, **self._by_name(method, inputs))

    def _by_name(self, method: str, inputs: Sequence[Any]) -> dict[str, Any]:
        # By name, because by position the model's own structure would be asked for.
        infos = self.methods[method].inputs
        return {info.name: value for info, value in zip(infos, inputs, strict=True)}


def runnable_module(
    module: ModuleOp, weights: Mapping[str, Array], backends: Sequence[str] = (), threads: int = 1
) -> Runnable:
    """The runnable form of a module: aten and edge functions are evaluated, memory is emitted.

    `backends` names those whose payloads may be loaded; `threads` is for emitted programs. Raises
    DiagnosticsError for what cannot be emitted and ProgramError for what cannot be loaded.
    """
    from ..dialects.function import functions

    if any(True for _ in functions(module)):
        # The evaluator is imported with the kernels, which a program may not need.
        from .runnable_function import RunnableFunctions

        return RunnableFunctions(module, weights, backends)
    from ..lowering.emit_program import build_program
    from ..lowering.external_weights import external_items
    from ..runtime.module import load

    file = build_program(module, weights)
    file = replace(file, external=external_items(module, weights))
    return RunnableProgram(load(file, backends=backends, threads=threads))
