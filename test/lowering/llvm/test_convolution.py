"""Convolutions, interpreted and compiled, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from xdsl.ir import Block, SSAValue

from edgeir.dialects import edge
from edgeir.dialects.edge.ops import WeightOp
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.llvm import convolution
from edgeir.lowering.llvm.targets import target_for

from .steps import Array, Fuse, check_step, type_of

Numbers = tuple[int, ...]


def random(*shape: int) -> Array:
    """Numbers that are the same in every run."""
    return np.random.default_rng(sum(shape)).standard_normal(shape, np.float32)


def with_halo(x: Array, halo: Sequence[tuple[int, int]], last: bool) -> Array:
    """The same array with zeros around it in memory, channels innermost or not; beyond, nan."""
    order = (0, *range(2, x.ndim), 1) if last else tuple(range(x.ndim))
    dims = [(x.shape[d], *halo[d]) for d in order]
    memory = np.full([a + n + b + 1 for n, a, b in dims], np.nan, np.float32)
    memory[tuple(slice(0, a + n + b) for n, a, b in dims)] = 0
    view = memory[tuple(slice(a, a + n) for n, a, _ in dims)].transpose(np.argsort(order))
    view[...] = x
    return view


def check(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Numbers = (1,),
    padding: Numbers = (0,),
    dilation: Numbers = (1,),
    transposed: bool = False,
    output_padding: Numbers = (0,),
    groups: int = 1,
    last: bool = True,
    computed: bool = False,
    fuse: Fuse | None = None,
    extras: Sequence[Array] = (),
    wanted: Callable[[torch.Tensor], Array] | None = None,
    **options: Any,
) -> None:
    """Compare a convolution with PyTorch's; its weights may be `computed`."""
    dims = x.ndim - 2
    stride, padding, dilation, output_padding = (
        n * dims if len(n) == 1 else n for n in (stride, padding, dilation, output_padding)
    )
    tensors = [None if a is None else torch.tensor(a) for a in (x, w, b)]
    y = torch.ops.aten.convolution(
        *tensors, stride, padding, dilation, transposed, output_padding, groups
    ).numpy()
    properties: dict[str, Any] = {
        "stride": list(stride),
        "padding": list(padding),
        "dilation": list(dilation),
        "transposed": transposed,
        "output_padding": list(output_padding),
        "groups": groups,
    }
    value, weight = Block(arg_types=[type_of(x), type_of(w)]).args
    weight = weight if computed else WeightOp("w", type_of(w)).result
    op = edge.ConvolutionOp(value, weight, None, result_types=[type_of(y)], **properties)
    halo = convolution.halo(op, op.input) or ((0, 0),) * x.ndim
    check_step(
        convolution,
        edge.ConvolutionOp,
        [with_halo(x, halo, last), w, b],
        [y if wanted is None else wanted(torch.tensor(y))],
        constants=[] if computed else [1, 2],
        fuse=fuse,
        extras=extras,
        **properties,
        **options,
    )


@pytest.mark.parametrize("target", ["host", "x86-64-v3"])
@pytest.mark.parametrize(
    ("size", "kernel", "channels", "out"),
    [
        ((5, 5), (3, 3), 8, 17),
        ((14, 11), (3, 3), 5, 33),
        ((9, 9), (1, 1), 19, 40),
        ((1, 1), (1, 1), 19, 70),
        ((13, 3), (5, 1), 6, 7),
        ((40, 2), (3, 2), 6, 7),
        ((3, 30), (3, 4), 1, 1),
    ],
)
def test_direct(size: Numbers, kernel: Numbers, channels: int, out: int, target: str) -> None:
    x, w, b = random(2, channels, *size), random(out, channels, *kernel), random(out)
    padding = tuple(n // 2 for n in kernel)
    check(x, w, b, padding=padding, target=target_for(target))


@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 3)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 2), (3, 1)])
@pytest.mark.parametrize("padding", [(0, 0), (2, 1)])
def test_strides(stride: Numbers, dilation: Numbers, padding: Numbers) -> None:
    x, w = random(1, 7, 13, 12), random(9, 7, 3, 3)
    check(x, w, stride=stride, dilation=dilation, padding=padding)


@pytest.mark.parametrize(
    ("size", "weights", "options"),
    [
        ((2, 8, 9, 7), (17, 8, 3, 3), {"padding": (1, 1)}),
        ((1, 6, 8, 8), (6, 1, 3, 3), {"groups": 6, "stride": (2, 2)}),
        ((1, 12, 6, 5), (8, 3, 1, 1), {"groups": 4}),
        ((1, 64, 7, 7), (40, 64, 3, 3), {"dilation": (2, 1)}),
        ((1, 6, 5, 5), (6, 20, 4, 4), {"transposed": True, "stride": (2, 2), "padding": (1, 1)}),
        ((2, 6, 9), (6, 5, 3), {"transposed": True, "groups": 2}),
    ],
)
def test_computed_weights(size: Numbers, weights: Numbers, options: dict[str, Any]) -> None:
    """Weights that are known only at run time."""
    w = random(*weights)
    transposed = "transposed" in options
    bias = random(weights[1] * options.get("groups", 1) if transposed else weights[0])
    for b in (None, bias):
        check(random(*size), w, b, computed=True, **options)


def test_phases_without_taps() -> None:
    """Strides larger than the window: some elements of the result are the bias alone."""
    x, w, b = random(1, 6, 12, 12), random(6, 5, 2, 2), random(5)
    check(x, w, b, transposed=True, stride=(3, 4), output_padding=(1, 2))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_stem(channels: int, last: bool) -> None:
    """Few channels are read in any order."""
    x, w, b = random(2, channels, 21, 23), random(20, channels, 7, 7), random(20)
    check(x, w, b, stride=(2,), padding=(3,), last=last)


@pytest.mark.parametrize("groups", [2, 3, 6])
def test_groups(groups: int) -> None:
    x, w, b = random(2, 6, 8, 9), random(18, 6 // groups, 3, 3), random(18)
    check(x, w, b, groups=groups, padding=(1,))
    check(x, w, b, groups=groups, stride=(2,))


def test_one_and_three_dims() -> None:
    check(random(2, 5, 17), random(6, 5, 3), random(6), padding=(1,))
    check(random(2, 6, 17), random(6, 3, 5), stride=(2,), padding=(2,), groups=2)
    check(random(2, 5, 4, 6, 5), random(18, 5, 2, 3, 3), random(18), padding=(1, 1, 0))
    check(random(1, 4, 5, 6, 11), random(4, 4, 3, 1, 2), stride=(2, 1, 1), dilation=(1, 1, 2))


def test_tasks() -> None:
    """Rows, panels, images and groups are split into tasks."""
    check(random(1, 16, 57, 40), random(40, 16, 3, 3), padding=(1,), atol=1e-3)
    check(random(1, 64, 12, 12), random(200, 64, 3, 3), padding=(1,), atol=1e-3)
    check(random(17, 16, 12, 12), random(32, 16, 3, 3), atol=1e-3)
    check(random(1, 160, 30, 20), random(80, 160, 1, 1))


TRANSPOSED = [
    ((2, 2), (2, 2), (0, 0), (0, 0), (1, 1)),
    ((4, 4), (2, 2), (1, 1), (0, 0), (1, 1)),
    ((3, 3), (2, 2), (1, 1), (1, 1), (1, 1)),
    ((3, 2), (1, 1), (0, 1), (0, 0), (1, 1)),
    ((1, 2), (3, 2), (0, 0), (1, 0), (1, 1)),
    ((5, 3), (3, 2), (2, 0), (0, 1), (1, 1)),
    ((3, 3), (2, 3), (1, 0), (0, 0), (2, 2)),
]


@pytest.mark.parametrize(("kernel", "stride", "padding", "output_padding", "dilation"), TRANSPOSED)
@pytest.mark.parametrize("groups", [1, 2])
def test_transposed(
    kernel: Numbers,
    stride: Numbers,
    padding: Numbers,
    output_padding: Numbers,
    dilation: Numbers,
    groups: int,
) -> None:
    x, w, b = random(2, 6, 5, 7), random(6, 5, *kernel), random(5 * groups)
    check(
        x,
        w,
        b,
        stride=stride,
        padding=padding,
        dilation=dilation,
        transposed=True,
        output_padding=output_padding,
        groups=groups,
    )


def test_transposed_of_other_dims() -> None:
    check(random(1, 6, 9), random(6, 4, 4), stride=(2,), padding=(1,), transposed=True)
    check(random(1, 3, 3, 4, 3), random(3, 4, 2, 3, 2), stride=(2, 1, 2), transposed=True)


def relu_of_sum(value: SSAValue, extras: Sequence[SSAValue]) -> list[SchemaOp]:
    """relu(value + extra)."""
    total = edge.AddTensorOp(value, extras[0], result_types=[value.type])
    return [total, edge.ReluOp(total.results[0], result_types=[value.type])]


@pytest.mark.parametrize("extra", [(1, 18, 6, 7), (1, 18, 1, 1), (7,)])
@pytest.mark.parametrize("last", [False, True])
def test_fused(extra: Numbers, last: bool) -> None:
    x, w, b, e = random(1, 5, 6, 7), random(18, 5, 3, 3), random(18), random(*extra)
    if last and e.ndim == 4:
        e = e.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)

    def wanted(y: torch.Tensor) -> Array:
        return torch.relu(y + torch.tensor(e)).numpy()

    options: dict[str, Any] = {"fuse": relu_of_sum, "extras": [e], "wanted": wanted}
    check(x, w, b, padding=(1,), output_gap=5, **options)
    w = random(5, 18, 3, 3)
    check(x, w, b, padding=(1,), output_gap=5, transposed=True, **options)
