"""The error function, its relatives and inverses, for which numpy has no ufuncs."""

from typing import Any

import numpy as np

from .elementwise import chain_kernel

_COEFFICIENTS = (
    1.1283792,
    0.102769054,
    -1.9183189e-04,
    -6.197838e-04,
    8.7637025e-05,
    -5.668429e-06,
    1.418497e-07,
)
"""`erf(x) = tanh(x * g(x * x))`: g by weighted least squares on [0, 4.2], error of erf 1e-7.

Composing with tanh, which numpy has vectorised, takes half the passes of a rational approximation
and saturates by itself: the leading coefficient is positive, so that g grows beyond the range.
"""
TANH_SERIES = tuple(np.array(coefficient, np.float32) for coefficient in _COEFFICIENTS)
_where: Any = np.where  # whose stubs lose the dtype

SERIES_TERMS = 40
FRACTION_TERMS = 60
SERIES_LIMIT = 2.0


def erf_block(x: Any, out: Any, square: Any, scratch: Any) -> None:
    """Fill `out`, which may be `x`, with erf(x): within 4 ulp in f32, within 4e-16 in f64."""
    if out.dtype == np.float64:
        _erf_f64(x, out)
        return
    np.multiply(x, x, square)
    np.multiply(square, TANH_SERIES[-1], scratch)
    for coefficient in TANH_SERIES[-2:0:-1]:
        np.add(scratch, coefficient, scratch)
        np.multiply(scratch, square, scratch)
    np.add(scratch, TANH_SERIES[0], scratch)
    np.multiply(scratch, x, out)
    np.tanh(out, out)


def _erf_f64(x: Any, out: Any) -> None:
    size = np.abs(x)
    near = _series(size)
    np.copyto(near, 1.0 - _tail(size), where=size > SERIES_LIMIT)
    np.copysign(near, x, out=out)


def _series(size: Any) -> Any:
    """erf(x) = 2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (2n+1)!!, all terms of one sign."""
    x = np.minimum(size, SERIES_LIMIT)
    square = x * x
    series: Any = np.ones_like(square)
    for n in range(SERIES_TERMS, 0, -1):
        series = 1.0 + series * square * (2.0 / (2 * n + 1))
    return 2.0 / np.sqrt(np.pi) * np.exp(-square) * x * series


def _tail(size: Any) -> Any:
    """erfc(x), from 2 on."""
    x = np.maximum(size, SERIES_LIMIT)
    return np.exp(-x * x) * _scaled_tail(x)


def _scaled_tail(x: Any) -> Any:
    """exp(x^2) erfc(x) = 1/sqrt(pi) / (x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))), from 2 on."""
    fraction = x.copy()
    for n in range(FRACTION_TERMS, 0, -1):
        fraction = x + 0.5 * n / fraction
    return 1.0 / (np.sqrt(np.pi) * fraction)


chain_kernel("aten::erf.out", scratch=2)(erf_block)


@chain_kernel("aten::erfc.out")
def erfc(x: Any, out: Any) -> None:
    """1 - erf(x), without its cancellation for large x; computed in f64."""
    wide = x.astype(np.float64)
    size = np.abs(wide)
    result = 1.0 - _series(size)
    np.copyto(result, _tail(size), where=size > SERIES_LIMIT)
    np.copyto(result, 2.0 - result, where=wide < 0)
    np.copyto(out, result, casting="unsafe")


def scaled_erfc(x: Any) -> Any:
    """exp(x^2) erfc(x) of an f64 array."""
    size = np.abs(x)
    near = np.exp(np.minimum(size, SERIES_LIMIT) ** 2) * (1.0 - _series(size))
    tail = _scaled_tail(np.maximum(size, SERIES_LIMIT))
    result: Any = _where(size > SERIES_LIMIT, tail, near)
    return _where(x < 0, 2.0 * np.exp(x * x) - result, result)


def inverse_erfc(q: Any) -> Any:
    """The x with erfc(x) = q, for 0 < q <= 1, by Newton's method on log erfc."""
    log_q = np.log(q)
    x: Any = np.sqrt(np.maximum(-log_q, 0.0))
    for _ in range(8):
        scaled = scaled_erfc(x)
        x = np.maximum(x + (np.log(scaled) - x * x - log_q) * scaled * (np.sqrt(np.pi) / 2), 0.0)
    return _where(q == 0, np.inf, x)


def inverse_erf(x: Any) -> Any:
    """The inverse of erf; infinite at 1 and -1, nan beyond."""
    size = np.abs(x)
    result: Any = inverse_erfc(_where(size < 1, 1.0 - size, 1.0))
    for _ in range(2):
        # Near 0 the difference from 1 has lost digits.
        near: Any = np.minimum(result, 1.0)
        near = near - (_series(near) - size) * (np.sqrt(np.pi) / 2) * np.exp(near * near)
        result = _where(size < 0.5, near, result)
    result = _where(~(size <= 1), np.nan, _where(size == 1, np.inf, result))
    return np.copysign(result, x)


@chain_kernel("aten::special_erfcx.out")
def erfcx(x: Any, out: Any) -> None:
    """exp(x^2) erfc(x), without overflow."""
    np.copyto(out, scaled_erfc(x.astype(np.float64)), casting="unsafe")


_NEAR = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
    -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip
_FAR = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
    -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip
"""Giles' polynomials for the inverse of erf in single precision, from the highest power on."""


def _inverse_erf_f32(x: Any) -> Any:
    """`inverse_erf` within 4e-7 of its size, of an f64 array."""
    w = -np.log((1.0 - x) * (1.0 + x))
    far = w >= 5
    place = _where(far, np.sqrt(np.minimum(w, 800.0)) - 3.0, w - 2.5)
    total: Any = _where(far, _FAR[0], _NEAR[0])
    for near_coefficient, far_coefficient in zip(_NEAR[1:], _FAR[1:], strict=True):
        total = total * place + _where(far, far_coefficient, near_coefficient)
    return _where(np.abs(x) == 1, np.copysign(np.inf, x), total * x)


@chain_kernel("aten::erfinv.out")
def erfinv(x: Any, out: Any) -> None:
    """The inverse of erf."""
    inverse = inverse_erf if out.dtype == np.float64 else _inverse_erf_f32
    np.copyto(out, inverse(x.astype(np.float64)), casting="unsafe")


@chain_kernel("aten::special_ndtri.out")
def ndtri(x: Any, out: Any) -> None:
    """The inverse of the normal distribution's cumulative probability."""
    wide = x.astype(np.float64)
    tail: Any = np.minimum(wide, 1.0 - wide)
    inside = (tail >= 0) & (tail <= 0.5)
    quantile: Any = np.sqrt(2.0) * inverse_erfc(_where(inside, 2.0 * tail, 1.0))
    quantile = _where(wide < 0.5, -quantile, quantile)
    np.copyto(out, _where(inside, quantile, np.nan), casting="unsafe")
