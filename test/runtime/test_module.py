"""Loading and calling programs made by ExecuTorch's exporter: equal to eager and to its runtime."""

import collections
import dataclasses
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch
from torch.export import Dim, export
from torch.utils import _pytree as pytree

from edgeir.runtime import delegates
from edgeir.runtime.arrays import to_array
from edgeir.runtime.errors import InputError, ProgramError
from edgeir.runtime.module import load
from edgeir.runtime.program.program_file import ProgramFile
from edgeir.runtime.program.schema import (
    AllocationDetails,
    BackendDelegate,
    BackendDelegateDataReference,
    BackendDelegateInlineData,
    Chain,
    CompileSpec,
    ContainerMetadata,
    DelegateCall,
    Double,
    ExecutionPlan,
    ExtraTensorInfo,
    Int,
    IntList,
    KernelCall,
    Null,
    Operator,
    Program,
    ShapeDynamism,
    SubsegmentOffsets,
    Tensor,
    Value,
)
from edgeir.runtime.registry import kernel

# ExecuTorch and what it imports warn about themselves, at import and while exporting.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


# --- programs of ExecuTorch's exporter ------------------------------------------------------------


def executorch_program(model: Any, inputs: tuple[Any, ...], **options: Any) -> bytes:
    from executorch.exir import to_edge

    models = model if isinstance(model, dict) else {"forward": model}
    programs = {name: export(m.eval(), inputs, **options) for name, m in models.items()}
    return to_edge(programs).to_executorch().buffer


def stock_outputs(data: bytes, inputs: list[torch.Tensor], name: str = "forward") -> list[Any]:
    from executorch.runtime import Runtime

    return list(Runtime.get().load_program(data).load_method(name).execute(inputs))


def assert_equal(ours: Any, theirs: Any) -> None:
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else theirs
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


class Arithmetic(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor([2.0, 0.5, -1.0]))

    def forward(self, x, y):
        z = torch.relu(x * self.scale + y)
        return {"sum": z + x, "rest": [z, (torch.tanh(y), None, 3)]}


class Branches(torch.nn.Module):
    def forward(self, p, x):
        return torch.cond(p, lambda x: x.sin() + 1, lambda x: x * 2, (x,)) + x


class Counter(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(2))

    def forward(self, x):
        self.total.add_(x)
        return self.total * 2


class Mutating(torch.nn.Module):
    def forward(self, x, y):
        x.add_(y)
        return x * 2, {"a": y}


class Minus(torch.nn.Module):
    def forward(self, x, y):
        return x - y


class Options(torch.nn.Module):
    def forward(self, x, n, f, flag, *, extra):
        return x * n * f if flag else x, n, extra["k"][0]


class Sizes(torch.nn.Module):
    """Sizes computed at run time, for a view and as an output."""

    def forward(self, x, y):
        z = torch.cat([x, y])
        return torch.relu(z.reshape(-1)) * 2, z.shape[0] * 3


class NestedBranches(torch.nn.Module):
    def forward(self, x):
        def positive(x):
            return torch.cond(x.amax() > 2, lambda x: x * 10, lambda x: x + 1, (x,))

        return torch.cond(x.amax() > 0, positive, lambda x: x.neg() - 5, (x,))


class Map(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.offset = torch.nn.Parameter(torch.randn(3))

    def forward(self, xs):
        from torch._higher_order_ops.map import map as torch_map

        return torch_map(lambda x, offset: torch.sigmoid(x + offset), xs, self.offset)


class Scan(torch.nn.Module):
    def forward(self, start, xs):
        from torch._higher_order_ops.scan import scan

        return scan(lambda total, x: (total + x, (total * x).clone()), start, xs)


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(2, 3), torch.randn(2, 3)


def test_nested_outputs() -> None:
    model, (x, y) = Arithmetic(), pair()
    data = executorch_program(model, (x, y))
    eager = model(x, y)
    result = load(data)(x, y.numpy())
    assert list(result) == ["sum", "rest"]
    assert_equal(result["sum"], eager["sum"])
    z, (t, none, three) = result["rest"]
    assert_equal(z, eager["rest"][0])
    assert_equal(t, eager["rest"][1][0])
    assert none is None and three == 3
    assert_equal(z, stock_outputs(data, [x, y])[1])


@pytest.mark.parametrize("predicate", [True, False])
def test_cond(predicate: bool) -> None:
    model, inputs = Branches(), (torch.tensor(predicate), torch.randn(3))
    data = executorch_program(model, (torch.tensor(True), torch.zeros(3)))
    module = load(data)
    for _ in range(2):
        result = module(*inputs)
        assert_equal(result, model(*inputs))
        assert_equal(result, stock_outputs(data, list(inputs))[0])


def test_dynamic_shapes() -> None:
    model = Arithmetic()
    rows = Dim("rows", min=1, max=6)
    shapes = ({0: rows}, {0: rows})
    data = executorch_program(model, pair(), dynamic_shapes=shapes)
    module = load(data)
    info = module.methods["forward"].inputs[0]
    assert info.dynamic and info.shape == (6, 3) and str(info) == "float32[<=6, <=3]"
    for n in (6, 1, 4):
        x, y = torch.randn(n, 3), torch.randn(n, 3)
        result = module(x, y)
        assert_equal(result["sum"], model(x, y)["sum"])
        assert_equal(result["sum"], stock_outputs(data, [x, y])[0])
    with pytest.raises(InputError, match=r"dimension 0 is larger"):
        module(torch.randn(7, 3), torch.randn(7, 3))


def test_run_time_sizes() -> None:
    model = Sizes()
    rows = Dim("rows", min=2, max=8)
    data = executorch_program(model, pair(), dynamic_shapes=({0: rows}, {0: rows}))
    module = load(data)
    for n in (8, 2, 5):
        x, y = torch.randn(n, 3), torch.randn(n, 3)
        result, size = module(x, y)
        assert_equal(result, model(x, y)[0])
        assert size == 6 * n
        assert_equal(result, stock_outputs(data, [x, y])[0])


@pytest.mark.parametrize("values", [[3.0, 1.0], [1.0, 0.5], [-1.0, -2.0]])
def test_nested_cond_with_computed_predicates(values: list[float]) -> None:
    x = torch.tensor(values)
    data = executorch_program(NestedBranches(), (torch.zeros(2),))
    module = load(data)
    for _ in range(2):
        assert_equal(module(x), NestedBranches()(x))
        assert_equal(module(x), stock_outputs(data, [x])[0])


def test_map() -> None:
    model = Map()
    module = load(executorch_program(model, (torch.zeros(4, 3),)))
    for _ in range(2):
        xs = torch.randn(4, 3)
        assert_equal(module(xs), torch.sigmoid(xs + model.offset))


def test_scan() -> None:
    module = load(executorch_program(Scan(), (torch.zeros(3), torch.zeros(4, 3))))
    for _ in range(2):
        start, xs = torch.randn(3), torch.randn(4, 3)
        total, products = module(start, xs)
        sums = torch.cumsum(torch.cat([start[None], xs]), 0)
        assert_equal(total, sums[-1])
        assert_equal(products, sums[:-1] * xs)


def test_buffers_persist() -> None:
    model = Counter()
    module = load(executorch_program(model, (torch.ones(2),)))
    for _ in range(3):
        x = torch.randn(2)
        assert_equal(module(x), model(x))


def test_mutated_inputs_are_written_back() -> None:
    module = load(executorch_program(Mutating(), (torch.ones(2), torch.ones(2))))
    x, y = np.array([1, 2], np.float32), np.array([10, 20], np.float32)
    frozen = x.copy()
    frozen.flags.writeable = False
    for given in (x, frozen):
        result, rest = module(given, y)
        assert_equal(result, [22, 44])
        assert_equal(rest["a"], [10, 20])
    assert_equal(x, [11, 22])
    assert_equal(frozen, [1, 2])
    tensor = torch.tensor([1.0, 2.0])
    module(tensor, y)
    assert_equal(tensor, [11, 22])
    assert [output.name for output in module.methods["forward"].outputs] == ["output_0", "1.a"]


def test_several_methods() -> None:
    x, y = pair()
    models = {"forward": Arithmetic(), "minus": Minus()}
    module = load(executorch_program(models, (x, y)))
    assert "forward" in module.methods and "minus" in module.methods
    assert_equal(module.run("minus", x, y), x - y)
    assert_equal(module(x, y)["sum"], models["forward"](x, y)["sum"])
    with pytest.raises(ProgramError, match=r"no method 'plus'; it has: forward, minus"):
        module.run("plus", x, y)


@pytest.fixture(scope="module")
def options() -> bytes:
    inputs = (torch.ones(2), 3, 2.5, True)
    return executorch_program(Options(), inputs, kwargs={"extra": {"k": [torch.ones(3)]}})


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x, k: m(x, 3, 2.5, True, extra={"k": [k]}),
        lambda m, x, k: m(x, np.int64(3), np.float32(2.5), np.bool_(True), extra={"k": (k,)}),
        lambda m, x, k: m(x, 3, 2.5, True, k),
        lambda m, x, k: m(x, 3, 2.5, True, input_4=k),
        lambda m, x, k: m(input_4=k, input_3=True, input_2=2.5, input_1=3, input_0=x),
    ],
)
def test_inputs_in_the_models_structure_or_flat(
    options: bytes, call: Callable[..., tuple[Any, ...]]
) -> None:
    x, k = torch.randn(2), torch.randn(3)
    result, n, first = call(load(options), x, k)
    assert_equal(result, x * 7.5)
    assert n == 3
    assert_equal(first, k)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((4, 2.5, True), r"input 'input_1' \(#1\): got 4, want 3; the value was fixed"),
        ((True, 2.5, True), r"input 'input_1' \(#1\): got True, want 3"),
        ((3, 2.6, True), r"input 'input_2' \(#2\): got 2.6, want 2.5"),
        ((3, 2.5, False), r"input 'input_3' \(#3\): got False, want True"),
        ((3, 2.5, torch.ones(1)), r"input 'input_3' \(#3\): got a Tensor, want True"),
    ],
)
def test_constants_of_the_export_are_compared(
    options: bytes, inputs: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load(options)(torch.ones(2), *inputs, extra={"k": [torch.ones(3)]})


def test_wrong_number_or_structure(options: bytes) -> None:
    module = load(options)
    with pytest.raises(InputError, match=r"takes 5 inputs \(input_0: float32\[2\], .* got 1 posi"):
        module(torch.ones(2))
    with pytest.raises(InputError, match=r"keys \['k'\], not \['q'\]"):
        module(torch.ones(2), 3, 2.5, True, extra={"q": 1})
    with pytest.raises(InputError, match=r"got 4 positional and other: kwargs must have"):
        module(torch.ones(2), 3, 2.5, True, other=1)


# --- inputs ---------------------------------------------------------------------------------------


def planned(shape: list[int], offset: int, scalar_type: int, name: str | None = None) -> Tensor:
    return Tensor(
        scalar_type=scalar_type,
        sizes=shape,
        dim_order=list(range(len(shape))),
        allocation_info=AllocationDetails.at(1, offset),
        extra_tensor_info=ExtraTensorInfo(fully_qualified_name=name) if name else None,
    )


def program(
    values: list[Value],
    instructions: list[Any],
    inputs: list[int],
    outputs: list[int],
    **plan: Any,
) -> ProgramFile:
    tables = {"backend_delegate_data": plan.pop("payloads", [])}
    method = ExecutionPlan(
        name="forward",
        values=values,
        inputs=inputs,
        outputs=outputs,
        chains=[Chain(instructions=instructions)],
        non_const_buffer_sizes=[0, 1024],
        **plan,
    )
    constants = SubsegmentOffsets(0, [0])
    return ProgramFile(
        Program(execution_plan=[method], constant_segment=constants, **tables), [b""]
    )


def echo(shape: list[int], scalar_type: int) -> ProgramFile:
    return program([planned(shape, 0, scalar_type, "x")], [], [0], [0])


F32, F64, I64, BF16, F8 = 6, 7, 4, 15, 24


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6, dtype=np.float32).reshape(1, 3, 2).transpose(0, 2, 1),
        np.arange(12, dtype=np.float32).reshape(1, 2, 6)[:, :, ::2],
        torch.randn(1, 3, 2, requires_grad=True).transpose(1, 2),
        torch.randn(1, 1, 3).expand(1, 2, 3),
    ],
)
def test_any_strides(value: Any) -> None:
    np.testing.assert_array_equal(load(echo([1, 2, 3], F32))(value), to_array(value))


@pytest.mark.parametrize(
    ("code", "dtype", "torch_dtype"),
    [
        (BF16, ml_dtypes.bfloat16, torch.bfloat16),
        (F8, ml_dtypes.float8_e4m3fn, torch.float8_e4m3fn),
    ],
)
@pytest.mark.parametrize("shape", [[3], []])
def test_dtypes_that_numpy_has_not(
    code: int, dtype: Any, torch_dtype: torch.dtype, shape: list[int]
) -> None:
    module = load(echo(shape, code))
    tensor = torch.full(shape, 1.5).to(torch_dtype)
    result = module(tensor)
    assert result.dtype == dtype and result.shape == tuple(shape)
    np.testing.assert_array_equal(result.astype(np.float32), np.full(shape, 1.5))
    np.testing.assert_array_equal(module(result), result)


def test_dlpack_and_array_protocols() -> None:
    array = np.arange(3, dtype=np.float32)

    class DLPack:
        __dlpack__ = staticmethod(array.__dlpack__)
        __dlpack_device__ = staticmethod(array.__dlpack_device__)

    class ArrayLike:
        def __array__(self, dtype=None, copy=None):
            return array

    module = load(echo([3], F32))
    np.testing.assert_array_equal(module(DLPack()), array)
    np.testing.assert_array_equal(module(ArrayLike()), array)


def test_lists_and_numbers_where_numpy_gives_the_dtype() -> None:
    np.testing.assert_array_equal(load(echo([2], I64))([1, 2]), [1, 2])
    assert load(echo([], F64))(1.5) == 1.5
    with pytest.raises(
        InputError, match=r"got float64\[\], want float32\[\]; convert it to float32"
    ):
        load(echo([], F32))(1.5)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((2, 3)), r"input 'x' \(#0\): got float64\[2, 3\], want float32\[1, 3\]; convert"),
        (np.zeros(3, np.float32), r"got float32\[3\], want float32\[1, 3\]; it must have 2 dim"),
        (np.zeros((1, 4), np.float32), r"want float32\[1, 3\]; dimension 1 differs"),
        ("text", r"got a str, which is no tensor"),
        (None, r"got a NoneType, which is no tensor"),
        ([[1.0], [1.0, 2.0]], r"got a list that is no tensor"),
        (torch.zeros(1, 3, device="meta"), r"without plain values"),
        (torch.zeros(1, 3).to_sparse(), r"without plain values"),
    ],
)
def test_wrong_tensors(value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(echo([1, 3], F32))(value)


def test_a_wrong_input_leaves_the_others_alone() -> None:
    module = load(program([planned([1], 0, F32), planned([1], 16, F32)], [], [0, 1], [0]))
    assert_equal(module(np.ones(1, np.float32), np.ones(1, np.float32)), [1])
    with pytest.raises(InputError):
        module(np.zeros(1, np.float32), np.ones(2, np.float32))
    assert module._methods["forward"].read(0)[0] == 1


@kernel("module_test::full.out")
def full(size: list[int], value: float, out: Any) -> Any:
    return np.full(size, value, out.dtype)


def test_scalars_that_instructions_read_are_run_time_values() -> None:
    out = planned([4], 0, F32)
    out.shape_dynamism = ShapeDynamism.DYNAMIC_BOUND
    module = load(
        program(
            [Int(2), Double(0.5), IntList([0]), out],
            [KernelCall(0, [2, 1, 3, 3])],
            [0, 1],
            [3, 0],
            operators=[Operator("module_test::full", "out")],
        )
    )
    result, size = module(3, 1)
    assert_equal(result, [1, 1, 1])
    assert size == 3
    assert_equal(module(1, 2.5)[0], [2.5])
    with pytest.raises(InputError, match=r"\(#0\): got 1.5, want int"):
        module(1.5, 1.0)


# --- outputs and metadata -------------------------------------------------------------------------


def test_without_structure_outputs_are_one_value_or_a_tuple() -> None:
    x = planned([1], 0, F32)
    given = np.ones(1, np.float32)
    assert isinstance(load(program([x], [], [0], [0]))(given), np.ndarray)
    result = load(program([x, Null()], [], [0], [0, 1]))(given)
    assert isinstance(result, tuple) and result[1] is None
    damaged = ContainerMetadata("T2#1", "T3#1#1#1($,$,$)")
    result = load(program([x], [], [0], [0, 0], container_meta_type=damaged))(given)
    assert isinstance(result, tuple) and len(result) == 2


def test_metadata() -> None:
    values = [planned([2, 3], 0, BF16, "x"), Double(1.0), planned([2, 3], 16, BF16, "x"), Null()]
    info = load(program(values, [], [0, 1], [0, 2, 3, 1])).methods["forward"]
    x, scale = info.inputs
    assert (x.name, x.shape, x.scalar_type, x.nbytes) == ("x", (2, 3), "bf16", 12)
    assert x.dtype == ml_dtypes.bfloat16 and not x.dynamic and str(x) == "bfloat16[2, 3]"
    assert (scale.name, scale.shape, scale.scalar_type, scale.nbytes) == ("input_1", (), "float", 0)
    assert [o.name for o in info.outputs] == ["x", "output_1", "output_2", "output_3"]
    assert [o.scalar_type for o in info.outputs] == ["bf16", "bf16", "none", "float"]


def test_structures_of_user_classes_come_back_as_dicts() -> None:
    text = pytree.treespec_dumps(pytree.tree_structure(Reply(1, {"b": 2})))
    metadata = ContainerMetadata("", text)
    x = planned([1], 0, F32)
    result = load(program([x], [], [0], [0, 0], container_meta_type=metadata))(
        np.ones(1, np.float32)
    )
    assert list(result) == ["value", "more"] and list(result["more"]) == ["b"]


@dataclasses.dataclass
class Reply:
    value: Any
    more: Any


pytree.register_dataclass(Reply, serialized_type_name="test_module.Reply")


def test_profile() -> None:
    model, (x, y) = Branches(), (torch.tensor(False), torch.randn(3))
    module = load(executorch_program(model, (x, y)))
    log = module.profile("forward", x, y)
    counts = collections.Counter(name for name, _ in log)
    assert counts["aten::mul.out"] == 1 and counts["move"] == 1 and counts["jump"] == 1
    assert counts["aten::sin.out"] == 0
    assert all(seconds >= 0 for _, seconds in log)


# --- what is missing ------------------------------------------------------------------------------


def test_all_missing_kernels_are_one_error() -> None:
    x = planned([1], 0, F32)
    operators = [Operator("other::a", "out"), Operator("other::b")]
    calls = [KernelCall(i, [0, 0, 0]) for i in (0, 1, 0)]
    with pytest.raises(
        ProgramError,
        match=r"no kernel for other::a.out \(2 calls\), other::b \(1 call\); .*kernel\('other::a",
    ):
        load(program([x], calls, [0], [0], operators=operators))


def delegated() -> ProgramFile:
    return program(
        [planned([2], 0, F32), planned([2], 16, F32), Int(0)],
        [DelegateCall(0, [0, 1, 2])],
        [0],
        [1, 2],
        delegates=[
            BackendDelegate(
                "scaler", BackendDelegateDataReference(0, 0), [CompileSpec("offset", b"\x05")]
            )
        ],
        payloads=[BackendDelegateInlineData(b"\x03")],
    )


def load_scaler(payload: Any, options: Any) -> Any:
    factor, offset = payload[0], options.specs["offset"][0]

    def run(x: np.ndarray, out: np.ndarray, count: int) -> tuple[int]:
        np.add(x * factor, offset, out=out)
        return (count + 1,)

    return run


def test_delegate_of_an_injected_backend() -> None:
    module = load(delegated(), backends={"scaler": load_scaler})
    for run in (1, 2):
        result, count = module(np.array([1, 2], np.float32))
        assert_equal(result, [8, 11])
        assert count == run
    assert module.methods["forward"].backends == ("scaler",)


def test_backends_that_are_not_here_or_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProgramError, match=r"needs backend 'scaler' \(1 call\), which is not here"):
        load(delegated())
    with pytest.raises(ProgramError, match=r"there is no backend 'nothing'"):
        load(delegated(), backends=["nothing"])
    monkeypatch.setattr(delegates, "installed_backends", lambda: {"scaler": "somewhere"})
    with pytest.raises(ProgramError, match=r"to run its code, name it: backends=\['scaler'\]"):
        load(delegated())


def test_payload_that_does_not_load() -> None:
    with pytest.raises(ProgramError, match=r"backend 'scaler' does not load its payload"):
        load(delegated(), backends={"scaler": lambda payload, options: 1 / 0})


def test_payload_in_a_damaged_file_is_one_error(tmp_path: Any) -> None:
    path = tmp_path / "bad.pte"
    path.write_bytes(b"ET12" * 100)
    with pytest.raises(ProgramError):
        load(path)


def test_importing_needs_neither_torch_nor_xdsl() -> None:
    import subprocess
    import sys

    code = "import sys, edgeir.runtime.module; assert not {'torch', 'xdsl'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
