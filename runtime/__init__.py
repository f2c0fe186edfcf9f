"""Runs programs with numpy alone: the program format, the interpreter and its kernels."""

from typing import TYPE_CHECKING, Any

from .errors import InputError, ProgramError
from .registry import kernel

if TYPE_CHECKING:
    from .module import load

__all__ = ["InputError", "ProgramError", "kernel", "load"]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: a file of kernels needs the decorator only.
    if name == "load":
        from .module import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
