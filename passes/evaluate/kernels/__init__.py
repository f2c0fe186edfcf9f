"""Runs kernel programs: what their text says, in numpy, for tests of every family of kernels."""

from .program import run_program

__all__ = ["run_program"]
