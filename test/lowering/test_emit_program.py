"""Hand-written memory text becomes a program that ExecuTorch's runtime runs."""

import numpy as np
import pytest
import torch
from stock_runtime import load_method, run
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from edgeir.dialects.context import edge_context
from edgeir.dialects.diagnostic import DiagnosticsError
from edgeir.lowering.emit_program import build_program, emit_program
from edgeir.runtime.program.reader import read_program
from edgeir.runtime.program.schema import (
    Bool,
    BoolList,
    Double,
    DoubleList,
    Int,
    IntList,
    Null,
    OptionalTensorList,
    String,
    Tensor,
    TensorList,
)

W = np.arange(12, dtype=np.float32).reshape(3, 4) / 7
B = np.array([1.0, -2.0, 3.0, 0.5], np.float32)


def parse(text: str) -> ModuleOp:
    module = Parser(edge_context(), text, "<test>").parse_module()
    module.verify()
    return module


LINEAR = """
memory.method @forward attributes {arenas = array<i64: 0, 144>} {
  %w = memory.constant "w" : !memory.slot<tensor<3x4xf32>>
  %b = memory.constant "b" : !memory.slot<tensor<4xf32>>
  %x = memory.planned "x" in 1 at 0 : !memory.slot<tensor<2x3xf32>>
  %mm = memory.planned in 1 at 32 : !memory.slot<tensor<2x4xf32>>
  %flat = memory.view %mm : !memory.slot<tensor<8xf32>>
  %row = memory.view %mm + 16 : !memory.slot<tensor<4xf32>>
  %one = memory.scalar 1 : i64
  %two = memory.scalar 2.000000e+00 : f64
  %sum = memory.planned in 1 at 64 : !memory.slot<tensor<2x4xf32>>
  %double = memory.planned in 1 at 96 : !memory.slot<tensor<8xf32>>
  %last = memory.planned in 1 at 128 : !memory.slot<tensor<4xf32>>
  memory.begin ins(%x) outs(%sum, %double, %last)
  memory.call @"aten::mm.out"(%x, %w) outs(%mm) loc("fc"("model.py":12:0))
  memory.call @"aten::add.out"(%mm, %b, %two) outs(%sum)
  memory.call @"aten::add.out"(%flat, %flat, %one) outs(%double)
  memory.call @"aten::add.out"(%row, %b, %one) outs(%last)
  memory.end
}
"""


def test_a_program_runs_on_executorch():
    data = emit_program(parse(LINEAR), {"w": W, "b": B})
    x = np.array([[1, 2, 3], [-1, 0.5, 4]], np.float32)
    total, double, last = run(data, [x])
    np.testing.assert_allclose(total, x @ W + 2 * B, rtol=1e-6)
    np.testing.assert_allclose(double, 2 * (x @ W).reshape(-1), rtol=1e-6)
    np.testing.assert_allclose(last, (x @ W)[1] + B, rtol=1e-6)


def test_emission_is_deterministic():
    weights = {"w": W, "b": B}
    assert emit_program(parse(LINEAR), weights) == emit_program(parse(LINEAR), weights)


def test_tables_follow_the_text():
    (plan,) = build_program(parse(LINEAR), {"w": W, "b": B}).program.execution_plan
    assert [type(value) for value in plan.values] == [*[Tensor] * 6, Int, Double, *[Tensor] * 3]
    assert [op.full_name for op in plan.operators] == ["aten::mm.out", "aten::add.out"]
    assert [call.args for call in plan.chains[0].instructions[:2]] == [
        [2, 0, 3, 3],
        [3, 1, 7, 8, 8],
    ]
    assert plan.non_const_buffer_sizes == [0, 144]
    assert plan.values[5].allocation_info.memory_offset == 48
    assert plan.values[2].extra_tensor_info.fully_qualified_name == "x"


def test_locations_become_stack_traces():
    module = parse(LINEAR)
    weights = {"w": W, "b": B}
    (plan,) = read_program(emit_program(module, weights)).program.execution_plan
    traces = plan.chains[0].stacktrace
    assert [len(trace.items) for trace in traces] == [1, 0, 0, 0]
    frame = traces[0].items[0]
    assert (frame.filename, frame.lineno, frame.name) == ("model.py", 12, "fc")
    (plan,) = build_program(module, weights, locations=False).program.execution_plan
    assert plan.chains[0].stacktrace is None
    (plan,) = build_program(parse(METHODS), {"w": W}).program.execution_plan[:1]
    assert plan.chains[0].stacktrace is None


METHODS = """
memory.method @twice attributes {arenas = array<i64: 0, 96>} {
  %x = memory.planned in 1 at 0 : !memory.slot<tensor<12xf32>>
  %w = memory.constant "w" : !memory.slot<tensor<12xf32>>
  %two = memory.scalar 2 : i64
  %y = memory.planned in 1 at 48 : !memory.slot<tensor<12xf32>>
  memory.begin ins(%x) outs(%y)
  memory.call @"aten::add.out"(%x, %w, %two) outs(%y)
  memory.end
}
memory.method @once attributes {outputs = "[structure]"} {
  %x = memory.unplanned "x" : !memory.slot<tensor<3x4xf32>>
  %w = memory.constant "w" : !memory.slot<tensor<3x4xf32>>
  %alias = memory.view %w : !memory.slot<tensor<7xf32>>
  %one = memory.scalar 1 : i64
  %y = memory.unplanned : !memory.slot<tensor<3x4xf32>>
  memory.begin ins(%x) outs(%y, %alias)
  memory.call @"aten::add.out"(%x, %w, %one) outs(%y)
  memory.end
}
"""


def test_methods_are_sorted_and_share_constants():
    file = build_program(parse(METHODS), {"w": W})
    once, twice = file.program.execution_plan
    assert (once.name, twice.name) == ("once", "twice")
    assert once.container_meta_type.encoded_out_str == "[structure]"
    assert twice.container_meta_type is None
    assert [once.values[1].data_buffer_idx, once.values[2].data_buffer_idx] == [1, 1]
    assert twice.values[1].data_buffer_idx == 1
    assert bytes(file.constant_bytes(1, W.nbytes)) == W.tobytes()


def test_methods_run_on_executorch():
    data = emit_program(parse(METHODS), {"w": W})
    (y,) = run(data, [W.reshape(-1)], "twice")
    np.testing.assert_allclose(y, 3 * W.reshape(-1), rtol=1e-6)
    y, alias = run(data, [W], "once")
    np.testing.assert_allclose(y, 2 * W, rtol=1e-6)
    np.testing.assert_array_equal(alias, W.reshape(-1)[:7])


STATE = """
memory.method @forward attributes {arenas = array<i64: 0, 64>} {
  %k = memory.planned "total" initial "start" in 1 at 0 : !memory.slot<tensor<4xf32>>
  %x = memory.planned "x" in 1 at 16 : !memory.slot<tensor<4xf32>>
  %new = memory.planned in 1 at 32 : !memory.slot<tensor<4xf32>>
  %one = memory.scalar 1 : i64
  %no = memory.scalar false
  memory.begin ins(%x) outs(%new)
  memory.call @"aten::add.out"(%k, %x, %one) outs(%new)
  memory.call @"aten::copy_"(%k, %new, %no) returns(%k)
  memory.end
}
"""


def test_state_starts_with_its_bytes_and_persists():
    data = emit_program(parse(STATE), {"start": B})
    method = load_method(data)
    for steps in (1, 2, 3):
        (out,) = method.execute([torch.ones(4)])
        np.testing.assert_array_equal(out.numpy(), B + steps)


LOOP = """
memory.method @forward attributes {arenas = array<i64: 0, 48>} {
  %x = memory.planned "x" in 1 at 0 : !memory.slot<tensor<4xf32>>
  %y = memory.planned in 1 at 16 : !memory.slot<tensor<4xf32>>
  %zero = memory.scalar 0 : i64
  %one = memory.scalar 1 : i64
  %i = memory.scalar 0 : i64
  %n = memory.scalar 5 : i64
  %again = memory.scalar true
  %no = memory.scalar false
  memory.begin ins(%x) outs(%y)
  memory.call @"aten::add.out"(%x, %x, %zero) outs(%y)
  memory.jump ^bb1
^bb1:
  memory.call @"aten::add.out"(%y, %x, %one) outs(%y)
  memory.call @"executorch_prim::add.Scalar"(%i, %one) returns(%i)
  memory.call @"executorch_prim::eq.Scalar"(%i, %n) returns(%again)
  memory.jump_false %again, ^bb1, ^bb2
^bb2:
  memory.call @"executorch_prim::sub.Scalar"(%i, %n) returns(%i)
  memory.end
}
"""


def test_jumps_go_to_the_first_instruction_of_a_block():
    data = emit_program(parse(LOOP), {})
    assert read_program(data).program.execution_plan[0].chains[0].instructions[4]
    for _ in range(2):
        (y,) = run(data, [B])
        np.testing.assert_array_equal(y, 6 * B)


VALUES = """
memory.method @values attributes {arenas = array<i64: 0, 16>} {
  %x = memory.planned dynamic in 1 at 0 : !memory.slot<tensor<2x2xf32>>
  %i = memory.scalar -3 : i64
  %f = memory.scalar 0x7ff0000000000000 : f64
  %t = memory.scalar true
  %s = memory.string "trunc"
  %n = memory.null
  %is = memory.int_list [%i, %i]
  %fs = memory.double_list [1.000000e+00 : f64, 5.000000e-01 : f64]
  %ts = memory.bool_list [true, false]
  %xs = memory.tensor_list [%x, %x]
  %os = memory.optional_tensor_list [none, %x]
  memory.begin ins(%x, %i) outs(%x, %i, %f, %t, %s, %n)
  memory.end
}
"""


def test_every_kind_of_value():
    (plan,) = read_program(emit_program(parse(VALUES), {})).program.execution_plan
    assert plan.values[1:] == [
        Int(-3),
        Double(float("inf")),
        Bool(True),
        String("trunc"),
        Null(),
        IntList([1, 1]),
        DoubleList([1.0, 0.5]),
        BoolList([True, False]),
        TensorList([0, 0]),
        OptionalTensorList([-1, 0]),
    ]
    assert plan.values[0].shape_dynamism == 1
    assert plan.inputs == [0, 1]
    assert plan.outputs == [0, 1, 2, 3, 4, 5]


def test_all_that_cannot_be_emitted_is_named_at_once():
    text = """
    memory.method @a {
      %x = memory.planned : !memory.slot<tensor<2xf32>>
      %w = memory.constant "nothing" : !memory.slot<tensor<2xf32>>
      %v = memory.constant "w" : !memory.slot<tensor<2xf32>>
      %q = memory.unplanned : !memory.slot<tensor<2xi4>>
      memory.begin ins(%x) outs()
      memory.end
    }
    "test.op"() : () -> ()
    """
    with pytest.raises(DiagnosticsError) as caught:
        emit_program(parse(text), {"w": W})
    messages = [str(d) for d in caught.value.diagnostics]
    assert len(messages) == 5
    assert "only memory.method can be emitted; run convert-edge-to-memory" in messages[0]
    assert "@a %x: the slot has no place in an arena; run plan-memory" in messages[1]
    assert '@a %w: there are no weights "nothing"' in messages[2]
    assert '@a %v: "w" has 48 bytes, tensor<2xf32> takes 8' in messages[3]
    assert "@a %q: the format has no tensors of i4" in messages[4]
