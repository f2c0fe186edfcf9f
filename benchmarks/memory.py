"""Bytes of the planned arenas against ExecuTorch's plan and against the lower bound."""

from __future__ import annotations

import edgeir
from edgeir.runtime.program import read_program

from .executorch import compile_with_executorch
from .models import export
from .row import Row, kibibytes

MODELS = ("mobilenet_v2", "resnet18", "vit", "convnext", "bert", "gpt2")


def arena_bytes(program: bytes) -> int:
    """Return the bytes of all arenas of `forward`, as the program asks them of a runtime."""
    plans = read_program(program).program.execution_plan
    return next(sum(plan.non_const_buffer_sizes) for plan in plans if plan.name == "forward")


def measure_model(name: str) -> list[Row]:
    """Return a line against ExecuTorch's plan and one against the lower bound of our program."""
    program = edgeir.compile(export(name))
    ours = arena_bytes(program.buffer)
    peer = arena_bytes(compile_with_executorch(export(name)))
    bound = program.memory["forward"].lower_bound
    return [
        Row(f"arena of {name}", kibibytes(ours), kibibytes(peer), f"{ours / peer:.3f}", "<= 1"),
        Row("  its lower bound", "", kibibytes(bound), f"{ours / bound:.3f}", "<= 1.05"),
    ]


def measure() -> list[Row]:
    """Measure every model of the table."""
    return [row for name in MODELS for row in measure_model(name)]
