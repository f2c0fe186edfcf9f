"""Branches and loops of the aten dialect."""

from ..control_flow import operations_of

OPERATIONS = operations_of("aten", __name__)
CondOp, MapOp, ScanOp, WhileLoopOp, YieldOp = OPERATIONS
