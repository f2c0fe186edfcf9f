"""Operators that a user registers with `torch.library`, from capture to the interpreter."""

import re
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import stock_runtime
import torch
from torch.utils._pytree import tree_leaves
from xdsl.parser import Parser

import edgeir
from edgeir.dialects.context import edge_context
from edgeir.dialects.diagnostic import DiagnosticsError
from edgeir.dialects.function import functions
from edgeir.lowering.compiled_program import Program
from edgeir.passes.evaluate import evaluate
from edgeir.runtime import kernel
from edgeir.runtime.errors import ProgramError
from edgeir.runtime.program import read_program

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "custom_operator"

# Loaded as files, as --load does, because examples is no installed package.
sys.path.insert(0, str(ROOT))
from examples.custom_operator import model as example  # noqa: E402

# --- operators of every shape of schema -----------------------------------------------------------

LIBRARY = torch.library.Library("edgeir_test", "DEF")


def _define(schema: str, function) -> None:
    """Register an operator; on fake tensors PyTorch runs the function itself."""
    LIBRARY.define(schema)
    name = schema.partition("(")[0]
    LIBRARY.impl(name, function, "CompositeExplicitAutograd")


_define("scaled(Tensor x, float k=2.) -> Tensor", lambda x, k=2.0: x * k)
_define(
    "scaled.by(Tensor x, Tensor? k=None) -> Tensor", lambda x, k=None: x if k is None else x * k
)
_define(
    "sum_of(Tensor[] xs, Tensor?[] ys, SymInt n=1, *, ScalarType? dtype=None) -> Tensor",
    lambda xs, ys, n=1, dtype=None: (sum(xs) * n + sum(y for y in ys if y is not None)).to(
        dtype or xs[0].dtype
    ),
)
_define(
    "parts(Tensor x, SymInt[] sizes) -> Tensor[]",
    lambda x, sizes: [part.clone() for part in x.split(sizes)],
)
_define(
    'extremes(Tensor x, str which="both", bool[] flip=[], float[] by=[]) -> (Tensor, Tensor)',
    lambda x, which="both", flip=(), by=(): (x.amin(0) + sum(by), x.argmax(0)),
)
_define("written(Tensor(a!) x) -> ()", lambda x: [x.add_(1), None][1])
_define("complex(Tensor x, complex k) -> Tensor", lambda x, k: x * 1)
_define("misbehaved(Tensor x) -> Tensor", lambda x: x + 1)
_define("unknown(Tensor x) -> Tensor", lambda x: x + 1)

LIBRARY.define("noise(Tensor x) -> Tensor", tags=(torch.Tag.nondeterministic_seeded,))
LIBRARY.impl("noise", lambda x: torch.rand_like(x), "CompositeExplicitAutograd")

LIBRARY.define("positive(Tensor x) -> Tensor")
LIBRARY.impl("positive", lambda x: x[x > 0], "CPU")


@torch.library.register_fake("edgeir_test::positive", lib=LIBRARY)
def _(x: torch.Tensor) -> torch.Tensor:
    size = torch.library.get_ctx().new_dynamic_size(min=0, max=x.numel())
    return x.new_empty([size])


OPS = torch.ops.edgeir_test


@kernel("edgeir_test::scaled.out")
def scaled(x, k, out):
    np.multiply(x, k, out=out)


@kernel("edgeir_test::scaled.by_out")
def scaled_by(x, k, out):
    np.copyto(out, x if k is None else x * k)


@kernel("edgeir_test::sum_of.out")
def sum_of(xs, ys, n, dtype, out):
    assert dtype in (None, 7)
    total = sum(xs) * n + sum(y for y in ys if y is not None)
    if out.shape != total.shape:
        return total
    np.copyto(out, total)
    return None


@kernel("edgeir_test::parts.out")
def parts(x, sizes, out):
    return np.split(x, np.cumsum(sizes[:-1]))


@kernel("edgeir_test::extremes.out")
def extremes(x, which, flip, by, low, high):
    assert which == "ends" and flip == [True, False]
    np.copyto(low, x.min(0) + sum(by))
    np.copyto(high, x.argmax(0))


@kernel("edgeir_test::positive.out")
def positive(x, out):
    return x[x > 0]


MISBEHAVE = {}


@kernel("edgeir_test::misbehaved.out")
def misbehaved(x, out):
    return MISBEHAVE["how"](x)


class Call(torch.nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor):
        return self.function(*inputs)


def _compile(function, *inputs: torch.Tensor, **options) -> Program:
    with warnings.catch_warnings():
        # Custom operators of the lower interface have no formula for gradients.
        warnings.simplefilter("ignore", UserWarning)
        return edgeir.compile(Call(function), inputs, **options)


X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])

CASES = {
    "default": (lambda x: OPS.scaled(x + 1),),
    "float": (lambda x: OPS.scaled(x, 0.25) + OPS.scaled(x, k=-1.0),),
    "overload": (lambda x: OPS.scaled.by(x, x[0] + 1),),
    "absent": (lambda x: OPS.scaled.by(x, None) + 1,),
    "lists": (lambda x: OPS.sum_of([x, x + 1], [None, x, None], 3),),
    "dtype": (lambda x: OPS.sum_of([x], [x], dtype=torch.float64),),
    "list of results": (lambda x: OPS.parts(x.reshape(-1), [1, 3, 2])[1:],),
    "several results": (lambda x: OPS.extremes(x, "ends", [True, False], [0.5, 1.0]),),
    "one of the results": (lambda x: OPS.extremes(x, "ends", [True, False], [0.5])[1] + 1,),
    "dynamic result": (lambda x: OPS.positive(x),),
}


@pytest.mark.parametrize("case", CASES)
def test_every_stage_and_the_interpreter(case: str):
    (function,) = CASES[case]
    program = _compile(function, X)
    expected = [t.numpy() for t in tree_leaves(function(X))]
    runs = {"pte": tree_leaves(edgeir.load(program.buffer)(X.numpy()))}
    for stage in ("aten", "edge", "delegate"):
        text = program.stages[stage]
        assert ".custom " in text
        module = Parser(edge_context(), text).parse_module()
        module.verify()
        assert module.is_structurally_equivalent(program.stages.modules[stage])
        runs[stage] = evaluate(next(functions(module)), [X.numpy()], program.weights)
    for stage, results in runs.items():
        assert len(results) == len(expected), stage
        for result, wanted in zip(results, expected, strict=True):
            assert result.dtype == wanted.dtype, stage
            np.testing.assert_array_equal(result, wanted, err_msg=stage)
    assert not program.warnings


def test_dynamic_shape():
    dim = torch.export.Dim("n", max=8)
    program = _compile(
        lambda x: OPS.sum_of([x], [None], x.shape[0]), X, dynamic_shapes=(({0: dim},),)
    )
    module = edgeir.load(program.buffer)
    for n in (2, 5):
        x = np.ones((n, 3), np.float32)
        np.testing.assert_array_equal(module(x), x * n)


def test_equal_calls_are_merged_and_dead_ones_dropped():
    def function(x):
        OPS.scaled(x, 3.0)
        return OPS.scaled(x, 0.5) + OPS.scaled(x, 0.5)

    program = _compile(function, X)
    assert program.stages["memory"].count('@"edgeir_test::scaled.out"') == 1


def test_call_on_constants_is_folded():
    program = _compile(lambda x: x + OPS.scaled(torch.ones(3), 0.5), X)
    assert "edgeir_test" not in program.stages["delegate"]
    np.testing.assert_array_equal(edgeir.load(program.buffer)(X.numpy()), X.numpy() + 0.5)


# --- what has no kernel ---------------------------------------------------------------------------


@pytest.mark.parametrize("target", [None, "executorch-1.5", "edgeir"])
def test_unknown_operator_compiles_with_one_warning(target: str | None):
    program = _compile(lambda x: OPS.unknown(OPS.unknown(x)), X, target_runtime=target)
    (warning,) = program.warnings
    assert warning.severity == "warning"
    assert "needs a kernel edgeir_test::unknown.out on the device" in str(warning)
    assert Path(__file__).name in str(warning)
    with pytest.raises(ProgramError, match=r"no kernel for edgeir_test::unknown\.out \(2 calls\)"):
        edgeir.load(program.buffer)


def test_named_target_says_that_the_device_needs_the_kernel():
    program = _compile(lambda x: OPS.scaled(x), X, target_runtime="executorch-1.5")
    (warning,) = program.warnings
    assert "needs a kernel edgeir_test::scaled.out on the device, executorch-1.5" in str(warning)


@pytest.mark.parametrize(
    ("behaviour", "evaluated", "run"),
    [
        (lambda x: x[:1], r"kernel gives the shapes \[1, 3\], want tensor<2x3xf32>", "fixed shape"),
        (
            lambda x: (x, x),
            r"kernel gives the shapes \[2, 3\], \[2, 3\]",
            "2 results for 1 outputs",
        ),
        (lambda x: {}["k"], "cannot be run: KeyError: 'k'", "KeyError: 'k'"),
    ],
)
def test_bad_kernel_is_one_line(
    behaviour, evaluated: str, run: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(MISBEHAVE, "how", behaviour)
    program = _compile(lambda x: OPS.misbehaved(x), X)
    (function,) = functions(program.stages.modules["aten"])
    with pytest.raises(DiagnosticsError, match=evaluated):
        evaluate(function, [X.numpy()], program.weights)
    with pytest.raises(ProgramError, match=rf"edgeir_test::misbehaved\.out.*{run}"):
        edgeir.load(program.buffer)(X.numpy())


def test_evaluating_without_a_kernel_names_it():
    program = _compile(lambda x: OPS.unknown(x), X)
    (function,) = functions(program.stages.modules["aten"])
    with pytest.raises(
        DiagnosticsError, match=r"the interpreter has no kernel edgeir_test::unknown\.out"
    ):
        evaluate(function, [X.numpy()], program.weights)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: (y := x + 1, OPS.written(y), y * 2)[2], "written: writes its argument x"),
        (lambda x: OPS.complex(x, 1j), "complex takes the complex k, which no program can pass"),
        (lambda x: OPS.noise(x), "noise: draws random numbers"),
    ],
)
def test_refused(function, message: str):
    with pytest.raises(edgeir.CompileError, match=re.escape(message)) as error:
        _compile(function, X)
    assert len(error.value.diagnostics) == 1
    assert Path(__file__).name in str(error.value)


# --- the worked example, with the command lines ---------------------------------------------------


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example as `model.pt2` and its input as `x.npy`."""
    folder = tmp_path_factory.mktemp("example")
    module, inputs = example.build()
    torch.export.save(torch.export.export(module, inputs), folder / "model.pt2")
    np.save(folder / "x.npy", inputs[0].numpy())
    return folder


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    module, inputs = example.build()
    return module(*inputs).detach().numpy()


def _run_tool(
    tool: str, arguments: Sequence[str], folder: Path, *, torch: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Run a tool in a process of its own, by default one that cannot import torch."""
    code = (
        f"import sys\nif not {torch}: sys.modules['torch'] = None\n"
        f"from edgeir.tools.{tool} import main\nsys.exit(main({list(arguments)!r}))"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


def test_example(exported: Path, expected: np.ndarray):
    def tool(name: str, *arguments: str, torch: bool = False) -> str:
        result = _run_tool(name, arguments, exported, torch=torch)
        assert result.returncode == 0, result.stderr
        return result.stderr

    load_model = ("--load", str(EXAMPLE / "model.py"))
    load_kernel = ("--load", str(EXAMPLE / "kernel.py"))
    tool("edge_translate", "model.pt2", *load_model, "-o", "model.mlir", torch=True)
    text = (exported / "model.mlir").read_text()
    assert (
        '= aten.custom "my_ops::keep_largest(Tensor x, SymInt k=1) -> Tensor"(%linear, k = 3)'
        in text
    )
    warned = tool(
        "edge_opt", "model.mlir", "-p", "convert-aten-to-edge,legalize", "-o", "edge.mlir"
    )
    assert "needs a kernel my_ops::keep_largest.out on the device" in warned
    quiet = tool("edge_compile", "model.mlir", *load_kernel, "-o", "model.pte")
    assert not quiet
    for stage in ("model.mlir", "edge.mlir", "model.pte"):
        output = f"{stage}.npz"
        tool("edge_run", stage, *load_kernel, "--input", "@x.npy", "--output", output)
        (result,) = np.load(exported / output).values()
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
    missing = _run_tool("edge_run", ["model.pte", "--input", "@x.npy"], exported)
    assert missing.returncode == 1
    assert missing.stderr.count("\n") == 1
    assert "no kernel for my_ops::keep_largest.out (1 call)" in missing.stderr


def test_example_unregistered(exported: Path):
    result = _run_tool("edge_translate", ["model.pt2", "-o", "m.mlir"], exported, torch=True)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "uses my_ops::keep_largest, which torch does not know here" in result.stderr


def test_example_on_the_stock_runtime(capfd: pytest.CaptureFixture[str]):
    program = edgeir.compile(*example.build())
    (plan,) = read_program(program.buffer).program.execution_plan
    assert "my_ops::keep_largest.out" in [operator.full_name for operator in plan.operators]
    with pytest.raises(RuntimeError, match="Failed to load method"):
        stock_runtime.load_method(program.buffer)
    assert "Missing operator: [1] my_ops::keep_largest.out" in capfd.readouterr().err


@pytest.mark.parametrize("shape", [(8,), (3, 5), (2, 3, 4)])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_example_kernel(shape: tuple[int, ...], k: int):
    from examples.custom_operator.kernel import keep_largest

    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    expected = example.keep_largest(torch.from_numpy(x), k).numpy()
    out = np.full_like(x, np.nan)
    assert keep_largest(x, k, out) is None
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(keep_largest(x, k, np.empty(0, np.float32)), expected)
