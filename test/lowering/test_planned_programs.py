"""Random programs compute the same after planning as without any sharing of memory."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stock_runtime import run
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType, f32
from xdsl.ir import Block, Region, SSAValue
from xdsl.parser import Parser

from edgeir.dialects import memory
from edgeir.dialects.context import edge_context
from edgeir.dialects.diagnostic import DiagnosticsError
from edgeir.lowering.emit_program import emit_program
from edgeir.passes.plan_memory import PlanMemoryPass, memory_report
from edgeir.passes.verify_memory import VerifyMemoryPass

SHAPES = [(4, 6), (6,), (24,), (4, 1)]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["relu", "flip", "add", "mul", "view"]), st.integers(0), st.integers(0)
    ),
    min_size=1,
    max_size=14,
)


def random_program(
    steps: list[tuple[str, int, int]], kept: list[int], x: np.ndarray
) -> tuple[ModuleOp, list[np.ndarray]]:
    """A program that applies the steps to what there is so far, and what its outputs must be."""
    slots: list[memory.SlotOp] = []
    calls: list[memory.CallOp] = []

    def add(op: memory.SlotOp) -> SSAValue:
        slots.append(op)
        return op.slot

    def planned(shape: tuple[int, ...]) -> SSAValue:
        return add(memory.PlannedOp(TensorType(f32, shape)))

    one = add(memory.ScalarOp(1))
    dims = add(memory.IntListOp([add(memory.ScalarOp(0))]))
    values: list[tuple[SSAValue, np.ndarray]] = [(planned(x.shape), x)]
    for name, i, j in steps:
        slot, array = values[i % len(values)]
        other, operand = values[j % len(values)]
        match name:
            case "relu":
                out, result = planned(array.shape), np.maximum(array, 0)
                calls.append(memory.CallOp("aten::relu.out", [slot], [out]))
            case "flip":
                out, result = planned(array.shape), array[::-1]
                calls.append(memory.CallOp("aten::flip.out", [slot, dims], [out]))
            case "view":
                shape = (24,) if array.shape == (4, 6) else (4, 6)
                out, result = add(memory.ViewOp(slot, TensorType(f32, shape))), array.reshape(shape)
            case _:
                if array.shape != operand.shape:
                    continue
                result = array + operand if name == "add" else array * operand
                out = planned(array.shape)
                arguments = [slot, other, one] if name == "add" else [slot, other]
                calls.append(memory.CallOp(f"aten::{name}.out", arguments, [out]))
        values.append((out, result))
    outputs = [values[k % len(values)] for k in kept]
    begin = memory.BeginOp([values[0][0]], [slot for slot, _ in outputs])
    block = Block([*slots, begin, *calls, memory.EndOp()])
    module = ModuleOp([memory.MethodOp("forward", Region(block))])
    module.verify()
    return module, [array for _, array in outputs]


@settings(max_examples=60, deadline=None)
@given(
    steps=STEPS,
    kept=st.lists(st.integers(0), min_size=1, max_size=3, unique_by=lambda k: k % 15),
    options=st.sampled_from([{}, {"algorithm": "naive"}, {"inputs": False}, {"outputs": False}]),
)
@example(steps=[("relu", 0, 0)], kept=[0], options={"inputs": False})
def test_planned_programs_compute_the_same(
    steps: list[tuple[str, int, int]], kept: list[int], options: dict[str, object]
):
    x = np.linspace(-1.5, 1.5, 24, dtype=np.float32).reshape(4, 6)
    module, expected = random_program(steps, kept, x)
    PlanMemoryPass(**options).apply(Context(), module)
    module.verify()
    VerifyMemoryPass().apply(Context(), module)
    results = run(emit_program(module, {}), [x])
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-5)
    (method,) = module.ops
    report = memory_report(method)
    assert report.lower_bound <= report.planned
    if options.get("algorithm") != "naive":
        assert report.planned <= report.unplanned


CHAIN = """
memory.method @forward {
  %x = memory.planned "x" : !memory.slot<tensor<16xf32>>
  %a = memory.planned : !memory.slot<tensor<64xf32>>
  %b = memory.planned : !memory.slot<tensor<64xf32>>
  %y = memory.planned : !memory.slot<tensor<16xf32>>
  %r = memory.scalar 4 : i64
  %d = memory.scalar 0 : i64
  %repeats = memory.int_list [%r]
  %dims = memory.int_list [%d]
  %start = memory.scalar 0 : i64
  %end = memory.scalar 16 : i64
  %step = memory.scalar 1 : i64
  memory.begin ins(%x) outs(%y)
  memory.call @"aten::repeat.out"(%x, %repeats) outs(%a)
  memory.call @"aten::flip.out"(%a, %dims) outs(%b)
  memory.call @"aten::slice_copy.Tensor_out"(%b, %d, %start, %end, %step) outs(%y)
  memory.end
}
"""


def planned(arena_sizes: tuple[int, ...]) -> ModuleOp:
    module = Parser(edge_context(), CHAIN).parse_module()
    PlanMemoryPass(arena_sizes=arena_sizes).apply(Context(), module)
    VerifyMemoryPass().apply(Context(), module)
    return module


def test_what_does_not_fit_goes_to_the_next_arena():
    module = planned((320, 1024))
    (method,) = module.ops
    assert method.arenas.get_values() == (0, 320, 256)
    x = np.arange(16, dtype=np.float32)
    (result,) = run(emit_program(module, {}), [x])
    np.testing.assert_array_equal(result, x[::-1])


def test_overflow_names_what_is_live_at_the_peak():
    with pytest.raises(DiagnosticsError) as caught:
        planned((300, 100))
    message = str(caught.value)
    assert "@forward needs 512 bytes at its peak; arenas of 300 and 100 bytes leave 256" in message
    assert "live at the peak: %a (256), %b (256); give larger arena-sizes" in message


def test_report_of_a_planned_method():
    (method,) = planned(()).ops
    report = memory_report(method)
    assert (report.planned, report.lower_bound, report.unplanned) == (512, 512, 640)
    assert report.gap == 0
