"""Branches and loops of the aten dialect."""

from typing import ClassVar

from xdsl.irdl import irdl_op_definition

from .. import control_flow


@irdl_op_definition
class YieldOp(control_flow.YieldOp):
    """Ends a region and gives its values."""

    name = "aten.yield"


@irdl_op_definition
class CondOp(control_flow.CondOp):
    """`torch.cond`."""

    name = "aten.cond"
    YIELD: ClassVar = YieldOp


@irdl_op_definition
class WhileLoopOp(control_flow.WhileLoopOp):
    """`torch.while_loop`."""

    name = "aten.while_loop"
    YIELD: ClassVar = YieldOp


@irdl_op_definition
class MapOp(control_flow.MapOp):
    """`map` of torch's higher-order operators."""

    name = "aten.map"
    YIELD: ClassVar = YieldOp


@irdl_op_definition
class ScanOp(control_flow.ScanOp):
    """`scan` of torch's higher-order operators."""

    name = "aten.scan"
    YIELD: ClassVar = YieldOp


OPERATIONS = (CondOp, MapOp, ScanOp, WhileLoopOp, YieldOp)
