"""The import rule of the architecture: arrows between folders only point down."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

OWN = {
    "dialects": {"dialects"},
    "runtime": {"runtime"},
    "passes": {"passes", "dialects", "runtime"},
    "lowering": {"lowering", "passes", "dialects", "runtime"},
    "tools": {"tools", "lowering", "passes", "dialects", "runtime"},
}
"""What of ours each folder may import."""

_NUMPY = {"numpy", "ml_dtypes"}
FOREIGN = {
    "dialects": {"xdsl"} | _NUMPY,
    "runtime": {"flatbuffers"} | _NUMPY,
    "passes": {"xdsl"} | _NUMPY,
    "lowering": {"xdsl", "llvmlite", "flatbuffers"} | _NUMPY,
    "lowering/from_torch": {"xdsl", "torch", "sympy"} | _NUMPY,
    "tools": {"xdsl"} | _NUMPY,
}
"""What of others each folder may import, besides the standard library."""

FILES = sorted(
    path.relative_to(ROOT)
    for folder in OWN
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)


def _imports(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The imported modules of a file as paths; ours start with `edgeir`."""
    package = ("edgeir", *path.parent.parts)
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, tuple(name.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            parts = (*base, *((node.module or "").split(".") if node.module else ()))
            # `from .. import lowering` imports a folder.
            for name in node.names if len(parts) == 1 and node.level else ():
                yield node.lineno, (*parts, name.name)
            if len(parts) > 1 or not node.level:
                yield node.lineno, parts


def _foreign(path: Path) -> set[str]:
    folders = [folder for folder in FOREIGN if path.is_relative_to(folder)]
    return FOREIGN[max(folders, key=len)]


def _violations(path: Path) -> Iterator[str]:
    folder = path.parts[0]
    for line, parts in _imports(path):
        top = parts[0]
        if top == "edgeir":
            if parts[1] not in OWN[folder]:
                yield f"{path}:{line}: {folder} imports {'.'.join(parts)}"
        elif top not in sys.stdlib_module_names and top not in _foreign(path):
            yield f"{path}:{line}: imports {top}"


def test_files_are_found():
    assert {path.parts[0] for path in FILES} == set(OWN)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_down(path: Path):
    assert list(_violations(path)) == []


@pytest.mark.parametrize("path", FILES, ids=str)
def test_own_imports_are_relative(path: Path):
    """So that a checkout works without an install."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(name.name.split(".")[0] == "edgeir" for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert (node.module or "").split(".")[0] != "edgeir"


def _loaded(code: str, *names: str) -> list[str]:
    """Which of the modules a program has imported when it has run."""
    report = f"\nimport sys\nprint([n for n in {list(names)} if n in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=True
    )
    return ast.literal_eval(result.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "module",
    [
        "edgeir",
        "edgeir.runtime",
        "edgeir.runtime.module",
        "edgeir.tools.edge_run",
        "edgeir.tools.edge_inspect",
    ],
)
def test_running_needs_numpy_alone(module: str):
    assert _loaded(f"import {module}", "torch", "xdsl", "llvmlite") == []


@pytest.mark.parametrize(
    "module",
    [
        "edgeir.dialects.context",
        "edgeir.dialects.aten",
        "edgeir.lowering.compile_program",
        "edgeir.tools.edge_compile",
        "edgeir.tools.edge_translate",
        "edgeir.tools.opt_driver",
        "edgeir.tools.universe",
    ],
)
def test_compiler_is_imported_without_torch(module: str):
    assert _loaded(f"import {module}", "torch") == []


def test_edge_opt_runs_without_torch_and_kernels(tmp_path: Path):
    source = tmp_path / "a.mlir"
    source.write_text("func.func @f() {\n  func.return\n}\n")
    code = f"from edgeir.tools.edge_opt import main\nmain([{str(source)!r}, '-p', 'cse'])"
    assert _loaded(code, "torch", "edgeir.runtime.kernels.unary") == []
