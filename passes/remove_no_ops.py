"""Removes operators that give back their operand."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from .rewriting import folding, rewrite


class RemoveNoOpsPass(ModulePass):
    """Remove operators that give back their operand: casts to the same dtype, `x * 1`, full slices.

    Before:
    ```mlir
    %0 = edge.mul.Scalar(%x, other = 1) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = edge.relu(%0) : (tensor<4xf32>) -> tensor<4xf32>
    ```
    After:
    ```mlir
    %1 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
    ```
    """

    name = "remove-no-ops"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Apply the folders of all operations."""
        rewrite(op, folding(ctx))
