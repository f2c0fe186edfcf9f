"""Checks that a module is in the aten dialect, with PyTorch's result types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType, i1
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute
from xdsl.passes import ModulePass

from ..dialects.aten import TABLE
from ..dialects.aten.control_flow import OPERATIONS
from ..dialects.aten.numbers import NumberOp
from ..dialects.aten.promotion import compute_type
from ..dialects.custom_operator import CustomSchemaOp
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from ..dialects.edge.ops import ConstantOp, LiteralOp, ScalarOp, StateOp, SymbolOp, WeightOp
from ..dialects.edge.predicates import CompareOp, LogicOp
from ..dialects.function import functions
from ..dialects.schema_op import SchemaOp, operation_name
from .shape_rules import shape_problem

_OTHER_OPERATIONS = (
    *OPERATIONS,
    CompareOp,
    ConstantOp,
    LiteralOp,
    LogicOp,
    NumberOp,
    ReturnOp,
    ScalarOp,
    StateOp,
    SymbolOp,
    WeightOp,
)


class VerifyAtenPass(ModulePass):
    """Check the invariant of the aten dialect; every violation is named at once.

    Only operators of the table, custom ones, branches, loops, weights, constants and numbers are
    there; results have the dtype that PyTorch's promotion gives, and shapes fit. A sound module is
    left as it is:

    ```mlir
    %0 = aten.number 0.5 : tensor<f64>
    %1 = aten.mul.Tensor(%i, %0) : (tensor<4xi64>, tensor<f64>) -> tensor<4xf32>
    ```
    and a result of `tensor<4xi64>` is refused.
    """

    name = "verify-aten"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Check every function; raise DiagnosticsError with all violations."""
        problems = [problem for function in functions(op) for problem in _problems(function)]
        if problems:
            raise DiagnosticsError(problems)


def _problems(function: FuncOp) -> Iterator[Diagnostic]:
    for op in function.walk():
        if op is function or isinstance(op, _OTHER_OPERATIONS):
            continue
        if not isinstance(op, SchemaOp) or op.dialect_name() != "aten":
            yield Diagnostic.at(op, "is no operation of the aten dialect")
        elif isinstance(op, CustomSchemaOp):
            if (name := _name_in_table(op)) is not None:
                yield Diagnostic.at(op, f"{op.SCHEMA.key} is no custom operator", f"use {name}")
        elif op.SCHEMA.key not in TABLE:
            yield Diagnostic.at(op, f"{op.SCHEMA.key} is not in the operator table")
        else:
            for problem in (_dtype_problem(op), shape_problem(op)):
                if problem is not None:
                    yield Diagnostic.at(op, problem)


def _name_in_table(op: SchemaOp) -> str | None:
    """The operation that the operator of a custom one has, None where it has none."""
    return operation_name(op.SCHEMA, "aten") if op.SCHEMA.key in TABLE else None


def _dtype_problem(op: SchemaOp) -> str | None:
    """How the result's dtype differs from what promotion gives."""
    expected = compute_type(op)
    if expected is None:
        return None
    if op.ENTRY.promotion == "compare":
        expected = i1
    given = cast(TensorType[Attribute], op.results[0].type).element_type
    if given == expected:
        return None
    return f"the result is of {given}, but the operands promote to {expected}"
