"""The program format against ExecuTorch 1.5.1: its files here, and ours on its runtime."""

import dataclasses
import random
from typing import Any

import pytest
import torch
from sample_programs import add_program, constant_program, counter_program
from test_program_reader import mutated, survives
from torch.export import Dim, export

from edgeir.runtime.program import ProgramFile, find_violations, read_program, write_program
from edgeir.runtime.program.schema import DelegateCall, MoveCall
from edgeir.runtime.program.signatures import stock_signatures

# ExecuTorch and what it imports warn about themselves, at import and while exporting.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


class Network(torch.nn.Module):
    """Convolution, batch norm, multi-output and list-output operators, a mutated buffer."""

    def __init__(self):
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(8)
        self.linear = torch.nn.Linear(8, 4)
        self.register_buffer("runs", torch.zeros(1))

    def forward(self, x):
        self.runs.add_(1)
        y = torch.relu(self.norm(self.convolution(x))).mean((2, 3))
        values, indices = torch.topk(self.linear(y), 2)
        left, right = y.split(4, 1)
        return {"v": values * self.runs, "i": indices}, y[:, [0, 1]], left - right


class Branches(torch.nn.Module):
    """Two branches, which become jumps and moves."""

    def forward(self, p, x):
        return torch.cond(p, lambda x: x.sin() + 1, lambda x: x * 2, (x,))


class Dynamic(torch.nn.Module):
    """Bounded sizes, size arithmetic and a returned size."""

    def forward(self, x, y):
        z = torch.cat([x, y])
        return z.reshape(-1) * 2, z.shape[0]


def network() -> tuple[dict[str, Any], tuple]:
    inputs = (torch.randn(2, 3, 8, 8),)
    return {"forward": export(Network().eval(), inputs)}, inputs


def branches() -> tuple[dict[str, Any], tuple]:
    inputs = (torch.tensor(True), torch.randn(3))
    return {"forward": export(Branches(), inputs)}, inputs


def dynamic() -> tuple[dict[str, Any], tuple]:
    d = Dim("d", min=2, max=8)
    inputs = (torch.randn(4, 3), torch.randn(4, 3))
    shapes = ({0: d}, {0: d})
    return {"forward": export(Dynamic(), inputs, dynamic_shapes=shapes)}, inputs


def two_methods() -> tuple[dict[str, Any], tuple]:
    model, inputs = torch.nn.Linear(4, 3).eval(), (torch.randn(2, 4),)
    chain = torch.nn.Sequential(model, torch.nn.ReLU())
    return {"forward": export(model, inputs), "other": export(chain, inputs)}, inputs


MODELS = {f.__name__: f for f in (network, branches, dynamic, two_methods)}


@pytest.fixture(scope="module")
def exported():
    """`exported(name, delegate=False)` -> (bytes of ExecuTorch's program, inputs), made once."""
    import executorch.exir as exir
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

    made: dict[tuple[str, bool], tuple[bytes, tuple]] = {}

    def get(name: str, delegate: bool = False) -> tuple[bytes, tuple]:
        if (name, delegate) not in made:
            torch.manual_seed(0)
            methods, inputs = MODELS[name]()
            constants = {"get_n": 3, "get_text": "größer", "get_t": torch.ones(2)}
            edge = exir.to_edge(methods, constant_methods=constants)
            if delegate:
                edge = edge.to_backend(XnnpackPartitioner())
            made[name, delegate] = edge.to_executorch().buffer, inputs
        return made[name, delegate]

    return get


def run(data: bytes, inputs: tuple, times: int = 1, method: str = "forward") -> list[Any]:
    """What ExecuTorch's runtime returns in the last of some runs of a program."""
    from executorch.runtime import Runtime, Verification

    program = Runtime.get().load_program(data, verification=Verification.InternalConsistency)
    loaded = program.load_method(method)
    results: list[Any] = []
    for _ in range(times):
        results = [r.clone() if torch.is_tensor(r) else r for r in loaded.execute(inputs)]
    return results


def same(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) > 0 and all(
        torch.equal(x, y) if torch.is_tensor(x) else x == y for x, y in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("name", MODELS)
def test_executorch_file_reads_and_rewrites(exported, name: str):
    data, inputs = exported(name)
    file = read_program(data)
    assert find_violations(file) == []
    rewritten = write_program(file)
    back = read_program(rewritten)
    # Also the layout of the segments, which the writer computes, is ExecuTorch's.
    assert back == file
    assert rewritten == write_program(file)
    assert same(run(rewritten, inputs, 3), run(data, inputs, 3))
    names = [plan.name for plan in file.program.execution_plan]
    assert {"forward", "get_n", "get_text", "get_t"} <= set(names)
    assert run(rewritten, (), method="get_n") == [3]


def test_delegated_file_reads_and_rewrites(exported):
    data, inputs = exported("network", delegate=True)
    file = read_program(data)
    plan = next(p for p in file.program.execution_plan if p.name == "forward")
    assert any(isinstance(i, DelegateCall) for i in plan.chains[0].instructions)
    assert file.program.named_data
    assert all(len(file.delegate_bytes(d)) for d in plan.delegates)
    assert all(len(file.named_data(entry.key)) for entry in file.program.named_data)
    rewritten = write_program(file)
    assert read_program(rewritten) == file
    assert same(run(rewritten, inputs), run(data, inputs))


def test_inline_delegate_data_reads_and_rewrites():
    import executorch.exir as exir
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

    inputs = (torch.randn(2, 4),)
    edge = exir.to_edge(export(torch.nn.ReLU(), inputs)).to_backend(XnnpackPartitioner())
    config = exir.ExecutorchBackendConfig(extract_delegate_segments=False)
    data = edge.to_executorch(config).buffer
    file = read_program(data)
    delegate = file.program.execution_plan[0].delegates[0]
    assert len(file.program.backend_delegate_data) == 1
    assert len(file.delegate_bytes(delegate)) > 0
    rewritten = write_program(file)
    assert read_program(rewritten) == file
    assert same(run(rewritten, inputs), run(data, inputs))


def test_control_flow_is_read(exported):
    plan = read_program(exported("branches")[0]).program.execution_plan[0]
    kinds = {type(i).__name__ for i in plan.chains[0].instructions}
    assert kinds == {"KernelCall", "JumpFalseCall", "MoveCall"}
    assert any(isinstance(i, MoveCall) for i in plan.chains[0].instructions)


def test_stack_traces_are_read():
    import executorch.exir as exir

    inputs = (torch.ones(2, 4),)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()
    config = exir.ExecutorchBackendConfig(emit_stacktrace=True)
    data = exir.to_edge(export(model, inputs)).to_executorch(config).buffer
    file = read_program(data)
    chain = file.program.execution_plan[0].chains[0]
    assert len(chain.stacktrace) == len(chain.instructions) > 0
    assert any(frame.lineno > 0 for frames in chain.stacktrace for frame in frames.items)
    assert read_program(write_program(file)) == file


def test_initial_state_is_read():
    import executorch.exir as exir
    from executorch.exir.passes.init_mutable_pass import InitializedMutableBufferPass

    class Counter(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("state", torch.tensor([5.0, 7.0]))

        def forward(self, x):
            self.state.add_(x)
            return self.state * 2

    inputs = (torch.ones(2),)
    config = exir.ExecutorchBackendConfig(passes=[InitializedMutableBufferPass(["state"])])
    data = exir.to_edge(export(Counter(), inputs)).to_executorch(config).buffer
    file = read_program(data)
    plan = file.program.execution_plan[0]
    state = next(v for v in plan.values if getattr(v, "data_buffer_idx", 0) and v.allocation_info)
    initial = torch.frombuffer(
        bytearray(file.mutable_bytes(state.data_buffer_idx, 8)), dtype=torch.float32
    )
    assert initial.tolist() == [5, 7]
    rewritten = write_program(file)
    assert read_program(rewritten) == file
    assert run(rewritten, inputs, 2)[0].tolist() == [14, 18]


def test_hand_made_programs_run():
    a, b = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
    assert run(write_program(add_program()), (a, b))[0].tolist() == [4, 7]
    assert run(write_program(constant_program()), (a,))[0].tolist() == [11, 22]
    assert run(write_program(counter_program()), (a,), 3)[0].tolist() == [8, 13]


def test_program_without_constants_has_the_tables_executorch_writes():
    import executorch.exir as exir

    class Add(torch.nn.Module):
        def forward(self, a, b):
            return a + b

    data = exir.to_edge(export(Add(), (torch.ones(2), torch.ones(2)))).to_executorch().buffer
    theirs, ours = read_program(data).program, add_program().program
    method = theirs.execution_plan[0]
    assert dataclasses.replace(theirs, execution_plan=[]) == dataclasses.replace(
        ours, execution_plan=[]
    )
    assert len(data) == len(write_program(ProgramFile(theirs, [b""])))
    assert method.operators == ours.execution_plan[0].operators


@pytest.mark.parametrize(("name", "delegate"), [*((n, False) for n in MODELS), ("network", True)])
def test_mutations_give_a_program_or_an_error(exported, name: str, delegate: bool):
    data, _ = exported(name, delegate)
    rng = random.Random(name)
    outcomes = {True: 0, False: 0}
    for _ in range(300):
        outcomes[survives(mutated(data, rng))] += 1
        outcomes[survives(data[: rng.randrange(len(data))])] += 1
    assert min(outcomes.values()) > 0


KINDS = {
    "number": "Scalar",
    "List[int]": "int[]",
    "Optional[Tensor]": "Tensor?",
    "ScalarType": "int",
    "Optional[ScalarType]": "int?",
    "Optional[MemoryFormat]": "int?",
    "Optional[int]": "int?",
    "Optional[bool]": "bool?",
    "Optional[float]": "float?",
    "Optional[str]": "str?",
    "Optional[number]": "Scalar?",
    "Optional[List[int]]": "int[]?",
    "Optional[List[float]]": "float[]?",
    "List[bool]": "bool[]",
    "List[Tensor]": "Tensor[]",
    "List[Optional[Tensor]]": "Tensor?[]",
}


def test_signatures_are_those_of_the_registered_operators():
    import executorch.exir
    import executorch.kernels.quantized  # noqa: F401
    from executorch.extension.pybindings.portable_lib import _get_operator_names

    # The runtime alone knows these; nothing declares their schemas.
    undeclared = {
        "executorch_prim::et_copy_index.tensor",
        "executorch_prim::et_view.default",
        "executorch_prim::floordiv.int",
        "executorch_prim::mod.int",
    }
    known = stock_signatures()
    assert set(known) == set(_get_operator_names())
    for name in sorted(set(known) - undeclared):
        namespace, _, rest = name.partition("::")
        operator, _, overload = rest.partition(".")
        packet = getattr(getattr(torch.ops, namespace), operator)
        arguments = getattr(packet, overload or "default")._schema.arguments
        kinds = [KINDS.get(str(a.real_type), str(a.real_type)) for a in arguments]
        written = {i for i, a in enumerate(arguments) if a.alias_info and a.alias_info.is_write}
        assert (known[name].kinds, known[name].written) == ((*kinds, "="), written), name
