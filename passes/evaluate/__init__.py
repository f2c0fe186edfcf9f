"""Runs an aten or edge module with the kernels of the runtime."""

from .function import evaluate

__all__ = ["evaluate"]
