"""The interpreter of kernel programs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from xdsl.parser import Parser

from edgeir.dialects import kernel
from edgeir.dialects.context import edge_context
from edgeir.dialects.diagnostic import DiagnosticsError
from edgeir.passes.evaluate.kernels import run_program

PTR = "!kernel.ptr<f32>"


def run(
    function: str,
    inputs: list[Any],
    output: str,
    tasks: int = 1,
    weights: Mapping[str, Any] = MappingProxyType({}),
) -> np.ndarray[Any, Any]:
    """The output of a program of one kernel `@k`: weights, then inputs, then the output."""
    types = [f"tensor<{'x'.join(map(str, (*a.shape, 'f32')))}>" for a in inputs]
    count = len(inputs)
    names = ", ".join(f"%in{i}" for i in range(count))
    pointers = [f"%w{i}" for i in range(len(weights))] + [f"%p{i}" for i in range(count + 1)]
    text = f"""
    {f"{names} = " if names else ""}{f'"test.op"() : () -> ({", ".join(types)})' if names else ""}
    %y = kernel.program({names}) {{arena = 64 : i64, scratch = 64 : i64}}
        : ({", ".join(types)}) -> {output} {{
      {function}
      {"".join(f'%w{i} = kernel.weight "{key}" : {PTR} ' for i, key in enumerate(weights))}
      {"".join(f"%p{i} = kernel.argument {{index = {i} : i64}} : {PTR} " for i in range(count + 1))}
      kernel.launch @k({", ".join(pointers)}) {{tasks = {tasks} : i64}}
        : {", ".join([PTR] * len(pointers))}
    }}
    """
    context = edge_context()
    context.allow_unregistered = True
    module = Parser(context, text).parse_module()
    module.verify()
    program = next(op for op in module.ops if isinstance(op, kernel.ProgramOp))
    (result,) = run_program(program, inputs, weights)
    return result


def numbers(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


SOFTMAX = """
kernel.func @k(%in : !kernel.ptr<f32>, %out : !kernel.ptr<f32>, %task : index) {
  %x = kernel.advance %in [%task * 5] : !kernel.ptr<f32>
  %y = kernel.advance %out [%task * 5] : !kernel.ptr<f32>
  %m = kernel.map ins(%x : !kernel.ptr<f32>) {shape = array<i64: 5>,
      input_strides = [array<i64: 1>], output_strides = [], reductions = ["max"]} -> f32 body {
  ^bb0(%a : f32):
    kernel.yield %a : f32
  }
  %s = kernel.map ins(%x : !kernel.ptr<f32>) outs(%y : !kernel.ptr<f32>) {shape = array<i64: 5>,
      input_strides = [array<i64: 1>], output_strides = [array<i64: 1>],
      reductions = ["add"]} -> f32 body {
  ^bb0(%a : f32):
    %b = arith.subf %a, %m : f32
    %e = math.exp %b : f32
    kernel.yield %e, %e : f32, f32
  }
  kernel.map ins(%y : !kernel.ptr<f32>) outs(%y : !kernel.ptr<f32>) {shape = array<i64: 5>,
      input_strides = [array<i64: 1>], output_strides = [array<i64: 1>], reductions = []} body {
  ^bb0(%a : f32):
    %b = arith.divf %a, %s : f32
    kernel.yield %b : f32
  }
}
"""


def test_maps_with_reductions():
    x = numbers(3, 5)
    powers = np.exp(x - x.max(1, keepdims=True))
    result = run(SOFTMAX, [x], "tensor<3x5xf32>", tasks=3)
    np.testing.assert_allclose(result, powers / powers.sum(1, keepdims=True), rtol=1e-6)


def test_window():
    x = numbers(6, 8)
    result = run(
        """
        kernel.func @k(%in : !kernel.ptr<f32>, %out : !kernel.ptr<f32>, %task : index) {
          kernel.window ins(%in : !kernel.ptr<f32>) out(%out : !kernel.ptr<f32>) {
              shape = array<i64: 3, 4>, window = array<i64: 2, 2>,
              input_strides = [array<i64: 16, 2, 8, 1>], extra_strides = [],
              output_strides = array<i64: 4, 1>, combination = "max"} body {
          ^bb0(%a : f32):
            kernel.yield %a : f32
          } finish {
          ^bb1(%a : f32):
            %b = arith.negf %a : f32
            kernel.yield %b : f32
          }
        }
        """,
        [x],
        "tensor<3x4xf32>",
    )
    np.testing.assert_array_equal(result, -x.reshape(3, 2, 4, 2).max((1, 3)))


def test_tile_in_loops():
    """A 3-tap convolution along rows: chunks, a bias, an extra and an epilogue."""
    x, w, bias, extra = numbers(6, 4), numbers(3, 4, 5), numbers(5), numbers(4, 5)
    expected = sum(x[t : t + 4] @ w[t] for t in range(3)) + bias
    result = run(
        """
        kernel.func @k(%w : !kernel.ptr<f32>, %bias : !kernel.ptr<f32>, %x : !kernel.ptr<f32>,
            %extra : !kernel.ptr<f32>, %y : !kernel.ptr<f32>, %task : index) {
          %n = kernel.chunk %task {size = 1 : i64, total = 2 : i64}
          kernel.for %i in %n {
            %a = kernel.advance %x [%task * 8] : !kernel.ptr<f32>
            %c = kernel.advance %y [%task * 10] : !kernel.ptr<f32>
            %e = kernel.advance %extra [%task * 10] : !kernel.ptr<f32>
            kernel.tile %a, %w, %c bias(%bias : !kernel.ptr<f32>) extras(%e : !kernel.ptr<f32>) {
                a_rows = array<i64: 0, 4>, c_rows = array<i64: 0, 5>,
                extra_rows = [array<i64: 0, 5>], extra_steps = array<i64: 1>, columns = 5 : i64,
                chunks = [array<i64: 3, 4>], depth = 4 : i64, a_step = 1 : i64, b_step = 5 : i64,
                c_step = 1 : i64,
                accumulate = false, prefetch = 0 : i64}
                : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
            ^bb0(%acc : f32, %r : f32):
              %s = arith.addf %acc, %r : f32
              %zero = arith.constant 0.0 : f32
              %t = arith.maximumf %s, %zero : f32
              kernel.yield %t : f32
            }
          }
        }
        """,
        [x, extra],
        "tensor<4x5xf32>",
        tasks=3,
        weights={"w": w, "bias": bias},
    )
    np.testing.assert_allclose(result, np.maximum(expected + extra, 0), rtol=1e-5, atol=1e-6)


def test_delinearize_load_and_store():
    x = numbers(2, 3)
    result = run(
        """
        kernel.func @k(%in : !kernel.ptr<f32>, %out : !kernel.ptr<f32>, %task : index) {
          %i, %j = kernel.delinearize %task {sizes = array<i64: 2, 3>} : index, index
          %p = kernel.advance %in [%i * 3, %j * 1] : !kernel.ptr<f32>
          %v = kernel.load %p : !kernel.ptr<f32> -> f32
          %q = kernel.advance %out [%j * 2, %i * 1] : !kernel.ptr<f32>
          kernel.store %v, %q : f32, !kernel.ptr<f32>
        }
        """,
        [x],
        "tensor<3x2xf32>",
        tasks=6,
    )
    np.testing.assert_array_equal(result, x.T)


def test_access_outside_is_an_error():
    with pytest.raises(DiagnosticsError, match=r"kernel.map.*elements 15 to 19 of memory with 15"):
        run(SOFTMAX, [numbers(3, 5)], "tensor<3x5xf32>", tasks=4)


def test_unknown_operation_is_an_error():
    function = SOFTMAX.replace("%b = arith.divf %a, %s : f32", '%b = "no.op"(%a) : (f32) -> f32')
    with pytest.raises(DiagnosticsError, match="cannot be run in a kernel"):
        run(function, [numbers(3, 5)], "tensor<3x5xf32>")


def body(types: str, operations: str, result: str) -> str:
    """A kernel that applies scalar operations to four elements."""
    return f"""
    kernel.func @k(%in : {PTR}, %out : {PTR}, %task : index) {{
      kernel.map ins(%in : {PTR}) outs(%out : {PTR}) {{shape = array<i64: 4>,
          input_strides = [array<i64: 1>], output_strides = [array<i64: 1>],
          reductions = []}} body {{
      ^bb0({types}):
        {operations}
        kernel.yield {result} : f32
      }}
    }}
    """


@pytest.mark.parametrize(
    ("operations", "values", "expected"),
    [
        ("%r = math.exp %a : f32", [0, 1, -1, 2], np.exp([0, 1, -1, 2])),
        ("%r = math.erf %a : f32", [0, 1, -1, 9], [0, 0.8427008, -0.8427008, 1]),
        ("%r = math.roundeven %a : f32", [0.5, -0.5, 2.5, -1.4], [0, -0.0, 2, -1]),
        ("%r = arith.maximumf %a, %a : f32", [np.nan, 1, 2, 3], [np.nan, 1, 2, 3]),
        (
            "%z = arith.constant 0.0 : f32 %c = arith.cmpf olt, %a, %z : f32"
            " %r = arith.select %c, %z, %a : f32",
            [np.nan, -1, 0, 1],
            [np.nan, 0, 0, 1],
        ),
        (
            "%c = arith.cmpf uno, %a, %a : f32 %r = arith.uitofp %c : i1 to f32",
            [np.nan, -1, 0, 1],
            [1, 0, 0, 0],
        ),
        (
            "%i = arith.fptosi %a : f32 to i64 %d = arith.constant 2 : i64"
            " %q = arith.divsi %i, %d : i64 %r = arith.sitofp %q : i64 to f32",
            [-7.9, 7, -8, 1],
            [-3, 3, -4, 0],
        ),
        (
            "%i = arith.fptosi %a : f32 to i8 %d = arith.constant 1 : i8"
            " %q = arith.shrui %i, %d : i8 %w = arith.extui %q : i8 to i32"
            " %r = arith.sitofp %w : i32 to f32",
            [-1, 2, -128, 127],
            [127, 1, 64, 63],
        ),
        (
            "%i = arith.bitcast %a : f32 to i32 %m = arith.constant 2147483647 : i32"
            " %b = arith.andi %i, %m : i32 %r = arith.bitcast %b : i32 to f32",
            [-1.5, 2, -0.0, 3],
            [1.5, 2, 0, 3],
        ),
    ],
)
def test_scalar_operations(operations: str, values: list[float], expected: Any):
    x = np.array(values, np.float32)
    result = run(body("%a : f32", operations, "%r"), [x], "tensor<4xf32>")
    np.testing.assert_allclose(result, np.array(expected, np.float32), rtol=1e-6)
