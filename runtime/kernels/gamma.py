"""The gamma function and its relatives, for which numpy has no ufuncs; semantics of `torch.<name>`.

All are computed in f64, whatever the dtype of `out`, by series and asymptotic expansions from
Abramowitz and Stegun, Handbook of Mathematical Functions (A&S), chapters 6 and 23.
"""

from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .elementwise import chain_kernel
from .promotion import compute_dtype
from .shapes import fit

_LANCZOS = (
    0.99999999999980993,
    676.5203681218851,
    -1259.1392167224028,
    771.32342877765313,
    -176.61502916214059,
    12.507343278686905,
    -0.13857109526572012,
    9.9843695780195716e-6,
    1.5056327351493116e-7,
)
"""Coefficients for g = 7 and 9 terms (Godfrey): relative error 1e-15."""

_EULER_MACLAURIN = (
    12.0,
    -720.0,
    30240.0,
    -1209600.0,
    47900160.0,
    -1892437580.3183792,
    74724249600.0,
    -2950130727918.164,
    116467828143500.67,
    -4597978722407472.6,
    1.8152105401943546e17,
    -7.1661652561756670e18,
)
"""`(2k)! / B_2k`, the denominators of the Euler-Maclaurin sum."""

_FAR = 12.0
"""From here on the asymptotic expansions are exact to f64."""

_where: Any = np.where  # whose stubs lose the dtype

ITERATIONS = 2000
"""At most so many terms of a series or fraction; convergence ends it earlier."""


def log_gamma(x: Any) -> Any:
    """log |gamma(x)| of an f64 array; inf at the poles."""
    mirrored = x < 0.5
    z = _where(mirrored, 1.0 - x, x) - 1.0
    series: Any = _LANCZOS[0]
    for n, coefficient in enumerate(_LANCZOS[1:], start=1):
        series = series + coefficient / (z + n)
    t = z + 7.5
    result = 0.5 * np.log(2 * np.pi) + (z + 0.5) * np.log(t) - t + np.log(series)
    # Reflection, with sin(pi x) of the fraction, which is exact for large x.
    sine = np.abs(np.sin(np.pi * (x - np.rint(x))))
    result = _where(mirrored, np.log(np.pi) - np.log(sine) - result, result)
    return _where(np.isinf(x), np.inf, result)


def digamma(x: Any) -> Any:
    """The derivative of log gamma; nan at negative integers, -inf at 0 and inf at -0."""
    mirrored = x < 0
    z = _where(mirrored, 1.0 - x, x)
    result = np.zeros_like(z)
    for _ in range(int(_FAR)):
        small = z < _FAR
        result -= _where(small, 1.0 / z, 0.0)
        z = _where(small, z + 1.0, z)
    inverse = 1.0 / (z * z)
    tail = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
    series: Any = 0.0
    for coefficient in tail[::-1]:
        series = (series + coefficient) * inverse
    result += np.log(z) - 0.5 / z - series
    fraction = x - np.rint(x)
    poles = mirrored & (fraction == 0)
    result = _where(mirrored, result - np.pi / np.tan(np.pi * fraction), result)
    result = _where(poles | (x == -np.inf), np.nan, result)
    return _where(x == 0, -np.copysign(np.inf, x), result)


def zeta(x: Any, q: Any) -> Any:
    """The Hurwitz zeta function `sum (k + q) ** -x`, by Euler-Maclaurin summation (A&S 23.1.30)."""
    total, base, power = np.power(q, -x), q, np.power(q, -x)
    steps = 9 if q.size == 0 else int(np.clip(np.nanmax(np.ceil(9 - q), initial=9), 9, ITERATIONS))
    for step in range(steps):
        going = (step < 9) | (base <= 9.0)
        base = _where(going, base + 1.0, base)
        power = np.power(base, -x)
        total = _where(going, total + power, total)
    total = total + power * base / (x - 1.0) - 0.5 * power
    factor: Any = 1.0
    for k, denominator in enumerate(_EULER_MACLAURIN):
        factor = factor * (x + 2 * k)
        power = power / base
        total = total + factor * power / denominator
        factor = factor * (x + 2 * k + 1)
        power = power / base
    result = _where(np.isinf(q) & (q > 0), 0.0, total)
    is_whole = q == np.floor(q)
    result = _where((q <= 0) & is_whole, np.inf, result)
    result = _where((q <= 0) & ~is_whole & (x != np.floor(x)), np.nan, result)
    result = _where(x == 1.0, np.inf, _where(x < 1.0, np.nan, result))
    return _where(np.isnan(x) | np.isnan(q), np.nan, result)


def trigamma(x: Any, dtype: Any = np.float64) -> Any:
    """The second derivative of log gamma, by reflection where x < 1/2.

    Eager rounds pi in the dtype, so its poles are as high as that makes them.
    """
    mirrored = x < 0.5
    z = _where(mirrored, 1.0 - x, x)
    result = zeta(np.full_like(z, 2.0), z)
    sine = np.sin(x.astype(dtype) * np.array(np.pi, dtype)).astype(np.float64)
    return _where(mirrored, (np.pi / sine) ** 2 - result, result)


def polygamma(n: int, x: Any, dtype: Any = np.float64) -> Any:
    """The n-th derivative of digamma: `(-1)^(n + 1) n! zeta(n + 1, x)`."""
    if n == 0:
        return digamma(x)
    if n == 1:
        return trigamma(x, dtype)
    factorial = np.exp(log_gamma(np.array(n + 1.0)))
    return (1.0 if n % 2 else -1.0) * factorial * zeta(np.full_like(x, n + 1.0), x)


def incomplete_gamma(a: Any, x: Any) -> tuple[Any, Any]:
    """The regularised lower and upper incomplete gamma functions P(a, x) and Q(a, x)."""
    a, x = np.broadcast_arrays(a, x)
    factor = np.exp(a * np.log(x) - x - log_gamma(a))
    below = x < a + 1.0
    lower = factor * _lower_series(a, _where(below, x, 1.0))
    upper = factor * _upper_fraction(a, _where(below, a + 2.0, x))
    lower, upper = _where(below, lower, 1.0 - upper), _where(below, 1.0 - lower, upper)
    for where, value in (
        (np.isinf(x), 1.0),
        (np.isinf(a), 0.0),
        (x == 0, 0.0),
        ((a == 0) & (x > 0), 1.0),
        ((a < 0) | (x < 0) | ((a == 0) & (x == 0)) | np.isnan(a) | np.isnan(x), np.nan),
        (np.isinf(a) & np.isinf(x), np.nan),
    ):
        lower, upper = _where(where, value, lower), _where(where, 1.0 - value, upper)
    return lower, upper


def _lower_series(a: Any, x: Any) -> Any:
    """A&S 6.5.29, for x < a + 1."""
    term = 1.0 / a
    total = term
    for n in range(1, ITERATIONS):
        term = term * x / (a + n)
        total = total + term
        if not (term > 1e-17 * total).any():
            break
    return total


def _upper_fraction(a: Any, x: Any) -> Any:
    """A&S 6.5.31, for x > a + 1, by the method of Lentz."""
    tiny = 1e-300
    b = x + 1.0 - a
    c: Any = np.full_like(x, 1 / tiny)
    d = 1.0 / b
    result = d
    for n in range(1, ITERATIONS):
        numerator = -n * (n - a)
        b = b + 2.0
        d = numerator * d + b
        d = 1.0 / _where(np.abs(d) < tiny, tiny, d)
        c = b + numerator / c
        c = _where(np.abs(c) < tiny, tiny, c)
        result = result * d * c
        if not (np.abs(d * c - 1.0) > 1e-15).any():
            break
    return result


@chain_kernel("aten::lgamma.out")
def lgamma_block(x: Any, out: Any) -> None:
    """log |gamma(x)|."""
    np.copyto(out, log_gamma(x.astype(np.float64)), casting="unsafe")


@chain_kernel("aten::digamma.out")
def digamma_block(x: Any, out: Any) -> None:
    """The logarithmic derivative of gamma."""
    np.copyto(out, digamma(x.astype(np.float64)), casting="unsafe")


@chain_kernel("aten::special_zeta.out", inputs=2)
def zeta_block(x: Any, q: Any, out: Any) -> None:
    """The Hurwitz zeta function."""
    result = zeta(x.astype(np.float64), q.astype(np.float64))
    np.copyto(out, result, casting="unsafe")


@chain_kernel("aten::igamma.out", inputs=2)
def igamma_block(a: Any, x: Any, out: Any) -> None:
    """The regularised lower incomplete gamma function."""
    result, _ = incomplete_gamma(a.astype(np.float64), x.astype(np.float64))
    np.copyto(out, result, casting="unsafe")


@chain_kernel("aten::igammac.out", inputs=2)
def igammac_block(a: Any, x: Any, out: Any) -> None:
    """The regularised upper incomplete gamma function."""
    _, result = incomplete_gamma(a.astype(np.float64), x.astype(np.float64))
    np.copyto(out, result, casting="unsafe")


@kernel("aten::polygamma.out")
def polygamma_kernel(n: int, self: Any, out: Any) -> Any:
    """The n-th derivative of digamma."""
    if n < 0:
        raise ProgramError(f"polygamma: the order {n} is negative")
    out = fit(out, self.shape)
    result = polygamma(n, self.astype(np.float64), compute_dtype(out.dtype))
    np.copyto(out, result, casting="unsafe")
    return out
