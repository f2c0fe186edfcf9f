"""edge-compile --emit: LLVM IR, assembly and object files of what the llvm backend has."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeir.tools.edge_compile import main

REGIONS = """
func.func @forward(%x: tensor<64xf32>) -> tensor<64xf32> {
  %0 = delegate.region "llvm"(%x) : (tensor<64xf32>) -> tensor<64xf32> {
  ^bb0(%a: tensor<64xf32>):
    %1 = edge.relu(%a) : (tensor<64xf32>) -> tensor<64xf32>
    delegate.yield %1 : tensor<64xf32>
  }
  %2 = delegate.region "llvm"(%0) : (tensor<64xf32>) -> tensor<64xf32> {
  ^bb1(%b: tensor<64xf32>):
    %3 = edge.neg(%b) : (tensor<64xf32>) -> tensor<64xf32>
    delegate.yield %3 : tensor<64xf32>
  }
  func.return %2 : tensor<64xf32>
}
"""


def emit(folder: Path, form: str, cpu: str, text: str = REGIONS) -> bytes:
    source, output = folder / "regions.mlir", folder / "output"
    source.write_text(text)
    options = ["--emit", form, "--target-cpu", cpu, "-o", str(output)]
    assert main([str(source), *options]) == 0
    return output.read_bytes()


def test_llvm_ir(tmp_path: Path):
    text = emit(tmp_path, "llvm-ir", "x86-64-v3").decode()
    assert 'target triple = "x86_64' in text
    assert "define i32 @run(" in text
    assert "define i32 @run_1(" in text


@pytest.mark.parametrize(("cpu", "instruction"), [("x86-64-v3", "ymm"), ("cortex-a76", "fneg\tv")])
def test_assembly(tmp_path: Path, cpu: str, instruction: str):
    assert instruction in emit(tmp_path, "asm", cpu).decode()


@pytest.mark.parametrize(
    ("cpu", "magic"),
    [("cortex-a76", b"\x7fELF"), ("arm64-apple-macosx:apple-m1", b"\xcf\xfa\xed\xfe")],
)
def test_object(tmp_path: Path, cpu: str, magic: bytes):
    assert emit(tmp_path, "object", cpu).startswith(magic)


def test_no_region(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = tmp_path / "aten.mlir"
    source.write_text(
        "func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> { func.return %x : tensor<4xf32> }"
    )
    assert main([str(source), "--emit", "asm"]) == 1
    assert "there is no region of the llvm backend; give --backend llvm" in capsys.readouterr().err


def test_unknown_cpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "regions.mlir").write_text(REGIONS)
    assert main([str(tmp_path / "regions.mlir"), "--emit", "asm", "--target-cpu", "z80"]) == 1
    assert "LLVM knows no CPU 'z80'" in capsys.readouterr().err
