"""Groups of rows times matrices, interpreted and compiled."""

from __future__ import annotations

import numpy as np
import pytest
from steps import Array, check_step, with_gaps

from edgeir.dialects import edge
from edgeir.dialects.custom_operator import custom_operation
from edgeir.dialects.diagnostic import DiagnosticsError
from edgeir.lowering.llvm import grouped_matmul

RNG = np.random.default_rng(0)
FALLBACK = custom_operation(
    "edge",
    "transformers::grouped_mm_fallback(Tensor input, Tensor weight, Tensor offs) -> Tensor",
)


def numbers(*shape: int) -> Array:
    """Random numbers."""
    return RNG.standard_normal(shape, dtype=np.float32)


def products(x: Array, weight: Array, ends: Array) -> Array:
    """What is wanted; zeros behind the last group."""
    result = np.zeros((len(x), weight.shape[2]), np.float32)
    begin = 0
    for end, matrix in zip(ends, weight, strict=True):
        result[begin:end] = x[begin:end] @ matrix
        begin = end
    return result


@pytest.mark.parametrize("constants", [[1], []])
@pytest.mark.parametrize("ends", [[0, 11, 11, 29], [1, 9, 26, 30], [0, 0, 0, 0]])
@pytest.mark.parametrize(("depth", "columns"), [(7, 19), (33, 128)])
def test_groups(depth: int, columns: int, ends: list[int], constants: list[int]) -> None:
    """Groups without rows, with few and with more; rows with gaps."""
    x, weight, limits = with_gaps(numbers(30, depth)), numbers(4, depth, columns), np.int32(ends)
    check_step(
        grouped_matmul,
        FALLBACK,
        [x, weight, limits],
        [products(x, weight, limits)],
        atol=1e-4,
        constants=constants,
    )


def test_operator() -> None:
    """PyTorch's own operator."""
    x, weight, ends = numbers(9, 16), numbers(2, 16, 8), np.int32([4, 9])
    check_step(
        grouped_matmul,
        edge.OPERATORS["aten::_grouped_mm"],
        [x, weight, ends, None],
        [products(x, weight, ends)],
        atol=1e-4,
    )


@pytest.mark.parametrize("ends", [[3, 2], [2, 5]])
def test_wrong_ends(ends: list[int]) -> None:
    """Groups that do not ascend, or that end behind the rows."""
    x, weight, limits = numbers(4, 2), numbers(2, 2, 2), np.int32(ends)
    with pytest.raises(DiagnosticsError, match="out of range"):
        check_step(grouped_matmul, FALLBACK, [x, weight, limits], [x])
