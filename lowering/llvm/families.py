"""The families of kernels, by the edge operations that they take."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, cast

from xdsl.ir import Operation

from ...dialects.schema_op import SchemaOp
from .family import Family

FAMILIES = (
    "depthwise",
    "depthwise_volume",
    "convolution",
    "matmul",
    "attention",
    "recurrent",
    "pooling",
    "resize",
    "grid_sampler",
    "softmax",
    "normalization",
    "reduction",
    "scan",
    "gather",
    "scatter",
    "fold",
    "distance",
    "grouped_matmul",
    "histogram",
    "sort",
    "map",
)
"""Files of this folder; of two that take an operation the first one has it."""


@cache
def families() -> dict[type[Operation], list[Family]]:
    """The families that take each operation, in order of preference."""
    table: dict[type[Operation], list[Family]] = {}
    for name in FAMILIES:
        family = cast(Family, cast(Any, import_module(f".{name}", __package__)))
        for operation in family.OPERATIONS:
            table.setdefault(operation, []).append(family)
    return table


def family_of(op: SchemaOp) -> Family | None:
    """The family whose kernels run an operation."""
    candidates = families().get(type(op), ())
    return next((family for family in candidates if family.supports(op) is None), None)


def why_not(op: Operation) -> str | None:
    """Why no family takes an operation; None if one does."""
    candidates = families().get(type(op), ())
    if not candidates:
        return "the backend has no kernels for it"
    assert isinstance(op, SchemaOp)
    reasons = [family.supports(op) for family in candidates]
    return None if None in reasons else reasons[-1]
