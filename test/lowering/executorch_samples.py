"""Calls of every operator that ExecuTorch's stock runtime registers and the edge dialect can make.

A sample is a function from a `Maker`, which makes its tensors, to the arguments of the operator. It
is called for several dtypes; one that asks for `x` is called for several ranks too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

Sample = Callable[["Maker"], tuple[Any, ...]]

SIZES = (2, 3, 4, 2, 3, 2, 2, 1, 2)
"""The sizes of a tensor of any rank: as many of these as it has dims."""


class Maker:
    """Makes the tensors of a call; `dtype` is the operator's own, `index_dtype` that of indices.

    `out_dtype` is for operators with a dtype argument.
    """

    def __init__(
        self,
        dtype: torch.dtype,
        rank: int = 2,
        index_dtype: torch.dtype = torch.int64,
        out_dtype: torch.dtype | None = None,
        empty: bool = False,
    ) -> None:
        self.dtype = dtype
        self.rank = rank
        self._empty = empty
        self.index_dtype = index_dtype
        self.out_dtype = out_dtype or dtype
        self.uses_rank = self.uses_index = self.uses_out_dtype = False
        self._generator = torch.Generator().manual_seed(0)

    def x(self) -> torch.Tensor:
        """A tensor of the rank at hand."""
        self.uses_rank = True
        return self.t(*self.sizes())

    def sizes(self) -> list[int]:
        """The sizes of `x`: the first is 0 if it is to be empty."""
        sizes = list(SIZES[: self.rank])
        if self._empty:
            sizes[0] = 0
        return sizes

    def t(self, *shape: int) -> torch.Tensor:
        """A tensor of a shape; integers are not 0, so that they divide."""
        if self.dtype == torch.bool:
            return self.b(*shape)
        if self.dtype.is_floating_point or self.dtype.is_complex:
            return torch.randn(shape, generator=self._generator).to(self.dtype)
        signs = 1 if self.dtype == torch.uint8 else self.b(*shape) * 2 - 1
        return (self._integers(1, 5, shape) * signs).to(self.dtype)

    def p(self, *shape: int) -> torch.Tensor:
        """A tensor of positive numbers."""
        return self.t(*shape).abs() if self.dtype != torch.bool else self.t(*shape)

    def as_f32(self, *shape: int) -> torch.Tensor:
        """A tensor in f32 whatever the dtype."""
        return torch.randn(shape, generator=self._generator)

    def b(self, *shape: int) -> torch.Tensor:
        """A tensor of bools."""
        return self._integers(0, 2, shape).bool()

    def i(self, high: int, *shape: int) -> torch.Tensor:
        """A tensor of indices below `high`."""
        self.uses_index = True
        return self._integers(0, high, shape).to(self.index_dtype)

    def out(self) -> torch.dtype:
        """The value of a dtype argument."""
        self.uses_out_dtype = True
        return self.out_dtype

    def _integers(self, low: int, high: int, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=self._generator)


def _each(names: str, *samples: Sample) -> dict[str, tuple[Sample, ...]]:
    return {f"aten::{name}": samples for name in names.split()}


def _row(m: Maker) -> torch.Tensor:
    """A tensor that is broadcast to `x`."""
    return m.t(*SIZES[m.rank - 1 : m.rank]) if m.rank else m.t()


SAMPLES: Mapping[str, tuple[Sample, ...]] = {
    **_each(
        "abs neg sign ceil floor round trunc exp expm1 sqrt rsqrt reciprocal erf sigmoid isinf"
        " isnan asinh atan cos cosh sin sinh tan tanh acos acosh asin atanh log log10 log1p log2"
        " logical_not bitwise_not relu alias detach lift_fresh_copy clone any prod max min mean",
        lambda m: (m.x(),),
    ),
    **_each(
        "add.Tensor sub.Tensor mul.Tensor div.Tensor floor_divide fmod.Tensor remainder.Tensor"
        " pow.Tensor_Tensor maximum minimum atan2 eq.Tensor ne.Tensor lt.Tensor le.Tensor gt.Tensor"
        " ge.Tensor logical_and logical_or logical_xor bitwise_and.Tensor bitwise_or.Tensor"
        " bitwise_xor.Tensor",
        lambda m: (m.x(), m.x()),
        lambda m: (m.x(), _row(m)),
        lambda m: (m.t(), m.x()),
    ),
    **_each(
        "bitwise_left_shift.Tensor bitwise_right_shift.Tensor",
        lambda m: (m.x(), m.x().abs()),
        lambda m: (m.x(), _row(m).abs()),
    ),
    **_each(
        "bitwise_and.Scalar bitwise_or.Scalar bitwise_xor.Scalar"
        " bitwise_left_shift.Tensor_Scalar bitwise_right_shift.Tensor_Scalar",
        lambda m: (m.x(), 2),
    ),
    **_each(
        "add.Scalar sub.Scalar rsub.Scalar mul.Scalar div.Scalar fmod.Scalar remainder.Scalar"
        " eq.Scalar ne.Scalar lt.Scalar le.Scalar gt.Scalar ge.Scalar pow.Tensor_Scalar"
        " fill.Scalar",
        lambda m: (m.x(), 2),
        lambda m: (m.x(), 1.5 if m.dtype.is_floating_point else 3),
    ),
    **_each("pow.Scalar", lambda m: (2, m.x().abs()), lambda m: (2.0, m.x().abs())),
    **_each(
        "div.Tensor_mode",
        lambda m: (m.x(), m.x(), {"rounding_mode": "floor"}),
        lambda m: (m.x(), m.x(), {"rounding_mode": "trunc"}),
    ),
    **_each(
        "div.Scalar_mode",
        lambda m: (m.x(), 2, {"rounding_mode": "floor"}),
        lambda m: (m.x(), 2, {"rounding_mode": "trunc"}),
    ),
    **_each(
        "clamp", lambda m: (m.x(), 1, 2), lambda m: (m.x(), None, 2), lambda m: (m.x(), 1, None)
    ),
    **_each(
        "clamp.Tensor",
        lambda m: (m.x(), m.x(), m.x()),
        lambda m: (m.x(), None, _row(m)),
        lambda m: (m.x(), m.t(), None),
    ),
    **_each("leaky_relu", lambda m: (m.x(), 0.1)),
    **_each("elu", lambda m: (m.x(),), lambda m: (m.x(), 1.5, 1.1, 0.9)),
    **_each(
        "gelu",
        lambda m: (m.x(), {"approximate": "none"}),
        lambda m: (m.x(), {"approximate": "tanh"}),
    ),
    **_each("hardtanh", lambda m: (m.x(), 0, 2)),
    **_each("glu", lambda m: (m.t(2, 4), 1), lambda m: (m.t(4, 3, 2), 0)),
    **_each(
        "_softmax _log_softmax",
        lambda m: (m.x(), -1, False),
        lambda m: (m.x(), 0, False),
    ),
    **_each("native_dropout", lambda m: (m.x(), 0.0, True)),
    **_each(
        "where.self",
        lambda m: (m.x() > 0, m.x(), m.x()),
        lambda m: (m.b(), m.x(), m.x()),
        lambda m: (m.x() > 0, m.x(), m.t()),
    ),
    **_each(
        "masked_fill.Scalar", lambda m: (m.x(), m.x() > 0, 2), lambda m: (m.x(), _row(m) > 0, 2)
    ),
    **_each("masked_scatter", lambda m: (m.x(), m.x() > 0, m.x())),
    **_each("masked_select", lambda m: (m.x(), m.x() > 0)),
    **_each("tril", lambda m: (m.x(), 0), lambda m: (m.x(), 1)),
    **_each("mm", lambda m: (m.t(2, 3), m.t(3, 4))),
    **_each("bmm", lambda m: (m.t(2, 3, 4), m.t(2, 4, 2))),
    **_each(
        "addmm",
        lambda m: (m.t(2, 4), m.t(2, 3), m.t(3, 4)),
        lambda m: (m.t(4), m.t(2, 3), m.t(3, 4)),
        lambda m: (m.t(2, 1), m.t(2, 3), m.t(3, 4)),
        lambda m: (m.t(4), m.t(2, 3), m.t(3, 4), {"beta": 2, "alpha": 3}),
    ),
    **_each("linear", lambda m: (m.t(2, 3), m.t(4, 3), m.t(4)), lambda m: (m.t(2, 3), m.t(4, 3))),
    **_each("_cdist_forward", lambda m: (m.t(2, 3, 4), m.t(2, 5, 4), 2.0, None)),
    **_each("_pdist_forward", lambda m: (m.t(3, 4), 2.0)),
    **_each(
        "convolution",
        *(
            lambda m, n=n: (
                m.t(2, 4, *(5,) * n), m.t(4, 2, *(3,) * n), m.t(4),
                [2] * n, [1] * n, [1] * n, False, [0] * n, 2,
            )
            for n in (1, 2, 3)
        ),
        *(
            lambda m, n=n: (
                m.t(2, 4, *(5,) * n), m.t(4, 2, *(3,) * n), None,
                [2] * n, [1] * n, [1] * n, True, [1] * n, 2,
            )
            for n in (1, 2, 3)
        ),
        lambda m: (
            m.t(2, 3, 7, 7), m.t(4, 3, 3, 3), None,
            [1, 2], [0, 2], [2, 1], False, [0, 0], 1,
        ),
        lambda m: (
            m.t(2, 3, 4, 4), m.t(3, 2, 3, 3), m.t(2),
            [2, 1], [0, 1], [1, 2], True, [1, 0], 1,
        ),
    ),
    **_each(
        "_adaptive_avg_pool2d",
        lambda m: (m.t(2, 3, 7, 5), [3, 2]),
        lambda m: (m.t(3, 7, 5), [3, 2]),
    ),
    **_each(
        "avg_pool2d",
        lambda m: (m.t(2, 3, 7, 5), [3, 2], [2, 1], [1, 1], False, True, None),
        lambda m: (m.t(2, 3, 7, 5), [3, 2], [2, 1], [1, 1], True, False, None),
        lambda m: (m.t(2, 3, 7, 5), [3, 2], [2, 1], [0, 1], False, True, 4),
        lambda m: (m.t(3, 7, 5), [3], [], [1], False, True, None),
    ),
    **_each(
        "max_pool2d_with_indices",
        lambda m: (m.t(2, 3, 7, 5), [3, 2], [2, 1], [1, 1], [1, 1], False),
        lambda m: (m.t(2, 3, 7, 5), [3, 2], [2, 2], [1, 1], [2, 1], True),
        lambda m: (m.t(3, 7, 5), [3, 2], [], [0], [1], False),
    ),
    **_each(
        "native_layer_norm",
        lambda m: (m.t(2, 3, 4), [4], m.t(4), m.t(4), 1e-5),
        lambda m: (m.t(2, 3, 4), [3, 4], None, None, 1e-5),
        lambda m: (m.t(2, 3, 4), [3, 4], m.t(3, 4), None, 1e-5),
        lambda m: (m.t(2, 3, 4), [4], m.as_f32(4), m.as_f32(4), 1e-5),
    ),
    **_each(
        "native_group_norm",
        lambda m: (m.t(2, 4, 3, 2), m.t(4), m.t(4), 2, 4, 6, 2, 1e-5),
        lambda m: (m.t(2, 4, 3), None, None, 2, 4, 3, 2, 1e-5),
        lambda m: (m.t(2, 4, 3), m.as_f32(4), m.as_f32(4), 2, 4, 3, 2, 1e-5),
    ),
    **_each(
        "_native_batch_norm_legit_no_training",
        lambda m: (m.t(2, 4, 3, 2), m.t(4), m.t(4), m.t(4), m.p(4), 0.1, 1e-5),
        lambda m: (m.t(2, 4, 3), None, None, m.t(4), m.p(4), 0.1, 1e-5),
        lambda m: (m.t(2, 4), m.t(4), m.t(4), m.t(4), m.p(4), 0.1, 1e-5),
    ),
    **_each(
        "_native_batch_norm_legit.no_stats",
        lambda m: (m.t(2, 4, 3, 2), m.t(4), m.t(4), True, 0.1, 1e-5),
        lambda m: (m.t(2, 4, 3), None, None, True, 0.1, 1e-5),
    ),
    **_each(
        "sum.dim_IntList",
        lambda m: (m.x(), [0], False, {"dtype": m.out()}),
        lambda m: (m.x(), [-1], True, {"dtype": m.out()}),
        lambda m: (m.t(2, 3, 4), [0, 2], False, {"dtype": m.out()}),
        lambda m: (m.t(2, 3, 4), None, False, {"dtype": m.out()}),
        lambda m: (m.t(2, 3, 4), [], True, {"dtype": m.out()}),
    ),
    **_each(
        "mean.dim",
        lambda m: (m.x(), [0], False, {"dtype": m.out()}),
        lambda m: (m.t(2, 3, 4), [-1, 0], True, {"dtype": m.out()}),
        lambda m: (m.t(2, 3, 4), None, False, {"dtype": m.out()}),
    ),
    **_each("mean prod", lambda m: (m.x(), {"dtype": m.out()})),
    **_each("prod.dim_int", lambda m: (m.x(), 0, False, {"dtype": m.out()})),
    **_each("cumsum", lambda m: (m.x(), 0, {"dtype": m.out()})),
    **_each(
        "var.correction var_mean.correction",
        lambda m: (m.x(), [0], {"correction": 1, "keepdim": True}),
        lambda m: (m.t(2, 3, 4), None, {"correction": None, "keepdim": False}),
        lambda m: (m.t(2, 3, 4), [1, 2], {"correction": 0, "keepdim": False}),
    ),
    **_each("var.dim", lambda m: (m.x(), [0], True, True), lambda m: (m.x(), [0], False, False)),
    **_each(
        "amax amin",
        lambda m: (m.x(), [0], False),
        lambda m: (m.t(2, 3, 4), [], False),
        lambda m: (m.t(2, 3, 4), [1, -1], True),
    ),
    **_each("max.dim min.dim any.dim", lambda m: (m.x(), 0, False), lambda m: (m.x(), -1, True)),
    **_each(
        "argmax argmin",
        lambda m: (m.x(), 0, False),
        lambda m: (m.x(), None, False),
        lambda m: (m.x(), -1, True),
    ),
    **_each(
        "any.dims",
        lambda m: (m.x(), [0], True),
        lambda m: (m.t(2, 3, 4), [0, 2], False),
        lambda m: (m.t(2, 3, 4), None, False),
    ),
    **_each(
        "topk",
        lambda m: (m.t(2, 16).cumsum(1).to(m.dtype), 3, 1, True, True),
        lambda m: (m.t(4, 3).cumsum(0).to(m.dtype), 4, 0, False, True),
    ),
    **_each("nonzero", lambda m: (m.x(),)),
    **_each("as_strided", lambda m: (m.t(3, 4), [2, 2], [4, 1], 1)),
    **_each("diagonal", lambda m: (m.t(2, 3, 4), 1, -1, 0), lambda m: (m.t(3, 4), 0, 0, 1)),
    **_each("narrow_copy", lambda m: (m.t(3, 4), 1, 1, 2), lambda m: (m.t(2, 3, 4, 5), 0, 0, 1)),
    **_each(
        "expand",
        lambda m: (m.x(), [2, *SIZES[: m.rank]]),
        lambda m: (m.t(2, 1, 3), [2, 4, 3]),
    ),
    **_each("permute", lambda m: (m.x(), list(reversed(range(m.rank))))),
    **_each("select.int", lambda m: (m.x(), 0, 1), lambda m: (m.x(), -1, -1)),
    **_each(
        "slice.Tensor",
        lambda m: (m.x(), 0, 1, 2, 1),
        lambda m: (m.t(5, 6), 1, 1, 6, 2),
        lambda m: (m.t(5, 6), -1, None, -2, 1),
    ),
    **_each("split.Tensor", lambda m: (m.x(), 1, 0), lambda m: (m.t(2, 5), 2, -1)),
    **_each("split_with_sizes", lambda m: (m.x(), [1, 1], 0)),
    **_each("squeeze.dim", lambda m: (m.t(2, 1, 3), 1), lambda m: (m.t(2, 3), 0)),
    **_each("squeeze.dims", lambda m: (m.t(2, 1, 3, 1), [1, -1])),
    **_each("t", lambda m: (m.t(2, 3),), lambda m: (m.t(2),)),
    **_each("transpose.int", lambda m: (m.x(), 0, -1)),
    **_each("unbind.int", lambda m: (m.x(), 0)),
    **_each("unfold", lambda m: (m.t(2, 7), 1, 3, 2), lambda m: (m.t(6, 2, 3), 0, 2, 1)),
    **_each("unsqueeze", lambda m: (m.x(), 0), lambda m: (m.x(), -1)),
    **_each("view", lambda m: (m.x(), [-1])),
    **_each(
        "cat",
        lambda m: ([m.x(), m.x()], 0),
        lambda m: ([m.x(), m.x(), m.x()], -1),
        lambda m: ([m.t(2, 3), m.t(0)], 1),
    ),
    **_each("stack", lambda m: ([m.x(), m.x()], 0), lambda m: ([m.x(), m.x()], -1)),
    **_each("repeat", lambda m: (m.x(), [2] * m.rank), lambda m: (m.t(2, 3), [2, 1, 3])),
    **_each("repeat_interleave.Tensor", lambda m: (m.p(4),)),
    **_each("flip", lambda m: (m.x(), [0]), lambda m: (m.t(2, 3, 4), [0, -1])),
    **_each(
        "roll", lambda m: (m.x(), [1], [0]), lambda m: (m.t(3, 4), [1, -2], [0, 1]),
        lambda m: (m.t(3, 4), [2], []),
    ),
    **_each("pixel_shuffle", lambda m: (m.t(2, 8, 3, 2), 2), lambda m: (m.t(8, 3, 2), 2)),
    **_each("pixel_unshuffle", lambda m: (m.t(2, 2, 6, 4), 2)),
    **_each(
        "constant_pad_nd",
        lambda m: (m.x(), [1, 2], 3),
        lambda m: (m.t(2, 3, 4), [1, 2, 0, 1], 0),
        lambda m: (m.t(2, 3, 4), [-1, 2], 0),
    ),
    **_each("reflection_pad1d replication_pad1d", lambda m: (m.t(2, 3, 5), [1, 2]),
            lambda m: (m.t(3, 5), [1, 2])),
    **_each("reflection_pad2d replication_pad2d", lambda m: (m.t(2, 3, 5, 4), [1, 2, 0, 1]),
            lambda m: (m.t(3, 5, 4), [1, 2, 0, 1])),
    **_each("reflection_pad3d replication_pad3d",
            lambda m: (m.t(2, 3, 5, 4, 3), [1, 2, 0, 1, 1, 0]),
            lambda m: (m.t(3, 5, 4, 3), [1, 2, 0, 1, 1, 0])),
    **_each(
        "index.Tensor",
        lambda m: (m.x(), [m.i(2, 3)]),
        lambda m: (m.x(), [m.i(2, 3) - 2]),
        lambda m: (m.t(2, 3), [torch.tensor([True, False])]),
        lambda m: (m.t(3, 4, 5), [None, m.i(4, 2, 2)]),
        lambda m: (m.t(3, 4, 5), [m.i(3, 2, 1), None, m.i(5, 3)]),
        lambda m: (m.t(3, 4, 5), [m.i(3, 2, 1), m.i(4, 3)]),
    ),
    **_each(
        "index_put",
        lambda m: (m.x(), [m.i(2, 1)], m.t(1, *SIZES[1 : m.rank]), False),
        lambda m: (m.t(3, 4, 5), [None, m.i(4, 1)], m.t(3, 1, 5), False),
        lambda m: (m.t(3, 4, 5), [m.i(3, 2), None, m.i(5, 2)], m.t(2, 4), True),
        lambda m: (m.t(3, 4), [m.i(3, 1), m.i(4, 1)], m.t(), False),
        lambda m: (m.t(2, 3), [torch.tensor([True, False])], m.t(), False),
    ),
    **_each("index_select", lambda m: (m.x(), 0, m.i(2, 3)), lambda m: (m.t(2, 3), -1, m.i(3, 2))),
    **_each("gather", lambda m: (m.x(), 0, m.i(2, *SIZES[: m.rank])),
            lambda m: (m.t(2, 3), -1, m.i(3, 2, 2))),
    **_each("scatter.src scatter_add",
            lambda m: (m.x(), 0, torch.zeros_like(m.i(1, *(1,) * m.rank)), m.t(*(1,) * m.rank)),
            lambda m: (m.t(2, 3), 1, m.i(3, 2, 1), m.t(2, 1))),
    **_each("scatter.value", lambda m: (m.x(), 0, m.i(2, *SIZES[: m.rank]), 2)),
    **_each("select_scatter", lambda m: (m.x(), m.t(*SIZES[1 : m.rank]), 0, 1),
            lambda m: (m.t(3, 4), m.t(3), 1, -2)),
    **_each("slice_scatter", lambda m: (m.x(), m.t(1, *SIZES[1 : m.rank]), 0, 1, 2, 1),
            lambda m: (m.t(3, 6), m.t(3, 2), 1, 1, 5, 2)),
    **_each("embedding", lambda m: (m.t(5, 3), m.i(5, 2, 2)), lambda m: (m.t(5, 3), m.i(5))),
    **_each(
        "upsample_bilinear2d.vec",
        lambda m: (m.t(2, 3, 4, 5), [8, 7], False, None),
        lambda m: (m.t(2, 3, 4, 5), [8, 7], True, None),
        lambda m: (m.t(2, 3, 4, 5), None, False, [2.0, 1.5]),
    ),
    **_each(
        "upsample_nearest2d.vec",
        lambda m: (m.t(2, 3, 4, 5), [8, 7], None),
        lambda m: (m.t(2, 3, 4, 5), None, [2.0, 1.5]),
    ),
    **_each(
        "_upsample_bilinear2d_aa",
        lambda m: (m.t(2, 3, 8, 9), [5, 7], False, None, None),
        lambda m: (m.t(2, 3, 4, 5), [8, 7], True, None, None),
    ),
    **_each(
        "grid_sampler_2d",
        *(
            lambda m, mode=mode, padding=padding: (
                m.t(2, 3, 4, 5), m.t(2, 3, 2, 2), mode, padding, False
            )
            for mode in (0, 1, 2)
            for padding in (0, 1, 2)
        ),
    ),
    **_each("_fft_r2c", lambda m: (m.t(2, 8), [1], 0, True),
            lambda m: (m.t(4, 8), [0, 1], 1, True)),
    **_each("_fft_c2r", lambda m: (m.t(2, 5), [1], 2, 8)),
    **_each("view_as_real _conj_physical", lambda m: (m.t(2, 5),)),
    **_each("_to_copy", lambda m: (m.x(), {"dtype": m.out()})),
    **_each(
        "arange.start_step",
        lambda m: (0, 6, 1, {"dtype": m.out()}),
        lambda m: (1, 6, 2, {"dtype": m.out()}),
        lambda m: (
            *((0.0, 1.5, 0.25) if m.out().is_floating_point else (6, 0, -2)),
            {"dtype": m.out()},
        ),
    ),
    **_each("full", lambda m: (list(SIZES[: m.rank]), 3, {"dtype": m.out()}),
            lambda m: ([2, 3], 1.5 if m.out().is_floating_point else 1, {"dtype": m.out()})),
    **_each("full_like", lambda m: (m.x(), 3, {"dtype": m.out()})),
    **_each("scalar_tensor", lambda m: (3, {"dtype": m.out()})),
    **_each("rand randn", lambda m: ([2, 3], {"dtype": m.out()})),
    **_each("empty.memory_format", lambda m: ([2, 3], {"dtype": m.out()})),
    **_each(
        "convolution_backward",
        lambda m: (
            m.t(2, 4, 5, 5), m.t(2, 3, 5, 5), m.t(4, 3, 3, 3), [4],
            [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [True, True, True],
        ),
    ),
    **_each(
        "max_pool2d_with_indices_backward",
        lambda m: (
            m.t(2, 3, 2, 2), m.t(2, 3, 4, 4), [2, 2], [2, 2], [0, 0], [1, 1], False,
            torch.arange(24).reshape(2, 3, 2, 2) % 4,
        ),
    ),
}  # fmt: skip
"""Samples by operator; a dict at the end of the arguments holds those by keyword."""

RANDOM = frozenset({"aten::rand", "aten::randn", "aten::empty.memory_format"})
"""Operators whose values are not compared."""
