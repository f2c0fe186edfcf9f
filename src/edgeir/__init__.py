"""edgeir: a compiler framework for on-device AI, PyTorch to ExecuTorch programs through xDSL.

`compile` takes a model to a program, `load` runs one. Running needs numpy alone; what the compiler
needs is imported when `compile` is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .runtime.errors import InputError, ProgramError

if TYPE_CHECKING:
    from .lowering.compile_program import CompileError
    from .lowering.compiled_program import Program
    from .runtime.module import Module, load

__all__ = [
    "CompileError",
    "InputError",
    "Module",
    "Program",
    "ProgramError",
    "compile",
    "load",
]


def compile(
    source: Any,
    example_inputs: Sequence[Any] | None = None,
    *,
    example_kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
    target_runtime: str | None = None,
    backends: Sequence[str] = (),
    backend_options: Mapping[str, str | Mapping[str, str]] | None = None,
    require_full_delegation: bool = False,
    pipeline: Sequence[str] | str | None = None,
    locations: bool = True,
    external_weights: bool = False,
) -> Program:
    """Compile a model to a program.

    `source` is a `torch.nn.Module` (with `example_inputs`, and `dynamic_shapes` as
    `torch.export.export` takes them), an `ExportedProgram`, a dict of those by method name, or the
    path of a `.pt2` file. `target_runtime` is `executorch-1.5` or `edgeir`; left out, the program
    is legalised for ExecuTorch as far as possible and `Program.warnings` tells the rest. `backends`
    names those that compile what they support, the first preferred, and run it when the program is
    loaded with `load(…, backends=…)`. `backend_options` are theirs, `{"target-cpu": "x86-64-v3"}`
    or for one of them `{"llvm": {"target-cpu": "x86-64-v3"}}`; `require_full_delegation` makes it
    an error if they leave anything that costs. `pipeline` replaces the default passes, a tuple of
    pass specs or their text. `locations` keeps the source lines in the program. `external_weights`
    keeps the weights out of it: they are `Program.data`, and `Program.save` writes them to a `.ptd`
    file.

    Raises CompileError, whose `diagnostics` name every operation that cannot be compiled.
    """
    _require_compiler()
    from .lowering.compile_program import compile_program

    return compile_program(
        source,
        example_inputs,
        example_kwargs=example_kwargs,
        dynamic_shapes=dynamic_shapes,
        target_runtime=target_runtime,
        backends=backends,
        backend_options=backend_options,
        require_full_delegation=require_full_delegation,
        pipeline=pipeline,
        locations=locations,
        external_weights=external_weights,
    )


def _require_compiler() -> None:
    if find_spec("xdsl") is None:
        raise ImportError("compiling needs the compiler extra: pip install 'edgeir[torch]'")


def __getattr__(name: str) -> Any:
    if name in ("CompileError", "Program"):
        _require_compiler()
        from .lowering import compile_program

        return getattr(compile_program, name)
    if name in ("Module", "load"):
        from .runtime import module

        return getattr(module, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("edgeir")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
