"""Resampling, interpreted and compiled, against eager PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from steps import Array, check_step, with_gaps

from edgeir.dialects import edge
from edgeir.lowering.llvm import resize

RNG = np.random.default_rng(0)
NHWC = (0, 2, 3, 1)


def numbers(*shape: int) -> Array:
    """Random numbers."""
    return RNG.standard_normal(shape, dtype=np.float32)


SIZES = [((1, 20, 5, 7), (10, 14)), ((2, 3, 6, 4), (9, 3)), ((1, 17, 1, 8), (4, 8))]


@pytest.mark.parametrize(("shape", "size"), SIZES)
def test_nearest(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    """By a given size."""
    x = numbers(*shape)
    wanted = torch.ops.aten.upsample_nearest2d.vec(torch.from_numpy(x), size, None).numpy()
    arguments = {"output_size": list(size), "scale_factors": None}
    given = [with_gaps(x, NHWC)]
    check_step(resize, edge.UpsampleNearest2dVecOp, given, [wanted], output_gap=2, **arguments)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(("shape", "size"), SIZES)
def test_bilinear(shape: tuple[int, ...], size: tuple[int, int], align: bool) -> None:
    """With corners aligned or not."""
    x = numbers(*shape)
    wanted = torch.ops.aten.upsample_bilinear2d.vec(torch.from_numpy(x), size, align, None).numpy()
    arguments = {"output_size": list(size), "align_corners": align, "scale_factors": None}
    check_step(resize, edge.UpsampleBilinear2dVecOp, [with_gaps(x, NHWC)], [wanted], **arguments)


def test_factors() -> None:
    """By factors; then a sum is fused."""
    x, other = numbers(1, 9, 6, 5), numbers(1, 9, 15, 12)
    factors = [2.5, 2.5]
    wanted = torch.ops.aten.upsample_bilinear2d.vec(torch.from_numpy(x), None, False, factors)
    arguments = {"output_size": None, "align_corners": False, "scale_factors": factors}
    check_step(
        resize,
        edge.UpsampleBilinear2dVecOp,
        [with_gaps(x, NHWC)],
        [wanted.numpy() + other],
        extras=[with_gaps(other, NHWC)],
        fuse=lambda v, e: [edge.AddTensorOp(v, e[0], result_types=[v.type])],
        **arguments,
    )


def test_antialias() -> None:
    """An image that shrinks, with a filter."""
    x = numbers(1, 8, 12, 10)
    for name in ("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"):
        for size in ([5, 4], [2, 13]):
            wanted = getattr(torch.ops.aten, name)(torch.as_tensor(x), size, False).numpy()
            arguments = {"output_size": size, "align_corners": False}
            kind = edge.OPERATORS[f"aten::{name}"]
            check_step(resize, kind, [with_gaps(x, NHWC)], [wanted], **arguments)
