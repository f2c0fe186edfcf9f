"""How each operation of the kernel dialect is run: one function an operation class."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from xdsl.ir import Block, Operation, SSAValue

from ....dialects.diagnostic import Diagnostic, DiagnosticsError
from ....dialects.kernel import YieldOp

Values: TypeAlias = dict[SSAValue, Any]
"""What values hold: pointers (`memory.Pointer`), ints for indices, and for scalars of a body numpy
numbers, or arrays where the body is run for many points at once."""

Op = TypeVar("Op", bound=Operation)
Handler: TypeAlias = Callable[[Any, Values], Sequence[Any] | None]

_HANDLERS: dict[type[Operation], Handler] = {}


@cache
def handlers() -> dict[type[Operation], Handler]:
    """All functions: every file of this folder registers its own when it is imported."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f".{module.name}", __package__)
    return _HANDLERS


def evaluates(
    *classes: type[Op],
) -> Callable[
    [Callable[[Op, Values], Sequence[Any] | None]], Callable[[Op, Values], Sequence[Any] | None]
]:
    """Register a function that runs operations of these classes.

    It takes the operation and the values before it, and returns those of its results.
    """

    def register(
        function: Callable[[Op, Values], Sequence[Any] | None],
    ) -> Callable[[Op, Values], Sequence[Any] | None]:
        for operation in classes:
            assert operation not in _HANDLERS, operation
            _HANDLERS[operation] = cast(Handler, function)
        return function

    return register


def run_block(block: Block, arguments: Sequence[Any], values: Values) -> list[Any]:
    """Run a block, which may use values from outside; what its terminator yields.

    Raises DiagnosticsError for an operation that has no function here.
    """
    values.update(zip(block.args, arguments, strict=True))
    for op in block.ops:
        if isinstance(op, YieldOp):
            return [values[operand] for operand in op.operands]
        run_operation(op, values)
    return []


def run_operation(op: Operation, values: Values) -> None:
    """Run one operation and keep its results; DiagnosticsError if it has no function here."""
    handler = handlers().get(type(op))
    if handler is None:
        raise DiagnosticsError([Diagnostic.at(op, "cannot be run in a kernel")])
    results = handler(op, values)
    if results is not None:
        values.update(zip(op.results, results, strict=True))
