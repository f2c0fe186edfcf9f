"""Where in the user's model an instruction comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...runtime.program.schema import Chain, ExecutionPlan, Instruction


@dataclass(frozen=True)
class Place:
    """A module path (`layers.0.norm`) and a source line; empty and 0 where they are not known."""

    module: str = ""
    file: str = ""
    line: int = 0

    @property
    def source(self) -> str:
        """`model.py:12`, or nothing."""
        return f"{self.file}:{self.line}" if self.file else ""

    def __str__(self) -> str:
        return (
            f"{self.module} ({self.source})"
            if self.module and self.file
            else (self.module or self.source)
        )


@dataclass(frozen=True)
class Step:
    """An instruction with its number in the method, its number in its chain, and its place."""

    number: int
    chain: int
    index: int
    chain_start: int
    instruction: Instruction
    place: Place


def steps_of(plan: ExecutionPlan) -> Iterator[Step]:
    """The instructions of a method; `number` counts from 0 through all chains."""
    start = 0
    for c, chain in enumerate(plan.chains):
        for i, instruction in enumerate(chain.instructions):
            yield Step(start + i, c, i, start, instruction, place_in(chain, i))
        start += len(chain.instructions)


def place_in(chain: Chain, index: int) -> Place:
    """The place of one instruction of a chain: the first module and the first line in its trace.

    An instruction that several operations became has a frame for each; the first one is what it
    computes, the others what was folded into it.
    """
    traces = chain.stacktrace or []
    frames = traces[index].items if index < len(traces) else []
    module = next((frame.name for frame in frames if frame.name), "")
    located = next((frame for frame in frames if frame.filename), None)
    if located is None:
        return Place(module)
    return Place(module, located.filename, located.lineno)
