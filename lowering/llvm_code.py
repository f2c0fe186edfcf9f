"""Shows what becomes of kernels: LLVM IR, assembly."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import PassFailedException

from ..dialects import kernel
from ..dialects.kernel.code import FORMS
from .llvm.emit import emit_module
from .llvm.object_code import assembly
from .llvm.target import Target
from .llvm.targets import TargetError, target_for


@dataclass(frozen=True)
class LlvmCodePass(ModulePass):
    """Put the code of every kernel behind it, to be read; `form` is `asm` or `llvm-ir`.

    `target-cpu` is an LLVM name, `host` by default: that for which the kernels were made.

    Before:
    ```mlir
    kernel.func @relu(%x : !kernel.ptr<f32>, %y : !kernel.ptr<f32>, %task : index) {…}
    ```
    After:
    ```mlir
    kernel.func @relu(%x : !kernel.ptr<f32>, %y : !kernel.ptr<f32>, %task : index) {…}
    kernel.code @relu "asm" for "x86-64-v4" [
      "relu:",
      "        vmovups (%rdi), %zmm0",
      …
    ]
    ```
    """

    name = "llvm-code"

    form: str = "asm"
    target_cpu: str = "host"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Add the code; PassFailedException for an unknown CPU or form."""
        if self.form not in FORMS:
            raise PassFailedException(f"llvm-code: {self.form} is not one of {', '.join(FORMS)}")
        try:
            target = target_for(self.target_cpu)
        except TargetError as error:
            raise PassFailedException(f"llvm-code: {error}") from error
        for function in list(op.walk()):
            if isinstance(function, kernel.FuncOp):
                name = function.sym_name.data
                code = kernel.CodeOp(name, self.form, target.cpu, self._lines(function, target))
                Rewriter.insert_op(code, InsertPoint.after(function))

    def _lines(self, function: kernel.FuncOp, target: Target) -> list[str]:
        text = emit_module([function], target)
        if self.form == "asm":
            text = assembly(text, target)
        return [line.expandtabs().rstrip() for line in text.splitlines() if line.strip()]
