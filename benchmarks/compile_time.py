"""Compile time of MobileNetV2 from an exported program to bytes."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch

import edgeir

from .executorch import compile_with_executorch
from .models import export
from .row import Row, milliseconds, times

MODEL = "mobilenet_v2"
ROUNDS = 3

Compiler = Callable[[torch.export.ExportedProgram], bytes]


def compile_with_edgeir(exported: torch.export.ExportedProgram) -> bytes:
    """Return our program."""
    return edgeir.compile(exported).buffer


def seconds(compiler: Compiler, name: str) -> float:
    """Return the time to compile a model; exporting it comes before and does not count."""
    exported = export(name)
    start = perf_counter()
    compiler(exported)
    return perf_counter() - start


def measure() -> list[Row]:
    """Compile in turns; the ratio is the median over the rounds."""
    for compiler in (compile_with_edgeir, compile_with_executorch):
        compiler(export("digits_cnn"))  # imports and first-use caches
    pairs = [
        (
            seconds(compile_with_edgeir, "mobilenet_v2"),
            seconds(compile_with_executorch, "mobilenet_v2"),
        )
        for _ in range(ROUNDS)
    ]
    return [
        Row(
            "compile MobileNetV2",
            milliseconds(median(ours for ours, _ in pairs)),
            milliseconds(median(peer for _, peer in pairs)),
            times(median(peer / ours for ours, peer in pairs)),
            ">= 3x",
        )
    ]
