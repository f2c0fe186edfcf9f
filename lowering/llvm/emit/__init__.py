"""The kernel dialect to LLVM IR text: one file for each large operation, found by import here."""

from . import map, scalar, stencil, structure, window
from .function import emit_function, emit_module

__all__ = ["emit_function", "emit_module", "map", "scalar", "stencil", "structure", "window"]
