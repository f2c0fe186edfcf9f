"""Imports torch's higher-order operators as branches and loops with regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sympy  # pyright: ignore[reportMissingTypeStubs]
from torch.fx import GraphModule, Node
from xdsl.ir import Attribute, Operation, Region, SSAValue

from ...dialects.aten.control_flow import CondOp, MapOp, ScanOp, WhileLoopOp
from ...dialects.edge.ops import LiteralOp
from ...dialects.edge.predicates import CompareOp, LogicOp
from .types import SymbolNames, UnsupportedValue

HIGHER_ORDER = frozenset({"cond", "map_impl", "scan", "while_loop"})
"""The higher-order operators that can be imported."""

_COMPARISONS: dict[Any, str] = {
    sympy.Eq: "eq",
    sympy.Ne: "ne",
    sympy.StrictLessThan: "lt",
    sympy.LessThan: "le",
    sympy.StrictGreaterThan: "gt",
    sympy.GreaterThan: "ge",
}


@dataclass(frozen=True)
class ControlFlowImporter:
    """Makes the operation of a higher-order operator.

    `operand` gives the value of what a node takes, a tensor or a number. `region` imports a nested
    graph: it takes that, the types of the arguments that the region has, and the values of the
    placeholders behind these.
    """

    operand: Callable[[Any, Node], SSAValue]
    region: Callable[[GraphModule, int, Sequence[Any], Node], Region]

    def operation(self, node: Node, types: Sequence[Attribute]) -> Operation:
        """The operation of a node that gives results of these types."""
        match str(node.target), node.args:
            case "cond", (predicate, then, otherwise, operands):
                regions = [
                    self._region(node, graph, 0, (), operands) for graph in (then, otherwise)
                ]
                return CondOp(self.operand(predicate, node), types, *regions)
            case "while_loop", (condition, body, carried, closure):
                init = [self.operand(value, node) for value in _items(carried)]
                regions = [
                    self._region(node, graph, len(init), carried, closure)
                    for graph in (condition, body)
                ]
                return WhileLoopOp(init, types, *regions)
            case "map_impl", (body, xs, closure):
                slices = [self.operand(value, node) for value in _items(xs)]
                return MapOp(slices, types, self._region(node, body, len(slices), xs, closure))
            case "scan", (body, carried, xs, closure):
                init = [self.operand(value, node) for value in _items(carried)]
                slices = [self.operand(value, node) for value in _items(xs)]
                given = [*_items(carried), *_items(xs)]
                region = self._region(node, body, len(given), given, closure)
                return ScanOp(init, slices, types, region)
            case name, _:
                raise AssertionError(f"{name} is no higher-order operator that is imported")

    def _region(self, node: Node, graph: Any, count: int, arguments: Any, closure: Any) -> Region:
        values = [*_items(arguments), *_items(closure)]
        return self.region(nested_graph(cast(Node, graph)), count, values[count:], node)


def nested_graph(node: Node) -> GraphModule:
    """The graph that a `get_attr` node names."""
    found: Any = node.graph.owning_module
    for part in str(node.target).split("."):
        found = getattr(found, part)
    return found


def truth_value(condition: Any, symbols: SymbolNames, add: Callable[[Operation], None]) -> SSAValue:
    """The value of a symbolic condition, computed by operations that are handed to `add`.

    Raises UnsupportedValue for conditions on anything but symbols.
    """

    def insert(op: LiteralOp | CompareOp | LogicOp) -> SSAValue:
        add(op)
        return op.result

    def convert(node: Any) -> SSAValue:
        if node in (sympy.true, sympy.false):
            return insert(LiteralOp(bool(node)))
        if isinstance(node, sympy.Not):
            return insert(LogicOp("not", [convert(node.args[0])]))
        if isinstance(node, sympy.And | sympy.Or):
            operator = "and" if isinstance(node, sympy.And) else "or"
            first, *others = [convert(argument) for argument in node.args]
            for other in others:
                first = insert(LogicOp(operator, [first, other]))
            return first
        for kind, name in _COMPARISONS.items():
            if isinstance(node, kind):
                left, right = (
                    float(side) if isinstance(side, sympy.Float) else symbols.expr(side)
                    for side in node.args
                )
                return insert(CompareOp(name, left, right))
        raise UnsupportedValue(f"the condition {node}")

    return convert(condition.node.expr)


def _items(values: Any) -> list[Any]:
    return list(cast("Sequence[Any]", values))
