"""Another name for a method."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from .methods import find_method, methods_of


@dataclass(frozen=True)
class RenameMethodPass(ModulePass):
    """Give a method, or a function of an earlier stage, another name.

    `rename-method{old=forward new=encode}`, before and after:
    ```mlir
    memory.method @forward { … }
    memory.method @encode { … }
    ```
    """

    name = "rename-method"

    old: str
    new: str

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rename; PassFailedException where there is no such method, or one of the new name."""
        method = find_method(op, self.old, self.name)
        if self.new != self.old and self.new in methods_of(op):
            raise PassFailedException(f"{self.name}: there is a method {self.new!r} already")
        method.properties["sym_name"] = StringAttr(self.new)
