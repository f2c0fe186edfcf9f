"""The code of a model's regions for `edge-compile --emit`: LLVM IR, assembly or an object file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.dialects.builtin import ModuleOp

from ..dialects import kernel
from ..dialects.context import EdgeContext, edge_context
from ..dialects.delegate import RegionOp
from .failure import ToolError

if TYPE_CHECKING:
    from ..lowering.compiled_program import Program


def emitted_code(module: ModuleOp, ctx: EdgeContext, form: str, target_cpu: str) -> bytes:
    """The code of all regions that the LLVM backend has in a module, lowered as far as need be.

    ToolError if there is none, or for an unknown CPU.
    """
    from ..lowering.llvm.emit.program import emit_programs
    from ..lowering.llvm.object_code import assembly, object_code
    from ..lowering.llvm.targets import TargetError, target_for
    from ..lowering.llvm_kernels import LlvmKernelsPass

    try:
        target = target_for(target_cpu)
    except TargetError as error:
        raise ToolError(f"--target-cpu: {error}") from error
    module = module.clone()
    LlvmKernelsPass(target_cpu).apply(ctx, module)
    programs = [op for op in module.walk() if isinstance(op, kernel.ProgramOp)]
    if not programs:
        raise ToolError("--emit: there is no region of the llvm backend; give --backend llvm")
    text = emit_programs(programs, target)
    if form == "object":
        return object_code(text, target)
    return (text if form == "llvm-ir" else assembly(text, target)).encode()


def code_of_program(program: Program, form: str, target_cpu: str) -> bytes:
    """The code of the regions of a compiled program."""
    ctx = edge_context()
    ctx.weights = program.weights
    return emitted_code(program.stages.modules["delegate"], ctx, form, target_cpu)


def is_partitioned(module: ModuleOp) -> bool:
    """Whether a module is past the stage that `edge-compile` begins with."""
    return any(isinstance(op, RegionOp | kernel.ProgramOp) for op in module.walk())
