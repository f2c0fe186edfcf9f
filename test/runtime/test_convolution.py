"""Convolution kernels against PyTorch eager."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.registry import find_kernel

aten = torch.ops.aten
LIMITS: dict[torch.dtype, dict[str, float]] = {
    torch.float32: {"rtol": 1e-4, "atol": 1e-5},
    torch.float64: {"rtol": 1e-9, "atol": 1e-9},
    torch.float16: {"rtol": 4e-3, "atol": 4e-3},
    torch.bfloat16: {"rtol": 2e-2, "atol": 2e-2},
}


def convolve(
    sizes: list[int],
    channels: tuple[int, int],
    kernel: list[int],
    *,
    stride: list[int] | None = None,
    padding: list[int] | None = None,
    dilation: list[int] | None = None,
    transposed: bool = False,
    output_padding: list[int] | None = None,
    groups: int = 1,
    bias: bool = True,
    batch: int | None = 2,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Check `aten::convolution.out` on random data."""
    torch.manual_seed(0)
    inputs, features = channels
    rank = len(kernel)
    x = torch.randn(*([] if batch is None else [batch]), inputs, *sizes).to(dtype)
    ends = (inputs, features // groups) if transposed else (features, inputs // groups)
    weight = torch.randn(*ends, *kernel)
    weight = (weight / weight[0].numel() ** 0.5).to(dtype)
    offset = torch.randn(features).to(dtype) if bias else None

    def reference(x: torch.Tensor, *args: Any) -> torch.Tensor:
        # aten.convolution itself does not take unbatched input, the functions above it do.
        result = aten.convolution(x if batch is not None else x[None], *args)
        return result if batch is not None else result[0]

    check(
        "aten::convolution.out",
        reference,
        x,
        weight,
        offset,
        stride or [1] * rank,
        padding or [0] * rank,
        dilation or [1] * rank,
        transposed,
        output_padding or [0] * rank,
        groups,
        dynamic=True,
        **LIMITS[dtype],
    )


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"),
    list(product([1, 2, 3], [1, 2, 3], [0, 1, 2], [1, 2])),
)
def test_strides_pads_gaps(
    kernel: int, stride: int, padding: int, dilation: int, groups: int
) -> None:
    """Dense, grouped and depthwise (4 groups), in two dimensions that differ."""
    convolve(
        [9, 7],
        (4, 8),
        [kernel, 3],
        stride=[stride, 2],
        padding=[padding, 2],
        dilation=[dilation, 1],
        groups=groups,
    )


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"),
    list(product([1, 2, 3], [1, 2, 3], [0, 1], [1, 2])),
)
def test_transposed(kernel: int, stride: int, padding: int, dilation: int, groups: int) -> None:
    convolve(
        [5, 4],
        (4, 8),
        [kernel, 3],
        stride=[stride, 2],
        padding=[padding, 1],
        dilation=[dilation, 1],
        transposed=True,
        output_padding=[1 if stride > 1 or dilation > 1 else 0, 1],
        groups=groups,
    )


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_ranks_and_dtypes(rank: int, groups: int, transposed: bool, dtype: torch.dtype) -> None:
    convolve(
        [6, 5, 7][:rank],
        (6, 12),
        [3, 2, 3][:rank],
        stride=[1, 2, 1][:rank],
        padding=[1, 0, 1][:rank],
        groups=groups,
        transposed=transposed,
        dtype=dtype,
    )


@pytest.mark.parametrize("batch", [None, 0, 1, 3])
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("transposed", [False, True])
def test_batches(batch: int | None, groups: int, transposed: bool) -> None:
    convolve([6, 6], (4, 4), [3, 3], groups=groups, transposed=transposed, batch=batch, bias=False)


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("bias", [False, True])
def test_pointwise(bias: bool, dtype: torch.dtype) -> None:
    convolve([5, 7], (6, 9), [1, 1], bias=bias, dtype=dtype)
    convolve([5], (1, 1), [1], bias=bias, dtype=dtype, batch=1)


@pytest.mark.parametrize(
    ("sizes", "channels", "groups", "stride"),
    [
        ([40, 40], (64, 32), 1, 1),
        ([41, 90], (64, 64), 2, 1),
        ([60, 61], (48, 48), 48, 1),
        ([75, 75], (40, 80), 40, 2),
        ([30, 31], (96, 96), 96, 1),
        ([14, 14], (200, 200), 200, 2),
    ],
)
def test_several_blocks(
    sizes: list[int], channels: tuple[int, int], groups: int, stride: int
) -> None:
    convolve(sizes, channels, [3, 3], padding=[1, 1], stride=[stride] * 2, groups=groups)


@pytest.mark.parametrize("size", [6, 14, 40])
@pytest.mark.parametrize("kernel", [7, 13])
def test_large_depthwise_kernels(kernel: int, size: int) -> None:
    pads, gaps = [kernel // 2, kernel // 2 * 2], [1, 2]
    convolve([size, size], (24, 24), [kernel] * 2, padding=pads, dilation=gaps, groups=24)


def test_several_blocks_in_three_dimensions() -> None:
    convolve([5, 40, 40], (16, 8), [3, 3, 3], padding=[1, 1, 1], batch=1)
    convolve([3, 30, 30], (24, 24), [3, 3, 3], padding=[1, 1, 1], batch=1, transposed=True)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("kernel", [1, 3])
def test_channels_last(kernel: int, groups: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4, 6, 5).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(8, 4 // groups, kernel, kernel)
    expected = torch.conv2d(x, weight, groups=groups)
    run = find_kernel("aten::conv2d.out")
    assert run is not None and run.specializer is not None
    args = [x.numpy(), weight.numpy(), None, [1, 1], [0, 0], [1, 1], groups]
    for specialised in (False, True):
        out = np.full(expected.permute(0, 2, 3, 1).shape, np.nan, np.float32).transpose(0, 3, 1, 2)
        if specialised:
            thunk = run.specializer(*args, out)
            assert thunk is not None
            thunk()
        else:
            run(*args, out)
        torch.testing.assert_close(torch.from_numpy(out), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", ["same", "valid", [0], [2]], ids=str)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("batch", [[], [2]], ids=["unbatched", "batch"])
def test_composites(rank: int, padding: Any, batch: list[int]) -> None:
    torch.manual_seed(0)
    operator = getattr(aten, f"conv{rank}d")
    overload, suffix = (
        (operator.default, "") if isinstance(padding, list) else (operator.padding, "padding_")
    )
    x, weight = torch.randn(*batch, 3, *[8, 7, 6][:rank]), torch.randn(4, 3, *[4, 3, 2][:rank])
    pads = padding * rank if isinstance(padding, list) else padding
    check(
        f"aten::conv{rank}d.{suffix}out",
        overload,
        x,
        weight,
        torch.randn(4),
        [1] * rank,
        pads,
        [2, 1, 1][:rank],
        1,
        **LIMITS[torch.float32],
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("batch", [[], [2]], ids=["unbatched", "batch"])
def test_transposed_composites(rank: int, batch: list[int]) -> None:
    torch.manual_seed(0)
    name = "conv_transpose1d.out" if rank == 1 else f"conv_transpose{rank}d.input_out"
    check(
        f"aten::{name}",
        getattr(aten, f"conv_transpose{rank}d"),
        torch.randn(*batch, 4, *[5, 4, 3][:rank]),
        torch.randn(4, 3, *[3, 2, 2][:rank]),
        torch.randn(6),
        [2] * rank,
        [1] * rank,
        [1] * rank,
        2,
        [2] * rank,
        **LIMITS[torch.float32],
    )


@pytest.mark.parametrize("groups", [1, 3])
def test_integers(groups: int) -> None:
    x, weight = torch.arange(75).view(1, 3, 5, 5), torch.arange(27 * 3).view(3, 3, 3, 3) - 40
    args = [torch.tensor([1, 2, 3]), [2, 1], [1, 0], [1, 1], False, [0, 0], groups]
    check("aten::convolution.out", aten.convolution, x, weight[:, : 3 // groups], *args, exact=True)


@pytest.mark.parametrize(
    ("x", "weight", "message"),
    [
        ((1, 3, 4, 4), (2, 2, 3, 3), "do not fit"),
        ((1, 2, 2, 2), (2, 2, 3, 3), "larger than the padded input"),
        ((2, 4, 4), (2, 2, 3), "expected|not fit"),
        ((1, 2, 4, 4, 4, 4), (2, 2, 1, 1, 1, 1), "1 to 3 spatial dimensions"),
    ],
)
def test_errors(x: tuple[int, ...], weight: tuple[int, ...], message: str) -> None:
    run = find_kernel("aten::convolution.out")
    assert run is not None
    args = [None, [1], [0], [1], False, [0], 1, np.zeros((1, 2, 2, 2), np.float32)]
    with pytest.raises(ProgramError, match=message):
        run(np.zeros(x, np.float32), np.zeros(weight, np.float32), *args)
