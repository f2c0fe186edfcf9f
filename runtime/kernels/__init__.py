"""Kernels, one family per file, registered under the operator names of the format."""
