"""LLVM IR text of whole programs, as one module: what `edge-compile --emit` writes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ....dialects import kernel
from ..target import Target
from .entry import emit_entry
from .function import emit_module
from .team import emit_team

_NAME = re.compile(r"@([\w.$-]+)")
_DEFINITION = re.compile(r"^define [^@]*@([\w.$-]+)", re.MULTILINE)
_DECLARATION = re.compile(r"^declare [^@]*@([\w.$-]+)")


def emit_program(program: kernel.ProgramOp, target: Target) -> str:
    """The module of a program: `run`, for several threads `run_team` and `worker`, kernels."""
    return _joined([_parts(program, target)], target)


def emit_programs(programs: Sequence[kernel.ProgramOp], target: Target) -> str:
    """The module of several programs; the functions of the second are `run_1` and so on."""
    texts = [_parts(program, target) for program in programs]
    return _joined(
        [_numbered(text, number) if number else text for number, text in enumerate(texts)], target
    )


def _parts(program: kernel.ProgramOp, target: Target) -> str:
    entry = emit_entry(program, target)
    team = emit_team(target) if "@share" in entry else ""
    kernels = (op for op in program.body.block.ops if isinstance(op, kernel.FuncOp))
    return "\n".join([entry, team, emit_module(kernels, target)])


def _numbered(text: str, number: int) -> str:
    """The text with a number after the name of each function that it defines."""
    own = set(_DEFINITION.findall(text))
    return _NAME.sub(lambda m: f"{m[0]}_{number}" if m[1] in own else m[0], text)


def _joined(texts: Sequence[str], target: Target) -> str:
    """One module: declarations once, of what is not defined in it."""
    lines = [line for text in texts for line in text.splitlines()]
    defined = {name for text in texts for name in _DEFINITION.findall(text)}
    declared: dict[str, str] = {}
    body: list[str] = []
    for line in lines:
        if declaration := _DECLARATION.match(line):
            if declaration[1] not in defined:
                declared[declaration[1]] = line
        elif not line.startswith("target triple") and (line or (body and body[-1])):
            body.append(line)
    head = f'target triple = "{target.triple}"\n'
    return "\n".join([head, *body, *(declared[name] for name in sorted(declared))]) + "\n"
