"""Reductions of a tensor over dimensions; semantics of `torch.<name>`.

`dim` is a number or a list, counted from the back where negative; None and `[]` mean all. Sums of
f16 and bf16 run in f32 and are rounded once; sums of integers and bools are of the dtype of `out`.
"""

from collections.abc import Callable
from functools import partial
from math import inf, prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .copy import assign
from .promotion import compute_dtype
from .shapes import dimension, dimensions, fit

LONG_SUM = 512
"""Sums of more f32 terms than this, one row on the other, accumulate in f64 (numpy sums pairwise
only along the innermost dimension, PyTorch everywhere)."""


def reduced_shape(self: Any, axes: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    """The shape of `self` without the dimensions `axes`, or with 1 in their place."""
    if keepdim:
        return tuple(1 if dim in axes else size for dim, size in enumerate(self.shape))
    return tuple(size for dim, size in enumerate(self.shape) if dim not in axes)


def accumulation_dtype(self: Any, axes: tuple[int, ...], out: Any) -> Any:
    """The dtype in which to add up `self` over `axes`."""
    dtype = compute_dtype(out.dtype)
    if dtype != np.float32 or prod(self.shape[axis] for axis in axes) <= LONG_SUM:
        return dtype
    moving = [dim for dim, size in enumerate(self.shape) if size > 1]
    inner = min(moving, key=lambda dim: abs(self.strides[dim]))
    return dtype if inner in axes else np.dtype(np.float64)


def total(self: Any, axes: tuple[int, ...], keepdim: bool, out: Any) -> Any:
    """The sum of `self` over `axes` in its accumulation dtype, not yet that of `out`."""
    dtype = accumulation_dtype(self, axes, out)
    return np.add.reduce(self, axis=axes, dtype=dtype, keepdims=keepdim)


def _finish(out: Any, result: Any) -> Any:
    result = np.asarray(result)
    out = fit(out, result.shape)
    assign(out, result)
    return out


# Sums and means


def _sum(self: Any, dim: Any, keepdim: bool, dtype: Any, out: Any) -> Any:
    return _finish(out, total(self, dimensions(dim, self.ndim), keepdim, out))


def _sum_thunk(
    self: Any, dim: Any, keepdim: bool, dtype: Any, out: Any
) -> Callable[[], object] | None:
    axes = dimensions(dim, self.ndim)
    if out.shape != reduced_shape(self, axes, keepdim):
        return None
    if accumulation_dtype(self, axes, out) != out.dtype:
        return None
    add: Any = np.add  # the stubs want keywords, which numpy takes slower
    return partial(add.reduce, self, axes, out.dtype, out, keepdim)


def _mean(self: Any, dim: Any, keepdim: bool, dtype: Any, out: Any) -> Any:
    axes = dimensions(dim, self.ndim)
    count = prod(self.shape[axis] for axis in axes)
    return _finish(out, np.true_divide(total(self, axes, keepdim, out), count))


def _mean_thunk(
    self: Any, dim: Any, keepdim: bool, dtype: Any, out: Any
) -> Callable[[], object] | None:
    add = _sum_thunk(self, dim, keepdim, dtype, out)
    if add is None:
        return None
    count = np.array(prod(self.shape[axis] for axis in dimensions(dim, self.ndim)), out.dtype)

    def thunk() -> None:
        add()
        np.divide(out, count, out)

    return thunk


_sum_dims, _mean_dims = kernel("aten::sum.IntList_out")(_sum), kernel("aten::mean.out")(_mean)
_sum_dims.specialize(_sum_thunk)
_mean_dims.specialize(_mean_thunk)


@kernel("aten::sum.out")
def sum_all(self: Any, dtype: Any, out: Any) -> Any:
    """The sum of all elements."""
    return _sum(self, None, False, dtype, out)


@kernel("aten::mean.dtype_out")
def mean_all(self: Any, dtype: Any, out: Any) -> Any:
    """The mean of all elements."""
    return _mean(self, None, False, dtype, out)


@kernel("aten::prod.out")
def prod_all(self: Any, dtype: Any, out: Any) -> Any:
    """The product of all elements."""
    return _finish(out, np.multiply.reduce(self, axis=None, dtype=compute_dtype(out.dtype)))


@kernel("aten::prod.int_out")
def prod_dim(self: Any, dim: int, keepdim: bool, dtype: Any, out: Any) -> Any:
    """The product over one dimension."""
    axes, dtype = dimensions(dim, self.ndim), compute_dtype(out.dtype)
    return _finish(out, np.multiply.reduce(self, axis=axes, dtype=dtype, keepdims=keepdim))


# Extremes


def _need_elements(name: str, self: Any, axes: tuple[int, ...]) -> None:
    if self.ndim and any(self.shape[axis] == 0 for axis in axes):
        raise ProgramError(f"{name}: dimension {axes} of shape {list(self.shape)} has no elements")


def _extreme_kernel(name: str, ufunc: Any) -> None:
    @kernel(name)
    def call(self: Any, dim: Any, keepdim: bool, out: Any) -> Any:
        axes = dimensions(dim, self.ndim)
        _need_elements(name, self, axes)
        dtype = compute_dtype(self.dtype)
        return _finish(out, ufunc.reduce(self, axis=axes, dtype=dtype, keepdims=keepdim))

    @call.specialize
    def _(self: Any, dim: Any, keepdim: bool, out: Any) -> Callable[[], object] | None:
        axes = dimensions(dim, self.ndim)
        same = self.dtype == out.dtype == compute_dtype(out.dtype)
        if same and self.size and out.shape == reduced_shape(self, axes, keepdim):
            return partial(ufunc.reduce, self, axes, None, out, keepdim)
        return None


def _extreme_all_kernel(name: str, ufunc: Any) -> None:
    @kernel(name)
    def call(self: Any, out: Any) -> Any:
        _need_elements(name, self, tuple(range(self.ndim)))
        return _finish(out, ufunc.reduce(self, axis=None, dtype=compute_dtype(self.dtype)))


def _arg(finder: Any, self: Any, dim: int | None, keepdim: bool) -> Any:
    """The index of the first extreme, or of the first nan."""
    if dim is None:
        result = np.asarray(finder(_comparable(self)))
        return result.reshape((1,) * self.ndim) if keepdim else result
    if self.ndim == 0:
        dimension(dim, 0)
        return np.zeros((), np.int64)
    return finder(_comparable(self), axis=dimension(dim, self.ndim), keepdims=keepdim)


def _comparable(self: Any) -> Any:
    return self.astype(compute_dtype(self.dtype), copy=False)


def _arg_kernel(name: str, finder: Any) -> None:
    @kernel(name)
    def call(self: Any, dim: int | None, keepdim: bool, out: Any) -> Any:
        axes = dimensions(dim, self.ndim)
        _need_elements(name, self, axes)
        return _finish(out, _arg(finder, self, dim, keepdim))

    @call.specialize
    def _(self: Any, dim: int | None, keepdim: bool, out: Any) -> Callable[[], object] | None:
        if dim is None or self.ndim == 0 or compute_dtype(self.dtype) != self.dtype:
            return None
        axes = dimensions(dim, self.ndim)
        if not self.size or out.dtype != np.intp or not out.flags.c_contiguous:
            return None
        if out.shape != reduced_shape(self, axes, keepdim):
            return None
        return partial(finder, self, axis=axes[0], out=out, keepdims=keepdim)


def _extreme_with_index_kernel(name: str, ufunc: Any, finder: Any) -> None:
    @kernel(name)
    def call(self: Any, dim: int, keepdim: bool, values: Any, indices: Any) -> Any:
        axes = dimensions(dimension(dim, self.ndim), self.ndim)
        _need_elements(name, self, axes)
        dtype = compute_dtype(self.dtype)
        best = ufunc.reduce(self, axis=axes, dtype=dtype, keepdims=keepdim)
        return _finish(values, best), _finish(indices, _arg(finder, self, dim, keepdim))


for _name, _ufunc in {"aten::amax.out": np.maximum, "aten::amin.out": np.minimum}.items():
    _extreme_kernel(_name, _ufunc)
for _name, _ufunc in {"aten::max.unary_out": np.maximum, "aten::min.unary_out": np.minimum}.items():
    _extreme_all_kernel(_name, _ufunc)
_arg_kernel("aten::argmax.out", np.argmax)
_arg_kernel("aten::argmin.out", np.argmin)
_extreme_with_index_kernel("aten::max.dim_max", np.maximum, np.argmax)
_extreme_with_index_kernel("aten::min.dim_min", np.minimum, np.argmin)


# Truth

TRUTHS: dict[str, Any] = {
    "aten::any.out": np.logical_or,
    "aten::any.dims_out": np.logical_or,
    "aten::all.out": np.logical_and,
    "aten::all.dims_out": np.logical_and,
}


def _truth_kernel(name: str, ufunc: Any) -> None:
    @kernel(name)
    def call(self: Any, dim: Any, keepdim: bool, out: Any) -> Any:
        # An empty list of dimensions reduces nothing here, unlike in sums.
        axes = () if dim == [] else dimensions(dim, self.ndim)
        return _finish(out, ufunc.reduce(self != 0, axis=axes, keepdims=keepdim))


def _truth_all_kernel(name: str, ufunc: Any) -> None:
    @kernel(name)
    def call(self: Any, out: Any) -> Any:
        return _finish(out, ufunc.reduce(self != 0, axis=None))


for _name, _ufunc in TRUTHS.items():
    _truth_kernel(_name, _ufunc)
_truth_all_kernel("aten::any.all_out", np.logical_or)
_truth_all_kernel("aten::all.all_out", np.logical_and)


# Moments and norms


def variance(
    self: Any, dim: Any, correction: float | None, keepdim: bool, out: Any
) -> tuple[Any, Any]:
    """Variance and mean over `dim`, in the compute dtype of `out`, in two passes.

    The sum of squares is divided by `max(count - correction, 0)`; no correction means 1. The
    variance of complex numbers is that of both parts together, a real number.
    """
    axes = dimensions(dim, self.ndim)
    count = prod(self.shape[axis] for axis in axes)
    is_complex = self.dtype.kind == "c"
    mean = np.asarray(np.true_divide(total(self, axes, True, self if is_complex else out), count))
    dtype = self.dtype if is_complex else compute_dtype(out.dtype)
    delta: Any = np.asarray(np.subtract(self, mean, dtype=dtype, casting="unsafe"))
    if is_complex:
        delta = delta.real**2 + delta.imag**2
    else:
        np.multiply(delta, delta, delta)
    divisor = max(count - (1 if correction is None else correction), 0)
    result = np.asarray(np.true_divide(total(delta, axes, keepdim, out), divisor))
    if count > 1 and mean.dtype.kind in "fc":
        # The running mean by which eager computes both has no value beyond an infinite one.
        mean = np.where(np.isinf(mean), mean.dtype.type(np.nan), mean)
    return result, mean.reshape(result.shape)


@kernel("aten::var.correction_out")
def var(self: Any, dim: Any, correction: float | None, keepdim: bool, out: Any) -> Any:
    """The variance over `dim`."""
    return _finish(out, variance(self, dim, correction, keepdim, out)[0])


@kernel("aten::var.out")
def var_unbiased(self: Any, dim: Any, unbiased: bool, keepdim: bool, out: Any) -> Any:
    """The variance over `dim`, with Bessel's correction if `unbiased`."""
    return _finish(out, variance(self, dim, int(unbiased), keepdim, out)[0])


@kernel("aten::std.correction_out")
def std(self: Any, dim: Any, correction: float | None, keepdim: bool, out: Any) -> Any:
    """The standard deviation over `dim`."""
    return _finish(out, np.sqrt(variance(self, dim, correction, keepdim, out)[0]))


@kernel("aten::std.out")
def std_unbiased(self: Any, dim: Any, unbiased: bool, keepdim: bool, out: Any) -> Any:
    """The standard deviation over `dim`, with Bessel's correction if `unbiased`."""
    return _finish(out, np.sqrt(variance(self, dim, int(unbiased), keepdim, out)[0]))


@kernel("aten::var_mean.correction_out")
def var_mean(
    self: Any, dim: Any, correction: float | None, keepdim: bool, out0: Any, out1: Any
) -> Any:
    """The variance and the mean over `dim`."""
    result, mean = variance(self, dim, correction, keepdim, out0)
    return _finish(out0, result), _finish(out1, mean)


@kernel("aten::linalg_vector_norm.out")
def linalg_vector_norm(self: Any, order: Any, dim: Any, keepdim: bool, dtype: Any, out: Any) -> Any:
    """The vector norm of any order over `dim`; order 0 counts the elements that are not zero."""
    axes = dimensions(dim, self.ndim)
    size = np.asarray(np.abs(self)) if self.dtype.kind == "c" else self
    size = np.asarray(np.abs(size.astype(compute_dtype(out.dtype))))
    if abs(order) == inf:
        ufunc = np.maximum if order > 0 else np.minimum
        if order > 0 and self.size == 0:
            return _finish(out, total(size, axes, keepdim, out))
        _need_elements("linalg_vector_norm", self, axes)
        return _finish(out, ufunc.reduce(size, axis=axes, keepdims=keepdim))
    if order == 0:
        return _finish(out, total(size != 0, axes, keepdim, out))
    if order == 1:
        return _finish(out, total(size, axes, keepdim, out))
    if order == 2:
        return _finish(out, np.sqrt(total(np.multiply(size, size, size), axes, keepdim, out)))
    return _finish(out, total(np.power(size, order, size), axes, keepdim, out) ** (1 / order))


@kernel("aten::logsumexp.out")
def logsumexp(self: Any, dim: Any, keepdim: bool, out: Any) -> Any:
    """log(sum(exp(self))) over `dim`, without overflow."""
    axes = dimensions(dim, self.ndim)
    x = self.astype(compute_dtype(out.dtype), copy=False)
    peak = np.maximum.reduce(x, axis=axes, keepdims=True, initial=-inf)
    peak = np.where(np.isinf(peak), 0, peak).astype(peak.dtype)
    shifted = np.subtract(x, peak)
    result = np.asarray(np.log(total(np.exp(shifted), axes, keepdim, out)))
    return _finish(out, result + peak.reshape(result.shape))


@kernel("aten::dist.out")
def dist(self: Any, other: Any, p: Any, out: Any) -> Any:
    """The p-norm of the difference of two tensors, which broadcast."""
    dtype = self.dtype if self.dtype.kind == "c" else compute_dtype(self.dtype)
    difference = np.asarray(np.subtract(self, other, dtype=dtype))
    return linalg_vector_norm.function(difference, p, None, False, None, out)


@kernel("aten::hash_tensor.out")
def hash_tensor(self: Any, dim: Any, keepdim: bool, mode: int, out: Any) -> Any:
    """The exclusive or, over `dim`, of the bits of all elements as f64 or i64."""
    wide = np.float64 if self.dtype.kind in "fV" else np.int64
    bits = self.astype(wide).view(np.uint64)
    axes = dimensions(dim, self.ndim)
    return _finish(out, np.bitwise_xor.reduce(bits, axis=axes, keepdims=keepdim))
