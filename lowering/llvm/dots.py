"""Kernels for sums of products along memory: a matrix times a vector, a vector times a transposed
matrix. Every result is a reduction of its own, along vectors of k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import kernel
from .body import region
from .kernel_builder import KernelBuilder
from .product import Axis, Finish, Operands
from .program_builder import ProgramBuilder
from .tasks import parts

_RATE = 16_000
"""Products that are summed in a microsecond."""


def launch_dots(
    program: ProgramBuilder,
    axes: Sequence[Axis],
    depth: int,
    operands: Operands,
    finish: Finish,
) -> None:
    """C = epilogue(sum over k of A B, extras) at every point of the axes; k goes side by side in A
    and in B. A bias is an extra here."""
    assert operands.bias is None
    ordered = sorted((a for a in axes if a.size > 1), key=lambda axis: -axis.size)
    split = ordered[0].size if ordered else 1
    size = -(-split // parts(split, prod(axis.size for axis in axes) * depth / _RATE))
    tasks = -(-split // size)

    def build(k: KernelBuilder) -> None:
        a, b, c, *extras = k.arguments
        at = Operands(a, b, c, extras=tuple(extras))
        if not ordered:
            _dot(k, depth, at, finish)
            return
        count = k.chunk(k.task, size, split)
        with k.loop(0, count) as index:
            at = _moved(k, at, ordered[0], [(k.task, size), (index, 1)])
            _loops(k, ordered[1:], depth, at, finish)

    arguments = [operands.a, operands.b, operands.c, *operands.extras]
    program.launch("dots", (tuple(ordered), depth, size, finish.key), arguments, tasks, build)


def _loops(
    k: KernelBuilder, axes: Sequence[Axis], depth: int, at: Operands, finish: Finish
) -> None:
    if not axes:
        _dot(k, depth, at, finish)
        return
    with k.loop(axes[0].size) as index:
        _loops(k, axes[1:], depth, _moved(k, at, axes[0], [(index, 1)]), finish)


def _moved(
    k: KernelBuilder, at: Operands, axis: Axis, terms: Sequence[tuple[SSAValue, int]]
) -> Operands:
    def move(pointer: SSAValue, step: int) -> SSAValue:
        return k.at(pointer, [(index, factor * step) for index, factor in terms])

    extras = tuple(move(e, step) for e, step in zip(at.extras, axis.extras, strict=True))
    return replace(
        at, a=move(at.a, axis.a), b=move(at.b, axis.b), c=move(at.c, axis.c), extras=extras
    )


def _dot(k: KernelBuilder, depth: int, at: Operands, finish: Finish) -> None:
    """One result: a reduction, then the epilogue of its number."""
    products = region([f32, f32], lambda body, values: body.multiply(*values))
    summed = kernel.MapOp([at.a, at.b], [], (depth,), [(1,), (1,)], [], products, ["add"], [f32])
    k.insert(summed)
    rest = finish.region()
    total = rest.block.args[0]
    total.replace_all_uses_with(summed.results_[0])
    rest.block.erase_arg(total)
    k.insert(kernel.MapOp(at.extras, [at.c], (1,), [(1,)] * len(at.extras), [(1,)], rest))
