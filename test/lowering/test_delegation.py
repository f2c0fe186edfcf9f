"""Delegation from end to end: what is delegated gives the same results, in every stage."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import running_backend
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._pytree import tree_leaves
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

import edgeir
from edgeir.dialects.context import edge_context
from edgeir.dialects.delegate import CallOp, RegionOp
from edgeir.dialects.function import functions
from edgeir.dialects.module_text import print_module
from edgeir.lowering import backends, compile_program
from edgeir.lowering.backends import Verdict
from edgeir.lowering.describe_delegation import describe_delegation
from edgeir.lowering.emit_program import emit_program
from edgeir.lowering.partition import PartitionPass
from edgeir.lowering.read_program import program_module
from edgeir.passes.evaluate import evaluate
from edgeir.passes.pipelines import EMIT, LEGALIZE, OPTIMIZE
from edgeir.runtime import delegates
from edgeir.runtime.program import read_program
from edgeir.tools.edge_compile import main as edge_compile
from edgeir.tools.edge_inspect import main as edge_inspect
from edgeir.tools.edge_run import main as edge_run
from edgeir.tools.inspection.delegation import read_delegation

BOTH = ["running", "numpy"]


@pytest.fixture(autouse=True)
def running(monkeypatch: pytest.MonkeyPatch):
    """The backend `running` is known, in both halves."""
    monkeypatch.setitem(backends._REGISTERED, "running", running_backend)
    monkeypatch.setitem(delegates._REGISTERED, "running", running_backend.load)


class Model(nn.Module):
    """A module of parameters, buffers and a function."""

    def __init__(self, forward: Any, **tensors: torch.Tensor):
        super().__init__()
        for name, value in tensors.items():
            self.register_buffer(name, value)
        self._forward = forward

    def forward(self, *args):
        return self._forward(self, *args)


def check(model: nn.Module, *inputs: torch.Tensor, names: Any = BOTH, **options: Any) -> Any:
    """Compile for the backends; the program and every stage must give what eager gives."""
    program = edgeir.compile(model.eval(), inputs, backends=names, **options)
    wanted = [x.detach().numpy() for x in tree_leaves(model(*inputs))]
    arrays = [x.numpy() for x in inputs]
    equal(tree_leaves(edgeir.load(program.buffer, backends=names)(*arrays)), wanted)
    for stage in ("aten", "edge", "delegate", "calls"):
        if stage in program.stages:
            function = next(functions(program.stages.modules[stage]))
            equal(evaluate(function, arrays, program.weights, backends=names), wanted)
    return program


def equal(got: Any, wanted: Any) -> None:
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def regions(program: Any) -> list[RegionOp]:
    module = program.stages.modules["delegate"]
    return [op for op in module.walk() if isinstance(op, RegionOp)]


def table(program: Any) -> Any:
    return describe_delegation(program.stages.modules["delegate"])


W = torch.linspace(-1, 2, 16).reshape(4, 4)
X = torch.linspace(-1, 1, 12).reshape(3, 4)


def test_several_backends_in_order_of_preference():
    model = Model(lambda self, x: torch.cumsum(-x, 0).relu())
    assert [r.backend.data for r in regions(check(model, X))] == ["running", "numpy"]
    found = regions(check(model, X, names=["numpy", "running"]))
    assert [r.backend.data for r in found] == ["numpy", "running", "numpy"]


def test_several_results_one_of_them_twice_and_an_input():
    def forward(self: Any, x: torch.Tensor):
        y = x.relu()
        return y, y.exp(), y, x

    program = check(Model(forward), X)
    (region,) = regions(program)
    assert len(region.outputs) == 2


def test_input_used_twice_crosses_once():
    (region,) = regions(check(Model(lambda self, x: x * x + x), X))
    assert len(region.inputs) == 1


def test_result_that_the_outside_uses_and_that_is_an_output():
    def forward(self: Any, x: torch.Tensor):
        y = x.relu()
        return y, torch.sort(y)[0].exp()

    assert len(regions(check(Model(forward), X))) == 2


def test_diamond_makes_no_cycle():
    def forward(self: Any, x: torch.Tensor):
        y = x.relu()
        return torch.sort(y)[0] + y.exp()

    program = check(Model(forward), X)
    assert [sorted(r.operators) for r in table(program).regions] == [
        ["exp", "relu"],
        ["add.Tensor"],
    ]


def test_weights_are_stored_once_for_regions_and_methods():
    weight = torch.randn(64, 64)
    encode = Model(lambda self, x: torch.sort(x @ self.w.T)[0] @ self.w.T, w=weight)
    decode = Model(lambda self, x: (x @ self.w.T).relu(), w=weight)
    x = torch.randn(3, 64)
    program = edgeir.compile(
        {"encode": torch.export.export(encode, (x,)), "decode": torch.export.export(decode, (x,))},
        backends=["numpy"],
    )
    assert len(program.buffer) < 2 * weight.nbytes
    assert [r.method for r in table(program).regions] == ["encode", "encode", "decode"]
    module = edgeir.load(program.buffer, backends=["numpy"])
    np.testing.assert_allclose(module.run("encode", x), encode(x), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(module.run("decode", x), decode(x), rtol=1e-4, atol=1e-4)
    assert module.methods["encode"].backends == ("numpy",)


def test_mutable_buffers_stay_outside():
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("total", torch.zeros(3, 4))

        def forward(self, x: torch.Tensor):
            self.total.add_(x.relu())
            return self.total.exp()

    program = edgeir.compile(Counter(), (X,), backends=["numpy"])
    assert len(regions(program)[0].inputs) == 2
    module = edgeir.load(program.buffer, backends=["numpy"])
    model = Counter()
    for _ in range(3):
        equal([module(X)], [model(X)])
    equal([module.state["total"]], [model.total])


def test_sizes_that_change_are_left_with_a_reason():
    batch = torch.export.Dim("batch", max=8)
    model = Model(lambda self, x: torch.cumsum(x.relu(), 1))
    program = check(model, X, dynamic_shapes=((({0: batch},),)))
    assert [r.backend for r in table(program).regions] == ["running"]
    (left,) = table(program).left
    assert left.reason.startswith("running: takes cumsum and neg only; numpy: takes static shapes")
    module = edgeir.load(program.buffer, backends=BOTH)
    for rows in (2, 8):
        x = torch.randn(rows, 4)
        equal([module(x)], [model(x)])


def test_bodies_of_control_flow_are_partitioned():
    def forward(self: Any, x: torch.Tensor):
        return torch.cond(x.sum() > 0, lambda x: (x @ self.w).relu(), lambda x: -x, (x,))

    model = Model(forward, w=torch.randn(4, 4))
    for sign in (1, -1):
        program = check(model, X.abs() * sign)
    assert {r.parent_op().name for r in regions(program)} == {"edge.cond"}
    function = next(functions(program.stages.modules["delegate"]))
    assert not [op for op in function.body.block.ops if op.name == "edge.weight"]


def test_program_is_text_and_back():
    model = Model(lambda self, x: torch.sort(x @ self.w)[0].exp(), w=torch.randn(4, 5))
    program = check(model, X, backend_options={"running": {"limit": "9"}})
    context = edge_context()
    module = program_module(read_program(program.buffer), context.weights)
    parsed = Parser(context, print_module(module)).parse_module()
    assert emit_program(parsed, context.weights) == program.buffer


def test_executorch_finds_payloads_and_named_data():
    program = check(Model(lambda self, x: torch.sort(x @ self.w)[0] @ self.v, w=W, v=W), X)
    with warnings.catch_warnings():
        # Its import uses deprecated parts of importlib; our tests turn warnings into errors.
        warnings.simplefilter("ignore")
        from executorch.exir._serialize._program import deserialize_pte_binary

        theirs = deserialize_pte_binary(program.buffer)
    plan = theirs.program.execution_plan[0]
    assert [d.id for d in plan.delegates] == ["numpy", "numpy"]
    ours = read_program(program.buffer)
    others = ours.program.execution_plan[0].delegates
    for delegate, other in zip(plan.delegates, others, strict=True):
        data = theirs.program.backend_delegate_data[delegate.processed.index].data
        assert data == ours.delegate_bytes(other)
    named = theirs.named_data
    assert sorted(named.pte_data) == sorted(d.key for d in ours.program.named_data or ())
    for key, entry in named.pte_data.items():
        assert named.buffers[entry.buffer_index] == ours.named_data(key)


def test_named_data_is_aligned_wherever_the_program_lies():
    program = check(Model(lambda self, x: x @ self.w, w=torch.randn(4, 5)), X)
    places: list[int] = []

    def load(payload: memoryview, options: delegates.DelegateOptions) -> Any:
        key = json.loads(bytes(payload))["weights"][0][1]
        for data in (payload, options.named_data(key)):
            places.append(np.frombuffer(data, np.uint8).ctypes.data % 64)
        return lambda *args: None

    for shift in range(3):
        edgeir.load(memoryview(bytes(shift) + program.buffer)[shift:], backends={"numpy": load})
    assert places == [0] * 6


def test_delegate_is_bound_once_and_knows_threads_and_options():
    model = Model(lambda self, x: torch.cumsum(x, 0))
    program = check(model, X, backend_options={"limit": "9"})
    seen: list[Any] = []

    class Bound:
        def __call__(self, *args: Any):
            raise AssertionError("all shapes are static")

        def bind(self, args: Any):
            seen.append(len(args))
            return lambda: np.copyto(args[1], np.cumsum(args[0], 0))

    def load(payload: memoryview, options: delegates.DelegateOptions):
        seen.append((options.threads, options.specs))
        return Bound()

    module = edgeir.load(program.buffer, backends={"running": load}, threads=3)
    for factor in (1, 2):
        equal([module(X * factor)], [np.cumsum(X.numpy() * factor, 0)])
    assert seen == [(3, {"limit": b"9"}), 2]


def test_leftovers_are_errors_where_all_must_be_delegated():
    model = Model(lambda self, x: torch.sort(x.relu())[0].view(12).flip(0))
    with pytest.raises(edgeir.CompileError) as caught:
        edgeir.compile(model, (X,), backends=BOTH, require_full_delegation=True)
    assert {d.operation for d in caught.value.diagnostics} == {"edge.sort", "edge.flip"}
    first = caught.value.diagnostics[0]
    assert first.location.file_line.startswith("test_delegation.py:")
    assert first.message.startswith("is not delegated: running: takes cumsum and neg only; numpy: ")
    check(Model(lambda self, x: x.relu().view(12)), X, require_full_delegation=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limitt": "1"}, r"no backend takes the option limitt; running has limit"),
        ({"running": {"x": "1"}}, r"no backend takes the option x; running has limit"),
        ({"limit": "0"}, r"running: the region has more than 0 operators"),
    ],
)
def test_options_that_no_backend_takes(options: Any, message: str):
    with pytest.raises(edgeir.CompileError, match=message):
        edgeir.compile(Model(lambda self, x: -x), (X,), backends=BOTH, backend_options=options)


def test_backend_that_fails_is_named(monkeypatch: pytest.MonkeyPatch):
    model = Model(lambda self, x: -x)
    monkeypatch.setattr(running_backend, "compile", lambda region, options: 1 / 0)
    with pytest.raises(edgeir.CompileError, match=r"'running' fails: ZeroDivisionError"):
        edgeir.compile(model, (X,), backends=["running"])
    monkeypatch.setattr(running_backend, "supports", lambda op: 1 / 0)
    with pytest.raises(edgeir.CompileError, match=r"'running' fails on it: ZeroDivisionError"):
        edgeir.compile(model, (X,), backends=["running"])


def test_broken_and_unknown_backends(monkeypatch: pytest.MonkeyPatch):
    entry = type("Entry", (), {"name": "broken", "value": "no_such_module"})
    monkeypatch.setattr(backends, "entry_points", lambda group: [entry])
    for name, message in (
        ("broken", r"'broken' cannot be imported: ModuleNotFoundError"),
        ("nunpy", r"there is no backend 'nunpy'; there are numpy"),
    ):
        with pytest.raises(edgeir.CompileError, match=message):
            edgeir.compile(Model(lambda self, x: -x), (X,), backends=[name])
    assert "broken" in backends.backend_names()
    check(Model(lambda self, x: -x), X)


def test_entry_point_names_a_package_with_both_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package = tmp_path / "acme_backend"
    package.mkdir()
    (package / "__init__.py").write_text("")
    halves = Path(running_backend.__file__).read_text().replace('"running"', '"acme"')
    (package / "lowering.py").write_text(halves)
    (package / "runtime.py").write_text("from .lowering import load")
    monkeypatch.syspath_prepend(tmp_path)
    entry = type("Entry", (), {"name": "acme", "value": "acme_backend"})
    monkeypatch.setattr(backends, "entry_points", lambda group: [entry])
    monkeypatch.setattr(delegates, "installed_backends", lambda: {"acme": "acme_backend"})
    check(Model(lambda self, x: torch.cumsum(x, 0)), X, names=["acme"])


def test_payload_is_not_loaded_unless_its_backend_is_named():
    program = check(Model(lambda self, x: -x), X)
    with pytest.raises(edgeir.ProgramError, match=r"name it: backends=\['running'\]"):
        edgeir.load(program.buffer)
    function = next(functions(program.stages.modules["calls"]))
    with pytest.raises(Exception, match=r"calls compiled code .*--backend running"):
        evaluate(function, [X.numpy()], program.weights)


# --- command lines --------------------------------------------------------------------------------


TEXT = """
func.func @forward(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = aten.relu(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = aten.cumsum(%0, dim = 0) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = aten.sort(%1) : (tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xi64>)
  func.return %2#0 : tensor<2x4xf32>
}
""".replace("%2 =", "%2, %3 =").replace("%2#0", "%2")


def test_tools_with_a_loaded_backend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delitem(backends._REGISTERED, "running")
    monkeypatch.delitem(delegates._REGISTERED, "running")
    source, output = tmp_path / "model.mlir", str(tmp_path / "model.pte")
    source.write_text(TEXT)
    loaded = ["--load", running_backend.__file__]
    stages = tmp_path / "stages"
    options = [*loaded, "--backend", "running,numpy", "--dump-stages", str(stages)]
    assert edge_compile([str(source), "-o", output, *options, "--print-pipeline"]) == 0
    passes = 'partition{backend="running","numpy"},lower-delegates,legalize'
    assert passes in capsys.readouterr().out
    assert {p.stem for p in stages.glob("*.mlir")} == {
        "aten",
        "edge",
        "delegate",
        "calls",
        "memory",
    }
    inputs = ["--input", "2x4xf32=random:0", "--threads", "2"]
    assert edge_run([output, *inputs]) == 1
    assert edge_run([output, *inputs, "--backend", "running,numpy", *loaded]) == 0
    expected = tmp_path / "expected.npy"
    assert edge_run([str(source), *inputs, "-o", str(expected)]) == 0
    for file in (output, *stages.glob("*.mlir")):
        named = ["--backend", "numpy", "--backend", "running"]
        assert edge_run([str(file), *inputs, *named, "--expect", str(expected)]) == 0
    capsys.readouterr()
    tables: list[Any] = []
    for file in (output, *(stages / f"{s}.mlir" for s in ("delegate", "calls", "memory"))):
        assert edge_inspect([str(file), "--delegation", "--json"]) == 0
        tables.append(json.loads(capsys.readouterr().out))
    assert all(other == tables[0] for other in tables)
    assert tables[0]["regions"][0] == {
        "method": "forward",
        "number": 0,
        "backend": "numpy",
        "operators": {"relu": 1},
        "macs": 0,
        "bytes_in": 32,
        "bytes_out": 32,
    }
    assert [row["operator"] for row in tables[0]["left"]] == ["sort"]
    assert edge_inspect([output, "--delegation"]) == 0
    text = capsys.readouterr().out
    assert "running: takes cumsum and neg only; numpy: has no function for edge.sort" in text
    assert "2 regions with 2 of 3 operators; 128 bytes cross their borders" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target-cpu", "x"], "give --backend NAME"),
        (["--backend", "numpy", "--pipeline", "cse"], "give --backend or --pipeline"),
        (["--backend", "numpy", "--backend-option", "x"], "expected KEY=VALUE"),
        (["--backend", "numpy", "--target-cpu", "x"], "no backend takes the option target-cpu"),
        (["--backend", "numpy", "--require-full-delegation"], "edge.cumsum: is not delegated"),
    ],
)
def test_mistakes(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source = tmp_path / "model.mlir"
    source.write_text(TEXT)
    assert edge_compile([str(source), "-o", str(tmp_path / "model.pte"), *arguments]) == 1
    assert message in capsys.readouterr().err


def test_executorch_is_told_of_the_backend(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = tmp_path / "model.mlir"
    source.write_text(TEXT)
    target = ["--backend", "numpy", "--target-runtime", "executorch-1.5"]
    edge_compile([str(source), "-o", str(tmp_path / "model.pte"), *target])
    assert "the program needs the backend 'numpy'" in capsys.readouterr().err


def test_table_says_why_nothing_was_delegated(tmp_path: Path):
    program = edgeir.compile(Model(lambda self, x: torch.sort(x)[0]), (X,), backends=BOTH)
    program.save(tmp_path / "model.pte")
    (row,) = read_delegation(str(tmp_path / "model.pte")).left
    assert row.operator == "sort" and row.reason.startswith("running: takes cumsum and neg only")


def test_backends_may_come_one_after_the_other(tmp_path: Path):
    steps = [f"partition{{backend={name}}},lower-delegates" for name in BOTH]
    pipeline = (*OPTIMIZE, *steps, *LEGALIZE, *EMIT)
    model = Model(lambda self, x: torch.sort(torch.cumsum(-x, 0).relu())[0])
    program = edgeir.compile(model, (X,), pipeline=pipeline)
    equal([edgeir.load(program.buffer, backends=BOTH)(X)], [model(X)])
    program.save(tmp_path / "model.pte")
    found = read_delegation(str(tmp_path / "model.pte"))
    assert [(r.number, r.backend) for r in found.regions] == [(0, "running"), (1, "numpy")]
    assert [row.operator for row in found.left] == ["sort"]


def test_one_backend_may_be_given_as_a_name():
    program = edgeir.compile(Model(lambda self, x: -x), (X,), backends="running")
    equal([edgeir.load(program.buffer, backends="running")(X)], [-X])


def test_table_goes_with_the_locations(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    program = edgeir.compile(Model(lambda self, x: -x), (X,), backends=BOTH, locations=False)
    assert b"edgeir.delegation" not in program.buffer
    program.save(tmp_path / "model.pte")
    assert edge_inspect([str(tmp_path / "model.pte"), "--delegation"]) == 1
    assert "does not tell what was delegated" in capsys.readouterr().err


# --- any graph ------------------------------------------------------------------------------------

T = "tensor<4xf32>"
UNARY = {"relu": "numpy", "neg": "running", "cumsum": "running", "exp": "numpy", "sin": "none"}
"""Operators and who takes them first; nobody takes sin."""


@st.composite
def graphs(draw: st.DrawFn) -> str:
    """A function of unary and binary operators, constants and views, with some results."""
    lines: list[str] = []
    values = ["%x", "%y"]
    for i in range(draw(st.integers(1, 25))):
        operands = [draw(st.sampled_from(values)) for _ in range(2)]
        kind = draw(st.sampled_from([*UNARY, "add", "constant", "view"]))
        if kind == "add":
            operation = f"edge.add.Tensor({operands[0]}, {operands[1]}) : ({T}, {T}) -> {T}"
        elif kind == "constant":
            operation = f'edge.constant #edge.constant<"0x0000803F" : {T}> : {T}'
        elif kind == "view":
            square = "tensor<2x2xf32>"
            lines.append(f"%s{i} = edge.view({operands[0]}, size = [2, 2]) : ({T}) -> {square}")
            operation = f"edge.view(%s{i}, size = [4]) : ({square}) -> {T}"
        else:
            arguments = ", dim = 0" if kind == "cumsum" else ""
            operation = f"edge.{kind}({operands[0]}{arguments}) : ({T}) -> {T}"
        lines.append(f"%v{i} = {operation}")
        values.append(f"%v{i}")
    returned = draw(st.lists(st.sampled_from(values), min_size=1, max_size=4))
    types = ", ".join([T] * len(returned))
    body = "\n".join(lines)
    return (
        f"func.func @forward(%x: {T}, %y: {T}) -> ({types}) {{\n{body}\n"
        f"func.return {', '.join(returned)} : {types}\n}}"
    )


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_any_graph_stays_acyclic_and_gives_the_same(text: str):
    context = edge_context()
    module = Parser(context, text).parse_module()
    inputs = [np.array([0.5, -1, 2, 0.25], np.float32), np.array([1, 0, -2, 0.5], np.float32)]
    with np.errstate(all="ignore"):
        wanted = evaluate(next(functions(module)), inputs, context.weights)
        PartitionPass(("running", "numpy")).apply(context, module)
        # The verifier finds a use that stands before its value: what a cycle would come to.
        module.verify()
        assert Parser(context, str(module)).parse_module().is_structurally_equivalent(module)
        equal(evaluate(next(functions(module)), inputs, context.weights), wanted)
        _check_regions(module)
        program = compile_program.compile_module(
            module, context, ("lower-delegates", *LEGALIZE, *EMIT)
        )
        loaded = edgeir.load(program.buffer, backends=BOTH)
        got = loaded.run("forward", *inputs)
    equal([got] if len(wanted) == 1 else got, wanted)


def _check_regions(module: ModuleOp) -> None:
    """Everything supported is in a region, unless it is a view; no region is views alone."""
    found = describe_delegation(module)
    assert all(row.operator in ("sin", "view") for row in found.left)
    assert all(set(row.operators) != {"view"} for row in found.regions)
    assert not [op for op in module.walk() if isinstance(op, CallOp)]


def test_long_chains_do_not_recurse():
    lines = [f"%v{i + 1} = edge.relu(%v{i}) : ({T}) -> {T}" for i in range(2000)]
    text = f"func.func @f(%v0: {T}) -> {T} {{\n" + "\n".join(lines)
    context = edge_context()
    module = Parser(context, f"{text}\nfunc.return %v2000 : {T}\n}}").parse_module()
    PartitionPass(("numpy",)).apply(context, module)
    (row,) = describe_delegation(module).regions
    assert row.operators == {"relu": 2000}


def test_verdict_without_a_reason_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running_backend, "supports", lambda op: Verdict(False))
    program = edgeir.compile(Model(lambda self, x: -x), (X,), backends=["running"])
    assert table(program).left[0].reason == "running: gives no reason"
