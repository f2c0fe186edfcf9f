"""What is wrong with a module that made a pass fail."""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from ..dialects.diagnostic import DiagnosticsError


def input_fault(ctx: Context, module: ModuleOp) -> DiagnosticsError | None:
    """How a module breaks the invariant of its stage; None where it does not.

    Passes count on that, and are not made to fail well without it.
    """
    from ..passes.verify_aten import VerifyAtenPass
    from ..passes.verify_edge import VerifyEdgePass

    dialects = {op.dialect_name() for op in module.walk()}
    stage = VerifyAtenPass() if "aten" in dialects else VerifyEdgePass()
    try:
        stage.apply(ctx, module)
    except DiagnosticsError as fault:
        return fault
    return None
