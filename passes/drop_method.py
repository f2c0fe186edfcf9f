"""A program without one of its methods."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import PassFailedException

from .methods import find_method, methods_of


@dataclass(frozen=True)
class DropMethodPass(ModulePass):
    """Erase a method, or a function of an earlier stage; data that only it used goes with it.

    `drop-method{method=train}`, before:
    ```mlir
    memory.method @forward { … }
    memory.method @train { … }
    ```
    After:
    ```mlir
    memory.method @forward { … }
    ```
    """

    name = "drop-method"

    method: str

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Erase; PassFailedException where there is no such method, or no other one."""
        method = find_method(op, self.method, self.name)
        if len(methods_of(op)) == 1:
            raise PassFailedException(f"{self.name}: {self.method!r} is the only method")
        Rewriter.erase_op(method)
