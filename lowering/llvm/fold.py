"""Columns of windows summed up to images: `torch.nn.functional.fold`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import cast

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .body import number, region
from .elementwise import is_known
from .family import any_strides, no_halo, row_major
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .step import Step, element_type
from .tasks import parts

OPERATIONS: tuple[type[SchemaOp], ...] = (edge.Col2imOp,)
FUSES = False

input_order = any_strides
halo = no_halo
output_order = row_major

_RATE = 5_000
"""Elements that are added in a microsecond."""


def supports(op: SchemaOp) -> str | None:
    """Known elements."""
    element = element_type(op.operands[0])
    return None if is_known(element) else f"there are no kernels for {element}"


@dataclass(frozen=True)
class _Tap:
    """Along one dim, the windows whose element number `tap` is in the image: `count` of them, the
    first one's number, and where its element is."""

    tap: int
    window: int
    place: int
    count: int


def _taps(
    size: int, windows: int, kernel: int, dilation: int, padding: int, stride: int
) -> list[_Tap]:
    result: list[_Tap] = []
    for tap in range(kernel):
        begin = tap * dilation - padding
        first = max(0, -(begin // stride))
        last = min(windows - 1, (size - 1 - begin) // stride)
        if first <= last:
            result.append(_Tap(tap, first, first * stride + begin, last - first + 1))
    return result


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch over parts of the channels: zeros, then the elements of the windows one by one,
    those of all windows at once."""
    op, source, output = step.op, step.tensor(step.op.operands[0]), step.output
    element = output.element
    sizes, kernel_size, dilation, padding, stride = (
        cast("list[int]", op.value_of(name))
        for name in ("output_size", "kernel_size", "dilation", "padding", "stride")
    )
    counts = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(sizes, kernel_size, dilation, padding, stride, strict=True)
    ]
    numbers = zip(sizes, counts, kernel_size, dilation, padding, stride, strict=True)
    lines = [_taps(*own) for own in numbers]
    images = output.shape[0] if len(output.shape) == 4 else 1
    batches = [tensor.strides[0] if images > 1 else 0 for tensor in (source, output)]
    channels = output.shape[-3]
    row, place = source.strides[-2:]
    channel, *steps = output.strides[-3:]
    groups = parts(channels, source.size / _RATE, even=True, copies=images)
    own = channels // groups

    def build(k: KernelBuilder) -> None:
        image, part = k.split(k.task, (images, groups))
        window = prod(kernel_size)
        x = k.at(k.arguments[0], [(image, batches[0]), (part, own * window * row)])
        y = k.at(k.arguments[1], [(image, batches[1]), (part, own * channel)])
        whole = (channel, *steps)
        k.insert(kernel.MapOp([], [y], (own, *sizes), [], [whole], number(0, element)))
        for down, across in product(*lines):
            tap = down.tap * kernel_size[1] + across.tap
            first = down.window * counts[1] + across.window
            read = k.at(x, [], tap * row + first * place)
            written = k.at(y, [], down.place * steps[0] + across.place * steps[1])
            there = (channel, stride[0] * steps[0], stride[1] * steps[1])
            k.insert(
                kernel.MapOp(
                    [written, read],
                    [written],
                    (own, down.count, across.count),
                    [there, (window * row, counts[1] * place, place)],
                    [there],
                    region([element] * 2, lambda body, values: body.add(*values)),
                )
            )

    key = (source, output, tuple(op.properties.items()), groups)
    program.launch(
        "fold",
        key,
        [program.pointer(v) for v in (op.operands[0], step.results[0])],
        images * groups,
        build,
    )
