"""Chains of views and permutes are one movement: numpy agrees, and symbols follow."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.dialects.expr import Expr
from edgeir.passes.movement import Movement, compose


def exprs(dims):
    return tuple(Expr.of(dim) for dim in dims)


def moved(array, movement, shape):
    sizes = [factor.constant for factor in movement.factors]
    return array.reshape(sizes).transpose(movement.order).reshape(shape)


@st.composite
def chains(draw):
    """A source shape and steps on it, each with the array that numpy makes."""
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    array = np.arange(math.prod(shape)).reshape(shape)
    result, steps = array, []
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            order = draw(st.permutations(range(result.ndim)))
            result = result.transpose(order)
            steps.append(("permute", order))
        else:
            size = draw(st.sampled_from(factorizations(result.size)))
            result = result.reshape(size)
            steps.append(("view", exprs(size)))
    return array, steps, result


def factorizations(count):
    """Shapes of up to four dims with so many elements."""
    divisors = [n for n in range(1, count + 1) if count % n == 0]
    pairs = [(a, count // a) for a in divisors]
    triples = [(a, b, count // a // b) for a, _ in pairs for b in divisors if count // a % b == 0]
    return [(count,), *pairs, *triples, *((a, 1, b, c) for a, b, c in triples)]


@given(chains())
def test_as_numpy(chain):
    array, steps, result = chain
    movement = compose(exprs(array.shape), steps)
    if movement is not None:
        assert np.array_equal(moved(array, movement, result.shape), result)
        # Nothing that stays side by side is told apart.
        order = movement.order
        assert all(b != a + 1 for a, b in pairwise(order))


@given(chains())
def test_back_and_forth_moves_nothing(chain):
    array, steps, _ = chain
    there_and_back, shape = list(steps), array.shape
    shapes = []
    for kind, argument in steps:
        shapes.append(shape)
        if kind == "view":
            shape = tuple(dim.constant for dim in argument)
        else:
            shape = tuple(shape[dim] for dim in argument)
    for (kind, argument), before in zip(reversed(steps), reversed(shapes), strict=True):
        if kind == "view":
            there_and_back.append(("view", exprs(before)))
        else:
            there_and_back.append(("permute", [int(dim) for dim in np.argsort(argument)]))
    movement = compose(exprs(array.shape), there_and_back)
    if movement is not None:
        assert movement.is_view
    else:
        assert compose(exprs(array.shape), steps) is None


S0 = Expr.of("s0")


@pytest.mark.parametrize(
    ("source", "steps", "expected"),
    [
        # Heads split off, the batch merged with the sequence.
        ((S0, 16, 64), [("view", (S0 * 16, 4, 16)), ("permute", (1, 0, 2))],
         Movement((S0 * 16, Expr.of(4), Expr.of(16)), (1, 0, 2))),
        # A symbolic size is divided by one of its factors.
        ((S0 * 6, 4), [("permute", (1, 0)), ("view", (4, 3, S0 * 2))],
         Movement((S0 * 6, Expr.of(4)), (1, 0))),
        # Nothing is known to divide s0, nor s1.
        ((S0, 4), [("view", (4, S0))], None),
        ((S0, Expr.of("s1")), [("permute", (1, 0)), ("view", (S0, Expr.of("s1")))], None),
        # Nor is anything known of a size without a symbol, or of no elements.
        ((Expr.of("?"), 4), [("permute", (1, 0))], None),
        ((0, 4), [("permute", (1, 0))], None),
    ],
)  # fmt: skip
def test_sizes(source, steps, expected):
    steps = [(kind, exprs(value) if kind == "view" else value) for kind, value in steps]
    assert compose(exprs(source), steps) == expected
