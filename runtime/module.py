"""Loaded programs: methods that take and give arrays in the model's own structure."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from .arrays import Array
from .dataflow import required_kernels
from .delegates import Backends, DelegateData, DelegateLoader, find_loaders, is_known
from .direct_method import direct_method
from .errors import ProgramError
from .inputs import check_constant, check_scalar, check_sizes, check_tensor, flatten_inputs
from .interpreter import Method
from .method_info import MethodInfo, describe_method
from .program.data_file import DataSource, find_data_files, read_data_files
from .program.program_file import ProgramFile, may_have_external
from .program.reader import read_program
from .program.schema import BytesLike, ExecutionPlan
from .program.verifier import verify_program
from .registry import broken_families, find_kernel
from .slots import allocate_arenas
from .state import State

MAX_INSTRUCTIONS = 10_000_000
"""Instructions that one run may take; the limit of ExecuTorch's runtime."""

Source = str | os.PathLike[str] | BytesLike | ProgramFile
DataFiles = DataSource | Sequence[DataSource]


def load(
    source: Source,
    *,
    backends: Backends = (),
    threads: int = 1,
    max_instructions: int = MAX_INSTRUCTIONS,
    external_weights: DataFiles | None = None,
) -> "Module":
    """Load a program from a path (which is mapped, not read), from bytes or from its tables.

    `backends` names the backends whose payloads may be loaded (a payload may be machine code), or
    maps names to loaders. `threads` is how many a matrix product or a delegate may use; more than
    one helps large models on idle cores, and hurts where other processes want them.
    `max_instructions` ends a run that loops. `external_weights` are the data files (`.ptd`) of a
    program that keeps its weights beside it: one or several, by path or as bytes; for a path,
    `model.ptd` beside `model.pte` (or ExecuTorch's `_default_external_constant.ptd`) is found
    without. Raises one ProgramError for a damaged program, for operators without kernels (all of
    them) and for backends that are not here.
    """
    if isinstance(source, ProgramFile):
        verify_program(source)
        file = source
    else:
        file = read_program(source)
        if external_weights is None and may_have_external(file):
            external_weights = None if isinstance(source, BytesLike) else find_data_files(source)
    if external_weights is not None:
        file = replace(file, external=read_data_files(external_weights))
    return Module(file, backends, threads, max_instructions)


class Module:
    """A loaded program.

    Its values are kept between runs: a method that updates state sees it at the next call, and so
    does every method with the same buffer. Runs of one module must not overlap.

    ExecuTorch's runtime keeps state in the same way, but copies the initial values again whenever
    a method is loaded: there, load all methods before the first run.
    """

    def __init__(self, file: ProgramFile, backends: Backends, threads: int, max_instructions: int):
        if threads < 1:
            raise ProgramError(f"threads is {threads}; a run needs at least one")
        plans: dict[str, ExecutionPlan] = {}
        for plan in file.program.execution_plan:
            plans.setdefault(plan.name, plan)
        self._info = {name: describe_method(plan) for name, plan in plans.items()}
        _require_kernels(plans.values())
        loaders = _find_loaders(plans.values(), backends)
        data = DelegateData(file)
        arenas = allocate_arenas(list(plans.values()))
        self._methods = {
            name: Method(file, plan, memory, loaders, data, threads, max_instructions)
            for (name, plan), memory in zip(plans.items(), arenas, strict=True)
        }
        self._state = State(file, list(self._methods.values()))
        direct = {name: direct_method(m, self._info[name]) for name, m in self._methods.items()}
        self._direct = {name: call for name, call in direct.items() if call is not None}
        self._forward = self._direct.get("forward")

    @property
    def methods(self) -> Mapping[str, MethodInfo]:
        """The methods, by name."""
        return MappingProxyType(self._info)

    @property
    def state(self) -> State:
        """The mutable buffers, by name: read, assign, `reset()`."""
        return self._state

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward`."""
        if self._forward is not None:
            return self._forward(args, kwargs)
        return self.run("forward", *args, **kwargs)

    def run(self, method: str, /, *args: Any, **kwargs: Any) -> Any:
        """Run a method.

        Takes the arguments of the model's own call, or one per flat input (by position, or by
        name): numpy arrays, torch tensors, anything with `__dlpack__` or `__array__`, and Python
        numbers where the model took them. Inputs are not written, except one that the model
        itself mutates and whose memory is writable.

        Returns new arrays in the structure of the model's own output; where the program does not
        have that, one value or a tuple. Raises InputError for wrong inputs, and ProgramError with
        the instruction at which a run failed.
        """
        if method in self._direct:
            return self._direct[method](args, kwargs)
        chosen, arrays = self._set_inputs(method, args, kwargs)
        chosen.execute()
        return self._outputs(chosen, arrays)

    def profile(self, method: str, /, *args: Any, **kwargs: Any) -> list[tuple[str, float]]:
        """Run a method as `run` does; (operator, seconds) of each instruction, in order."""
        chosen, arrays = self._set_inputs(method, args, kwargs)
        log = chosen.profile()
        self._outputs(chosen, arrays)
        return log

    def _set_inputs(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Method, Sequence[Array | None]]:
        """Check all inputs, then put them into their slots; the arrays are the caller's memory."""
        if name not in self._methods:
            known = ", ".join(self._methods) or "none"
            raise ProgramError(f"the program has no method {name!r}; it has: {known}")
        method, info = self._methods[name], self._info[name]
        values = flatten_inputs(info, args, kwargs)
        arrays: list[Array | None] = [None] * len(values)
        scalars: dict[int, Any] = {}
        for position, (wanted, value) in enumerate(zip(info.inputs, values, strict=True)):
            index = method.plan.inputs[position]
            if wanted.is_tensor:
                arrays[position] = check_tensor(wanted, position, value)
            elif index in method.run_time_scalars:
                scalars[index] = check_scalar(wanted, position, value)
            else:
                check_constant(wanted, position, value, method.slots[index])
        if info.input_sizes is not None:
            given = zip(arrays, values, strict=True)
            check_sizes(info, [value if array is None else array for array, value in given])
        for index, array in zip(method.plan.inputs, arrays, strict=True):
            if array is not None:
                method.tensor(index).store(array)
        for index, value in scalars.items():
            method.slots[index] = value
        return method, arrays

    def _outputs(self, method: Method, arrays: Sequence[Array | None]) -> Any:
        """The user's outputs; mutated inputs are written back to the caller's memory."""
        info, indices = self._info[method.plan.name], method.plan.outputs
        for position, index in zip(info.mutated_inputs, indices, strict=False):
            array = arrays[position]
            if array is not None and array.flags.writeable:
                np.copyto(array, method.read(index))
        values = [_owned(method.read(index)) for index in indices[len(info.mutated_inputs) :]]
        if info.output_structure is not None:
            return info.output_structure.rebuild(values)
        return values[0] if len(values) == 1 else tuple(values)

    def __repr__(self) -> str:
        return f"<Module with methods {', '.join(self._methods)}>"


def _owned(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return np.array(cast(Array, value), order="C")


def _require_kernels(plans: Iterable[ExecutionPlan]) -> None:
    calls = Counter(name for plan in plans for name in required_kernels(plan))
    missing = {name: count for name, count in calls.items() if find_kernel(name) is None}
    if not missing:
        return
    example = next(iter(missing))
    broken = "".join(
        f"; {file} could not be imported ({error})" for file, error in broken_families().items()
    )
    raise ProgramError(
        f"no kernel for {', '.join(f'{name} ({_calls(n)})' for name, n in missing.items())}; "
        f"write one in a file FILE.py, @edgeir.runtime.kernel({example!r}), and import it "
        f"(tools: --load FILE.py){broken}"
    )


def _find_loaders(
    plans: Iterable[ExecutionPlan], backends: Backends
) -> Mapping[str, DelegateLoader]:
    """The loaders of the backends that the caller names; ProgramError if more are needed."""
    calls = Counter(delegate.id for plan in plans for delegate in plan.delegates)
    loaders = find_loaders(backends)
    missing = [name for name in calls if name not in loaders]
    if missing:
        raise ProgramError("; ".join(_missing_backend(name, calls[name]) for name in missing))
    return loaders


def _missing_backend(name: str, calls: int) -> str:
    what = f"the program needs backend {name!r} ({_calls(calls)})"
    if is_known(name):
        return f"{what}; to run its code, name it: backends=[{name!r}] (--backend {name})"
    return f"{what}, which is not here; compile the model without it"


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"
