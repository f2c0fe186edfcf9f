"""Kernel programs for tests of what surrounds kernels: entries, threads, payloads."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.parser import Parser

from edgeir.dialects import kernel
from edgeir.dialects.context import edge_context
from edgeir.lowering.backends import Payload
from edgeir.runtime.backends.llvm import load
from edgeir.runtime.backends.llvm.delegate import Region
from edgeir.runtime.delegates import DelegateOptions, aligned

PTR = "!kernel.ptr<f32>"
ONES = "input_strides = [array<i64: 1>], output_strides = [array<i64: 1>], reductions = []"


def parse_program(text: str) -> kernel.ProgramOp:
    """The kernel program in a text."""
    context = edge_context()
    module = Parser(context, text).parse_module()
    module.verify()
    return next(op for op in module.walk() if isinstance(op, kernel.ProgramOp))


def reversals(width: int, tasks: int, launches: int) -> kernel.ProgramOp:
    """A program whose every launch depends on all tasks of the one before: each task adds 1 to
    `width` numbers of another task and keeps them in scratch memory on the way."""
    size = width * tasks
    calls = "\n".join(
        f"kernel.launch @add(%a{n % 2}, %a{1 - n % 2}, %s) {{tasks = {tasks} : i64}}"
        f" : {PTR}, {PTR}, {PTR}"
        for n in range(launches)
    )
    return parse_program(f"""
    func.func @forward(%x: tensor<{size}xf32>) -> tensor<{size}xf32> {{
      %y = kernel.program(%x) {{arena = {8 * size + 64} : i64, scratch = {4 * width + 64} : i64}}
          : (tensor<{size}xf32>) -> tensor<{size}xf32> {{
        kernel.func @copy(%in : {PTR}, %out : {PTR}, %task : index) {{
          kernel.map ins(%in : {PTR}) outs(%out : {PTR}) {{shape = array<i64: {size}>, {ONES}}}
              body {{
          ^bb0(%a : f32):
            kernel.yield %a : f32
          }}
        }}
        kernel.func @add(%in : {PTR}, %out : {PTR}, %mine : {PTR}, %task : index) {{
          %r = kernel.advance %in [%task * -{width}] + {size - width} : {PTR}
          %w = kernel.advance %out [%task * {width}] : {PTR}
          kernel.map ins(%r : {PTR}) outs(%mine : {PTR}) {{shape = array<i64: {width}>, {ONES}}}
              body {{
          ^bb0(%a : f32):
            %one = arith.constant 1.0 : f32
            %b = arith.addf %a, %one : f32
            kernel.yield %b : f32
          }}
          kernel.map ins(%mine : {PTR}) outs(%w : {PTR}) {{shape = array<i64: {width}>, {ONES}}}
              body {{
          ^bb0(%a : f32):
            kernel.yield %a : f32
          }}
        }}
        %x0 = kernel.argument {{index = 0 : i64}} : {PTR}
        %y0 = kernel.argument {{index = 1 : i64}} : {PTR}
        %a0 = kernel.arena {{offset = 0 : i64}} : {PTR}
        %a1 = kernel.arena {{offset = {4 * size} : i64}} : {PTR}
        %s = kernel.scratch : {PTR}
        kernel.launch @copy(%x0, %a0) {{tasks = 1 : i64}} : {PTR}, {PTR}
        {calls}
        kernel.launch @copy(%a{launches % 2}, %y0) {{tasks = 1 : i64}} : {PTR}, {PTR}
      }}
      func.return %y : tensor<{size}xf32>
    }}
    """)


def reversed_rows(x: np.ndarray[Any, Any], tasks: int, launches: int) -> np.ndarray[Any, Any]:
    """What `reversals` gives."""
    rows = x.reshape(tasks, -1)
    return (rows[::-1] if launches % 2 else rows).reshape(-1) + np.float32(launches)


def load_payload(payload: Payload, threads: int = 1) -> Region:
    """The delegate of a payload."""
    data = {key: np.ascontiguousarray(value) for key, value in payload.data.items()}
    options = DelegateOptions(
        {}, threads, lambda key: aligned(data[key].reshape(-1).view(np.uint8).data)
    )
    return load(aligned(payload.code), options)
