"""Symbolic integer expressions: sizes that are known only at run time.

An expression is a polynomial over atoms, a symbol (`s0`) or a call (`floordiv`, `mod`, `min`,
`max`) whose arguments are expressions again. The form is canonical, so equal polynomials are equal
objects and print the same text: `2 * s0 + 1`, `(s0 - 1) floordiv 2 + 1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Literal, TypeAlias

Function = Literal["floordiv", "mod", "min", "max"]
Bound: TypeAlias = int | float
"""An integer, or `inf` where there is no bound."""

_EVALUATE: dict[Function, Callable[[int, int], int]] = {
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "min": min,
    "max": max,
}


@dataclass(frozen=True)
class Call:
    """An atom that is not a polynomial: `function(arguments)`."""

    function: Function
    arguments: tuple[Expr, Expr]

    def __str__(self) -> str:
        left, right = self.arguments
        if self.function in ("min", "max"):
            return f"{self.function}({left}, {right})"
        return f"{_parenthesized(left)} {self.function} {_parenthesized(right)}"


Atom: TypeAlias = str | Call
Term: TypeAlias = tuple[tuple[Atom, ...], int]
"""A product of atoms and its coefficient."""


@dataclass(frozen=True)
class Expr:
    """A symbolic integer; build it with `Expr.of`, the operators and the functions below."""

    terms: tuple[Term, ...]

    @staticmethod
    def of(value: int | str | Expr) -> Expr:
        """The expression of an integer or of a symbol's name."""
        if isinstance(value, Expr):
            return value
        return _canonical({(): value}) if isinstance(value, int) else _canonical({(value,): 1})

    @property
    def constant(self) -> int | None:
        """The value of an expression without symbols, else None."""
        if not self.terms:
            return 0
        (atoms, coefficient), *rest = self.terms
        return coefficient if not atoms and not rest else None

    @property
    def is_float(self) -> bool:
        """Whether it is a float: one of its symbols is a number `f0`, not a size."""
        return any(symbol.startswith("f") for symbol in self._symbols())

    def symbols(self) -> set[str]:
        """The names of all symbols in the expression."""
        return set(self._symbols())

    def _symbols(self) -> Iterator[str]:
        for atoms, _ in self.terms:
            for atom in atoms:
                if isinstance(atom, str):
                    yield atom
                else:
                    for argument in atom.arguments:
                        yield from argument._symbols()

    def linear(self) -> tuple[str, int, int] | None:
        """`(symbol, a, b)` of an expression `a * symbol + b`, else None."""
        match self.terms:
            case (((str() as symbol,), a),):
                return symbol, a, 0
            case (((str() as symbol,), a), ((), b)):
                return symbol, a, b
            case _:
                return None

    def __add__(self, other: int | Expr) -> Expr:
        sums = dict(self.terms)
        for atoms, coefficient in Expr.of(other).terms:
            sums[atoms] = sums.get(atoms, 0) + coefficient
        return _canonical(sums)

    def __sub__(self, other: int | Expr) -> Expr:
        return self + Expr.of(other) * -1

    def __mul__(self, other: int | Expr) -> Expr:
        sums: dict[tuple[Atom, ...], int] = {}
        for (a, x), (b, y) in product(self.terms, Expr.of(other).terms):
            atoms = tuple(sorted(a + b, key=str))
            sums[atoms] = sums.get(atoms, 0) + x * y
        return _canonical(sums)

    def evaluate(self, values: Mapping[str, int]) -> int:
        """The value for the given values of the symbols."""
        return sum(
            reduce(lambda a, b: a * b, (_evaluate_atom(a, values) for a in atoms), coefficient)
            for atoms, coefficient in self.terms
        )

    def substitute(self, values: Mapping[str, Expr]) -> Expr:
        """The expression with symbols replaced by expressions."""
        total = Expr.of(0)
        for atoms, coefficient in self.terms:
            term = Expr.of(coefficient)
            for atom in atoms:
                term = term * _substitute_atom(atom, values)
            total = total + term
        return total

    def interval(self, ranges: Mapping[str, tuple[Bound, Bound]]) -> tuple[Bound, Bound]:
        """Bounds of the value, by interval arithmetic, for the given ranges of the symbols."""
        low: Bound = 0
        high: Bound = 0
        for atoms, coefficient in self.terms:
            span: tuple[Bound, Bound] = (coefficient, coefficient)
            for atom in atoms:
                span = _hull(_times, span, _atom_interval(atom, ranges))
            low, high = low + span[0], high + span[1]
        return low, high

    def __str__(self) -> str:
        text = ""
        for atoms, coefficient in self.terms:
            magnitude = abs(coefficient)
            factors = [str(a) for a in atoms]
            if magnitude != 1 or not atoms:
                factors.insert(0, str(magnitude))
            # A leading minus binds to the next factor, not to the whole product.
            if len(factors) > 1 or (coefficient < 0 and not text):
                factors = [f"({f})" if " floordiv " in f or " mod " in f else f for f in factors]
            body = " * ".join(factors)
            if text:
                text += f" - {body}" if coefficient < 0 else f" + {body}"
            else:
                text = f"-{body}" if coefficient < 0 else body
        return text or "0"


def floordiv(left: Expr, right: Expr) -> Expr:
    """`left // right`, rounded down."""
    if right.constant == 1:
        return left
    if (divisor := right.constant) and all(c % divisor == 0 for _, c in left.terms):
        return _canonical({atoms: c // divisor for atoms, c in left.terms})
    return _call("floordiv", left, right)


def mod(left: Expr, right: Expr) -> Expr:
    """`left % right`, with the sign of `right`."""
    if (divisor := right.constant) and all(c % divisor == 0 for _, c in left.terms):
        return Expr.of(0)
    return _call("mod", left, right)


def minimum(left: Expr, right: Expr) -> Expr:
    """The smaller of two expressions."""
    return left if left == right else _call("min", *sorted((left, right), key=str))


def maximum(left: Expr, right: Expr) -> Expr:
    """The larger of two expressions."""
    return left if left == right else _call("max", *sorted((left, right), key=str))


def _call(function: Function, left: Expr, right: Expr) -> Expr:
    if (a := left.constant) is not None and (b := right.constant) is not None:
        if function in ("min", "max") or b != 0:
            return Expr.of(_EVALUATE[function](a, b))
    return _canonical({(Call(function, (left, right)),): 1})


def _canonical(sums: Mapping[tuple[Atom, ...], int]) -> Expr:
    """Higher products first, then by text; the constant stands last."""
    terms = [(atoms, c) for atoms, c in sums.items() if c]
    return Expr(tuple(sorted(terms, key=lambda t: (-len(t[0]), [str(a) for a in t[0]]))))


def _evaluate_atom(atom: Atom, values: Mapping[str, int]) -> int:
    if isinstance(atom, str):
        return values[atom]
    left, right = atom.arguments
    return _EVALUATE[atom.function](left.evaluate(values), right.evaluate(values))


def _substitute_atom(atom: Atom, values: Mapping[str, Expr]) -> Expr:
    if isinstance(atom, str):
        return values.get(atom, Expr.of(atom))
    left, right = (a.substitute(values) for a in atom.arguments)
    return {"floordiv": floordiv, "mod": mod, "min": minimum, "max": maximum}[atom.function](
        left, right
    )


def _times(a: Bound, b: Bound) -> Bound:
    return 0 if a == 0 or b == 0 else a * b


def _divide(a: Bound, b: Bound) -> Bound:
    if b in (float("inf"), float("-inf")):
        return 0 if a >= 0 else -1
    return a if a in (float("inf"), float("-inf")) else a // b


def _hull(
    function: Callable[[Bound, Bound], Bound],
    left: tuple[Bound, Bound],
    right: tuple[Bound, Bound],
) -> tuple[Bound, Bound]:
    corners = [function(a, b) for a, b in product(left, right)]
    return min(corners), max(corners)


def _atom_interval(atom: Atom, ranges: Mapping[str, tuple[Bound, Bound]]) -> tuple[Bound, Bound]:
    if isinstance(atom, str):
        return ranges.get(atom, (0, float("inf")))
    left, right = (a.interval(ranges) for a in atom.arguments)
    match atom.function:
        case "floordiv" if right[0] > 0:
            return _hull(_divide, left, right)
        case "mod" if right[0] > 0:
            inside = 0 <= left[0] and left[1] < right[0]
            return left if inside else (0, min(right[1] - 1, max(left[1], right[1] - 1)))
        case "min":
            return min(left[0], right[0]), min(left[1], right[1])
        case "max":
            return max(left[0], right[0]), max(left[1], right[1])
        case _:
            return float("-inf"), float("inf")


def _parenthesized(expr: Expr) -> str:
    text = str(expr)
    return text if text.isalnum() else f"({text})"
