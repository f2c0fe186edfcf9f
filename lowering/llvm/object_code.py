"""LLVM IR text to object code or assembly; code generation only, no passes over the IR."""

from __future__ import annotations

import llvmlite
import llvmlite.binding as llvm

from .target import Target
from .targets import machine_for

VERSION = f"llvmlite {llvmlite.__version__}"
"""What the code depends on besides text and target."""


def object_code(text: str, target: Target) -> bytes:
    """The object file of a module of LLVM IR, ELF for all targets that have it."""
    return machine_for(target).emit_object(_parse(text))


def assembly(text: str, target: Target) -> str:
    """The assembly of a module of LLVM IR."""
    return machine_for(target).emit_assembly(_parse(text))


def _parse(text: str) -> llvm.ModuleRef:
    """A module; text that LLVM refuses is our mistake."""
    return llvm.parse_assembly(text)
