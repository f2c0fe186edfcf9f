"""Latency of the interpreter against ExecuTorch's portable kernels, each on its own program."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import edgeir

from .executorch import compile_with_executorch, load_on_executorch
from .models import export, model
from .row import Row, milliseconds, times

MODELS = {"mobilenet_v2": "MobileNetV2", "resnet18": "ResNet-18"}
ROUNDS = 3
CALLS_PER_ROUND = 10
TOLERANCE = 1e-3


def seconds(call: Callable[[], Any], repetitions: int) -> float:
    """Return the median time of a call."""
    samples: list[float] = []
    for _ in range(repetitions):
        start = perf_counter()
        call()
        samples.append(perf_counter() - start)
    return median(samples)


def check_equal(name: str, ours: Any, peer: Any) -> None:
    """Require both outputs to agree, so that times are those of the same work.

    Raises AssertionError.
    """
    error = float(np.abs(ours - peer).max() / np.abs(peer).max())
    assert error <= TOLERANCE, f"{name}: outputs differ by {error:.2g} of the largest"


def measure_model(name: str) -> Row:
    """Time both runtimes in turns; the ratio is the median over the rounds."""
    inputs = model(name)[1]
    arrays = [tensor.numpy() for tensor in inputs]
    module = edgeir.load(edgeir.compile(export(name)).buffer)
    forward = load_on_executorch(compile_with_executorch(export(name)))
    check_equal(name, module(*arrays), forward(inputs)[0].numpy())
    pairs = [
        (
            seconds(lambda: module(*arrays), CALLS_PER_ROUND),
            seconds(lambda: forward(inputs), 1),  # slow, and steady enough
        )
        for _ in range(ROUNDS)
    ]
    return Row(
        f"run {MODELS[name]}, 224x224",
        milliseconds(median(ours for ours, _ in pairs)),
        milliseconds(median(peer for _, peer in pairs)),
        times(median(peer / ours for ours, peer in pairs)),
        ">= 20x",
    )


def measure() -> list[Row]:
    """Measure every model of the table."""
    return [measure_model(name) for name in MODELS]
