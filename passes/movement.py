"""Chains of views and permutes as one movement of elements.

Whatever such a chain does is a view, one permute, and a view again: the source's dims are split
into factors, the factors are put into another order, and they are merged into the result's dims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from ..dialects.expr import Expr

Step: TypeAlias = tuple[Literal["view"], Sequence[Expr]] | tuple[Literal["permute"], Sequence[int]]
"""A view to a shape, or a permute to an order of dims."""


@dataclass(frozen=True)
class Movement:
    """`permute(view(x, factors), order)`, to which a view to the result's shape is added."""

    factors: tuple[Expr, ...]
    order: tuple[int, ...]

    @property
    def is_view(self) -> bool:
        """Whether no element moves."""
        return all(a < b for a, b in pairwise(self.order))


def compose(source: Sequence[Expr], steps: Sequence[Step]) -> Movement | None:
    """The movement of a tensor of shape `source` through `steps`.

    None where a view merges parts of dims that do not divide each other, such as 4 and 6 to
    2 by 12 after a permute, and where a size is zero or not known.
    """
    if any(dim.constant == 0 or "?" in dim.symbols() for dim in source):
        return None
    dims = [[] if dim.constant == 1 else [_Factor(dim)] for dim in source]
    stored = [factor for group in dims for factor in group]
    for step in steps:
        if step[0] == "permute":
            dims = [dims[dim] for dim in step[1]]
            continue
        regrouped = _regroup([factor for group in dims for factor in group], step[1], stored)
        if regrouped is None:
            return None
        dims = regrouped
    return _merged(stored, [factor for group in dims for factor in group])


@dataclass(eq=False)
class _Factor:
    """A part of a source dim: the dim is the product of its factors, the outermost first."""

    size: Expr


def _regroup(
    factors: list[_Factor], shape: Sequence[Expr], stored: list[_Factor]
) -> list[list[_Factor]] | None:
    """The factors of each dim of a new shape; factors are split, also in `stored`, as needed."""
    left = list(reversed(factors))
    groups: list[list[_Factor]] = []
    for size in shape:
        group: list[_Factor] = []
        while size.constant != 1:
            if not left:
                return None
            factor = left.pop()
            quotient = _divide(size, factor.size)
            if quotient is not None:
                group.append(factor)
                size = quotient
                continue
            rest = _divide(factor.size, size)
            if rest is None:
                return None
            outer, inner = _Factor(size), _Factor(rest)
            position = stored.index(factor)
            stored[position : position + 1] = [outer, inner]
            group.append(outer)
            left.append(inner)
            break
        groups.append(group)
    return None if left else groups


def _divide(a: Expr, b: Expr) -> Expr | None:
    """`a / b` where it is an expression without remainder: `b` is a single product."""
    if len(b.terms) != 1:
        return Expr.of(1) if a == b else None
    ((divisor_atoms, divisor),) = b.terms
    quotient = Expr.of(0)
    for atoms, coefficient in a.terms:
        rest = list(atoms)
        for atom in divisor_atoms:
            if atom not in rest:
                return None
            rest.remove(atom)
        if coefficient % divisor:
            return None
        quotient = quotient + Expr(((tuple(rest), coefficient // divisor),))
    return quotient


def _merged(stored: list[_Factor], moved: list[_Factor]) -> Movement:
    """The movement with factors that stay side by side merged."""
    positions = [stored.index(factor) for factor in moved]
    runs: list[list[int]] = []
    for position in positions:
        if runs and position == runs[-1][-1] + 1:
            runs[-1].append(position)
        else:
            runs.append([position])
    in_source = sorted(runs)
    factors: list[Expr] = []
    for run in in_source:
        size = Expr.of(1)
        for position in run:
            size = size * stored[position].size
        factors.append(size)
    return Movement(tuple(factors), tuple(in_source.index(run) for run in runs))
