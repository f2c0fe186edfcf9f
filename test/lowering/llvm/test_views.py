"""Strides of views against numpy's own."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import f32

from edgeir.lowering.llvm.step import Tensor, dense_strides
from edgeir.lowering.llvm.views import reshaped_strides


@st.composite
def strided_arrays(draw: st.DrawFn) -> np.ndarray:
    """An array of float32 whose dims are permuted and sliced."""
    shape = draw(st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=1, max_size=4))
    array = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    array = array.transpose(draw(st.permutations(range(len(shape)))))
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 2]), min_size=array.ndim, max_size=array.ndim))
    return array[tuple(slice(None, None, step) for step in steps)]


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[np.ndarray, list[int]]:
    """An array and another shape of as many elements."""
    array = draw(strided_arrays())
    factors: list[int] = []
    for size in array.shape:
        small = next((f for f in (2, 3) if size % f == 0 and size > f), None)
        factors += [small, size // small] if small and draw(st.booleans()) else [size]
    shape: list[int] = []
    for factor in factors:
        if shape and draw(st.booleans()):
            shape[-1] *= factor
        else:
            shape.append(factor)
    return array, shape


@given(reshapes())
def test_reshaped_strides(case: tuple[np.ndarray, list[int]]) -> None:
    """Where strides are found they read what numpy's reshape gives; where numpy needs no copy,
    they are found."""
    array, shape = case
    tensor = Tensor(f32, array.shape, tuple(stride // 4 for stride in array.strides))
    strides = reshaped_strides(tensor, shape)
    wanted = array.reshape(shape)
    if strides is None:
        assert not np.shares_memory(wanted, array)
        return
    seen = np.lib.stride_tricks.as_strided(array, shape, [stride * 4 for stride in strides])
    np.testing.assert_array_equal(seen, wanted)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_dense_strides(shape: list[int]) -> None:
    """The strides of a dim order are those of a transposed dense array."""
    order = sorted(range(len(shape)), key=lambda dim: (shape[dim], dim))
    array = np.zeros([shape[dim] for dim in order], np.float32)
    seen = array.transpose([order.index(dim) for dim in range(len(shape))])
    strides = dense_strides(shape, order)
    for size, ours, numpys in zip(shape, strides, seen.strides, strict=True):
        assert size == 1 or ours * 4 == numpys
