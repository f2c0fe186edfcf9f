"""What a tool cannot do: one line on stderr, exit code 1, and no file written or changed."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from edgeir.dialects.weights import write_safetensors
from edgeir.tools.edge_translate import main as translate

MEMORY = """\
memory.method @forward attributes {arenas = array<i64: 0, 32>} {
  %x = memory.planned "x" in 1 at 0 : !memory.slot<tensor<4xf32>>
  %y = memory.planned "y" in 1 at 16 : !memory.slot<tensor<4xf32>>
  memory.begin ins(%x) outs(%y)
  memory.call @"aten::relu.out"(%x) outs(%y)
  memory.end
}
"""
ATEN = """\
func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = aten.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
"""
WEIGHT = """\
builtin.module attributes {edge.weights = ["w.safetensors"]} {
  func.func @forward() -> tensor<2xf32> {
    %0 = edge.weight "w" : tensor<2xf32>
    %1 = edge.neg(%0) : (tensor<2xf32>) -> tensor<2xf32>
    func.return %1 : tensor<2xf32>
  }
}
"""
SOURCES = """\
def fails(): raise ValueError("first\\nsecond")
def leaves(): raise SystemExit(5)
def nothing(): return None
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, made the working one, with sound and damaged files of all kinds."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("folder.mlir").mkdir()
    Path("m.mlir").write_text(MEMORY)
    Path("aten.mlir").write_text(ATEN)
    assert translate(["m.mlir", "-o", "m.pte"]) == 0
    for ending in ("mlir", "pte", "pt2", "npy", "npz", "ptd", "safetensors", "py"):
        Path(f"empty.{ending}").touch()
        Path(f"noise.{ending}").write_bytes(bytes(range(255, 0, -1)) * 9)
    Path("cut.pte").write_bytes(Path("m.pte").read_bytes()[:-100])
    Path("deep.mlir").write_text("module {" * 3000 + "}" * 3000)
    np.save("x.npy", np.ones(4, np.float32))
    np.save("f64.npy", np.ones(4))
    np.savez("x.npz", x=np.ones(4, np.float32))
    Path("divides.py").write_text("x = 1\n1 / 0\n")
    Path("leaves.py").write_text("import sys\nsys.exit(0)\n")
    Path("models_that_fail.py").write_text(SOURCES)
    return tmp_path


HUGE = "x".join(["99999999"] * 3)

CASES = {
    "opt": [
        "nowhere.mlir",
        "folder",
        "folder.mlir",
        "empty.mlir",
        "noise.mlir",
        "m.pte",
        "deep.mlir",
        "m.mlir -p nothing",
        "m.mlir -p plan-memory{algorithm=nothing}",
        "m.mlir -p plan-memory{nothing=1}",
        "aten.mlir -p convert-aten-to-edge,partition{backend=nothing}",
        "m.mlir -o nowhere/out.mlir",
        "m.mlir -o folder",
        "m.mlir -o /dev/full",
        "m.mlir -t nothing",
        "m.mlir --nothing",
        "m.mlir m.mlir",
        "m.mlir --load nowhere.py",
        "m.mlir --load divides.py",
        "m.mlir --load leaves.py",
        "m.mlir --load noise.py",
        "m.mlir --load folder",
        "m.mlir --weights nowhere.safetensors",
        "m.mlir --weights noise.safetensors",
        "m.mlir --weights folder",
    ],
    "translate": [
        "nowhere.mlir -o out.pte",
        "folder.mlir -o out.pte",
        "empty.pte -o out.mlir",
        "noise.pte -o out.mlir",
        "cut.pte -o out.mlir",
        "empty.mlir -o out.pte",
        "deep.mlir -o out.pte",
        "x.npy -o out.mlir",
        "m.mlir -o out.pt2",
        "m.mlir -o m.mlir --to pte",
        "m.mlir -o nowhere/out.pte",
        "m.mlir -o folder",
        "m.mlir --from nothing",
        "m.pte -o out.mlir --external-weights noise.ptd",
        "m.pte -o out.mlir --external-weights m.pte",
        "m.pte -o out.mlir --external-weights",
    ],
    "compile": [
        "",
        "aten.mlir",
        "m.pte -o out.pte",
        "folder -o out.pte",
        "aten.mlir -o aten.mlir",
        "aten.mlir -o folder",
        "aten.mlir -o folder --external-weights",
        "aten.mlir -o out.pte --external-weights nowhere/out.ptd",
        "aten.mlir -o nowhere/out.pte",
        "aten.mlir -o out.pte --pipeline nothing",
        "aten.mlir -o out.pte --emit nothing",
        "aten.mlir -o out.pte --backend-option a=b",
        "aten.mlir -o out.pte --backend llvm --backend-option a",
        "aten.mlir -o out.pte --weights noise.safetensors",
        "aten.mlir -o out.pte --external-weights out.pte",
        "models_that_fail:fails -o out.pte",
        "models_that_fail:leaves -o out.pte",
        "models_that_fail:nothing -o out.pte",
        "divides:build -o out.pte",
        "noise:build -o out.pte",
    ],
    "run": [
        "",
        "nowhere.pte",
        "folder",
        "empty.pte",
        "cut.pte",
        "noise.mlir",
        "deep.mlir",
        "m.pt2",
        "m.pte --input 1",
        "m.pte --input 4xf33=0",
        "m.pte --input 4xf32=",
        "m.pte --input 4xf32=1,2",
        "m.pte --input 4xf32=nothing",
        "m.pte --input 4xf32=random:-1",
        "m.pte --input 5xf32=0",
        "m.pte --input 4xf64=0",
        f"m.pte --input {HUGE}xf32=0",
        f"m.pte --input {HUGE}xf32=random",
        "m.pte --input 99999999x99999xbf16=random",
        f"m.pte --input {'1x' * 70}f32=0",
        f"m.pte --input {'9' * 5000}xf32=0",
        "m.pte --input 5:i64",
        "m.pte --input y=@x.npy",
        "m.pte --input @nowhere.npy",
        "m.pte --input @folder",
        "m.pte --input @empty.npy",
        "m.pte --input @noise.npy",
        "m.pte --input @x.npz",
        "m.pte --input @f64.npy",
        "m.pte --input x=@x.npy --input x=@x.npy",
        "m.pte --input @x.npy -o nowhere/out.npz",
        "m.pte --input @x.npy -o folder",
        "m.pte --input @x.npy -o m.pte",
        "m.pte --input @x.npy --expect nothing",
        "m.pte --input @x.npy --expect noise.npy",
        "m.pte --input @x.npy --expect noise.npz",
        "m.pte --input @x.npy --expect @x.npy --expect @x.npy",
        "m.pte --input @x.npy --expect @x.npy --rtol nan",
        "m.pte --input @x.npy --expect @x.npy --atol -1",
        "m.pte --input @x.npy --benchmark 0",
        "m.pte --input @x.npy --benchmark -1",
        "m.pte --input @x.npy --threads 0",
        "m.pte --input @x.npy --threads x",
        "m.pte --input @x.npy --method nothing",
        "m.pte --input @x.npy --backend nothing",
        "m.pte --input @x.npy --shapes min",
        "m.pte --shapes nothing",
        "m.pte --input @x.npy --compare folder",
        "m.pte --input @x.npy --external-weights noise.ptd",
    ],
    "inspect": [
        "",
        "nowhere.pte",
        "folder",
        "empty.pte",
        "cut.pte --check",
        "m.mlir",
        "noise.ptd",
        "m.pte --html m.pte",
        "m.pte --html nowhere/out.html",
        "m.pte --html folder",
        "m.pte --html /dev/full",
        "m.pte --diff m.pte -o m.pte",
        "m.pte --diff noise.pte",
        "m.pte --check --operators",
        "m.pte --json --operators",
        "aten.mlir --delegation",
        "empty.mlir --delegation",
        "m.pte --load divides.py",
    ],
}


@pytest.mark.parametrize("tool", CASES)
def test_one_line_and_no_file(tool: str, folder: Path, capfd: pytest.CaptureFixture[str]):
    main = import_module(f"edgeir.tools.edge_{tool}").main
    before = _contents(folder)
    for arguments in CASES[tool]:
        code = main(arguments.split())
        out, errors = capfd.readouterr()
        assert (code, out) == (1, ""), f"edge-{tool} {arguments}: {errors}"
        # The mark below a place in a text is a second and a third line.
        lines = errors.splitlines()
        assert len(lines) == 1 or lines[2].strip() == "^", f"edge-{tool} {arguments}: {errors}"
        assert "error: " in lines[0]
        assert "Traceback" not in errors
        assert _contents(folder) == before, f"edge-{tool} {arguments}"


def _contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path): path.read_bytes() for path in files}


def test_place_of_a_file_that_fails(folder: Path, capsys: pytest.CaptureFixture[str]):
    main = import_module("edgeir.tools.edge_opt").main
    assert main(["m.mlir", "--load", "divides.py"]) == 1
    assert "--load divides.py:2: ZeroDivisionError" in capsys.readouterr().err
    main = import_module("edgeir.tools.edge_compile").main
    assert main(["models_that_fail:fails", "-o", "out.pte"]) == 1
    assert r"models_that_fail.py:1: ValueError: first\nsecond" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stream", "tool", "arguments"),
    [
        ("stdin", "opt", ["-"]),
        ("stdin", "translate", ["-", "-o", "out.pte"]),
        ("stdin", "run", ["-"]),
        ("stdout", "opt", ["m.mlir"]),
        ("stdout", "translate", ["m.mlir"]),
        ("stdout", "inspect", ["m.pte"]),
    ],
)
def test_closed_streams(
    stream: str,
    tool: str,
    arguments: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    main = import_module(f"edgeir.tools.edge_{tool}").main
    with monkeypatch.context() as patch:
        patch.setattr(sys, stream, None)
        assert main(arguments) == 1
    assert f"edge-{tool}: error: {stream} is closed; " in capsys.readouterr().err


def test_no_new_weights_without_their_text(folder: Path, capsys: pytest.CaptureFixture[str]):
    write_safetensors("w.safetensors", {"w": np.ones(2, np.float32)})
    Path("w.mlir").write_text(WEIGHT)
    main = import_module("edgeir.tools.edge_opt").main
    before = _contents(folder)
    assert main(["w.mlir", "-p", "fold-constants", "-o", "folder"]) == 1
    assert capsys.readouterr().err == "edge-opt: error: folder: Is a directory\n"
    assert _contents(folder) == before
