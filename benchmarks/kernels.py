"""The interpreter's kernels against PyTorch eager on one thread, and the cost of its dispatch.

Each operator is a program of its own, called through the whole interpreter; the dispatch is what
one more operator on a small tensor costs.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import edgeir

from .latency import seconds
from .row import Row, times

ROUNDS = 5
CALLS_PER_ROUND = 20

Function = Callable[..., Any]


def large(*shape: int) -> Tensor:
    """Return normally distributed numbers."""
    return torch.randn(*shape)


def select(x: Tensor, y: Tensor) -> Tensor:
    """Return the positive elements of x, and those of y elsewhere."""
    return torch.where(x > 0, x, y)


def gather(x: Tensor, index: Tensor) -> Tensor:
    """Return the elements of each row at the indices."""
    return x.gather(1, index)


def index_select(x: Tensor, index: Tensor) -> Tensor:
    """Return the rows at the indices."""
    return x.index_select(0, index)


OPERATORS: dict[str, tuple[Function, dict[str, Any], tuple[Tensor, ...]]] = {
    "add, 1M": (torch.add, {}, (large(1000, 1000), large(1000, 1000))),
    "add broadcast, 1M": (torch.add, {}, (large(1000, 1000), large(1000, 1))),
    "exp, 1M": (torch.exp, {}, (large(1000, 1000),)),
    "gelu, 1M": (F.gelu, {}, (large(1000, 1000),)),
    "silu, 1M": (F.silu, {}, (large(1000, 1000),)),
    "where, 1M": (select, {}, (large(1000, 1000), large(1000, 1000))),
    "sum of rows, 1M": (torch.sum, {"dim": 1}, (large(1000, 1000),)),
    "mean of columns, 1M": (torch.mean, {"dim": 0}, (large(1000, 1000),)),
    "argmax, 1M": (torch.argmax, {"dim": 1}, (large(1000, 1000),)),
    "softmax, 1M": (torch.softmax, {"dim": -1}, (large(1000, 1000),)),
    "layer norm, 1M": (F.layer_norm, {"normalized_shape": (1000,)}, (large(1000, 1000),)),
    "cumsum, 1M": (torch.cumsum, {"dim": 1}, (large(1000, 1000),)),
    "roll, 1M": (torch.roll, {"shifts": 3, "dims": 1}, (large(1000, 1000),)),
    "gather, 1M": (
        gather,
        {},
        (large(1000, 1000), torch.randint(1000, (1000, 1000))),
    ),
    "index select, 1M": (
        index_select,
        {},
        (large(1000, 1000), torch.randint(1000, (1000,))),
    ),
    "embedding, 1M": (F.embedding, {}, (torch.randint(5000, (4000,)), large(5000, 256))),
    "topk 10, 1M": (torch.topk, {"k": 10}, (large(1000, 1000),)),
    "sort, 100k": (torch.sort, {}, (large(100, 1000),)),
    "max pool 2x2": (F.max_pool2d, {"kernel_size": 2}, (large(1, 64, 112, 112),)),
    "average pool 3x3": (
        F.avg_pool2d,
        {"kernel_size": 3, "stride": 1, "padding": 1},
        (large(1, 64, 56, 56),),
    ),
    "resize bilinear x2": (
        F.interpolate,
        {"scale_factor": 2, "mode": "bilinear"},
        (large(1, 64, 28, 28),),
    ),
    "matmul 512": (torch.mm, {}, (large(512, 512), large(512, 512))),
    "attention 8x256x64": (
        F.scaled_dot_product_attention,
        {},
        (large(1, 8, 256, 64), large(1, 8, 256, 64), large(1, 8, 256, 64)),
    ),
}
"""A function, its constant arguments and its inputs."""


class OneOperator(nn.Module):
    """A module that calls one function."""

    def __init__(self, function: Function, constants: dict[str, Any]) -> None:
        super().__init__()
        self.function = function
        self.constants = constants

    def forward(self, *args: Tensor) -> Any:
        """Call the function."""
        return self.function(*args, **self.constants)


class Chain(nn.Module):
    """A chain of additions, which no pass makes shorter."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return x + n * y, one addition at a time."""
        for _ in range(self.length):
            x = x + y
        return x


def measure_operator(
    name: str, function: Function, constants: dict[str, Any], inputs: tuple[Tensor, ...]
) -> Row:
    """Time the interpreter and eager in turns; the ratio is the median over the rounds."""
    operator = OneOperator(function, constants)
    program = edgeir.compile(operator, inputs, target_runtime="edgeir")
    module = edgeir.load(program.buffer)
    arrays = [tensor.numpy() for tensor in inputs]
    pairs = [
        (
            seconds(lambda: module(*arrays), CALLS_PER_ROUND),
            seconds(lambda: operator(*inputs), CALLS_PER_ROUND),
        )
        for _ in range(ROUNDS)
    ]
    return Row(
        name,
        f"{median(ours for ours, _ in pairs) * 1e6:,.0f} us",
        f"{median(peer for _, peer in pairs) * 1e6:,.0f} us",
        times(median(peer / ours for ours, peer in pairs)),
        ">= 0.1x",
    )


def measure_dispatch() -> Row:
    """Time what each further operator on 16 numbers costs: a long chain less a short one."""
    short, long = 20, 220
    inputs = (torch.randn(16), torch.randn(16))

    def chain(length: int) -> Any:
        module = edgeir.load(edgeir.compile(Chain(length), inputs).buffer)
        arrays = [tensor.numpy() for tensor in inputs]
        return lambda: module(*arrays)

    calls = chain(short), chain(long)
    each = [
        (seconds(calls[1], 200) - seconds(calls[0], 200)) / (long - short) for _ in range(ROUNDS)
    ]
    return Row("dispatch of an operator", f"{median(each) * 1e9:,.0f} ns", wanted="<= 230 ns")


def measure() -> list[Row]:
    """Measure the dispatch and every operator of the table; the peer is eager."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            return [
                measure_dispatch(),
                *(measure_operator(name, *case) for name, case in OPERATORS.items()),
            ]
    finally:
        torch.set_num_threads(threads)
