"""From a region of edge operations to steps with places in memory, in place."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr, i64

from ...dialects import kernel
from ...dialects.delegate import RegionOp
from .grouping import group_steps
from .placement import place_tensors
from .sink_views import sink_views

ARENA = "kernel.arena"
"""The attribute of a planned region: the bytes of its arena."""


def plan_region(region: RegionOp) -> None:
    """Group the operations of a region into steps, and give every tensor a place."""
    block = region.body.block
    sink_views(block)
    group_steps(block)
    region.attributes[ARENA] = IntegerAttr(place_tensors(region), i64)


def is_planned(region: RegionOp) -> bool:
    """Whether a region is planned, or has kernels already."""
    ops = region.body.block.ops
    return ARENA in region.attributes or any(isinstance(op, kernel.ProgramOp) for op in ops)
