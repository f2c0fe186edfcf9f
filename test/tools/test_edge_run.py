import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pytest

from edgeir.tools.edge_opt import main as edge_opt
from edgeir.tools.edge_run import main
from edgeir.tools.edge_translate import main as translate

ATEN = """\
func.func @forward(%x: tensor<2x3xf32> {edge.name = "x"}, %y: tensor<2x3xf32> {edge.name = "y"})
    -> (tensor<2x3xf32> {edge.name = "sum"}, tensor<2x3xf32>) {
  %0 = aten.add.Tensor(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = aten.relu(%0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0, %1 : tensor<2x3xf32>, tensor<2x3xf32>
}
"""

MEMORY = """\
memory.method @forward attributes {arenas = array<i64: 0, 96>} {
  %x = memory.planned "x" in 1 at 0 : !memory.slot<tensor<2x3xf32>>
  %y = memory.planned "y" in 1 at 32 : !memory.slot<tensor<2x3xf32>>
  %sum = memory.planned "sum" in 1 at 64 : !memory.slot<tensor<2x3xf32>>
  %one = memory.scalar 1 : i64
  memory.begin ins(%x, %y) outs(%sum)
  memory.call @"aten::add.out"(%x, %y, %one) outs(%sum)
  memory.end
}
"""

X, Y = "2x3xf32=1,2,3,4,5,6", "2x3xf32=-2"


@pytest.fixture(params=["aten", "edge", "memory", "pte"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The sum of two inputs, at each stage."""
    path = tmp_path / f"{request.param}.mlir"
    match request.param:
        case "aten":
            path.write_text(ATEN)
        case "edge":
            path.write_text(ATEN.replace("aten.", "edge."))
        case _:
            path.write_text(MEMORY)
    if request.param != "pte":
        return str(path)
    program = path.with_suffix(".pte")
    assert translate([str(path), "-o", str(program)]) == 0
    return str(program)


def _fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 1
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    return errors


def test_every_stage_runs(model: str, tmp_path: Path):
    output = tmp_path / "out.npz"
    assert main([model, "--input", X, "--input", Y, "--output", str(output)]) == 0
    with np.load(output) as results:
        np.testing.assert_array_equal(results["sum"], [[-1, 0, 1], [2, 3, 4]])


def test_inputs_by_name(model: str, tmp_path: Path):
    output = tmp_path / "out.npz"
    assert main([model, "--input", f"y={Y}", "--input", f"x={X}", "--output", str(output)]) == 0
    with np.load(output) as results:
        assert results["sum"][0, 0] == -1


def test_outputs_are_summarised(model: str, capsys: pytest.CaptureFixture[str]):
    assert main([model, "--input", X, "--input", Y]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "sum: f32[2, 3] min -1 max 4 mean 1.5"
    assert lines[1] == "[[-1.,  0.,  1.],"


def test_unnamed_outputs_are_numbered(tmp_path: Path):
    path, output = tmp_path / "a.mlir", tmp_path / "out.npz"
    path.write_text(ATEN)
    main([str(path), "--input", X, "--input", Y, "--output", str(output)])
    with np.load(output) as results:
        assert list(results) == ["sum", "output_1"]
        assert results["output_1"].min() == 0


def test_output_is_deterministic(model: str, tmp_path: Path):
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for file in files:
        main([model, "--input", X, "--input", Y, "--output", str(file)])
    assert files[0].read_bytes() == files[1].read_bytes()


def test_missing_inputs_are_listed(model: str, capsys: pytest.CaptureFixture[str]):
    errors = _fails([model, "--input", X], capsys)
    assert "edge-run: error: method 'forward' takes 2 inputs, got 1:" in errors
    assert "  --input y=2x3xf32=random:0" in errors


def test_wrong_shape(model: str, capsys: pytest.CaptureFixture[str]):
    assert "2, 4]" in _fails([model, "--input", X, "--input", "2x4xf32=0"], capsys)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_expected_outputs(
    model: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / f"expected.{suffix}"
    want = np.array([[-1, 0, 1], [2, 3, 4]], np.float32)
    arguments = [model, "--input", X, "--input", Y, "--expect", str(path)]

    def save() -> None:
        np.save(path, want) if suffix == "npy" else np.savez(path, sum=want)

    save()
    assert main(arguments) == 0
    assert capsys.readouterr() == ("", "")
    want[1, 2] = 5
    save()
    errors = _fails(arguments, capsys)
    assert "output sum is not as expected: max abs error 1, max rel error 0.2" in errors
    assert main([*arguments, "--atol", "1"]) == 0
    assert main([*arguments, "--rtol", "0.1"]) == 0, "a share of the largest value besides"
    assert main([*arguments, "--rtol", "0.1", "--atol", "0"]) == 1


def test_expected_as_spec(model: str, capsys: pytest.CaptureFixture[str]):
    inputs = [model, "--input", X, "--input", "2x3xf32=0"]
    assert main([*inputs, "--expect", X]) == 0
    assert "not as expected" in _fails([*inputs, "--expect", Y], capsys)


def test_expected_names_must_be_outputs(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    np.savez(tmp_path / "e.npz", total=np.zeros(1))
    arguments = [model, "--input", X, "--input", Y, "--expect", str(tmp_path / "e.npz")]
    assert "no output total" in _fails(arguments, capsys)


def test_unknown_method(model: str, capsys: pytest.CaptureFixture[str]):
    errors = _fails([model, "--method", "backward"], capsys)
    assert "has no method 'backward'; it has: forward" in errors


def test_benchmark(model: str, capsys: pytest.CaptureFixture[str]):
    assert main([model, "--input", X, "--input", Y, "--benchmark", "3"]) == 0
    assert capsys.readouterr().out.startswith("median of 3 runs: ")


def test_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "m.mlir"
    path.write_text(MEMORY)
    assert main([str(path), "--input", X, "--input", Y, "--profile"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["ms", "share", "calls", "operator"]
    assert lines[1][2:] == ["1", "aten::add.out"]
    assert lines[-1][1:] == ["100.0%", "1", "total"]


def test_profile_of_a_function(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "m.mlir"
    path.write_text(ATEN)
    arguments = [str(path), "--input", X, "--input", Y, "--profile"]
    assert "can be profiled" in _fails(arguments, capsys)


def test_python_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "m.mlir"
    path.write_text(
        "func.func @count(%n: i64) -> (i64, none) {\n"
        "  %0 = edge.scalar #edge.expr<2 * v0 + 1>(%n) : (i64) -> i64\n"
        "  %1 = edge.literal none : none\n"
        "  func.return %0, %1 : i64, none\n}\n"
    )
    assert main([str(path), "--input", "5:i64"]) == 0
    assert capsys.readouterr().out == "output_0: 11\noutput_1: None\n"


def test_text_from_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(ATEN.encode()), "utf-8"))
    assert main(["-", "--input", X, "--input", Y]) == 0
    assert capsys.readouterr().out.startswith("sum: f32[2, 3]")


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0ET12", b"\xff" * 100])
def test_malformed_program(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "bad.pte"
    path.write_bytes(content)
    errors = _fails([str(path)], capsys)
    assert errors.startswith("edge-run: error: ")
    assert str(path) in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [("nowhere.pte", "nowhere.pte"), ("nowhere.mlir", "nowhere.mlir: No such file")],
)
def test_missing_file(name: str, message: str, capsys: pytest.CaptureFixture[str]):
    assert message in _fails([name], capsys)


def test_unplanned_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "m.mlir"
    path.write_text(MEMORY.replace(" in 1 at 0", ""))
    assert "run plan-memory" in _fails([str(path), "--input", X], capsys)


DYNAMIC = """\
func.func @forward(
    %x: tensor<?x3xf32, #edge.layout<dims = [s0, 3]>> {edge.name = "x"},
    %y: tensor<?x3xf32, #edge.layout<dims = [2 * s0 + 1, 3]>> {edge.name = "y"}
) -> tensor<?x3xf32, #edge.layout<dims = [3 * s0 + 1, 3]>>
    attributes {edge.symbols = {s0 = [2, 8]}} {
  %0 = edge.cat([%x, %y]) : (
    tensor<?x3xf32, #edge.layout<dims = [s0, 3]>>,
    tensor<?x3xf32, #edge.layout<dims = [2 * s0 + 1, 3]>>
  ) -> tensor<?x3xf32, #edge.layout<dims = [3 * s0 + 1, 3]>>
  func.return %0 : tensor<?x3xf32, #edge.layout<dims = [3 * s0 + 1, 3]>>
}
"""


@pytest.fixture
def dynamic(tmp_path: Path) -> tuple[str, str]:
    """The text and the program of a method with dynamic sizes."""
    text, program = str(tmp_path / "m.mlir"), str(tmp_path / "m.pte")
    Path(text).write_text(DYNAMIC)
    passes = "convert-edge-to-memory,plan-memory,verify-memory"
    assert edge_opt([text, "-p", passes, "-o", str(tmp_path / "memory.mlir")]) == 0
    assert translate([str(tmp_path / "memory.mlir"), "-o", program]) == 0
    return text, program


def test_shapes_are_swept(dynamic: tuple[str, str], capsys: pytest.CaptureFixture[str]):
    text, program = dynamic
    wanted = (
        "min: s0=2 [2, 3], [5, 3] -> [7, 3]\n"
        "mid: s0=5 [5, 3], [11, 3] -> [16, 3]\n"
        "max: s0=8 [8, 3], [17, 3] -> [25, 3]\n"
        "3: s0=3 [3, 3], [7, 3] -> [10, 3]\n"
    )
    for file, other in ((program, text), (text, program)):
        assert main([file, "--shapes", "min,mid,max,3", "--compare", other]) == 0
        assert capsys.readouterr().out == wanted


def test_a_sweep_shows_what_differs(
    dynamic: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    _, program = dynamic
    other = tmp_path / "other.mlir"
    swapped = "%1 = edge.neg(%0) : (TYPE) -> TYPE\n  func.return %1".replace(
        "TYPE", "tensor<?x3xf32, #edge.layout<dims = [3 * s0 + 1, 3]>>"
    )
    other.write_text(DYNAMIC.replace("func.return %0", swapped))
    assert main([program, "--shapes", "min,max", "--compare", str(other)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("output output_0 is not that of" in line for line in lines)


def test_sizes_in_common_are_checked_in_every_stage(
    dynamic: tuple[str, str], capsys: pytest.CaptureFixture[str]
):
    for file in dynamic:
        inputs = ["--input", "4x3xf32=1", "--input", "8x3xf32=1"]
        errors = _fails([file, *inputs], capsys)
        assert "input 'y': dimension 0 is 8; it must be 9, because of dimension 0 of" in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shapes", "least"], "'least' is none of min, mid, max or a number"),
        (["--shapes", "min", "--input", "2x3xf32=0"], "leave out --input"),
        (["--shapes", ""], "name some"),
    ],
)
def test_shapes_that_cannot_be(arguments, message, dynamic, capsys: pytest.CaptureFixture[str]):
    assert message in _fails([dynamic[1], *arguments], capsys)


def test_a_method_without_dynamic_sizes_has_one_shape(
    model: str, capsys: pytest.CaptureFixture[str]
):
    assert main([model, "--shapes", "min,max"]) == 0
    assert capsys.readouterr().out.startswith("static: [2, 3], [2, 3] -> [2, 3]")


NAMED_LIKE_A_POSITION = """\
func.func @forward(%a: tensor<2xf32> {edge.name = "input_1"}, %b: tensor<2xf32>) -> tensor<2xf32> {
  %0 = aten.sub.Tensor(%a, %b) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %0 : tensor<2xf32>
}
"""


def test_a_name_may_look_like_a_position(tmp_path: Path):
    path = tmp_path / "m.mlir"
    path.write_text(NAMED_LIKE_A_POSITION)
    inputs = ["--input", "2xf32=5", "--input", "2xf32=3"]
    assert main([str(path), *inputs, "--expect", "2xf32=2"]) == 0


NO_ELEMENT = """\
func.func @forward(%x: tensor<0xf32>) -> f64 {
  %0 = aten._local_scalar_dense(%x) : (tensor<0xf32>) -> f64 loc("pick"("m.py":3:0))
  func.return %0 : f64
}
"""


def test_number_that_cannot_be_taken_has_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "m.mlir"
    path.write_text(NO_ELEMENT)
    errors = _fails([str(path), "--input", "0xf32="], capsys)
    assert errors.startswith("m.py:3: error: in pick (aten._local_scalar_dense): cannot be run: ")
