from pathlib import Path

import numpy as np
import pytest
import torch

import edgeir
from edgeir.dialects.weights import read_safetensors, write_safetensors
from edgeir.tools.edge_opt import main as opt
from edgeir.tools.edge_run import main as run
from edgeir.tools.edge_translate import main


class Scale(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x * self.scale)


MEMORY = """\
memory.method @forward attributes {arenas = array<i64: 0, 32>} {
  %x = memory.planned "x" in 1 at 0 : !memory.slot<tensor<3xf32>>
  %y = memory.planned "y" in 1 at 16 : !memory.slot<tensor<3xf32>>
  memory.begin ins(%x) outs(%y)
  memory.call @"aten::relu.out"(%x) outs(%y) loc("act"("model.py":7:0))
  memory.end
}
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "scale.pt2"
    torch.export.save(torch.export.export(Scale(), (torch.ones(2, 3),)), path)
    return path


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    path = tmp_path / "planned.mlir"
    path.write_text(MEMORY)
    return path


def _fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in errors
    return errors


def test_exported_program_to_text(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "scale.mlir"
    assert main([str(exported), "-o", str(output)]) == 0
    assert capsys.readouterr() == ("", "")
    text = output.read_text()
    assert 'edge.weights = ["scale.safetensors"]' in text
    assert 'edge.weight "scale" : tensor<3xf32>' in text
    assert "test_edge_translate.py" in text
    weights = read_safetensors(tmp_path / "scale.safetensors")
    assert weights["scale"].tolist() == [1, 2, 3]
    np.save(tmp_path / "y.npy", np.tile(np.array([1, 2, 3], np.float32), (2, 1)))
    assert run([str(output), "--input", "2x3xf32=1", "--expect", str(tmp_path / "y.npy")]) == 0


def test_translation_is_deterministic(exported: Path, tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert main([str(exported), "-o", str(tmp_path / name / "m.mlir")]) == 0
    for file in ("m.mlir", "m.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_locations_are_stripped(exported: Path, tmp_path: Path):
    output = tmp_path / "m.mlir"
    assert main([str(exported), "-o", str(output), "--strip-locations"]) == 0
    assert "loc(" not in output.read_text()


def test_weights_of_stdout_need_a_file(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert "give --save-weights" in _fails([str(exported)], capsys)
    weights = tmp_path / "w.safetensors"
    assert main([str(exported), "--save-weights", str(weights)]) == 0
    assert "w.safetensors" in capsys.readouterr().out
    assert weights.is_file()


def test_memory_module_to_program(planned: Path, tmp_path: Path):
    program = tmp_path / "m.pte"
    assert main([str(planned), "-o", str(program)]) == 0
    assert run([str(program), "--input", "3xf32=-1,0,1", "--expect", "3xf32=0,0,1"]) == 0
    assert b"model.py" in program.read_bytes()
    assert main([str(planned), "-o", str(program), "--strip-locations"]) == 0
    assert b"model.py" not in program.read_bytes()


def test_program_to_text_and_back(planned: Path, tmp_path: Path):
    program, text, back = (tmp_path / name for name in ("m.pte", "m.mlir", "back.pte"))
    assert main([str(planned), "-o", str(program)]) == 0
    assert main([str(program), "-o", str(text)]) == 0
    assert 'outs(%y) loc("act"("model.py":7:0))' in text.read_text()
    assert main([str(text), "-o", str(back)]) == 0
    assert back.read_bytes() == program.read_bytes()
    assert main([str(program), "-o", str(text), "--strip-locations"]) == 0
    assert "loc(" not in text.read_text()
    assert run([str(text), "--input", "3xf32=-1,0,1", "--expect", "3xf32=0,0,1"]) == 0


def test_data_of_a_program_goes_beside_its_text(tmp_path: Path):
    inputs = (torch.randn(2, 6),)
    edgeir.compile(torch.nn.Linear(6, 5).eval(), inputs).save(tmp_path / "m.pte")
    text, planned, back = (tmp_path / name for name in ("m.mlir", "p.mlir", "back.pte"))
    assert main([str(tmp_path / "m.pte"), "-o", str(text)]) == 0
    assert set(read_safetensors(tmp_path / "m.safetensors")) == {"constant_1", "constant_2"}
    assert main([str(text), "-o", str(back)]) == 0
    assert back.read_bytes() == (tmp_path / "m.pte").read_bytes()
    assert opt([str(text), "-p", "plan-memory,verify-memory", "-o", str(planned)]) == 0
    assert run([str(planned), "--input", "2x6xf32=1", "-o", str(tmp_path / "a.npy")]) == 0
    assert run([str(back), "--input", "2x6xf32=1", "--expect", str(tmp_path / "a.npy")]) == 0


def test_data_of_a_program_to_stdout_needs_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    edgeir.compile(torch.nn.Linear(6, 5).eval(), (torch.randn(2, 6),)).save(tmp_path / "m.pte")
    assert "give --save-weights" in _fails([str(tmp_path / "m.pte")], capsys)
    weights = tmp_path / "w.safetensors"
    assert main([str(tmp_path / "m.pte"), "--save-weights", str(weights)]) == 0
    assert 'memory.constant "constant_1"' in capsys.readouterr().out


def test_a_damaged_program_is_one_message(
    planned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    program = tmp_path / "m.pte"
    assert main([str(planned), "-o", str(program)]) == 0
    program.write_bytes(program.read_bytes()[:100])
    errors = _fails([str(program), "-o", str(tmp_path / "m.mlir")], capsys)
    assert errors.startswith("edge-translate: error: ")
    assert errors.count("\n") == 1
    assert not (tmp_path / "m.mlir").exists()


def test_a_backend_that_is_not_here_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = MEMORY.replace('memory.call @"aten::relu.out"', 'memory.delegate_call "NpuBackend" "p"')
    (tmp_path / "m.mlir").write_text(text)
    write_safetensors(tmp_path / "w.safetensors", {"p": np.ones(3, np.uint8)})
    weights = ["--weights", str(tmp_path / "w.safetensors")]
    program = str(tmp_path / "m.pte")
    assert main([str(tmp_path / "m.mlir"), *weights, "-o", program]) == 0
    assert main([program, "-o", str(tmp_path / "n.mlir")]) == 0
    assert (
        'delegate_call "NpuBackend" "NpuBackend"(%x) outs(%y)' in (tmp_path / "n.mlir").read_text()
    )
    for file in (program, str(tmp_path / "n.mlir")):
        assert run([file, "--input", "3xf32=1"]) == 1
        errors = capsys.readouterr().err
        assert "NpuBackend" in errors
        assert errors.count("\n") == 1


def test_program_to_stdout(planned: Path, capfdbinary: pytest.CaptureFixture[bytes]):
    assert main([str(planned), "--to", "pte"]) == 0
    assert capfdbinary.readouterr().out[4:8] == b"ET12"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m.pt2", "-o", "m.pte"], "edge-compile"),
        (["m.mlir", "-o", "n.mlir"], "edge-opt"),
        (["m.pte", "-o", "n.pte"], "there is no way from .pte to .pte"),
        (["nowhere.pte", "-o", "m.mlir"], "nowhere.pte: cannot be read: No such file"),
        (["m.onnx", "-o", "m.mlir"], "unknown format"),
        (["m.mlir", "-o", "m.pt2"], "there is no way from .mlir to .pt2"),
        (["nowhere.pt2", "-o", "m.mlir"], "nowhere.pt2: no such file"),
        (["nowhere.mlir", "-o", "m.pte"], "nowhere.mlir: No such file"),
    ],
)
def test_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert message in _fails(arguments, capsys)


def test_only_memory_modules_are_emitted(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "m.mlir"
    path.write_text("func.func @f() {\n  func.return\n}\n")
    errors = _fails([str(path), "-o", str(tmp_path / "m.pte")], capsys)
    assert "convert-edge-to-memory" in errors
    assert not (tmp_path / "m.pte").exists()


def test_not_an_exported_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "m.pt2"
    path.write_bytes(b"no")
    assert "not an exported program" in _fails([str(path), "-o", str(tmp_path / "m.mlir")], capsys)
