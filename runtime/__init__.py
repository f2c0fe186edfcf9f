"""Runs programs with numpy alone: the program format, the interpreter and its kernels."""

from .errors import InputError, ProgramError
from .registry import kernel

__all__ = ["InputError", "ProgramError", "kernel"]
