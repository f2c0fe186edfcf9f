"""The error function, for which numpy has no ufunc, as block chains for f32 and f64."""

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
    """erfc(x) = exp(-x^2)/sqrt(pi) / (x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))), from 2 on."""
    x = np.maximum(size, SERIES_LIMIT)
    fraction = x.copy()
    for n in range(FRACTION_TERMS, 0, -1):
        fraction = x + 0.5 * n / fraction
    return np.exp(-x * x) / (np.sqrt(np.pi) * fraction)


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
