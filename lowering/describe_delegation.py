"""Makes the table of what is delegated in a module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from ..dialects.delegate import REASON, RegionOp
from ..dialects.function import functions, symbol_ranges
from ..dialects.location import place_of
from ..passes.costs import Ranges, macs, nbytes
from .delegation_table import DelegationTable, LeftRow, RegionRow
from .partition import costs_nothing, is_candidate


def describe_delegation(module: ModuleOp) -> DelegationTable:
    """The table of a partitioned module; regions are numbered by method from 0."""
    regions: list[RegionRow] = []
    left: list[LeftRow] = []
    for function in functions(module):
        ranges = symbol_ranges(function)
        number = 0
        for op in _outside(function):
            if isinstance(op, RegionOp):
                regions.append(_region_row(function, number, op, ranges))
                number += 1
            elif is_candidate(op):
                left.append(_left_row(function, op, ranges))
    return DelegationTable(tuple(regions), tuple(left))


def _outside(op: Operation) -> Iterator[Operation]:
    """The operations inside another one, but not those inside of regions."""
    for region in op.regions:
        for inner in region.ops if len(region.blocks) == 1 else ():
            yield inner
            if not isinstance(inner, RegionOp):
                yield from _outside(inner)


def _region_row(function: FuncOp, number: int, region: RegionOp, ranges: Ranges) -> RegionRow:
    operations = [op for op in region.body.walk() if is_candidate(op)]
    return RegionRow(
        method=function.sym_name.data,
        number=number,
        backend=region.backend.data,
        operators=dict(sorted(Counter(_operator(op) for op in operations).items())),
        macs=sum(macs(op, ranges) for op in operations),
        bytes_in=nbytes(region.inputs, ranges),
        bytes_out=nbytes(region.outputs, ranges),
    )


def _left_row(function: FuncOp, op: Operation, ranges: Ranges) -> LeftRow:
    place = place_of(op.location)
    reason = op.attributes.get(REASON)
    return LeftRow(
        method=function.sym_name.data,
        operator=_operator(op),
        module=place.module,
        place=place.file_line,
        reason=reason.data if isinstance(reason, StringAttr) else "no backend was asked",
        macs=macs(op, ranges),
        bytes=0 if costs_nothing(op) else nbytes([*op.operands, *op.results], ranges),
    )


def _operator(op: Operation) -> str:
    return op.name.removeprefix("edge.")
