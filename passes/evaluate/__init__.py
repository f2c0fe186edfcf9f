"""Runs an aten or edge module with the kernels of the runtime."""
