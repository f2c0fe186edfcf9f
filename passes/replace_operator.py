"""Another operator in the place of one."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from ..dialects import memory


@dataclass(frozen=True)
class ReplaceOperatorPass(ModulePass):
    """Let calls of one operator call another one that takes the same arguments.

    `replace-operator{old="aten::gelu.out" new="my_ops::gelu.out"}`, before and after:
    ```mlir
    memory.call @"aten::gelu.out"(%x, %tanh) outs(%y)
    memory.call @"my_ops::gelu.out"(%x, %tanh) outs(%y)
    ```
    """

    name = "replace-operator"

    old: str
    new: str

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Replace in every method; PassFailedException where nothing calls the operator."""
        calls = [c for c in op.walk() if isinstance(c, memory.CallOp)]
        found = [call for call in calls if call.operator.data == self.old]
        if not found:
            known = ", ".join(sorted({call.operator.data for call in calls})) or "none"
            raise PassFailedException(
                f"{self.name}: no memory.call of {self.old!r}; the module calls {known}"
            )
        for call in found:
            call.operator = StringAttr(self.new)
