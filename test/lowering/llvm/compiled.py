"""Compiles kernels into this process and calls them on arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from xdsl.ir import Attribute

from edgeir.dialects import kernel
from edgeir.lowering.llvm.emit import emit_module
from edgeir.lowering.llvm.kernel_builder import KernelBuilder
from edgeir.lowering.llvm.object_code import llvm, object_code
from edgeir.lowering.llvm.target import Target

Array = np.ndarray[Any, Any]


class Compiled:
    """One kernel; `build` writes its body.

    ```python
    double = Compiled([f32, f32], build, target)
    double(x, y)
    ```
    """

    def __init__(
        self, elements: Sequence[Attribute], build: Callable[[KernelBuilder], None], target: Target
    ) -> None:
        k = KernelBuilder("kernel", [kernel.PointerType(element) for element in elements])
        build(k)
        function = k.finish()
        function.verify()
        code = object_code(emit_module([function], target), target)
        machine = (
            llvm()
            .Target.from_triple(target.triple)
            .create_target_machine(cpu=target.cpu, features=target.features, reloc="pic")
        )
        self._engine = llvm().create_mcjit_compiler(llvm().parse_assembly(""), machine)
        self._engine.add_object_file(llvm().ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        address = self._engine.get_function_address("kernel")
        kinds = [*[ctypes.c_void_p] * len(elements), ctypes.c_int64]
        self._function = ctypes.CFUNCTYPE(None, *kinds)(address)

    def __call__(self, *arrays: Array, task: int = 0) -> None:
        """Run one task."""
        self._function(*(array.ctypes.data for array in arrays), task)
