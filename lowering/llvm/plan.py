"""From a region of edge operations to steps with places in memory, in place."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr, i64

from ...dialects import kernel
from ...dialects.delegate import RegionOp, YieldOp
from ...dialects.diagnostic import Diagnostic, DiagnosticsError
from .batch_norm import write_out_batch_norms
from .grouping import group_steps
from .placement import place_tensors
from .sink_views import sink_views
from .support import supports

ARENA = "kernel.arena"
"""The attribute of a planned region: the bytes of its arena."""


def plan_region(region: RegionOp) -> None:
    """Group the operations of a region into steps, and give every tensor a place.

    DiagnosticsError has every operation for which there are no kernels.
    """
    block = region.body.block
    problems = [
        Diagnostic.at(op, f"the LLVM backend cannot take it: {verdict.reason}")
        for op in block.ops
        if not isinstance(op, YieldOp) and not (verdict := supports(op)).supported
    ]
    if problems:
        raise DiagnosticsError(problems)
    write_out_batch_norms(block)
    sink_views(block)
    group_steps(block)
    region.attributes[ARENA] = IntegerAttr(place_tensors(region), i64)


def is_planned(region: RegionOp) -> bool:
    """Whether a region is planned, or has kernels already."""
    ops = region.body.block.ops
    return ARENA in region.attributes or any(isinstance(op, kernel.ProgramOp) for op in ops)
