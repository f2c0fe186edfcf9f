"""The registry of decompositions: functions under the schema keys of the operators they replace."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from functools import cache

from xdsl.ir import SSAValue

from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder

Decomposition = Callable[[SchemaOp, EdgeBuilder], Sequence[SSAValue]]
"""Builds other operators before an edge operation and returns what replaces its results.

All tensors have the default dim order. Raises NoDecompositionError, before anything is built,
where the operation has none.
"""

_DECOMPOSITIONS: dict[str, Decomposition] = {}


class NoDecompositionError(Exception):
    """An operation whose decomposition does not cover its arguments; the message says which."""


def decomposition(*names: str) -> Callable[[Decomposition], Decomposition]:
    """Register the decorated function for the operators `aten::<name>`."""

    def register(function: Decomposition) -> Decomposition:
        for name in names:
            key = f"aten::{name}"
            assert key not in _DECOMPOSITIONS, f"{key} has a decomposition already"
            _DECOMPOSITIONS[key] = function
        return function

    return register


def find_decomposition(key: str) -> Decomposition | None:
    """The decomposition of the operator `key`, for example `aten::linear`, or None."""
    _load_families()
    return _DECOMPOSITIONS.get(key)


def decomposed_operators() -> frozenset[str]:
    """The schema keys of the operators that have a decomposition."""
    _load_families()
    return frozenset(_DECOMPOSITIONS)


@cache
def _load_families() -> None:
    package = importlib.import_module(__name__.rpartition(".")[0])
    for family in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(family.name)
