"""The sizes of a method's inputs as a program carries them, see `runtime/input_sizes.py`."""

from __future__ import annotations

import json
from functools import reduce
from typing import Any, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    IntegerAttr,
    TensorType,
    UnitAttr,
    i64,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, SSAValue

from ..dialects.edge.ops import SymbolOp
from ..dialects.expr import Call, Expr, floordiv, maximum, minimum, mod
from ..dialects.function import SYMBOLS, ranges_of
from ..dialects.layout import ExprAttr, ExprsAttr, dims_of
from ..runtime.input_sizes import (
    ENTRY,
    InputSizes,
    Linear,
    Operation,
    Size,
    parse_input_sizes,
)

_NO_STRUCTURE: dict[str, Any] = {"type": None, "context": None, "children_spec": []}
"""What stands for the structure of a method that has none."""

_OPERATORS = {"floordiv": "//", "mod": "%", "min": "min", "max": "max"}

SizesAttr = ArrayAttr[ExprsAttr | ExprAttr | UnitAttr]


def with_sizes(structure: str, ranges: DictionaryAttr | None, sizes: SizesAttr) -> str:
    """A structure of inputs with the entry for their sizes.

    A structure that is none of ours cannot carry one, and stays as it is.
    """
    try:
        version, root = json.loads(structure) if structure else (1, dict(_NO_STRUCTURE))
    except (ValueError, TypeError):
        return structure
    if not isinstance(root, dict):
        return structure
    bounds = {
        name: [bound for bound in limits if isinstance(bound, int)]
        for name, limits in ranges_of(ranges).items()
    }
    root[ENTRY] = {"symbols": bounds, "inputs": [_input(entry) for entry in sizes]}
    return json.dumps([version, root])


def function_sizes(function: FuncOp) -> InputSizes | None:
    """What the sizes of a function's inputs must be; None where all are static."""
    sizes = input_sizes(function)
    if sizes is None:
        return None
    text = with_sizes("", cast(DictionaryAttr, function.attributes[SYMBOLS]), sizes)
    return parse_input_sizes(text, len(sizes))


def input_sizes(function: FuncOp) -> SizesAttr | None:
    """The sizes of each input; None where no symbol says anything about them."""
    sizes = [_argument_sizes(argument) for argument in function.args]
    known = isinstance(function.attributes.get(SYMBOLS), DictionaryAttr)
    static = all(isinstance(entry, UnitAttr) for entry in sizes)
    return None if static or not known else ArrayAttr(sizes)


def _argument_sizes(argument: SSAValue) -> ExprsAttr | ExprAttr | UnitAttr:
    type = argument.type
    if type == i64:
        symbols = [
            use.operation.symbol.data
            for use in argument.uses
            if isinstance(use.operation, SymbolOp)
        ]
        return ExprAttr(Expr.of(symbols[0])) if symbols else UnitAttr()
    if not isinstance(type, TensorType) or type.has_static_shape():
        return UnitAttr()
    return ExprsAttr(dims_of(cast(TensorType[Attribute], type)))


def without_sizes(
    structure: str, count: int
) -> tuple[str, DictionaryAttr | None, SizesAttr | None]:
    """A structure without the entry, and the ranges and sizes of that; None where it has none."""
    found = parse_input_sizes(structure, count)
    if found is None:
        return structure, None, None
    version, root = json.loads(structure)
    del root[ENTRY]
    text = "" if root == _NO_STRUCTURE else json.dumps([version, root])
    return text, _ranges(found), ArrayAttr([_attribute(sizes) for sizes in found.inputs])


def _input(entry: Attribute) -> Any:
    match entry:
        case ExprsAttr():
            return [_entry(dim) for dim in entry.data]
        case ExprAttr():
            return {"number": _entry(entry.data)}
        case _:
            return None


def _entry(expr: Expr) -> Any:
    """A size: a number, a symbol, `[symbol, a, b]` or `[operator, left, right]`."""
    if (constant := expr.constant) is not None:
        return constant
    if (linear := expr.linear()) is not None and linear[1] > 0:
        return linear[0] if linear[1:] == (1, 0) else list(linear)
    terms = [
        reduce(
            lambda left, right: ["*", left, right],
            [_atom(atom) for atom in atoms] + ([coefficient] if coefficient != 1 else []),
        )
        if atoms
        else coefficient
        for atoms, coefficient in expr.terms
    ]
    return reduce(lambda left, right: ["+", left, right], terms)


def _atom(atom: str | Call) -> Any:
    if isinstance(atom, str):
        return atom
    return [_OPERATORS[atom.function], *map(_entry, atom.arguments)]


def _ranges(found: InputSizes) -> DictionaryAttr:
    return DictionaryAttr(
        {
            name: ArrayAttr([IntegerAttr(b, i64) for b in bounds if b is not None])
            for name, bounds in found.ranges.items()
        }
    )


def _attribute(sizes: Size | tuple[Size, ...] | None) -> ExprsAttr | ExprAttr | UnitAttr:
    if sizes is None:
        return UnitAttr()
    if isinstance(sizes, tuple):
        return ExprsAttr(tuple(map(_expr, sizes)))
    return ExprAttr(_expr(sizes))


def _expr(size: Size) -> Expr:
    match size:
        case Linear(symbol, factor, offset):
            return Expr.of(symbol) * factor + offset
        case Operation(operator, left, right):
            a, b = _expr(left), _expr(right)
            match operator:
                case "+":
                    return a + b
                case "*":
                    return a * b
                case "//":
                    return floordiv(a, b)
                case "%":
                    return mod(a, b)
                case "min":
                    return minimum(a, b)
                case _:
                    return maximum(a, b)
        case _:
            return Expr.of(size)
