"""Kernels that copy a tensor to where it must lie otherwise, and that fill one with a number."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.ir import Region, SSAValue

from ...dialects import kernel
from .body import identity, number
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .step import Tensor
from .tasks import parts

_RATE = 4_000
"""Elements that are copied in a microsecond."""


def copy_tensor(
    program: ProgramBuilder, source: SSAValue, read: Tensor, target: SSAValue, written: Tensor
) -> None:
    """Copy the elements of one tensor into another of the same shape; both may be strided."""
    assert read.shape == written.shape
    shape, (reads, writes) = loop_nest(read.shape, [read.strides, written.strides], last=1)
    tasks = _tasks(shape)

    def build(k: KernelBuilder) -> None:
        a, b = k.arguments
        _map(k, shape, tasks, [a], [reads], b, writes, identity(read.element))

    program.launch("copy", (shape, reads, writes), [source, target], tasks, build)


def fill_tensor(program: ProgramBuilder, target: SSAValue, written: Tensor, value: float) -> None:
    """Write a number everywhere."""
    shape, (writes,) = loop_nest(written.shape, [written.strides], last=0)
    tasks = _tasks(shape)

    def build(k: KernelBuilder) -> None:
        _map(k, shape, tasks, [], [], k.arguments[0], writes, number(value, written.element))

    program.launch("fill", (shape, writes, value), [target], tasks, build)


def loop_nest(
    shape: Sequence[int], strides: Sequence[Sequence[int]], last: int
) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """The same space with few dims: sorted by the strides of tensor number `last`, outermost first,
    without dims of size one, and with dims merged that all tensors walk through without a gap."""
    dims = [d for d, size in enumerate(shape) if size != 1]
    dims.sort(key=lambda d: -abs(strides[last][d]))
    sizes: list[int] = []
    rows: list[list[int]] = [[] for _ in strides]
    for d in dims:
        merges = bool(sizes) and all(
            row[-1] == own[d] * shape[d] for row, own in zip(rows, strides, strict=True)
        )
        if merges:
            sizes[-1] *= shape[d]
            for row, own in zip(rows, strides, strict=True):
                row[-1] = own[d]
        else:
            sizes.append(shape[d])
            for row, own in zip(rows, strides, strict=True):
                row.append(own[d])
    if not sizes:
        return (1,), [(1,) for _ in strides]
    return tuple(sizes), [tuple(row) for row in rows]


def _tasks(shape: Sequence[int]) -> int:
    """Into how many parts the outermost dim is split: the most that divide it."""
    return parts(shape[0], prod(shape) / _RATE, even=True)


def _map(
    k: KernelBuilder,
    shape: Sequence[int],
    tasks: int,
    inputs: Sequence[SSAValue],
    input_strides: Sequence[Sequence[int]],
    output: SSAValue,
    output_strides: Sequence[int],
    body: Region,
) -> None:
    rows = shape[0] // tasks
    begins = [
        k.at(pointer, [(k.task, rows * strides[0])] if tasks > 1 else [])
        for pointer, strides in zip(
            (*inputs, output), (*input_strides, output_strides), strict=True
        )
    ]
    k.insert(
        kernel.MapOp(
            begins[:-1],
            begins[-1:],
            (rows, *shape[1:]),
            input_strides,
            [output_strides],
            body,
        )
    )
