"""Checks that a module is in the edge dialect, with nothing implicit left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType, f64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass

from ..dialects.delegate import Delegate
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from ..dialects.edge.control_flow import OPERATIONS
from ..dialects.edge.dtypes import Dtypes, check
from ..dialects.edge.ops import (
    ConstantOp,
    LiteralOp,
    ScalarOp,
    StateOp,
    SymbolOp,
    ToLayoutOp,
    WeightOp,
)
from ..dialects.edge.predicates import CompareOp, LogicOp
from ..dialects.function import functions, symbol_ranges
from ..dialects.layout import ExprAttr, ExprsAttr, dims_of, order_of
from ..dialects.schema_op import SchemaOp
from .elementwise import is_elementwise
from .rewriting import is_edge_operator
from .shape_rules import shape_problem

_OTHER_OPERATIONS = (
    ConstantOp, LiteralOp, ReturnOp, ScalarOp, StateOp, SymbolOp, ToLayoutOp, WeightOp,
    CompareOp, LogicOp, *OPERATIONS, *Delegate.operations,
)  # fmt: skip


class VerifyEdgePass(ModulePass):
    """Check the invariant of the edge dialect; every violation is named at once.

    Only edge and delegate operations are left; dtypes are those of `dialects/edge/dtypes.txt`, so
    that nothing is promoted implicitly; shapes fit; elementwise operands agree in their dim order;
    every symbol is declared on its function. A sound module is left as it is:

    ```mlir
    %1 = edge._to_copy(%i, dtype = f32) : (tensor<4xi64>) -> tensor<4xf32>
    %2 = edge.add.Tensor(%x, %1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    ```
    and `edge.add.Tensor(%x, %i)` of f32 and i64 is refused.
    """

    name = "verify-edge"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Check every function; raise DiagnosticsError with all violations."""
        problems = [problem for function in functions(op) for problem in _problems(function)]
        if problems:
            raise DiagnosticsError(problems)


def _problems(function: FuncOp) -> Iterator[Diagnostic]:
    symbols = set(symbol_ranges(function))
    for argument in function.args:
        if undeclared := _symbols_of_type(argument.type) - symbols:
            yield _undeclared(function, undeclared)
    for op in function.walk():
        if op is function:
            continue
        if isinstance(op, SymbolOp) and op.source.type == f64:
            symbols.add(op.symbol.data)
        if is_edge_operator(op):
            yield from _operator_problems(op)
        elif not isinstance(op, _OTHER_OPERATIONS):
            yield Diagnostic.at(op, "is no operation of the edge dialect", _advice(op))
            continue
        if undeclared := _symbols(op) - symbols:
            yield _undeclared(op, undeclared)


def _advice(op: Operation) -> str:
    return "run convert-aten-to-edge first" if op.name.startswith("aten.") else ""


def _operator_problems(op: SchemaOp) -> Iterator[Diagnostic]:
    operands = [_dtypes(op, a.name) for a in op.kept_arguments() if a.is_tensor]
    results: list[Dtypes] = [
        _dtype(result) for result in op.results if isinstance(result.type, TensorType)
    ]
    if any(result.is_list for result in op.SCHEMA.results):
        results = [cast(list[str | None], results)]
    if problem := check(op.SCHEMA.key, operands, results):
        yield Diagnostic.at(op, problem, "cast with edge._to_copy")
    if problem := shape_problem(op):
        yield Diagnostic.at(op, problem)
    elif is_elementwise(op.ENTRY) and (problem := _order_problem(op)):
        yield Diagnostic.at(op, problem, "convert with edge.to_layout")


def _dtypes(op: SchemaOp, name: str) -> Dtypes:
    operand = op.operand_of(name)
    if operand is None:
        return None
    if isinstance(operand, SSAValue):
        return _dtype(operand)
    return [None if item is None else _dtype(item) for item in operand]


def _dtype(value: SSAValue) -> str:
    type = value.type
    return str(type.element_type if isinstance(type, TensorType) else type)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]


def _order_problem(op: SchemaOp) -> str | None:
    """How the dim orders of an elementwise operator's tensors disagree."""
    result = cast(TensorType[Attribute], op.results[0].type)
    order = order_of(result)
    for position, operand in enumerate(op.operands):
        type = cast(TensorType[Attribute], operand.type)
        rank = type.get_num_dims()
        expected = order if rank == len(order) else tuple(range(rank))
        if order_of(type) != expected:
            return (
                f"operand {position} has the dim order {list(order_of(type))}, "
                f"the result {list(order)}"
            )
    return None


def _symbols(op: Operation) -> set[str]:
    """The symbols that an operation's results and arguments mention."""
    found: set[str] = set()
    for result in op.results:
        found |= _symbols_of_type(result.type)
    for attribute in op.properties.values():
        if isinstance(attribute, ExprAttr):
            found |= attribute.data.symbols()
        elif isinstance(attribute, ExprsAttr):
            for expr in attribute.data:
                found |= expr.symbols()
    if isinstance(op, ScalarOp):
        found -= {f"v{index}" for index in range(len(op.inputs))}
    return found


def _symbols_of_type(type: Attribute) -> set[str]:
    if not isinstance(type, TensorType):
        return set()
    tensor = cast(TensorType[Attribute], type)
    if tensor.has_static_shape():
        return set()
    return {symbol for dim in dims_of(tensor) for symbol in dim.symbols()}


def _undeclared(op: Operation, symbols: set[str]) -> Diagnostic:
    if "?" in symbols:
        return Diagnostic.at(
            op, "has a size that is known only at run time and has no symbol",
            "give the type a layout: #edge.layout<dims = [s0, …]>",
        )  # fmt: skip
    names = ", ".join(sorted(symbols))
    return Diagnostic.at(
        op, f"mentions the symbol {names}, which its function does not declare",
        "declare it in edge.symbols",
    )  # fmt: skip
