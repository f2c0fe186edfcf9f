"""Benchmarks against ExecuTorch: `python -m benchmarks` from the repository's root."""
