"""A file as users give it to --load: passes, a dialect, a kernel and a planner."""

from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Dialect
from xdsl.irdl import IRDLOperation, irdl_op_definition
from xdsl.passes import ModulePass

from edgeir.dialects import aten
from edgeir.dialects.context import weights_of
from edgeir.dialects.edge.ops import WeightOp
from edgeir.passes.planners.registry import planner
from edgeir.runtime import kernel


@irdl_op_definition
class NothingOp(IRDLOperation):
    """Does nothing."""

    name = "mine.nothing"
    assembly_format = "attr-dict"


Mine = Dialect("mine", [NothingOp])


@dataclass(frozen=True)
class WrongPass(ModulePass):
    """Make every relu a sigmoid, which is wrong."""

    name = "test-wrong"

    def apply(self, ctx, op):
        for old in [o for o in op.walk() if isinstance(o, aten.ReluOp)]:
            new = aten.SigmoidOp(old.operands[0], result_types=[old.results[0].type])
            old.parent.insert_op_before(new, old)
            old.results[0].replace_all_uses_with(new.results[0])
            old.parent.erase_op(old)


@dataclass(frozen=True)
class DoublePass(ModulePass):
    """Double every weight."""

    name = "test-double"

    def apply(self, ctx, op):
        store = weights_of(ctx)
        for weight in [o for o in op.walk() if isinstance(o, WeightOp)]:
            weight.key = StringAttr(store.put(store[weight.key.data] * np.float32(2)))


@dataclass(frozen=True)
class BreakPass(ModulePass):
    """Leave an operation behind that does not verify."""

    name = "test-break"

    def apply(self, ctx, op):
        for old in [o for o in op.walk() if isinstance(o, aten.ReluOp)]:
            old.properties["surplus"] = StringAttr("")


@planner("test-planner")
def plan(storages):
    """One after the other, without reuse."""
    offsets, end = [], 0
    for storage in storages:
        offsets.append(end)
        end += storage.padded
    return offsets


@kernel("test::nothing.out")
def nothing(self, out):
    """Copy."""
    np.copyto(out, self)
