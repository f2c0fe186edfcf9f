"""Values that are used before they are computed, which xDSL's verifier does not look for."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from .diagnostic import Diagnostic

_SLOT = "memory.slot"
"""The type of handles, which lists may name before their declaration."""


def late_values(module: ModuleOp) -> Iterator[Diagnostic]:
    """A diagnostic for each use of a value that an operation of the same block gives only later."""
    position = {op: number for number, op in enumerate(module.walk())}
    for op in position:
        for operand in op.operands:
            owner = operand.owner
            if not isinstance(owner, Operation) or operand.type.name == _SLOT:
                continue
            around = owner.parent.find_ancestor_op_in_block(op) if owner.parent else None
            if around is not None and position[around] <= position[owner]:
                message = f"uses {_name(operand)}, which {owner.name} gives only later"
                yield Diagnostic.at(op, message, "put it behind that")


def _name(value: SSAValue) -> str:
    return f"%{value.name_hint}" if value.name_hint else "a value"
