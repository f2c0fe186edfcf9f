"""The aten dialect: what the user wrote, one op per line of schemas.txt.

`aten.AddTensorOp` and the other classes are made from the table when they are first used.
"""

from functools import cache
from pathlib import Path
from typing import Any

from xdsl.ir import Dialect
from xdsl.irdl import irdl_op_definition

from .. import custom_operator
from ..operator_set import OperatorSet
from ..schema import read_table
from . import control_flow
from .numbers import NumberOp

TABLE = read_table(Path(__file__).with_name("schemas.txt"))
OPERATORS = OperatorSet("aten", __name__, TABLE.values())


@irdl_op_definition
class CustomOp(custom_operator.CustomOp):
    """An operator that is not in the table, by its schema."""

    name = "aten.custom"


@cache
def _dialect() -> Dialect:
    return Dialect("aten", [*OPERATORS, *control_flow.OPERATIONS, CustomOp, NumberOp], [])


def __getattr__(name: str) -> Any:
    return _dialect() if name == "Aten" else OPERATORS.class_named(name)
