"""Branches and loops of the edge dialect."""

from ..control_flow import operations_of

OPERATIONS = operations_of("edge", __name__)
CondOp, MapOp, ScanOp, WhileLoopOp, YieldOp = OPERATIONS
