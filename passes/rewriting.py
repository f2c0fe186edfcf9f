"""The pattern driver of our passes: as xDSL's, and new operations keep the location of the old."""

from __future__ import annotations

from collections.abc import Sequence

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


class Dispatch(RewritePattern):
    """Applies to an operation the patterns of its type only, until none fires."""

    def __init__(self, patterns: dict[type[Operation], RewritePattern]) -> None:
        self._patterns = patterns

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        """Apply the pattern of the operation's type, if there is one."""
        pattern = self._patterns.get(type(op))
        if pattern is not None:
            pattern.match_and_rewrite(op, rewriter)


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
