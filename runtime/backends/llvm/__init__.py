"""Runs what the LLVM backend compiles: machine code for the CPU that the payload names."""

from .delegate import load

__all__ = ["load"]
