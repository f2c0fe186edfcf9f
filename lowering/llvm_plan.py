"""Plans the regions of the LLVM backend."""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from ..dialects.delegate import RegionOp
from .llvm.plan import is_planned, plan_region


class LlvmPlanPass(ModulePass):
    """Group the operations of every region of the LLVM backend into steps with places in memory.

    Elementwise operations join the step that computes their operand. Every step's result gets a dim
    order (channels last for convolutions), strides and a place: in the arena, in an output's
    memory, or within a concatenation. `kernel.copy` stands where a tensor must lie otherwise. Views
    stay: they are other strides of the same memory. The region gets the arena's size.

    Before:
    ```mlir
    %0 = delegate.region "llvm"(%x) : (tensor<1x8x4x4xf32>) -> tensor<1x4x4x4xf32> {
    ^bb0(%a: tensor<1x8x4x4xf32>):
      %1 = edge.convolution(%a, %w, %b, …) : … -> tensor<1x4x4x4xf32>
      %2 = edge.relu(%1) : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
      delegate.yield %2 : tensor<1x4x4x4xf32>
    }
    ```
    After:
    ```mlir
    %0 = delegate.region "llvm"(%x) {kernel.arena = 768 : i64} : … {
    ^bb0(%a: tensor<1x8x4x4xf32>):
      %1 = kernel.copy %a at #kernel.place<arena 0 + 0 strides [128, 1, 32, 8]> : …
      %2 = kernel.step at [#kernel.place<arena 512 + 0 strides [64, 1, 16, 4]>] : … {
        %3 = edge.convolution(%1, %w, %b, …) : …
        %4 = edge.relu(%3) : …
        kernel.yield %4 : …
      }
      %5 = kernel.copy %2 at #kernel.place<argument 1 + 0 strides [64, 16, 4, 1]> : …
      delegate.yield %5 : …
    }
    ```
    """

    name = "llvm-plan"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Plan the regions that are not planned yet."""
        for region in op.walk():
            if isinstance(region, RegionOp) and region.backend.data == "llvm":
                if not is_planned(region):
                    plan_region(region)
