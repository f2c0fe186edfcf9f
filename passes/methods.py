"""The methods of a module at any stage, by name."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.utils.exceptions import PassFailedException

from ..dialects import memory


def methods_of(module: ModuleOp) -> dict[str, FuncOp | memory.MethodOp]:
    """The functions and methods of a module."""
    return {op.sym_name.data: op for op in module.ops if isinstance(op, FuncOp | memory.MethodOp)}


def find_method(module: ModuleOp, name: str, task: str) -> FuncOp | memory.MethodOp:
    """The method of this name; PassFailedException, for the pass `task`, where there is none."""
    methods = methods_of(module)
    if name not in methods:
        known = ", ".join(methods) or "none"
        raise PassFailedException(f"{task}: there is no method {name!r}; there are: {known}")
    return methods[name]
