"""Resampling kernels against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.registry import find_kernel

aten = torch.ops.aten
SIZES = [7, 5, 6]
COUNTS = [[7, 5, 6], [14, 10, 12], [3, 2, 4], [1, 1, 1], [9, 11, 13], [8, 3, 1]]
FACTORS = [[2.0, 2.0, 2.0], [0.5, 1.7, 2.3], [1.3, 0.4, 1.0]]
ALIGNED = [
    ("upsample_linear1d", 1),
    ("upsample_bilinear2d", 2),
    ("upsample_trilinear3d", 3),
    ("upsample_bicubic2d", 2),
    ("_upsample_bilinear2d_aa", 2),
    ("_upsample_bicubic2d_aa", 2),
]
NEAREST = [(f"upsample_nearest{r}d", r) for r in (1, 2, 3)]
NEAREST += [(f"_upsample_nearest_exact{r}d", r) for r in (1, 2, 3)]
LIMITS: dict[torch.dtype, dict[str, float]] = {
    torch.float32: {"rtol": 1e-5, "atol": 5e-6},
    torch.float64: {"rtol": 1e-6, "atol": 1e-6},
    torch.float16: {"rtol": 5e-3, "atol": 5e-3},
    torch.bfloat16: {"rtol": 3e-2, "atol": 3e-2},
}


def check_both(name: str, rank: int, x: torch.Tensor, align: list[bool], **limits: Any) -> None:
    """Check the overloads with sizes and with scale factors."""
    operator = getattr(aten, name)
    for counts in COUNTS:
        scales = [None] * rank
        check(f"aten::{name}.out", operator, x, counts[:rank], *align, *scales, **limits)
        vec = [counts[:rank], *align, None]
        check(f"aten::{name}.vec_out", operator.vec, x, *vec, dynamic=True, **limits)
    for factors in FACTORS:
        vec = [None, *align, factors[:rank]]
        check(f"aten::{name}.vec_out", operator.vec, x, *vec, dynamic=True, **limits)
        counts = [int(n * f) for n, f in zip(SIZES, factors[:rank], strict=False)]
        check(f"aten::{name}.out", operator, x, counts, *align, *factors[:rank], **limits)


@pytest.mark.parametrize("dtype", [*LIMITS, torch.uint8], ids=str)
@pytest.mark.parametrize(("name", "rank"), NEAREST)
def test_nearest(name: str, rank: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = (torch.rand(2, 3, *SIZES[:rank]) * 200).to(dtype)
    check_both(name, rank, x, [], exact=True)


# Eager's antialiasing modes have no narrow version.
WEIGHTED = [
    (name, rank, dtype)
    for name, rank in ALIGNED
    for dtype in LIMITS
    if dtype.itemsize > 2 or not name.endswith("_aa")
]


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(("name", "rank", "dtype"), WEIGHTED)
def test_weighted(name: str, rank: int, dtype: torch.dtype, align: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, *SIZES[:rank]).to(dtype)
    check_both(name, rank, x, [align], **LIMITS[dtype])


def test_infinities_stay_local() -> None:
    x = torch.zeros(1, 1, 6, 6)
    x[0, 0, 2, 3] = float("inf")
    check(
        "aten::upsample_bilinear2d.vec_out", aten.upsample_bilinear2d.vec, x, [9, 10], False, None
    )


def test_empty_batch() -> None:
    x = torch.zeros(0, 3, 4, 4)
    check("aten::upsample_nearest2d.vec_out", aten.upsample_nearest2d.vec, x, [8, 8], None)


def test_errors() -> None:
    run = find_kernel("aten::upsample_nearest2d.out")
    assert run is not None
    for shape, counts in (((1, 1, 4), [2, 2]), ((1, 1, 4, 4), [0, 2])):
        with pytest.raises(ProgramError, match="cannot resize"):
            run(np.zeros(shape), counts, None, None, np.zeros((1, 1, 2, 2)))


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("name", [name for name, rank in ALIGNED if rank == 2])
def test_bytes(name: str, align: bool) -> None:
    x = torch.randint(0, 256, (2, 3, 17, 9), dtype=torch.uint8)
    for counts in ([5, 5], [20, 31], [17, 4], [33, 9]):
        args = (x, counts, align, None, None)
        check(f"aten::{name}.out", getattr(aten, name), *args, exact=True)
