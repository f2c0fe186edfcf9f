"""The compiler as one function: from a captured model to a program, every stage kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.utils.exceptions import PassFailedException, VerifyException

from ..dialects import memory
from ..dialects.context import EdgeContext, edge_context
from ..dialects.delegate import CallOp
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from ..dialects.location import Place
from ..passes.pipelines import BackendOptions, default_pipeline
from ..passes.plan_memory import memory_report
from .compiled_program import STAGES, Program, Stages
from .emit_program import emit_program
from .external_weights import external_items
from .pass_registry import all_passes

_COMPLETED_STAGES = {
    "partition": ("edge",),
    "lower-delegates": ("delegate",),
    "legalize": ("edge",),
    "convert-edge-to-memory": ("edge", "delegate", "calls"),
}
"""The stages that are complete, if no earlier pass says so, when a pass is about to run."""


class CompileError(Exception):
    """A model that cannot be compiled; `diagnostics` holds every reason, each with its place."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, diagnostics)))


def compile_module(
    module: ModuleOp,
    ctx: EdgeContext,
    pipeline: Sequence[str] | str | None = None,
    *,
    target_runtime: str | None = None,
    backends: Sequence[str] = (),
    backend_options: BackendOptions | None = None,
    require_full_delegation: bool = False,
    locations: bool = True,
    external_weights: bool = False,
) -> Program:
    """Compile an aten module; the pipeline is a tuple of pass specs or their text.

    With `external_weights` the default pipeline leaves the weights to `Program.data`.

    Raises CompileError.
    """
    if pipeline is None:
        pipeline = default_pipeline(
            target_runtime,
            backends=backends,
            backend_options=backend_options,
            require_full_delegation=require_full_delegation,
            external_weights=external_weights,
        )
    spec = pipeline if isinstance(pipeline, str) else ",".join(pipeline)
    modules = {"aten": module.clone()}

    def keep_stage(_: ModulePass | None, current: ModuleOp, following: ModulePass | None) -> None:
        completed = ("memory",) if following is None else _COMPLETED_STAGES.get(following.name, ())
        for stage in completed:
            if stage == "calls" and not any(isinstance(op, CallOp) for op in current.walk()):
                continue
            if stage not in modules:
                current.verify()
                modules[stage] = current.clone()

    try:
        passes = PassPipeline.parse_spec(all_passes(), spec, keep_stage)
    except ValueError as error:
        raise CompileError([Diagnostic("", Place(), f"pipeline: {error}")]) from error

    def run() -> Program:
        module.verify()
        passes.apply(ctx, module)
        methods = [op for op in module.ops if isinstance(op, memory.MethodOp)]
        reports = {method.sym_name.data: memory_report(method) for method in methods}
        buffer = emit_program(module, ctx.weights, locations=locations)
        stages = Stages({stage: modules[stage] for stage in STAGES if stage in modules})
        items = external_items(module, ctx.weights)
        return Program(buffer, items, stages, reports, tuple(ctx.warnings), ctx.weights)

    return refusing(run)


def refusing(function: Callable[[], Any]) -> Any:
    """Call a function; what it refuses becomes a CompileError."""
    try:
        return function()
    except DiagnosticsError as error:
        raise CompileError(error.diagnostics) from error
    except (PassFailedException, VerifyException) as error:
        raise CompileError([Diagnostic("", Place(), str(error))]) from error


def compile_program(
    source: Any,
    example_inputs: Sequence[Any] | None = None,
    *,
    example_kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
    target_runtime: str | None = None,
    backends: Sequence[str] = (),
    backend_options: BackendOptions | None = None,
    require_full_delegation: bool = False,
    pipeline: Sequence[str] | str | None = None,
    locations: bool = True,
    external_weights: bool = False,
) -> Program:
    """Compile a model, see `edgeir.compile`."""
    try:
        from .from_torch.capture import CaptureError, capture
        from .from_torch.importer import import_programs
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError("compiling a model needs PyTorch: pip install 'edgeir[torch]'") from error
    ctx = edge_context()

    def imported() -> ModuleOp:
        try:
            programs = capture(source, example_inputs, example_kwargs, dynamic_shapes)
        except CaptureError as error:
            raise DiagnosticsError([Diagnostic("", Place(), str(error))]) from error
        return import_programs(programs, ctx.weights)

    module = refusing(imported)
    return compile_module(
        module,
        ctx,
        pipeline,
        target_runtime=target_runtime,
        backends=backends,
        backend_options=backend_options,
        require_full_delegation=require_full_delegation,
        locations=locations,
        external_weights=external_weights,
    )
