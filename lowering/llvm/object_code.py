"""LLVM IR text to object code or assembly; code generation only, no passes over the IR."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from ..backends import BackendError
from .target import Target


@cache
def llvm() -> Any:
    """llvmlite's binding of LLVM, with all targets; BackendError if it is not installed."""
    try:
        binding: Any = import_module("llvmlite.binding")
    except ImportError as error:
        raise BackendError(f"the llvm backend compiles with llvmlite: {error}") from error
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    return binding


@cache
def machine(triple: str, cpu: str, features: str) -> Any:
    """LLVM's code generator; RuntimeError for a triple that it does not know."""
    target = llvm().Target.from_triple(triple)
    # Other code models spend more instructions on every constant.
    return target.create_target_machine(
        cpu=cpu, features=features, opt=2, reloc="pic", codemodel="small"
    )


def object_code(text: str, target: Target) -> bytes:
    """The object file of a module of LLVM IR."""
    return machine(target.triple, target.cpu, target.features).emit_object(_parse(text))


def assembly(text: str, target: Target) -> str:
    """The assembly of a module of LLVM IR."""
    return machine(target.triple, target.cpu, target.features).emit_assembly(_parse(text))


def version() -> str:
    """What code depends on besides text and target."""
    numbers: tuple[int, ...] = llvm().llvm_version_info
    return f"LLVM {'.'.join(map(str, numbers))}"


def _parse(text: str) -> Any:
    return llvm().parse_assembly(text)
