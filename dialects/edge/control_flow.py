"""Branches and loops of the edge dialect."""

from typing import ClassVar

from xdsl.irdl import irdl_op_definition

from .. import control_flow


@irdl_op_definition
class YieldOp(control_flow.YieldOp):
    """Ends a region and gives its values."""

    name = "edge.yield"


@irdl_op_definition
class CondOp(control_flow.CondOp):
    """`torch.cond`."""

    name = "edge.cond"
    YIELD: ClassVar = YieldOp


@irdl_op_definition
class WhileLoopOp(control_flow.WhileLoopOp):
    """`torch.while_loop`."""

    name = "edge.while_loop"
    YIELD: ClassVar = YieldOp


@irdl_op_definition
class MapOp(control_flow.MapOp):
    """`map` of torch's higher-order operators."""

    name = "edge.map"
    YIELD: ClassVar = YieldOp


@irdl_op_definition
class ScanOp(control_flow.ScanOp):
    """`scan` of torch's higher-order operators."""

    name = "edge.scan"
    YIELD: ClassVar = YieldOp


OPERATIONS = (CondOp, MapOp, ScanOp, WhileLoopOp, YieldOp)
