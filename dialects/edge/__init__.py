"""The edge dialect: core operators and kept composites, nothing implicit left.

Its operators are those of the aten table that `convert-aten-to-edge` does not rewrite into others;
`edge.AddTensorOp` and the other classes are made from the table when they are first used.
"""

from functools import cache
from typing import Any

from xdsl.ir import Dialect, Operation
from xdsl.irdl import irdl_op_definition

from .. import aten, custom_operator
from ..constant import ConstantAttr
from ..layout import ExprAttr, ExprsAttr, LayoutAttr
from ..operator_set import OperatorSet
from . import control_flow
from .canonicalization import EdgeCanonicalization
from .folders import NoOpFolder
from .ops import ConstantOp, LiteralOp, ScalarOp, StateOp, SymbolOp, ToLayoutOp, WeightOp
from .predicates import CompareOp, LogicOp

OPERATORS = OperatorSet(
    "edge", __name__, aten.TABLE.values(), (NoOpFolder(), EdgeCanonicalization())
)


@irdl_op_definition
class CustomOp(custom_operator.CustomOp):
    """An operator that is not in the table, by its schema."""

    name = "edge.custom"


@cache
def _dialect() -> Dialect:
    operations: list[type[Operation]] = [
        *OPERATORS,
        *control_flow.OPERATIONS,
        CompareOp,
        ConstantOp,
        CustomOp,
        LiteralOp,
        LogicOp,
        ScalarOp,
        StateOp,
        SymbolOp,
        ToLayoutOp,
        WeightOp,
    ]
    return Dialect("edge", operations, [ConstantAttr, ExprAttr, ExprsAttr, LayoutAttr])


def __getattr__(name: str) -> Any:
    return _dialect() if name == "Edge" else OPERATORS.class_named(name)
