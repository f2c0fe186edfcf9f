"""The pattern driver of our passes: as xDSL's, and new operations keep the location of the old."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeGuard

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriterListener,
    PatternRewriteWalker,
    RewritePattern,
)
from xdsl.transforms.dead_code_elimination import region_dce

from ..dialects.location import is_known
from ..dialects.schema_op import SchemaOp


class LocationListener(PatternRewriterListener):
    """Gives the operations that replace another one its location."""

    def __init__(self) -> None:
        self._inserted: list[Operation] = []
        super().__init__(
            operation_insertion_handler=[self._note_insertion],
            operation_replacement_handler=[self._pass_location_on],
        )

    def _note_insertion(self, op: Operation) -> None:
        if not is_known(op.location):
            self._inserted.append(op)

    def _pass_location_on(self, op: Operation, _: Sequence[SSAValue | None]) -> None:
        for inserted in self._inserted:
            if not is_known(inserted.location):
                inserted.location = op.location
        self._inserted.clear()


class OperatorPattern(RewritePattern, ABC):
    """A pattern on operators of the edge dialect: those that `KEYS` names."""

    KEYS: ClassVar[tuple[str, ...]]

    @abstractmethod
    def rewrite_operator(self, op: SchemaOp, rewriter: PatternRewriter) -> None:
        """Rewrite an operator of `KEYS`, or return."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        """Match an operator of `KEYS`."""
        if is_edge_operator(op) and op.SCHEMA.key in self.KEYS:
            self.rewrite_operator(op, rewriter)


class Dispatch(RewritePattern):
    """Applies to an operator the patterns that name it only, until one fires."""

    def __init__(self, patterns: Iterable[OperatorPattern]) -> None:
        self._patterns: dict[str, list[OperatorPattern]] = {}
        for pattern in patterns:
            for key in pattern.KEYS:
                self._patterns.setdefault(key, []).append(pattern)

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        """Apply the patterns of the operator, if there are any."""
        if not is_edge_operator(op):
            return
        for pattern in self._patterns.get(op.SCHEMA.key, ()):
            pattern.rewrite_operator(op, rewriter)
            if rewriter.has_done_action:
                return


def is_edge_operator(op: Operation) -> TypeGuard[SchemaOp]:
    """Whether an operation is an operator of the edge dialect."""
    return isinstance(op, SchemaOp) and op.dialect_name() == "edge"


def rewrite(module: ModuleOp, pattern: RewritePattern, *, recursive: bool = True) -> bool:
    """Apply a pattern to the whole module, dead code removed in between; whether it changed."""
    walker = PatternRewriteWalker(
        pattern,
        apply_recursively=recursive,
        post_walk_func=region_dce,
        listener=LocationListener(),
    )
    return walker.rewrite_module(module)


def folding(ctx: Context, *patterns: RewritePattern) -> RewritePattern:
    """The patterns, each operation tried with its folder first."""
    return GreedyRewritePatternApplier(list(patterns), ctx=ctx, folding_enabled=True)
