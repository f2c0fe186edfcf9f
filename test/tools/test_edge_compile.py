import io
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import edgeir
from edgeir.passes.pipelines import default_pipeline
from edgeir.tools.edge_compile import main
from edgeir.tools.edge_opt import main as edge_opt
from edgeir.tools.edge_run import main as edge_run
from edgeir.tools.edge_translate import main as edge_translate

MODEL = '''\
"""A model as users write it."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(1), nn.Linear(144, 3)
        )

    def forward(self, x):
        return {"logits": self.body(x)}


def build():
    torch.manual_seed(0)
    return Net().eval(), (torch.randn(1, 1, 8, 8),)


def exported():
    return torch.export.export(*build())


number = 3
'''

STAGES = ("aten", "edge", "delegate", "memory")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model as Python, as .pt2, and with its input and output."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "net_of_user.py").write_text(MODEL)
    sys.path.insert(0, str(folder))
    try:
        import net_of_user
    finally:
        sys.path.remove(str(folder))
    model, inputs = net_of_user.build()
    torch.export.save(net_of_user.exported(), folder / "net.pt2")
    np.save(folder / "x.npy", inputs[0].numpy())
    np.savez(folder / "y.npz", logits=model(*inputs)["logits"].detach().numpy())
    return folder


def _agrees(model: Path, folder: Path) -> bool:
    files = ["--input", f"@{folder}/x.npy", "--expect", f"{folder}/y.npz"]
    return edge_run([str(model), *files]) == 0


def _fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 1
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    return errors


def test_exported_program(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    program = tmp_path / "net.pte"
    assert main([str(folder / "net.pt2"), "-o", str(program)]) == 0
    assert capsys.readouterr() == ("", "")
    assert _agrees(program, folder)
    again = tmp_path / "again.pte"
    assert main([str(folder / "net.pt2"), "-o", str(again)]) == 0
    assert program.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("function", ["build", "exported"])
def test_python_function(
    function: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    program = tmp_path / "net.pte"
    assert main([f"net_of_user:{function}", "-o", str(program)]) == 0
    assert _agrees(program, folder)


def test_stages_are_dumped_and_run(folder: Path, tmp_path: Path):
    assert main([str(folder / "net.pt2"), "--dump-stages", str(tmp_path)]) == 0
    assert sorted(path.stem for path in tmp_path.glob("*.mlir")) == sorted(STAGES)
    for stage in STAGES:
        assert _agrees(tmp_path / f"{stage}.mlir", folder), stage
        assert edge_opt([str(tmp_path / f"{stage}.mlir"), "-o", str(tmp_path / "copy.mlir")]) == 0


def test_printed_pipeline_gives_the_same_bytes(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    program, text, piped = (tmp_path / name for name in ("net.pte", "net.mlir", "piped.pte"))
    assert main([str(folder / "net.pt2"), "-o", str(program), "--print-pipeline"]) == 0
    pipeline = capsys.readouterr().out.strip()
    assert pipeline == ",".join(default_pipeline())
    assert edge_translate([str(folder / "net.pt2"), "-o", str(text)]) == 0
    new = str(tmp_path / "new.safetensors")
    assert edge_opt([str(text), "-p", pipeline, "--save-weights", new, "--check-numerics"]) == 0
    memory = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(memory.encode()), "utf-8"))
    monkeypatch.chdir(tmp_path)
    # What is printed to stdout names its weights as seen from the folder it was printed in.
    weights = f"{tmp_path}/net.safetensors,{new}"
    assert edge_translate(["-", "-o", str(piped), "--weights", weights]) == 0
    assert program.read_bytes() == piped.read_bytes()


def test_text_is_compiled_too(folder: Path, tmp_path: Path):
    assert edge_translate([str(folder / "net.pt2"), "-o", str(tmp_path / "net.mlir")]) == 0
    assert main([str(tmp_path / "net.mlir"), "-o", str(tmp_path / "net.pte")]) == 0
    assert main([str(folder / "net.pt2"), "-o", str(tmp_path / "direct.pte")]) == 0
    assert (tmp_path / "net.pte").read_bytes() == (tmp_path / "direct.pte").read_bytes()


@pytest.mark.parametrize("runtime", ["edgeir", "executorch-1.5"])
def test_target_runtime(runtime: str, folder: Path, tmp_path: Path):
    program = tmp_path / "net.pte"
    assert main([str(folder / "net.pt2"), "-o", str(program), "--target-runtime", runtime]) == 0
    assert _agrees(program, folder)


def test_pipeline_with_a_planner_of_the_user(folder: Path, tmp_path: Path):
    pipeline = ",".join(default_pipeline()).replace(
        "plan-memory", "plan-memory{algorithm=test-planner}"
    )
    loaded = ["--load", str(Path(__file__).with_name("plugin.py"))]
    plain, planned = tmp_path / "plain.pte", tmp_path / "planned.pte"
    assert main([str(folder / "net.pt2"), "-o", str(plain)]) == 0
    arguments = [str(folder / "net.pt2"), "-o", str(planned), "--pipeline", pipeline]
    assert main([*arguments, *loaded]) == 0
    assert plain.read_bytes() != planned.read_bytes()
    assert _agrees(planned, folder)


def test_locations_are_stripped(folder: Path, tmp_path: Path):
    for name, options in (("with.pte", []), ("without.pte", ["--strip-locations"])):
        assert main([str(folder / "net.pt2"), "-o", str(tmp_path / name), *options]) == 0
    assert b"net_of_user.py" in (tmp_path / "with.pte").read_bytes()
    assert b"net_of_user.py" not in (tmp_path / "without.pte").read_bytes()


def test_same_bytes_as_the_api(folder: Path, tmp_path: Path):
    program = edgeir.compile(torch.export.load(folder / "net.pt2"))
    program.save(tmp_path / "api.pte")
    assert main([str(folder / "net.pt2"), "-o", str(tmp_path / "tool.pte")]) == 0
    assert (tmp_path / "api.pte").read_bytes() == (tmp_path / "tool.pte").read_bytes()


def test_pipeline_without_a_model(capsys: pytest.CaptureFixture[str]):
    assert main(["--print-pipeline", "--target-runtime", "edgeir"]) == 0
    assert capsys.readouterr().out.strip() == ",".join(default_pipeline("edgeir"))


@pytest.mark.parametrize("arguments", [[], ["model.pt2"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert _fails(arguments, capsys).count("\n") == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.pt2", "error: nowhere.pt2: no such file"),
        ("nowhere.mlir", "nowhere.mlir: No such file"),
        ("nowhere_at_all:build", "there is no module 'nowhere_at_all' here"),
        ("os.path:nothing", "os.path has no function 'nothing'"),
        ("model.onnx", "expected MODEL.pt2"),
        ("os.path:curdir", "has no function 'curdir'"),
        ("os:getcwd", "expected (module, example_inputs)"),
    ],
)
def test_bad_source(source: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    program = tmp_path / "m.pte"
    assert message in _fails([source, "-o", str(program)], capsys)
    assert not program.exists()


def test_damaged_exported_program(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = tmp_path / "m.pt2"
    path.write_bytes(b"no")
    assert main([str(path), "-o", str(tmp_path / "m.pte")]) == 1
    errors = capfd.readouterr().err
    assert errors.startswith(f"error: {path}: not an exported program")
    assert errors.count("\n") == 1


def test_unknown_pass(folder: Path, capsys: pytest.CaptureFixture[str]):
    arguments = [str(folder / "net.pt2"), "-o", "m.pte", "--pipeline", "planmemory"]
    assert "did you mean plan-memory?" in _fails(arguments, capsys)
