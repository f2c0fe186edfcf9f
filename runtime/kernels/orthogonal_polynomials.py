"""Orthogonal polynomials p_n(x) by their recurrences; semantics of `torch.special.<name>`.

`n` may differ from element to element: it is cut to an integer, and for a negative one the
polynomial is 0. Computed in f64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .elementwise import chain_kernel

_where: Any = np.where  # whose stubs lose the dtype


@dataclass(frozen=True)
class Family:
    """`p_0 = 1`, `p_1 = first(t)`, `p_{k+1} = (a(k) t + b(k)) p_k - c(k) p_{k-1}`, with t(x)."""

    first: Callable[[Any], Any]
    a: Callable[[int], float]
    c: Callable[[int], float]
    b: Callable[[int], float] = lambda _: 0.0
    t: Callable[[Any], Any] = lambda x: x


def _two(_: int) -> float:
    return 2.0


def _one(_: int) -> float:
    return 1.0


def _shifted(x: Any) -> Any:
    return 2 * x - 1


_CHEBYSHEV: dict[str, Callable[[Any], Any]] = {
    "t": lambda t: t,
    "u": lambda t: 2 * t,
    "v": lambda t: 2 * t - 1,
    "w": lambda t: 2 * t + 1,
}

FAMILIES: dict[str, Family] = {
    "hermite_polynomial_h": Family(lambda x: 2 * x, _two, lambda k: 2.0 * k),
    "hermite_polynomial_he": Family(lambda x: x, _one, float),
    "laguerre_polynomial_l": Family(
        lambda x: 1 - x,
        lambda k: -1 / (k + 1),
        lambda k: k / (k + 1),
        lambda k: (2 * k + 1) / (k + 1),
    ),
    "legendre_polynomial_p": Family(
        lambda x: x, lambda k: (2 * k + 1) / (k + 1), lambda k: k / (k + 1)
    ),
}
for _kind, _first in _CHEBYSHEV.items():
    FAMILIES[f"chebyshev_polynomial_{_kind}"] = Family(_first, _two, _one)
    FAMILIES[f"shifted_chebyshev_polynomial_{_kind}"] = Family(_first, _two, _one, t=_shifted)


def polynomial(family: Family, x: Any, n: Any) -> Any:
    """The polynomials of the degrees `n` at `x`, both f64."""
    degree = np.trunc(_where(np.isnan(n), -1.0, n))
    argument = family.t(x)
    before: Any = np.ones_like(x)
    current: Any = family.first(argument)
    result = _where(degree == 0, 1.0, _where(degree == 1, current, 0.0))
    largest = degree.max(initial=0)
    for k in range(1, int(min(largest, 1 << 16))):
        step = (family.a(k) * argument + family.b(k)) * current - family.c(k) * before
        before, current = current, step
        result = _where(degree == k + 1, current, result)
    return result


def _polynomial_kernel(name: str, family: Family) -> None:
    @chain_kernel(f"aten::special_{name}.out", inputs=2)
    def _(x: Any, n: Any, out: Any) -> None:
        x, n = (np.broadcast_to(a.astype(np.float64), out.shape) for a in (x, n))
        np.copyto(out, polynomial(family, x, n), casting="unsafe")


for _name, _family in FAMILIES.items():
    _polynomial_kernel(_name, _family)
