from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.parser import Parser

from edgeir.dialects.context import edge_context
from edgeir.dialects.expr import Expr, floordiv, maximum, minimum, mod
from edgeir.dialects.layout import ExprAttr

SYMBOLS = ("s0", "s1", "s2")
VALUES = st.fixed_dictionaries({name: st.integers(1, 50) for name in SYMBOLS})

Source = Any
"""A symbol, an integer, or (function, left, right): evaluated apart from `Expr`."""

FUNCTIONS = {
    "+": (lambda a, b: a + b, lambda a, b: a + b),
    "-": (lambda a, b: a - b, lambda a, b: a - b),
    "*": (lambda a, b: a * b, lambda a, b: a * b),
    "min": (minimum, min),
    "max": (maximum, max),
}


def _sources() -> st.SearchStrategy[Source]:
    leaves = st.sampled_from(SYMBOLS) | st.integers(-5, 20)
    return st.recursive(
        leaves,
        lambda inner: (
            st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner, inner)
            | st.tuples(st.sampled_from(["floordiv", "mod"]), inner, st.integers(1, 9))
        ),
        max_leaves=8,
    )


def build(source: Source) -> Expr:
    match source:
        case ("floordiv", left, right):
            return floordiv(build(left), Expr.of(right))
        case ("mod", left, right):
            return mod(build(left), Expr.of(right))
        case (name, left, right):
            return FUNCTIONS[name][0](build(left), build(right))
        case _:
            return Expr.of(source)


def value(source: Source, values: dict[str, int]) -> int:
    match source:
        case ("floordiv", left, right):
            return value(left, values) // right
        case ("mod", left, right):
            return value(left, values) % right
        case (name, left, right):
            return FUNCTIONS[name][1](value(left, values), value(right, values))
        case str():
            return values[source]
        case _:
            return source


def reparse(expr: Expr) -> Expr:
    attribute = Parser(edge_context(), f"#edge.expr<{expr}>").parse_attribute()
    assert isinstance(attribute, ExprAttr)
    return attribute.data


@given(_sources(), VALUES)
def test_value_is_that_of_the_arithmetic(source: Source, values: dict[str, int]):
    assert build(source).evaluate(values) == value(source, values)


@given(_sources())
def test_text_parses_back(source: Source):
    expr = build(source)
    assert reparse(expr) == expr
    assert str(reparse(expr)) == str(expr)


@given(_sources(), _sources())
def test_sums_and_products_are_canonical(left: Source, right: Source):
    a, b = build(left), build(right)
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) - b == a
    assert str(a * 2) == str(a + a)
    assert a - a == Expr.of(0)


@given(_sources(), VALUES)
def test_value_lies_in_the_interval(source: Source, values: dict[str, int]):
    low, high = build(source).interval({name: (1, 50) for name in SYMBOLS})
    assert low <= build(source).evaluate(values) <= high


@given(_sources(), VALUES)
def test_unbounded_intervals_hold_too(source: Source, values: dict[str, int]):
    low, high = build(source).interval({name: (1, float("inf")) for name in SYMBOLS})
    assert low <= build(source).evaluate(values) <= high


@given(_sources(), _sources(), VALUES)
def test_substitution(source: Source, replacement: Source, values: dict[str, int]):
    inner = build(replacement).evaluate(values)
    replaced = build(source).substitute({"s0": build(replacement)})
    assert replaced.evaluate(values) == build(source).evaluate(values | {"s0": inner})


@given(_sources())
def test_symbols_are_those_that_matter(source: Source):
    expr = build(source)
    values = {name: 7 for name in expr.symbols()}
    expr.evaluate(values)
    assert (expr.constant is not None) <= (not expr.symbols())


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (Expr.of("s0") * 2 + 1, "2 * s0 + 1"),
        (Expr.of(1) - Expr.of("s0"), "-s0 + 1"),
        (floordiv(Expr.of("s0") - 1, Expr.of(2)) + 1, "(s0 - 1) floordiv 2 + 1"),
        (floordiv(Expr.of("s0") * 4, Expr.of(2)), "2 * s0"),
        (mod(Expr.of("s0") * 4, Expr.of(2)), "0"),
        (floordiv(Expr.of("s0"), Expr.of(1)), "s0"),
        (minimum(Expr.of("s1"), Expr.of("s0")), "min(s0, s1)"),
        (maximum(Expr.of("s0"), Expr.of("s0")), "s0"),
        (Expr.of("s0") * Expr.of("s1") * 3, "3 * s0 * s1"),
        (Expr.of(0), "0"),
    ],
)
def test_text(expr: Expr, text: str):
    assert str(expr) == text
