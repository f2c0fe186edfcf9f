"""What is not installed is named, with the extra that brings it."""

import subprocess
import sys
from pathlib import Path

import pytest


def _run(tool: str, arguments: list[str], missing: str) -> "subprocess.CompletedProcess[str]":
    code = (
        f"import sys\nsys.modules[{missing!r}] = None\n"
        f"from edgeir.tools.{tool} import main\nsys.exit(main({arguments!r}))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("tool", "arguments", "missing", "extra"),
    [
        ("edge_opt", ["m.mlir"], "xdsl", "compiler"),
        ("edge_run", ["m.mlir"], "xdsl", "compiler"),
        ("edge_translate", ["m.mlir", "-o", "m.pte"], "xdsl", "compiler"),
        ("edge_compile", ["m.pt2", "-o", "m.pte"], "xdsl", "compiler"),
        ("edge_translate", ["m.pt2", "-o", "m.mlir"], "torch", "torch"),
        ("edge_compile", ["m.pt2", "-o", "m.pte"], "torch", "torch"),
    ],
)
def test_extra_is_named(tool: str, arguments: list[str], missing: str, extra: str, tmp_path: Path):
    (tmp_path / "m.mlir").write_text("func.func @f() {\n  func.return\n}\n")
    paths = [str(tmp_path / a) if a == "m.mlir" else a for a in arguments]
    result = _run(tool, paths, missing)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "pip install" in result.stderr
    assert f"edgeir[{extra}" in result.stderr
