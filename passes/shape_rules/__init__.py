"""The shapes that operators take and give, as a table of rules by schema key.

A rule computes the result shapes of an operator from its operands and arguments, following the
PyTorch operator of the same name, in the forms of the aten dialect (negative dims, sizes of -1)
and of the edge dialect. Operators without a rule are not checked.
"""

from .check import shape_problem
from .rule import RULES

__all__ = ["RULES", "shape_problem"]
