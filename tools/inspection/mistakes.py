"""All that is wrong with a program, each mistake with its instruction and source line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...runtime.dataflow import instruction_name
from ...runtime.errors import printable
from ...runtime.program.program_file import ProgramFile
from ...runtime.program.schema import DelegateCall, ExecutionPlan, KernelCall
from ...runtime.program.verifier import Violation, find_violations
from .places import Place, Step, steps_of

MOST = 1000
"""No more mistakes than this are looked for."""

_INSTRUCTION = re.compile(r"(?:chain (?P<chain>\d+), )?instruction (?P<index>\d+)")


@dataclass(frozen=True)
class Mistake:
    """A rule that a program breaks: in which method, where in it, and what is wrong.

    `method` and `operator` are empty, `instruction` is None and `line` 0 where they do not apply.
    """

    method: str
    where: str
    instruction: int | None
    operator: str
    module: str
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        method = f"method {self.method!r}, " if self.method else ""
        operator = f" ({self.operator})" if self.operator else ""
        place = str(Place(self.module, self.file, self.line))
        where = f"{method}{self.where}{operator}{f', {place}' if place else ''}"
        return printable(f"{where}: {self.message}")


def find_mistakes(file: ProgramFile) -> list[Mistake]:
    """What the verifier finds in a program that was read without it, at most `MOST`."""
    plans: dict[str | None, ExecutionPlan] = {}
    for plan in file.program.execution_plan:
        plans.setdefault(plan.name, plan)
    return list(_located(find_violations(file, limit=MOST), plans))


def _located(
    violations: list[Violation], plans: dict[str | None, ExecutionPlan]
) -> Iterator[Mistake]:
    steps = {
        name: {(step.chain, step.index): step for step in steps_of(plan)}
        for name, plan in plans.items()
    }
    for violation in violations:
        step = None
        found = _INSTRUCTION.fullmatch(violation.where)
        if found is not None:
            place = int(found["chain"] or 0), int(found["index"])
            step = steps.get(violation.method, {}).get(place)
        yield Mistake(
            method=violation.method or "",
            where=violation.where,
            instruction=step.index if step is not None else None,
            operator=_operator(plans[violation.method], step) if step is not None else "",
            module=step.place.module if step is not None else "",
            file=step.place.file if step is not None else "",
            line=step.place.line if step is not None else 0,
            message=violation.message,
        )


def _operator(plan: ExecutionPlan, step: Step) -> str:
    """The name of what an instruction calls; nothing where its index points nowhere."""
    match step.instruction:
        case KernelCall(op_index=index):
            known = 0 <= index < len(plan.operators)
        case DelegateCall(delegate_index=index):
            known = 0 <= index < len(plan.delegates)
        case _:
            known = True
    return instruction_name(plan, step.instruction) if known else ""
