"""Checks the shapes of one operator by the table of rules."""

from __future__ import annotations

from xdsl.ir import SSAValue

from ...dialects.schema_op import SchemaOp
from ..elementwise import is_elementwise
from . import norms, products, reductions, views, windows
from .keeping import elementwise
from .rule import RULES, ShapeError, same_shape, shape_of, text

_FAMILIES = (norms, products, reductions, views, windows)
"""Imported for the rules that they register."""


def shape_problem(op: SchemaOp) -> str | None:
    """What is wrong with the shapes of an operator, its operands' shapes named; None if nothing."""
    found = RULES.get(op.SCHEMA.key)
    if found is None:
        if not is_elementwise(op.ENTRY):
            return None
        found = elementwise
    try:
        expected = found(op)
        for result, dims in zip(op.results, expected, strict=False):
            given = shape_of(result)
            if dims is not None and not same_shape(given, dims):
                raise ShapeError(f"the result has shape {text(given)}, expected {text(dims)}")
    except ShapeError as error:
        return f"{error} (operands: {_operands_text(op)})"
    return None


def _operands_text(op: SchemaOp) -> str:
    parts: list[str] = []
    for argument in op.kept_arguments():
        if not argument.is_tensor:
            continue
        operand = op.operand_of(argument.name)
        if isinstance(operand, SSAValue):
            parts.append(f"{argument.name} {text(shape_of(operand))}")
        elif operand is not None:
            items = ["none" if item is None else text(shape_of(item)) for item in operand]
            parts.append(f"{argument.name} [{', '.join(items)}]")
    return ", ".join(parts) or "none"
