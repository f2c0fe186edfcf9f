"""Programs become text and come back: ours to the same bytes, ExecuTorch's to the same runs."""

from __future__ import annotations

import dataclasses
import random
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from executorch_programs import DELEGATED, PROGRAMS, Runs
from hypothesis import given, settings
from hypothesis import strategies as st
from stock_runtime import Runtime
from torch.utils._pytree import tree_leaves
from xdsl.dialects.builtin import ModuleOp

import edgeir
from edgeir.dialects import memory
from edgeir.dialects.context import EdgeContext, edge_context
from edgeir.dialects.diagnostic import DiagnosticsError
from edgeir.dialects.edge_parser import EdgeParser
from edgeir.dialects.module_text import print_module
from edgeir.lowering.emit_program import build_program, emit_program
from edgeir.lowering.read_program import program_module
from edgeir.passes.drop_method import DropMethodPass
from edgeir.passes.plan_memory import PlanMemoryPass
from edgeir.passes.rename_method import RenameMethodPass
from edgeir.passes.replace_operator import ReplaceOperatorPass
from edgeir.passes.verify_memory import VerifyMemoryPass
from edgeir.runtime.errors import ProgramError
from edgeir.runtime.program import (
    ProgramFile,
    SegmentsBuilder,
    find_violations,
    read_program,
    write_program,
)
from edgeir.runtime.program.schema import (
    AllocationDetails,
    Bool,
    Buffer,
    Chain,
    Double,
    DoubleList,
    ExecutionPlan,
    ExtraTensorInfo,
    Frame,
    FrameList,
    FreeCall,
    Int,
    IntList,
    JumpFalseCall,
    KernelCall,
    NonConstBufferDevice,
    Null,
    Operator,
    OptionalTensorList,
    Program,
    String,
    Tensor,
    TensorDataLocation,
    TensorList,
)
from edgeir.runtime.program.tensor_size import ITEM_SIZES

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def as_text(data: bytes | ProgramFile) -> tuple[str, EdgeContext]:
    ctx = edge_context()
    file = data if isinstance(data, ProgramFile) else read_program(data)
    return print_module(program_module(file, ctx.weights)), ctx


def parse(text: str, ctx: EdgeContext) -> ModuleOp:
    module = EdgeParser(ctx, text, "<test>").parse_module()
    module.verify()
    return module


def again(data: bytes | ProgramFile) -> bytes:
    """The program of the text of a program."""
    text, ctx = as_text(data)
    return emit_program(parse(text, ctx), ctx.weights)


def stock(data: bytes, runs: Runs) -> list[list[Any]]:
    """What ExecuTorch's runtime returns in each run; methods are loaded first."""
    program = Runtime.get().load_program(data)
    methods = {name: program.load_method(name) for name, _ in runs}
    return [
        [out.clone() if torch.is_tensor(out) else out for out in methods[name].execute(inputs)]
        for name, inputs in runs
    ]


def ours(data: bytes, runs: Runs) -> list[list[Any]]:
    """What the interpreter returns in each run."""
    module = edgeir.load(data)
    results: list[list[Any]] = []
    for name, inputs in runs:
        infos = module.methods[name].inputs
        named = {info.name: x.numpy() for info, x in zip(infos, inputs, strict=True)}
        results.append(
            [
                torch.from_numpy(np.array(x)) if isinstance(x, np.ndarray) else x
                for x in tree_leaves(module.run(name, **named))
            ]
        )
    return results


def check_same(actual: list[list[Any]], expected: list[list[Any]]) -> None:
    for run, want in zip(actual, expected, strict=True):
        assert len(run) == len(want) > 0
        for x, y in zip(run, want, strict=True):
            if torch.is_tensor(y):
                torch.testing.assert_close(x, y, rtol=1e-5, atol=1e-5)
            else:
                assert x == y


@pytest.fixture(scope="module", params=PROGRAMS)
def made(request: pytest.FixtureRequest) -> tuple[str, bytes, Runs]:
    torch.manual_seed(0)
    return request.param, *PROGRAMS[request.param]()


def test_executorchs_programs_run_the_same(made: tuple[str, bytes, Runs]):
    name, data, runs = made
    back = again(data)
    assert find_violations(read_program(back)) == []
    expected = stock(data, runs)
    check_same(stock(back, runs), expected)
    if name not in DELEGATED:
        check_same(ours(data, runs), expected)
        check_same(ours(back, runs), expected)
    # What the text cannot say is gone after the first time.
    assert again(back) == back


def test_executorchs_programs_keep_their_tables(made: tuple[str, bytes, Runs]):
    _, data, _ = made
    before, after = (
        {p.name: p for p in read_program(d).program.execution_plan} for d in (data, again(data))
    )
    assert before.keys() == after.keys()
    for name, plan in before.items():
        new = after[name]
        assert [type(v) for v in new.values] == [type(v) for v in plan.values]
        assert [c.instructions for c in new.chains] == [c.instructions for c in plan.chains]
        assert new.operators == plan.operators
        assert new.container_meta_type == plan.container_meta_type
        assert (new.inputs, new.outputs) == (plan.inputs, plan.outputs)
        assert new.non_const_buffer_sizes == plan.non_const_buffer_sizes
        for a, b in zip(new.values, plan.values, strict=True):
            if isinstance(a, Tensor):
                unlike = {"data_buffer_idx": 0, "requires_grad": False, "extra_tensor_info": None}
                a, b = dataclasses.replace(a, **unlike), dataclasses.replace(b, **unlike)
            assert a == b


def test_executorchs_programs_are_planned_again(made: tuple[str, bytes, Runs]):
    name, data, runs = made
    text, ctx = as_text(data)
    module = parse(text, ctx)
    if name == "two_conds":
        with pytest.raises(DiagnosticsError, match="shares bytes with"):
            VerifyMemoryPass().apply(ctx, module)
    else:
        VerifyMemoryPass().apply(ctx, module)
    for algorithm in ("naive", "greedy"):
        PlanMemoryPass(algorithm=algorithm).apply(ctx, module)
        VerifyMemoryPass().apply(ctx, module)
        planned = emit_program(module, ctx.weights)
        if name == "two_conds":
            # The stock compiler's plan is wrong; a new one is not.
            _, x = runs[0][1]
            first, second, both = stock(planned, runs)[0]
            torch.testing.assert_close(first, x.sin() + 1)
            torch.testing.assert_close(second, x.cos() + 100)
            torch.testing.assert_close(both, first + second)
        else:
            check_same(stock(planned, runs), stock(data, runs))


@pytest.mark.filterwarnings("ignore:The tensor attribute")
@pytest.mark.parametrize("name", ["mlp", "digits_cnn", "bert", "lstm"])
def test_our_programs_come_back_to_the_same_bytes(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "models")
    from registry import build_small

    data = edgeir.compile(*build_small(name)).buffer
    text, ctx = as_text(data)
    module = parse(text, ctx)
    assert emit_program(module, ctx.weights) == data
    VerifyMemoryPass().apply(ctx, module)
    PlanMemoryPass().apply(ctx, module)
    VerifyMemoryPass().apply(ctx, module)


def test_our_dynamic_program_comes_back_to_the_same_bytes():
    class Model(torch.nn.Module):
        def forward(self, x):
            return torch.cat([x, x * 2]).reshape(-1) + 1

    shapes = ({0: torch.export.Dim("n", min=2, max=9)},)
    data = edgeir.compile(Model(), (torch.ones(3, 4),), dynamic_shapes=shapes).buffer
    assert again(data) == data


def test_views_are_found():
    data, _ = PROGRAMS["views"]()
    module = parse(*as_text(data))
    (method,) = module.ops
    assert isinstance(method, memory.MethodOp)
    views = [op for op in method.slots if isinstance(op, memory.ViewOp)]
    assert len(views) >= 3
    assert not any(op.is_state for op in method.slots if isinstance(op, memory.PlannedOp))


@pytest.mark.parametrize(("name", "marks"), [("state", " state in"), ("initial_state", "initial")])
def test_state_is_found(name: str, marks: str):
    text, _ = as_text(PROGRAMS[name]()[0])
    (line,) = [line for line in text.splitlines() if marks in line and "memory.planned" in line]
    assert "tensor<2xf32>" in line


def test_methods_are_renamed_and_dropped():
    data, runs = PROGRAMS["methods"]()
    text, ctx = as_text(data)
    module = parse(text, ctx)
    RenameMethodPass("other", "second").apply(ctx, module)
    DropMethodPass("get_n").apply(ctx, module)
    changed = emit_program(module, ctx.weights)
    names = [plan.name for plan in read_program(changed).program.execution_plan]
    assert names == ["forward", "get_f", "get_t", "get_text", "second"]
    check_same(stock(changed, [("second", runs[1][1])]), stock(data, [runs[1]]))


def test_operators_are_replaced():
    data, runs = PROGRAMS["dynamic"]()
    text, ctx = as_text(data)
    module = parse(text, ctx)
    ReplaceOperatorPass("aten::mul.out", "aten::div.out").apply(ctx, module)
    changed = emit_program(module, ctx.weights)
    operators = read_program(changed).program.execution_plan[0].operators
    assert "aten::div.out" in [operator.full_name for operator in operators]
    check_same(ours(changed, runs), stock(changed, runs))


def test_delegates_and_named_data_are_kept():
    data, _ = PROGRAMS["delegated"]()
    before, after = read_program(data), read_program(again(data))
    assert before.program.named_data == after.program.named_data
    assert list(map(bytes, before.segments)) == list(map(bytes, after.segments))
    for a, b in zip(before.program.execution_plan, after.program.execution_plan, strict=True):
        assert a.delegates == b.delegates


def test_a_payload_in_the_tables_moves_to_a_segment():
    data, _ = PROGRAMS["inline_delegate"]()
    before, after = read_program(data), read_program(again(data))
    (a,), (b,) = (f.program.execution_plan[0].delegates for f in (before, after))
    assert bytes(before.delegate_bytes(a)) == bytes(after.delegate_bytes(b))


def test_stack_traces_become_locations():
    data, _ = PROGRAMS["linear"]()
    text, _ = as_text(data)
    assert 'linear.py":' in text
    chains = [read_program(d).program.execution_plan[0].chains[0] for d in (data, again(data))]
    before, after = ([_frames(trace) for trace in chain.stacktrace] for chain in chains)
    assert before == after


def _frames(trace: FrameList) -> list[tuple[str, int, str]]:
    return [(frame.filename, frame.lineno, frame.name) for frame in trace.items]


def test_external_data_keeps_its_name(tmp_path: Path):
    import executorch.exir as exir

    x = torch.randn(2, 4)
    model = torch.nn.Linear(4, 3).eval()
    edge = exir.to_edge(torch.export.export(model, (x,)))
    program = edge.to_executorch(exir.ExecutorchBackendConfig(external_constants=True))
    program.write_tensor_data_to_file(str(tmp_path))
    (ptd,) = tmp_path.glob("*.ptd")
    text, _ = as_text(program.buffer)
    assert 'memory.external "' in text
    (tmp_path / "m.pte").write_bytes(again(program.buffer))
    method = Runtime.get().load_program(tmp_path / "m.pte", data_path=ptd).load_method("forward")
    torch.testing.assert_close(method.execute((x,))[0], model(x))


# --- hand-made programs ---------------------------------------------------------------------------


def f32(sizes: Sequence[int], offset: int | None = None, **fields: Any) -> Tensor:
    place = None if offset is None else AllocationDetails.at(1, offset)
    return Tensor(6, 0, list(sizes), list(range(len(sizes))), allocation_info=place, **fields)


def one_method(values: list[Any], chains: list[Chain], **fields: Any) -> ExecutionPlan:
    names = ("aten::add.out", "my::unknown.out", "my::change_", "my::several.out")
    operators = [Operator(*name.split(".")) for name in names]
    return ExecutionPlan(
        "forward",
        values=values,
        chains=chains,
        operators=operators,
        **{"non_const_buffer_sizes": [0, 256], **fields},
    )


def test_every_kind_of_table_comes_back():
    segments = SegmentsBuilder()
    constant = segments.constants.add(np.arange(8, dtype=np.float32).tobytes())
    state = segments.initial_data.add(bytes(range(24)))
    info = ExtraTensorInfo
    values = [
        f32([2, 3], 0, extra_tensor_info=info(0, "x.y", 0, 1, 2)),
        f32([8], data_buffer_idx=constant, extra_tensor_info=info(0, "weight")),
        f32([2, 2], data_buffer_idx=constant),
        f32([2, 3], 32, data_buffer_idx=state),
        IntList([6, 5, 7]),
        Int(-3),
        Int(1),
        Null(),
        OptionalTensorList([0, -1, 7]),
        TensorList([0, 3]),
        TensorList([3, 0]),
        Double(float("nan")),
        DoubleList([0.1, -0.0, float("inf"), 5e-324]),
        Bool(True),
        String('größer "\\\n\0'),
        f32([2, 3], extra_tensor_info=info(0, "far", TensorDataLocation.EXTERNAL)),
        f32([2, 3], shape_dynamism=1),
        f32([0], extra_tensor_info=info(0, "none")),
        dataclasses.replace(f32([2, 3], 64), dim_order=[1, 0]),
    ]
    first = Chain(
        instructions=[
            KernelCall(0, [0, 3, 6, 18, 18]),
            KernelCall(1, [0, 4, 12, 14, 16, 16]),
            KernelCall(1, [15, 6, 7]),
            JumpFalseCall(13, 6),
            KernelCall(2, [3, 8, 3]),
            KernelCall(3, [0, 9, 10]),
        ],
        stacktrace=[
            FrameList([Frame("a b.py", 3, "fc"), Frame("c.py", 4, "fc")]),
            FrameList([]),
            FrameList([Frame("", 0, "only.name")]),
            *(FrameList([]) for _ in range(3)),
        ],
    )
    second = Chain(instructions=[FreeCall(16), JumpFalseCall(13, 0)])
    plan = one_method(
        values,
        [first, second, Chain()],
        inputs=[0, 16, 11],
        outputs=[18, 14, 7],
        non_const_buffer_sizes=[0, 256, 0, 16],
        non_const_buffer_device=[NonConstBufferDevice(3, 1, 1)],
    )
    segments.add_named("key", b"bytes")
    segments.add_named("another", b"bytes")
    file = segments.build([plan])
    data = write_program(file)
    assert again(data) == data
    text, _ = as_text(data)
    for piece in (
        'memory.planned "x.y" in 1 at 0 {device = "cuda:2"}',
        "memory.view %weight",
        "memory.next_chain ^",
        'memory.external "far"',
        'devices = ["", "", "", "cuda:1"]',
        'memory.call @"my::several.out"(%x_y) outs(%v9) returns(%v10)',
    ):
        assert piece in text.replace(" loc(unknown)", "")


def test_constants_in_the_tables_of_old_files():
    plan = one_method(
        [f32([2], 0), f32([2], data_buffer_idx=1), f32([2], 16), Int(1)],
        [Chain(instructions=[KernelCall(0, [0, 1, 3, 2, 2])])],
        inputs=[0],
        outputs=[2],
    )
    buffers = [Buffer(), Buffer(struct.pack("<2f", 10, 20))]
    data = write_program(ProgramFile(Program(execution_plan=[plan], constant_buffer=buffers)))
    runs: Runs = [("forward", (torch.ones(2),))]
    back = again(data)
    check_same(ours(back, runs), ours(data, runs))
    assert stock(back, runs)[0][0].tolist() == [11, 21]


def test_a_plan_that_the_program_relies_on_is_not_changed():
    # Value 3 finds there what value 2 or value 4 left, according to a condition.
    values = [f32([4], 0), Bool(False), f32([4], 16), f32([2, 2], 16), f32([4], 16), Int(1)]
    chain = Chain(
        instructions=[
            KernelCall(0, [0, 0, 5, 2, 2]),
            JumpFalseCall(1, 3),
            KernelCall(0, [0, 0, 5, 4, 4]),
        ]
    )
    file = SegmentsBuilder().build([one_method(values, [chain], inputs=[0, 1], outputs=[3])])
    ctx = edge_context()
    module = program_module(file, ctx.weights)
    with pytest.raises(DiagnosticsError, match=r"@forward: %v3 reads what %v. or %v. left"):
        PlanMemoryPass().apply(ctx, module)
    assert build_program(module, ctx.weights).program.execution_plan[0].values == values


def test_what_the_text_cannot_say_is_one_message():
    plan = one_method([], [Chain()])
    with pytest.raises(ProgramError, match="two methods are called 'forward'"):
        as_text(SegmentsBuilder().build([plan, plan]))


@pytest.mark.parametrize("scalar_type", sorted(ITEM_SIZES))
def test_every_scalar_type_has_a_text(scalar_type: int):
    size = 3 * ITEM_SIZES[scalar_type]
    segments = SegmentsBuilder()
    values = [
        dataclasses.replace(f32([3], 0), scalar_type=scalar_type),
        dataclasses.replace(
            f32([3], 0),
            scalar_type=scalar_type,
            allocation_info=None,
            data_buffer_idx=segments.constants.add(bytes(range(size))),
        ),
    ]
    data = write_program(segments.build([one_method(values, [Chain()])]))
    back = read_program(again(data))
    assert [v.scalar_type for v in back.program.execution_plan[0].values] == [scalar_type] * 2
    assert bytes(back.constant_bytes(1, size)) == bytes(range(size))


@pytest.mark.parametrize("name", ["cond", "methods", "delegated", "initial_state"])
def test_damaged_programs_have_a_text_or_a_message(name: str):
    data, _ = PROGRAMS[name]()
    rng = random.Random(name)
    texts, messages = 0, ""
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 3))):
            damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        try:
            again(bytes(damaged))
            texts += 1
        except ProgramError as error:
            messages += str(error)
    assert texts > 10
    assert "\n" not in messages


def test_a_jump_does_not_leave_its_chain():
    text = """
memory.method @f {
  %c = memory.scalar true
  memory.begin ins(%c) outs(%c)
  memory.jump_false %c, ^last, ^first
^first:
  memory.next_chain ^second
^second:
  memory.next_chain ^last
^last:
  memory.end
}"""
    ctx = edge_context()
    with pytest.raises(DiagnosticsError, match="@f: jumps out of its chain"):
        emit_program(parse(text, ctx), {})


NUMBERS = st.one_of(
    st.builds(Int, st.integers(-(2**63), 2**63 - 1)),
    st.builds(Double, st.floats()),
    st.builds(Bool, st.booleans()),
    st.builds(String, st.text(st.characters(exclude_categories=["Cs"]))),
    st.builds(DoubleList, st.lists(st.floats())),
    st.just(Null()),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(NUMBERS))
def test_numbers_and_strings_come_back_exactly(values: list[Any]):
    plan = ExecutionPlan("forward", values=values, chains=[Chain()], non_const_buffer_sizes=[0])
    data = write_program(SegmentsBuilder().build([plan]))
    assert again(data) == data
