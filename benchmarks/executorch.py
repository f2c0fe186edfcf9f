"""ExecuTorch as it comes, without delegates: its compiler and its runtime."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch


def compile_with_executorch(exported: torch.export.ExportedProgram) -> bytes:
    """Return ExecuTorch's own program for portable kernels."""
    logging.getLogger().setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # it uses what PyTorch has deprecated
    from executorch.exir import to_edge_transform_and_lower  # pyright: ignore[reportMissingTypeStubs]

    # The compiler's classes are only partly typed.
    lower: Any = to_edge_transform_and_lower
    return lower(exported).to_executorch().buffer


def load_on_executorch(program: bytes) -> Callable[[Sequence[torch.Tensor]], Sequence[Any]]:
    """Return `forward` of the program on ExecuTorch's runtime."""
    from executorch.runtime import Runtime  # pyright: ignore[reportMissingTypeStubs]

    runtime: Any = Runtime.get()
    loaded = runtime.load_program(program)
    method = loaded.load_method("forward")

    def forward(inputs: Sequence[torch.Tensor]) -> Sequence[Any]:
        """Run the method; it points into the bytes of the program, which are held here."""
        assert program and loaded
        return method.execute(inputs)

    return forward
