"""Canonicalization patterns of the edge dialect, by operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Operation
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.traits import HasCanonicalizationPatternsTrait

from ..schema_op import SchemaOp
from .folders import is_made_by


class MergeViews(RewritePattern):
    """`view(view(x))` → `view(x)`."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        """Match the outer view."""
        assert isinstance(op, SchemaOp)
        if not is_made_by(op.operands[0], "aten::view"):
            return
        inner = cast(SchemaOp, op.operands[0].owner)
        merged = type(op)(inner.operands[0], op.value_of("size"), result_types=op.result_types)
        rewriter.replace(op, merged)


class MergePermutes(RewritePattern):
    """`permute(permute(x, a), b)` → `permute(x, a[b])`."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        """Match the outer permute."""
        assert isinstance(op, SchemaOp)
        if not is_made_by(op.operands[0], "aten::permute"):
            return
        inner = cast(SchemaOp, op.operands[0].owner)
        first = cast(list[int], inner.value_of("dims"))
        dims = [first[dim] for dim in cast(list[int], op.value_of("dims"))]
        rewriter.replace(op, type(op)(inner.operands[0], dims, result_types=op.result_types))


class MergeSlices(RewritePattern):
    """`x[a:b][c:d]` → `x[a+c:a+d]` on the same dim."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        """Match the outer slice; all bounds are integers."""
        assert isinstance(op, SchemaOp)
        if not is_made_by(op.operands[0], "aten::slice.Tensor"):
            return
        inner = cast(SchemaOp, op.operands[0].owner)
        dim, *outer_bounds = (op.value_of(name) for name in _BOUNDS)
        inner_dim, *inner_bounds = (inner.value_of(name) for name in _BOUNDS)
        bounds = [*outer_bounds, *inner_bounds]
        if dim != inner_dim or not all(isinstance(bound, int) for bound in bounds):
            return
        start, end, step = cast(list[int], outer_bounds)
        origin, _, inner_step = cast(list[int], inner_bounds)
        if step != 1 or inner_step != 1:
            return
        merged = type(op)(
            inner.operands[0], dim, origin + start, origin + end, 1, result_types=op.result_types
        )
        rewriter.replace(op, merged)


class DropEmptyOperands(RewritePattern):
    """`cat(x, y[0:0], z)` → `cat(x, z)`, and `cat(x)` → `x`."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        """Match a concatenation whose other operands still have its element type."""
        assert isinstance(op, SchemaOp)
        result = cast("TensorType[Attribute]", op.results[0].type)
        types = [cast("TensorType[Attribute]", value.type) for value in op.operands]
        kept = [
            value
            for value, type in zip(op.operands, types, strict=True)
            if 0 not in type.get_shape() or 0 in result.get_shape()
        ]
        if len(kept) == 1 and kept[0].type == result:
            rewriter.replace(op, [], kept)
            return
        elements = [cast("TensorType[Attribute]", value.type).element_type for value in kept]
        if len(kept) < len(types) and result.element_type in elements:
            rewriter.replace(op, type(op)(kept, op.value_of("dim"), result_types=op.result_types))


_BOUNDS = ("dim", "start", "end", "step")

PATTERNS: Mapping[str, tuple[RewritePattern, ...]] = {
    "aten::cat": (DropEmptyOperands(),),
    "aten::permute": (MergePermutes(),),
    "aten::slice.Tensor": (MergeSlices(),),
    "aten::view": (MergeViews(),),
}


class EdgeCanonicalization(HasCanonicalizationPatternsTrait):
    """Gives an edge operator the patterns of the table."""

    def verify(self, op: Operation) -> None:
        """Nothing to verify."""

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        """No patterns without an operation type; `get_patterns` has them."""
        return ()

    def get_patterns(self, op: type[Operation]) -> tuple[RewritePattern, ...]:
        """The patterns of an operator."""
        return PATTERNS.get(op.SCHEMA.key, ()) if issubclass(op, SchemaOp) else ()
