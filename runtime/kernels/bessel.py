"""Bessel and Airy functions; semantics of `torch.special.<name>`, computed in f64.

J and Y come from Miller's backward recurrence and Neumann's series, or Hankel's expansion for large
arguments; I from its integral by the trapezoidal rule, which converges exponentially on a period;
K and Airy's function from theirs over all of the line, or series near 0. Formulas: Abramowitz and
Stegun, Handbook of Mathematical Functions (A&S), chapters 9 and 10.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .elementwise import chain_kernel

EULER_GAMMA = 0.5772156649015329
_FAR = 25.0
"""Hankel's expansion is exact to f64 from here on."""

_where: Any = np.where  # whose stubs lose the dtype


def _miller(x: Any) -> list[Any]:
    """J_0(x), J_1(x), … for 0 <= x <= 25 (A&S 9.12)."""
    inverse = 2.0 / np.maximum(x, 1e-8)
    later: Any = np.zeros_like(x)
    current: Any = np.full_like(x, 1e-30)
    found = [current]
    for n in range(80, 0, -1):
        later, current = current, n * inverse * current - later
        large = np.abs(current) > 1e100
        if large.any():
            scale = _where(large, 1e-100, 1.0)
            later, current = later * scale, current * scale
            found = [value * scale for value in found]
        found.append(current)
    found.reverse()
    total = found[0] + 2 * sum(found[2::2])
    return [value / total for value in found]


def _hankel(order: int, x: Any) -> tuple[Any, Any]:
    """J and Y of a large x (A&S 9.2.5)."""
    mu = 4.0 * order * order
    p: Any = np.ones_like(x)
    q: Any = np.zeros_like(x)
    term: Any = np.ones_like(x)
    for k in range(1, 30):
        factor = (mu - (2 * k - 1) ** 2) / (k * 8 * x)
        # Beyond the smallest term the expansion diverges.
        term = _where(np.abs(factor) < 1, term * factor, 0.0)
        sign = -1.0 if k // 2 % 2 else 1.0
        if k % 2:
            q = q + sign * term
        else:
            p = p + sign * term
    angle = x - (order / 2 + 0.25) * np.pi
    scale = np.sqrt(2 / (np.pi * x))
    sine, cosine = np.sin(angle), np.cos(angle)
    return scale * (p * cosine - q * sine), scale * (p * sine + q * cosine)


def bessel_j(order: int, x: Any) -> Any:
    """J of order 0 or 1."""
    size = np.abs(x)
    far = size > _FAR
    near = _miller(_where(far, 1.0, size))[order]
    near = _where(size < 1e-8, 1.0 - order + order * size / 2, near)
    result = _where(far, _hankel(order, _where(far, size, _FAR))[0], near)
    result = _where(np.isinf(x), 0.0, result)
    return result * np.sign(x) if order else result


def bessel_y(order: int, x: Any) -> Any:
    """Y of order 0 or 1; -inf at 0, nan of negative numbers."""
    far = x > _FAR
    inside = _where(far | ~(x > 0), 1.0, x)
    j = _miller(inside)
    log = np.log(inside / 2) + EULER_GAMMA
    if order == 0:
        # A&S 9.1.89
        terms = sum((-1) ** k * j[2 * k] / k for k in range(1, 39))
        near = 2 / np.pi * log * j[0] - 4 / np.pi * terms
    else:
        # A&S 9.1.88
        terms = sum((-1) ** k * (2 * k + 1) / (k * (k + 1)) * j[2 * k + 1] for k in range(1, 39))
        near = -2 / (np.pi * inside) * j[0] + 2 / np.pi * ((log - 1) * j[1] - terms)
    result = _where(far, _hankel(order, _where(far, x, _FAR))[1], near)
    result = _where(np.isinf(x), 0.0, result)
    return _where(x == 0, -np.inf, _where(x >= 0, result, np.nan))


def scaled_bessel_i(order: int, x: Any) -> Any:
    """exp(-|x|) I of order 0 or 1 (A&S 9.6.19 and 9.7.1)."""
    size = np.abs(x)
    far = size > 30
    inner = _where(far, 0.0, size)
    total: Any = np.zeros_like(size)
    points = 64
    for k in range(points):
        cosine = np.cos(np.pi * (k + 0.5) / points)
        total = total + np.exp(inner * (cosine - 1)) * cosine**order
    outer = _where(far, size, 30.0)
    term: Any = np.ones_like(size)
    series: Any = np.ones_like(size)
    for k in range(1, 25):
        term = -term * (4.0 * order * order - (2 * k - 1) ** 2) / (k * 8 * outer)
        series = series + term
    result = _where(far, series / np.sqrt(2 * np.pi * outer), total / points)
    return result * np.sign(x) if order else result


def bessel_i(order: int, x: Any) -> Any:
    """I of order 0 or 1."""
    size = np.abs(x)
    half = np.exp(size / 2)
    result = scaled_bessel_i(order, x) * half * half
    return _where(np.isinf(x), np.inf if order == 0 else x, result)


def _integral(order: float, x: Any) -> Any:
    """exp(x) K for x >= 1 (A&S 9.6.24): the rule of trapezoids over a line decays doubly."""
    step = np.minimum(1.0, 2 / np.sqrt(x)) / 12
    total: Any = np.full_like(x, 0.5)
    for k in range(1, 60):
        t = k * step
        total = total + np.exp(-x * (np.cosh(t) - 1)) * np.cosh(order * t)
    return total * step


def _series_k(order: int, x: Any) -> Any:
    """K for 0 < x < 1 (A&S 9.6.11)."""
    quarter = x * x / 4
    log = np.log(x / 2)
    term: Any = np.ones_like(x) if order == 0 else x / 2
    digamma = (-EULER_GAMMA, 1 - EULER_GAMMA)[order]
    other = -EULER_GAMMA
    bessel: Any = np.zeros_like(x)
    rest: Any = np.zeros_like(x)
    for k in range(15):
        bessel = bessel + term
        rest = rest + term * (digamma if order == 0 else (digamma + other) / 2)
        term = term * quarter / ((k + 1) * (k + 1 + order))
        digamma += 1 / (k + 1 + order)
        other += 1 / (k + 1)
    if order == 0:
        return rest - log * bessel
    return 1 / x + log * bessel - rest


def bessel_k(order: int, x: Any, scaled: bool) -> Any:
    """K of order 0 or 1, or exp(x) K; inf at 0, nan of negative numbers."""
    near = x < 1
    small = _series_k(order, _where(near & (x > 0), x, 0.5))
    large = _integral(order, _where(near, 1.0, x))
    result = (
        _where(near, small * np.exp(x), large)
        if scaled
        else _where(near, small, large * np.exp(-x))
    )
    result = _where(np.isposinf(x), 0.0, result)
    return _where(x == 0, np.inf, _where(x >= 0, result, np.nan))


def spherical_j0(x: Any) -> Any:
    """sin(x) / x."""
    safe = _where(x == 0, 1.0, x)
    return _where(x == 0, 1.0, _where(np.isinf(x), 0.0, np.sin(safe) / safe))


_AIRY_AT_0 = 0.3550280538878172
_AIRY_SLOPE = 0.2588194037928068


def airy(x: Any) -> Any:
    """Airy's function Ai: its series (A&S 10.4.2), by K_1/3 (10.4.14), or expanded (10.4.60)."""
    middle = (x > -8) & (x < 2)
    inner = _where(middle, x, 0.0)
    cube = inner**3
    f: Any = np.ones_like(x)
    g: Any = inner
    f_term: Any = np.ones_like(x)
    g_term: Any = inner
    for k in range(1, 60):
        f_term = f_term * cube / ((3 * k - 1) * (3 * k))
        g_term = g_term * cube / ((3 * k) * (3 * k + 1))
        f, g = f + f_term, g + g_term
    series = _AIRY_AT_0 * f - _AIRY_SLOPE * g
    right = _where(x >= 2, x, 2.0)
    zeta = 2 / 3 * right**1.5
    decaying = np.sqrt(right / 3) / np.pi * _integral(1 / 3, zeta) * np.exp(-zeta)
    left = _where(x <= -8, -x, 8.0)
    zeta = 2 / 3 * left**1.5
    even: Any = np.ones_like(x)
    odd: Any = np.zeros_like(x)
    term: Any = np.ones_like(x)
    for k in range(1, 25):
        term = term * (6 * k - 5) * (6 * k - 3) * (6 * k - 1) / (216 * k * (2 * k - 1)) / zeta
        sign = -1.0 if k // 2 % 2 else 1.0
        if k % 2:
            odd = odd + sign * term
        else:
            even = even + sign * term
    angle = zeta + np.pi / 4
    waves = (np.sin(angle) * even - np.cos(angle) * odd) / (np.sqrt(np.pi) * left**0.25)
    result = _where(middle, series, _where(x > 0, decaying, waves))
    return _where(np.isinf(x), _where(x > 0, 0.0, np.nan), _where(np.isnan(x), x, result))


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "i0": lambda x: bessel_i(0, x),
    "special_i0e": lambda x: scaled_bessel_i(0, x),
    "special_i1": lambda x: bessel_i(1, x),
    "special_i1e": lambda x: scaled_bessel_i(1, x),
    "special_modified_bessel_i0": lambda x: bessel_i(0, x),
    "special_modified_bessel_i1": lambda x: bessel_i(1, x),
    "special_modified_bessel_k0": lambda x: bessel_k(0, x, False),
    "special_modified_bessel_k1": lambda x: bessel_k(1, x, False),
    "special_scaled_modified_bessel_k0": lambda x: bessel_k(0, x, True),
    "special_scaled_modified_bessel_k1": lambda x: bessel_k(1, x, True),
    "special_bessel_j0": lambda x: bessel_j(0, x),
    "special_bessel_j1": lambda x: bessel_j(1, x),
    "special_bessel_y0": lambda x: bessel_y(0, x),
    "special_bessel_y1": lambda x: bessel_y(1, x),
    "special_spherical_bessel_j0": spherical_j0,
    "special_airy_ai": airy,
}


def _function_kernel(name: str, function: Callable[[Any], Any]) -> None:
    @chain_kernel(f"aten::{name}.out")
    def _(x: Any, out: Any) -> None:
        np.copyto(out, function(x.astype(np.float64)), casting="unsafe")


for _name, _function in FUNCTIONS.items():
    _function_kernel(_name, _function)
