"""Random tensors and dropout, from one generator: the statistics are PyTorch's, not the values."""

from typing import Any

import numpy as np

from ..registry import kernel
from .copy import assign
from .promotion import compute_dtype
from .shapes import fit

_np: Any = np  # whose stubs lose the dtypes

GENERATOR = np.random.default_rng()


def _finish(out: Any, values: Any) -> Any:
    out = fit(out, values.shape)
    assign(out, values)
    return out


@kernel("aten::rand.out")
def rand(size: list[int], out: Any) -> Any:
    """Uniform in [0, 1), of complex numbers both parts."""
    if out.dtype.kind == "c":
        return _finish(out, GENERATOR.random((*size, 2)).view(np.complex128)[..., 0])
    # f32 and 24 bits even for narrower dtypes would round up to 1; keep as many bits as they hold.
    bits = {2: 8 if out.dtype.kind == "V" else 11, 4: 24}.get(out.dtype.itemsize, 53)
    return _finish(out, GENERATOR.integers(0, 1 << bits, size) / (1 << bits))


@kernel("aten::randn.out")
def randn(size: list[int], out: Any) -> Any:
    """Normal with mean 0 and variance 1; both parts of complex numbers have half of it."""
    if out.dtype.kind == "c":
        parts = GENERATOR.standard_normal((*size, 2)) * 0.5**0.5
        return _finish(out, parts.view(np.complex128)[..., 0])
    return _finish(out, GENERATOR.standard_normal(size))


@kernel("aten::rand_like.out")
def rand_like(self: Any, memory_format: Any, out: Any) -> Any:
    """Uniform in [0, 1), in the shape of `self`."""
    return rand.function(list(self.shape), out)


@kernel("aten::randn_like.out")
def randn_like(self: Any, memory_format: Any, out: Any) -> Any:
    """Normal with mean 0 and variance 1, in the shape of `self`."""
    return randn.function(list(self.shape), out)


@kernel("aten::randint.low_out")
def randint(low: int, high: int, size: list[int], out: Any) -> Any:
    """Integers from low to high - 1."""
    return _finish(out, GENERATOR.integers(low, high, size))


@kernel("aten::randint.out")
def randint_to(high: int, size: list[int], out: Any) -> Any:
    """Integers from 0 to high - 1."""
    return _finish(out, GENERATOR.integers(0, high, size))


@kernel("aten::randint_like.out")
def randint_like(self: Any, high: int, memory_format: Any, out: Any) -> Any:
    """Integers from 0 to high - 1, in the shape of `self`."""
    return _finish(out, GENERATOR.integers(0, high, self.shape))


@kernel("aten::randint_like.low_dtype_out")
def randint_like_from(self: Any, low: int, high: int, memory_format: Any, out: Any) -> Any:
    """Integers from low to high - 1, in the shape of `self`."""
    return _finish(out, GENERATOR.integers(low, high, self.shape))


@kernel("aten::randperm.out")
def randperm(n: int, out: Any) -> Any:
    """The numbers 0 to n - 1 in random order."""
    return _finish(out, GENERATOR.permutation(n))


@kernel("aten::bernoulli.out")
def bernoulli(self: Any, generator: Any, out: Any) -> Any:
    """1 with the probability that the element of `self` gives, otherwise 0."""
    return _finish(out, GENERATOR.random(self.shape) < self.astype(np.float64))


@kernel("aten::bernoulli.float_out")
def bernoulli_number(self: Any, p: float, generator: Any, out: Any) -> Any:
    """1 with the probability p, otherwise 0, in the shape of `self`."""
    return _finish(out, GENERATOR.random(self.shape) < p)


@kernel("aten::native_dropout.out")
def native_dropout(self: Any, p: float, train: bool | None, out: Any, mask: Any) -> Any:
    """In training elements are 0 with probability p and the rest is scaled; else a copy.

    `train = None` means training, as in PyTorch. The mask tells what was kept.
    """
    out, mask = fit(out, self.shape), fit(mask, self.shape)
    if train is False or p == 0:
        mask[...] = True
        assign(out, self)
        return out, mask
    shape: tuple[int, ...] = self.shape
    kept = GENERATOR.random(shape) >= p
    scale = 0.0 if p == 1 else 1 / (1 - p)
    wide = np.complex128 if self.dtype.kind == "c" else np.float64
    assign(out, np.where(kept, self.astype(wide) * scale, 0))
    mask[...] = kept
    return out, mask


@kernel("aten::dropout.out")
def dropout(self: Any, p: float, train: bool, out: Any) -> Any:
    """`native_dropout` without the mask; a copy outside of training."""
    return native_dropout.function(self, p, train, out, np.empty(self.shape, np.bool_))[0]


@kernel("aten::rrelu_with_noise_functional.out")
def rrelu(
    self: Any,
    noise: Any,
    lower: float,
    upper: float,
    training: bool,
    generator: Any,
    out: Any,
    noise_out: Any,
) -> Any:
    """Elements below 0 times the mean of the limits, in training times a number between them.

    The second result are the factors of training, otherwise `noise` as it was.
    """
    wide = self.astype(compute_dtype(out.dtype), copy=False)
    out, noise_out = fit(out, self.shape), fit(noise_out, noise.shape)
    slope: Any = (lower + upper) / 2
    if training:
        shape: tuple[int, ...] = self.shape
        slope = _np.where(wide <= 0, GENERATOR.uniform(lower, upper, shape), 1).astype(self.dtype)
    assign(noise_out, slope if training else noise)
    assign(out, _np.where(wide <= 0, wide * slope, wide))
    return out, noise_out


@kernel("aten::normal.float_float_out")
def normal(mean: float, std: float, size: list[int], generator: Any, out: Any) -> Any:
    """Normal with one mean and deviation."""
    return _finish(out, GENERATOR.normal(mean, std, size))


def _normal_of_tensors(mean: Any, std: Any, generator: Any, out: Any) -> Any:
    """Normal with a mean, a deviation, or both for each element."""
    mean, std = np.broadcast_arrays(*(np.asarray(x).astype(np.float64) for x in (mean, std)))
    return _finish(out, GENERATOR.standard_normal(mean.shape) * std + mean)


for _name in ("Tensor_Tensor_out", "Tensor_float_out", "float_Tensor_out"):
    kernel(f"aten::normal.{_name}")(_normal_of_tensors)


@kernel("aten::normal_functional.out")
def normal_functional(self: Any, mean: float, std: float, generator: Any, out: Any) -> Any:
    """Normal, in the shape of `self`."""
    values = randn.function(list(self.shape), np.empty(self.shape, out.dtype))
    return _finish(out, values * std + mean)


@kernel("aten::uniform.out")
def uniform(self: Any, low: float, high: float, generator: Any, out: Any) -> Any:
    """Uniform in [low, high), in the shape of `self`."""
    values = rand.function(list(self.shape), np.empty(self.shape, out.dtype))
    return _finish(out, values * (high - low) + low)


@kernel("aten::exponential.out")
def exponential(self: Any, rate: float, generator: Any, out: Any) -> Any:
    """Exponential with a rate, in the shape of `self`."""
    return _finish(out, GENERATOR.standard_exponential(self.shape) / rate)


@kernel("aten::cauchy.out")
def cauchy(self: Any, median: float, sigma: float, generator: Any, out: Any) -> Any:
    """Cauchy with a median and a half-width, in the shape of `self`."""
    return _finish(out, median + sigma * GENERATOR.standard_cauchy(self.shape))


@kernel("aten::geometric.out")
def geometric(self: Any, p: float, generator: Any, out: Any) -> Any:
    """The number of trials up to the first success, in the shape of `self`."""
    return _finish(out, GENERATOR.geometric(p, self.shape))


@kernel("aten::log_normal.out")
def log_normal(self: Any, mean: float, std: float, generator: Any, out: Any) -> Any:
    """The exponential of normal numbers, in the shape of `self`."""
    return _finish(out, GENERATOR.lognormal(mean, std, self.shape))


@kernel("aten::poisson.out")
def poisson(self: Any, generator: Any, out: Any) -> Any:
    """Poisson with the rate that each element of `self` gives."""
    return _finish(out, GENERATOR.poisson(self.astype(np.float64)))


@kernel("aten::multinomial.out")
def multinomial(self: Any, num_samples: int, replacement: bool, generator: Any, out: Any) -> Any:
    """Indices drawn from each line with the weights that it holds."""
    weights = self.astype(np.float64)
    shape = (*self.shape[:-1], num_samples)
    if replacement:
        limits = np.cumsum(weights, axis=-1)
        points = GENERATOR.random(shape) * limits[..., -1:]
        found = np.count_nonzero(points[..., :, None] >= limits[..., None, :], axis=-1)
        return _finish(out, np.minimum(found, self.shape[-1] - 1))
    # The smallest of exponential numbers with these rates are a draw without replacement.
    times = _np.divide(GENERATOR.standard_exponential(weights.shape), weights)
    return _finish(out, _np.argsort(times, axis=-1)[..., :num_samples])
