"""Makes kernels of the planned regions of the LLVM backend."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from ..dialects.context import weights_of
from ..dialects.delegate import RegionOp
from .llvm.kernels import lower_region, program_of
from .llvm.plan import is_planned, plan_region
from .llvm.targets import TargetError, target_for


@dataclass(frozen=True)
class LlvmKernelsPass(ModulePass):
    """Turn every planned region of the LLVM backend into a `kernel.program` for a CPU.

    Each step becomes launches of kernels, which are shared where they are equal; weights are packed
    in the order in which a kernel reads them. `target-cpu` is an LLVM name, `host` by default.

    Before:
    ```mlir
    %2 = kernel.step at [#kernel.place<argument 1 + 0 strides [64, 1]>] : tensor<8x64xf32> {
      %3 = edge.linear(%a, %w, %b) : …
      kernel.yield %3 : tensor<8x64xf32>
    }
    ```
    After:
    ```mlir
    %1 = kernel.program(%a) {arena = 0 : i64, scratch = 0 : i64} : … {
      kernel.func @linear(…) {…}
      %2 = kernel.argument {index = 0 : i64} : !kernel.ptr<f32>
      %3 = kernel.weight "sha256:12ab" : !kernel.ptr<f32>
      …
      kernel.launch @linear(%2, %3, %4, %5) {tasks = 1 : i64} : …
    }
    ```
    """

    name = "llvm-kernels"

    target_cpu: str = "host"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Lower the regions that have no kernels yet; PassFailedException for an unknown CPU."""
        try:
            target = target_for(self.target_cpu)
        except TargetError as error:
            raise PassFailedException(f"llvm-kernels: {error}") from error
        for region in list(op.walk()):
            if not isinstance(region, RegionOp) or region.backend.data != "llvm":
                continue
            if program_of(region) is None:
                if not is_planned(region):
                    plan_region(region)
                lower_region(region, target, weights_of(ctx))
