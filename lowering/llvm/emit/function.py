"""LLVM IR text of functions and of modules of them."""

from __future__ import annotations

from collections.abc import Iterable

from ....dialects import kernel
from ..target import Target
from .emitter import Emitter
from .value import Value


def emit_function(func: kernel.FuncOp, target: Target, declarations: set[str]) -> str:
    """The definition of one kernel: `void @name(ptr noalias, …, i64 task)`.

    What the module must declare besides (intrinsics) is added to `declarations`.
    """
    emitter = Emitter(target)
    parameters: list[str] = []
    for number, argument in enumerate(func.body.block.args):
        value = Value(f"%a{number}", emitter.element(argument))
        parameters.append(f"{'ptr noalias' if value.element == 'ptr' else 'i64'} {value.text}")
        emitter.bind(argument, value)
    emitter.block(func.body.block)
    emitter.emit("ret void")
    declarations |= emitter.declarations
    body = "\n".join(["entry:", *emitter.allocations, *emitter.lines])
    head = f"define void @{func.sym_name.data}({', '.join(parameters)}) {target.attributes}"
    return f"{head} {{\n{body}\n}}\n"


def emit_module(funcs: Iterable[kernel.FuncOp], target: Target) -> str:
    """A module of kernels, ready to parse."""
    declarations: set[str] = set()
    functions = [emit_function(func, target, declarations) for func in funcs]
    triple = f'target triple = "{target.triple}"\n'
    return "\n".join([triple, *functions, *sorted(declarations)]) + "\n"
