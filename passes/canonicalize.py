"""Canonicalization: folders and patterns that stand with the operations."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.transforms.canonicalize import CanonicalizationRewritePattern

from .rewriting import folding, rewrite


class CanonicalizePass(ModulePass):
    """Fold no-ops, merge views, permutes and slices, and erase what is dead.

    Empty operands of concatenations are dropped. The same as xDSL's pass of this name, but new
    operations keep their locations.

    Before:
    ```mlir
    %0 = edge.view(%x, size = [2, 2]) : (tensor<4xf32>) -> tensor<2x2xf32>
    %1 = edge.view(%0, size = [1, 4]) : (tensor<2x2xf32>) -> tensor<1x4xf32>
    ```
    After:
    ```mlir
    %1 = edge.view(%x, size = [1, 4]) : (tensor<4xf32>) -> tensor<1x4xf32>
    ```
    """

    name = "canonicalize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Canonicalize the module."""
        rewrite(op, folding(ctx, CanonicalizationRewritePattern()))
