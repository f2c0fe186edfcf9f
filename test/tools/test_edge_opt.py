"""edge-opt as a user calls it, run inside the test process."""

import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pytest

from edgeir.dialects.weights import read_safetensors, write_safetensors
from edgeir.tools.edge_opt import main

RELU = """\
func.func @forward(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = aten.relu(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}
"""

WEIGHT = """\
builtin.module attributes {edge.weights = ["w.safetensors"]} {
  func.func @forward() -> tensor<2xf32> {
    %0 = edge.weight "w" : tensor<2xf32>
    func.return %0 : tensor<2xf32>
  }
}
"""

PLUGIN = str(Path(__file__).with_name("plugin.py"))

TAKEN_PASS = """\
from xdsl.passes import ModulePass


class SecondPass(ModulePass):
    name = "plan-memory"
"""

TAKEN_DIALECT = """\
from xdsl.ir import Dialect

Second = Dialect("edge")
"""


@pytest.fixture
def relu(tmp_path: Path) -> str:
    path = tmp_path / "relu.mlir"
    path.write_text(RELU)
    return str(path)


@pytest.fixture
def weighted(tmp_path: Path) -> Path:
    """A module whose weights lie beside it."""
    write_safetensors(tmp_path / "w.safetensors", {"w": np.array([1, 2], np.float32)})
    path = tmp_path / "w.mlir"
    path.write_text(WEIGHT)
    return path


def _stdin(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(text.encode()), "utf-8"))


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_stdin_to_stdout(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    _stdin(monkeypatch, RELU)
    assert main(arguments) == 0
    assert "%0 = aten.relu(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>" in capsys.readouterr().out


def test_output_parses_back(relu: str, tmp_path: Path):
    once, twice = str(tmp_path / "once.mlir"), str(tmp_path / "twice.mlir")
    assert main([relu, "-o", once]) == 0
    assert main([once, "-o", twice]) == 0
    assert Path(once).read_text() == Path(twice).read_text()


def test_quiet_on_success(relu: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([relu, "-p", "cse,dce", "-o", str(tmp_path / "o.mlir")]) == 0
    assert capsys.readouterr() == ("", "")


def test_locations_are_printed_when_there_are_any(
    relu: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    main([relu])
    assert "loc(" not in capsys.readouterr().out
    Path(relu).write_text(RELU.replace("\n  func.return", ' loc("fc"("m.py":3:0))\n  func.return'))
    main([relu])
    assert 'loc("fc"("m.py":3:0))' in capsys.readouterr().out
    Path(relu).write_text(RELU)
    main([relu, "--print-debuginfo"])
    assert "loc(unknown)" in capsys.readouterr().out


def test_help_lists_passes(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_info:
        main(["--load", PLUGIN, "--help"])
    assert exit_info.value.code == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert ["plan-memory", "Give every planned tensor an arena and an offset."] in lines
    assert ["test-double", "Double every weight."] in lines


def test_timing_and_printing_go_to_stderr(relu: str, capsys: pytest.CaptureFixture[str]):
    assert main([relu, "-p", "cse,dce", "--time-passes", "--print-between-passes"]) == 0
    out, errors = capsys.readouterr()
    assert out.count("aten.relu") == 1
    assert "ms  cse" in errors
    assert "// IR after cse:\nbuiltin.module" in errors


def test_split_input(relu: str, capsys: pytest.CaptureFixture[str]):
    Path(relu).write_text(RELU + "// -----\n" + RELU)
    assert main([relu, "--split-input-file"]) == 0
    assert capsys.readouterr().out.count("// -----") == 1


# What goes wrong.


def _fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in errors
    return errors


def test_missing_file(capsys: pytest.CaptureFixture[str]):
    message = "edge-opt: error: nowhere.mlir: No such file or directory\n"
    assert _fails(["nowhere.mlir"], capsys) == message


def test_unknown_pass(relu: str, capsys: pytest.CaptureFixture[str]):
    errors = _fails([relu, "-p", "plan-memry"], capsys)
    assert errors == "edge-opt: error: unknown pass 'plan-memry'; did you mean plan-memory?\n"


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("plan-memory{x=1}", 'Provided arguments ["x"] not found'),
        ("plan-memory{", "Expected argument name"),
    ],
)
def test_bad_pipeline(relu: str, pipeline: str, message: str, capsys: pytest.CaptureFixture[str]):
    assert message in _fails([relu, "-p", pipeline], capsys)


@pytest.mark.parametrize("arguments", [["--what"], ["-t", "nothing"], ["--load"]])
def test_unknown_option(relu: str, arguments: list[str], capsys: pytest.CaptureFixture[str]):
    errors = _fails([relu, *arguments], capsys)
    assert errors.startswith("edge-opt: error: ")
    assert errors.count("\n") == 1


def test_syntax_error_has_its_place(relu: str, capsys: pytest.CaptureFixture[str]):
    Path(relu).write_text("func.func @f() {\n  %0 = aten.relu(3)\n}\n")
    assert _fails([relu], capsys).startswith(f"{relu}:2:")
    Path(relu).write_text(RELU + "// -----\nfunc.func 3\n")
    assert _fails([relu, "--split-input-file"], capsys).startswith(f"{relu}:6:")


def test_verifier_error_has_its_place(relu: str, capsys: pytest.CaptureFixture[str]):
    Path(relu).write_text(
        'func.func @f() {\n  %0 = edge.weight "w" : tensor<?xf32> loc("fc"("m.py":3:0))\n'
        "  func.return\n}\n"
    )
    errors = _fails([relu], capsys)
    assert errors == (
        "m.py:3: error: in fc (edge.weight): edge.weight: tensor<?xf32> has no static shape\n"
    )


def test_pass_that_breaks_the_module_is_named(relu: str, capsys: pytest.CaptureFixture[str]):
    assert "(after test-break)" in _fails([relu, "--load", PLUGIN, "-p", "test-break"], capsys)


@pytest.mark.parametrize(
    ("operation", "passes", "message"),
    [
        (
            "%0 = edge.permute(%x, dims = [7, 0]) : (tensor<2x3xf32>) -> tensor<2x3xf32>",
            "simplify-views",
            "error: in edge.permute: there is no dim 7 in 2 dims",
        ),
        (
            "%0 = edge.linear(%x, %y) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>",
            "legalize",
            "error: in edge.linear: the input [2, 3] does not fit the weight []",
        ),
    ],
)
def test_input_that_breaks_a_pass_is_to_blame(
    operation: str, passes: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "bad.mlir"
    file.write_text(
        f"func.func @f(%x: tensor<2x3xf32>, %y: tensor<f32>) -> tensor<2x3xf32> {{\n  {operation}\n"
        "  func.return %0 : tensor<2x3xf32>\n}\n"
    )
    assert main([str(file), "-p", passes]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith(message)
    assert len(errors.splitlines()) == 1


def test_diagnostics_are_output_on_request(relu: str, capsys: pytest.CaptureFixture[str]):
    bad = 'func.func @f() {\n  %0 = edge.weight "w" : tensor<?xf32>\n  func.return\n}\n'
    Path(relu).write_text(bad + "// -----\nfunc.func\n// -----\n" + RELU)
    assert main([relu, "--split-input-file", "--verify-diagnostics"]) == 0
    first, second, third = capsys.readouterr().out.split("// -----\n")
    assert first == "edge.weight: tensor<?xf32> has no static shape\n"
    assert "expect symbol name" in second
    assert "aten.relu" in third


@pytest.mark.parametrize(("name", "advice"), [("m.pt2", "edge-translate"), ("m.pte", "edge-run")])
def test_other_formats_get_advice(name: str, advice: str, capsys: pytest.CaptureFixture[str]):
    assert advice in _fails([name], capsys)


def test_binary_input(relu: str, capsys: pytest.CaptureFixture[str]):
    Path(relu).write_bytes(b"\xff\xfe")
    assert "is not text" in _fails([relu], capsys)


def test_failure_leaves_no_output(relu: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = tmp_path / "out.mlir"
    output.write_text("before")
    Path(relu).write_text(RELU + "// -----\nfunc.func\n")
    _fails([relu, "--split-input-file", "-o", str(output)], capsys)
    assert output.read_text() == "before"
    assert not list(tmp_path.glob(".*"))


# Weights.


def test_weights_stay_where_they_are(weighted: Path, tmp_path: Path):
    (tmp_path / "deep").mkdir()
    output = tmp_path / "deep" / "o.mlir"
    assert main([str(weighted), "-o", str(output)]) == 0
    assert 'edge.weights = ["../w.safetensors"]' in output.read_text()
    assert main([str(output), "-o", str(tmp_path / "back.mlir")]) == 0
    assert sorted(path.name for path in tmp_path.rglob("*.safetensors")) == ["w.safetensors"]


def test_missing_weights(weighted: Path, capsys: pytest.CaptureFixture[str]):
    (weighted.parent / "w.safetensors").unlink()
    assert "w.safetensors: cannot read weights" in _fails([str(weighted)], capsys)


def test_weights_option_replaces_the_list(weighted: Path, capsys: pytest.CaptureFixture[str]):
    moved = weighted.parent / "moved.safetensors"
    (weighted.parent / "w.safetensors").rename(moved)
    assert main([str(weighted), "--weights", str(moved)]) == 0
    assert "moved.safetensors" in capsys.readouterr().out


def test_new_weights_lie_beside_the_output(weighted: Path, tmp_path: Path):
    output = tmp_path / "o.mlir"
    assert main([str(weighted), "--load", PLUGIN, "-p", "test-double", "-o", str(output)]) == 0
    assert 'edge.weights = ["w.safetensors", "o.safetensors"]' in output.read_text()
    new = read_safetensors(tmp_path / "o.safetensors")
    assert [array.tolist() for array in new.values()] == [[2, 4]]


def test_new_weights_need_a_file(
    weighted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = [str(weighted), "--load", PLUGIN, "-p", "test-double"]
    assert "give --save-weights FILE" in _fails(arguments, capsys)
    new = tmp_path / "new.safetensors"
    assert main([*arguments, "--save-weights", str(new)]) == 0
    assert "new.safetensors" in capsys.readouterr().out
    assert new.is_file()


def test_dead_new_weights_are_not_written(
    weighted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "o.mlir"
    passes = "test-double,test-double"
    assert main([str(weighted), "--load", PLUGIN, "-p", passes, "-o", str(output)]) == 0
    new = read_safetensors(tmp_path / "o.safetensors")
    assert [array.tolist() for array in new.values()] == [[4, 8]]


def test_output_over_the_input_keeps_its_weights(weighted: Path):
    text = WEIGHT.replace("func.return", 'edge.weight "v" : tensor<1xf32>\n    func.return')
    text = text.replace("    edge.weight", "    %v = edge.weight")
    weighted.write_text(text)
    weights = weighted.with_suffix(".safetensors")
    write_safetensors(weights, {"w": np.ones(2, np.float32), "v": np.zeros(1, np.float32)})
    arguments = ["--load", PLUGIN, "-p", "test-double", "-o", str(weighted)]
    assert main([str(weighted), *arguments]) == 0
    stored = read_safetensors(weights)
    assert sorted(array.tolist() for array in stored.values()) == [[0], [2, 2]]
    assert main([str(weighted), "-o", str(weighted)]) == 0


# Numerics.


def test_numerics_of_right_passes(relu: str, capsys: pytest.CaptureFixture[str]):
    assert main([relu, "-p", "cse,dce", "--check-numerics"]) == 0
    assert capsys.readouterr().err == ""


def test_numerics_name_the_wrong_pass(relu: str, capsys: pytest.CaptureFixture[str]):
    arguments = [relu, "--load", PLUGIN, "-p", "cse,test-wrong,dce", "--check-numerics"]
    errors = _fails(arguments, capsys)
    assert "edge-opt: error: test-wrong changes output_0 of forward: max abs error" in errors
    assert "max rel error" in errors


def test_numerics_of_weights(weighted: Path, capsys: pytest.CaptureFixture[str]):
    arguments = [str(weighted), "--load", PLUGIN, "-p", "test-double", "--check-numerics"]
    assert "test-double changes output_0" in _fails(arguments, capsys)


# Files given to --load.


def test_loaded_dialect(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "mine.mlir"
    path.write_text("mine.nothing\n")
    assert main([str(path), "--load", PLUGIN]) == 0
    assert "mine.nothing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nowhere_at_all", "ModuleNotFoundError"),
        ("x = 1\nx +", ":2: SyntaxError"),
        (TAKEN_PASS, "the pass 'plan-memory' exists already"),
        (TAKEN_DIALECT, "the dialect 'edge' exists already"),
    ],
)
def test_bad_loaded_file(
    relu: str, tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "bad.py"
    path.write_text(text)
    errors = _fails([relu, "--load", str(path)], capsys)
    assert str(path) in errors
    assert message in errors


def test_missing_loaded_file(relu: str, capsys: pytest.CaptureFixture[str]):
    assert "no such Python file" in _fails([relu, "--load", "nowhere.py"], capsys)


# As real processes.


def test_pipe(relu: str):
    command = [sys.executable, "-m", "edgeir.tools.edge_opt"]
    first = subprocess.run([*command, relu], capture_output=True, check=True)
    second = subprocess.run([*command, "-"], input=first.stdout, capture_output=True, check=True)
    assert first.stdout == second.stdout
    assert second.stderr == b""


def test_passes_and_dialects_in_xdsl_opt(relu: str):
    command = [sys.executable, "-m", "xdsl.tools.xdsl_opt", relu, "-p", "canonicalize"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "aten.relu" in result.stdout
