"""Makes of a program one that its target runtime can run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import PassFailedException

from ..dialects.context import warn, weights_of
from ..dialects.custom_operator import CustomSchemaOp
from ..dialects.delegate import CallOp, RegionOp
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from ..dialects.function import functions
from ..dialects.location import Place
from ..dialects.schema_op import SchemaOp
from ..passes.evaluate.operation import has_kernel
from ..passes.fold_constants import fold_constants
from .decompositions.conversions import converted, rounds_within
from .decompositions.registry import NoDecompositionError, find_decomposition
from .edge_builder import EdgeBuilder
from .targets.target import TARGETS, Target

DEFAULT_TARGET = "executorch-1.5"
"""The runtime that programs are made for as far as possible where none is named."""

_MAX_DEPTH = 16
"""Decompositions within each other; ours need five."""


@dataclass(frozen=True)
class LegalizePass(ModulePass):
    """Decompose what the target runtime cannot run into what it can.

    Every operator is checked against the runtime's table: a kernel must exist, and take these
    dtypes, ranks and layouts. What it cannot run is computed in a wider dtype or decomposed, until
    all is legal. What is left is refused if the runtime was named; else it is a warning, because
    edgeir's interpreter may run it still. What a decomposition does with weights alone, such as
    transposing them, is done at once. What a backend owns (`delegate.region`) is left alone.

    Where no runtime is named, half-precision operators whose sums PyTorch rounds one by one (3-d
    adaptive averages and transposed convolutions) stay whole, with a warning.

    A custom operator stays, because a device may have its kernel; a warning says so if edgeir
    knows no kernel of it, or if the runtime was named.

    Before:
    ```mlir
    %0 = edge.linear(%x, %w, %b) : (tensor<2x4xf32>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<2x3xf32>
    ```
    After:
    ```mlir
    %0 = edge.permute(%w, dims = [1, 0]) : (tensor<3x4xf32>) -> tensor<4x3xf32>
    %1 = edge.addmm(%b, %x, %0) : (tensor<3xf32>, tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
    ```
    """  # noqa: E501

    name = "legalize"

    target_runtime: str | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Legalize every function; DiagnosticsError lists all that the runtime cannot run."""
        name = self.target_runtime or DEFAULT_TARGET
        if name not in TARGETS:
            known = ", ".join(TARGETS)
            raise PassFailedException(f"legalize: unknown target runtime {name!r}; known: {known}")
        legalizer = _Legalizer(TARGETS[name], self.target_runtime is not None)
        for function in functions(op):
            for inner in list(function.walk()):
                if _is_operator(inner) and not isinstance(inner.parent_op(), RegionOp):
                    legalizer.legalize(inner)
        problems = [leftover.diagnostic(self.target_runtime) for leftover in legalizer.leftovers]
        if any(problem.severity == "error" for problem in problems):
            raise DiagnosticsError(problems)
        for problem in problems:
            warn(ctx, problem)
        for custom in legalizer.custom.values():
            if self.target_runtime == "executorch-1.5" or not has_kernel(custom):
                warn(ctx, _custom_warning(custom, self.target_runtime))
        if self.target_runtime == "executorch-1.5":
            for call in _calls_by_backend(op).values():
                warn(ctx, _delegate_warning(call))
        if legalizer.changed:
            # Decompositions transpose and split weights.
            for function in functions(op):
                fold_constants(function, weights_of(ctx))


def _calls_by_backend(module: ModuleOp) -> dict[str, CallOp]:
    """One call of each backend's payloads."""
    calls = (op for op in module.walk() if isinstance(op, CallOp))
    return {call.backend.data: call for call in calls}


def _delegate_warning(call: CallOp) -> Diagnostic:
    name = call.backend.data
    message = f"the program needs the backend {name!r}; ExecuTorch's runtime refuses it without"
    return Diagnostic("", Place(), message, "run it with edgeir, or have it there", "warning")


def _custom_warning(op: SchemaOp, named_target: str | None) -> Diagnostic:
    """What the user must do for a custom operator to run."""
    message, advice = f"needs a kernel {op.ENTRY.out} on the device", ""
    if named_target is not None:
        message += f", {named_target} has none of its own"
    if not has_kernel(op):
        advice = "to run it here, write one with @kernel and give it with --load FILE.py"
    return Diagnostic.at(op, message, advice, severity="warning")


@dataclass(frozen=True)
class _Leftover:
    """An operation that could not be legalized; `origin` is the one that the module had."""

    op: SchemaOp
    origin: SchemaOp
    reason: str

    def diagnostic(self, named_target: str | None) -> Diagnostic:
        """An error where the runtime was named or no runtime has a kernel, else a warning."""
        message = self.reason
        if self.op is not self.origin:
            message += f" (in the decomposition of {self.origin.name})"
        if named_target == "edgeir" or not has_kernel(self.op):
            return Diagnostic.at(self.op, message, "register a kernel with @kernel and --load")
        if named_target is None:
            message += "; it runs in edgeir's interpreter only"
            return Diagnostic.at(self.op, message, severity="warning")
        advice = "rewrite the model without it, or compile for target-runtime=edgeir"
        return Diagnostic.at(self.op, message, advice)


@dataclass
class _Legalizer:
    """Legalizes operations for one runtime; `leftovers` holds what it could not.

    `custom` holds one custom operation of each operator. Where the runtime is not `named`, what
    would round otherwise than PyTorch stays whole.
    """

    target: Target
    named: bool = True
    leftovers: list[_Leftover] = field(default_factory=list[_Leftover])
    custom: dict[str, SchemaOp] = field(default_factory=dict[str, SchemaOp])
    changed: bool = False

    def legalize(self, op: SchemaOp, origin: SchemaOp | None = None, depth: int = 0) -> None:
        """Replace an operation by legal ones, unless it is legal itself."""
        if isinstance(op, CustomSchemaOp):
            self.custom.setdefault(op.SCHEMA.key, op)
            return
        problem = self.target.problem(op)
        if problem is None:
            return
        origin = origin or op
        before = op.prev_op
        results = None
        if depth < _MAX_DEPTH:
            try:
                results = self._replacement(op)
            except NoDecompositionError as error:
                problem += f"; {error}"
        if results is None:
            self.leftovers.append(_Leftover(op, origin, problem))
            return
        inserted = list(_between(before, op))
        used = [new if old.uses else None for old, new in zip(op.results, results, strict=True)]
        for old, new in zip(op.results, used, strict=True):
            if new is not None and old.name_hint and not new.name_hint:
                new.name_hint = old.name_hint
        Rewriter.replace_op(op, [], used)
        self.changed = True
        for new_op in inserted:
            if _is_operator(new_op):
                self.legalize(new_op, origin, depth + 1)

    def _replacement(self, op: SchemaOp) -> Sequence[SSAValue] | None:
        """What replaces the results of an illegal operation; None where nothing can."""
        if not self.named and rounds_within(op):
            raise NoDecompositionError(
                "PyTorch rounds each of its sums; a decomposition needs the target runtime's name"
            )
        builder = EdgeBuilder(op)
        results = converted(op, builder, self.target.problem)
        if results is not None:
            return results
        decompose = find_decomposition(op.SCHEMA.key)
        return None if decompose is None else decompose(op, builder)


def _is_operator(op: Operation) -> TypeGuard[SchemaOp]:
    return isinstance(op, SchemaOp) and op.dialect_name() == "edge"


def _between(before: Operation | None, end: Operation) -> Iterator[Operation]:
    """The operations of a block after `before` (from its start if None) and before `end`."""
    block = end.parent
    assert block is not None
    op = block.first_op if before is None else before.next_op
    while op is not None and op is not end:
        yield op
        op = op.next_op
