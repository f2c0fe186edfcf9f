"""Weights beside the program: both runtimes load them, programs share them, tools know them."""

import numpy as np
import pytest
import torch
from stock_runtime import Runtime
from torch import nn

import edgeir
from edgeir.runtime.program.data_file import read_data_file
from edgeir.tools import edge_compile, edge_inspect, edge_opt, edge_run, edge_translate


class Decoder(nn.Module):
    """A weight that is used twice in different shapes, a tied one, a convolution and a buffer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(16, 8)
        self.norm = nn.LayerNorm(8)
        self.conv = nn.Conv1d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 16, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("seen", torch.ones(8))

    def forward(self, tokens):
        x = self.conv(self.norm(self.embed(tokens)).transpose(1, 2)).transpose(1, 2)
        self.seen += x.mean((0, 1))
        return self.head(x + self.seen), self.embed.weight.view(-1)[:4]


class Encoder(nn.Module):
    """Shares a weight with the decoder."""

    def __init__(self, decoder: Decoder):
        super().__init__()
        self.embed = decoder.embed

    def forward(self, tokens):
        return self.embed(tokens).sum(1)


TOKENS = torch.arange(6).reshape(1, 6)


@pytest.fixture(scope="module")
def programs() -> dict[str, tuple[nn.Module, edgeir.Program]]:
    decoder = Decoder()
    models = {"decoder": decoder, "encoder": Encoder(decoder)}
    return {
        name: (model, edgeir.compile(model, (TOKENS,), external_weights=True))
        for name, model in models.items()
    }


def assert_equal(results, wanted) -> None:
    for result, expected in zip(results, wanted, strict=True):
        np.testing.assert_allclose(result, expected.detach(), rtol=1e-5, atol=1e-5)


def test_both_runtimes_load_them(programs, tmp_path):
    _, program = programs["decoder"]
    wanted = Decoder()(TOKENS)
    program.save(tmp_path / "model.pte")
    assert len(program.buffer) < len(edgeir.compile(Decoder(), (TOKENS,)).buffer)
    found = edgeir.load(tmp_path / "model.pte")
    given = edgeir.load(program.buffer, external_weights=program.data)
    listed = edgeir.load(program.buffer, external_weights=[tmp_path / "model.ptd"])
    for module in (found, given, listed):
        assert_equal(module(TOKENS), wanted)
    stock = Runtime.get().load_program(tmp_path / "model.pte", data_path=tmp_path / "model.ptd")
    assert_equal(stock.load_method("forward").execute([TOKENS]), wanted)


def test_bytes_are_deterministic(programs):
    _, program = programs["decoder"]
    again = edgeir.compile(Decoder(), (TOKENS,), external_weights=True)
    assert (again.buffer, again.data) == (program.buffer, program.data)


def test_programs_share_a_file(programs, tmp_path):
    shared = tmp_path / "weights.ptd"
    for name, (_, program) in programs.items():
        program.save(tmp_path / f"{name}.pte", external_weights=shared)
    sizes = [len(program.data) for _, program in programs.values()]
    assert shared.stat().st_size < sum(sizes)
    first = shared.read_bytes()
    for name, (_, program) in reversed(programs.items()):
        program.save(tmp_path / f"{name}.pte", external_weights=shared)
    assert shared.read_bytes() == first
    loader = Runtime.get()
    tokens = TOKENS
    for name, model in {"decoder": Decoder(), "encoder": programs["encoder"][0]}.items():
        wanted = model(tokens)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        result = edgeir.load(tmp_path / f"{name}.pte", external_weights=shared)(tokens)
        assert_equal(result if isinstance(result, tuple) else (result,), wanted)
        stock = loader.load_program(tmp_path / f"{name}.pte", data_path=shared)
        assert_equal(stock.load_method("forward").execute([tokens]), wanted)


def test_other_data_of_the_same_name_is_refused(programs, tmp_path):
    shared = tmp_path / "weights.ptd"
    programs["encoder"][1].save(tmp_path / "a.pte", external_weights=shared)
    before = shared.read_bytes()
    other = Encoder(Decoder())
    with torch.no_grad():
        other.embed.weight.add_(1)
    program = edgeir.compile(other, (TOKENS,), external_weights=True)
    with pytest.raises(edgeir.ProgramError, match=r"has other data for 'embed\.weight'"):
        program.save(tmp_path / "b.pte", external_weights=shared)
    assert shared.read_bytes() == before


def test_data_that_is_missing_or_of_another_program(programs):
    _, program = programs["encoder"]
    with pytest.raises(edgeir.ProgramError, match=r"'embed.weight' is in a data file"):
        edgeir.load(program.buffer)
    small = nn.Module()
    small.embed = nn.Embedding(4, 4)
    small.forward = lambda tokens: small.embed(tokens)
    other = edgeir.compile(small, (TOKENS % 4,), external_weights=True)
    with pytest.raises(
        edgeir.ProgramError, match=r"as f32\[4, 4\], the program wants f32\[16, 8\]"
    ):
        edgeir.load(program.buffer, external_weights=other.data)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_file_of_executorch_is_found_beside_its_program(tmp_path):
    from executorch.exir import ExecutorchBackendConfig, to_edge

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
    x = torch.randn(3, 4)
    manager = to_edge(torch.export.export(model, (x,))).to_executorch(
        ExecutorchBackendConfig(external_constants=True)
    )
    manager.save(str(tmp_path / "theirs.pte"))
    manager.write_tensor_data_to_file(str(tmp_path))
    assert_equal([edgeir.load(tmp_path / "theirs.pte")(x)], [model(x)])


def test_through_the_tools(programs, tmp_path, capsys):
    model, program = programs["encoder"]
    torch.export.save(torch.export.export(model, (TOKENS,)), tmp_path / "m.pt2")
    pte, text = str(tmp_path / "m.pte"), str(tmp_path / "m.mlir")
    assert edge_compile.main([str(tmp_path / "m.pt2"), "-o", pte, "--external-weights"]) == 0
    assert (tmp_path / "m.ptd").read_bytes() == program.data
    np.save(tmp_path / "y.npy", model(TOKENS).detach().numpy())
    expect = ["--input", "1x6xi64=0,1,2,3,4,5", "--expect", str(tmp_path / "y.npy")]
    assert edge_run.main([pte, *expect]) == 0
    # As text, whose weights stand beside it like those of any text, and back.
    assert edge_translate.main([pte, "-o", text]) == 0
    assert "memory.external" in (tmp_path / "m.mlir").read_text()
    assert edge_run.main([text, *expect]) == 0
    back = str(tmp_path / "back.pte")
    assert edge_translate.main([text, "-o", back, "--external-weights"]) == 0
    assert (tmp_path / "back.pte").read_bytes() == (tmp_path / "m.pte").read_bytes()
    assert (tmp_path / "back.ptd").read_bytes() == program.data
    assert edge_inspect.main([pte]) == 0
    assert "1 external tensors, 512 bytes" in capsys.readouterr().out
    assert edge_inspect.main([str(tmp_path / "m.ptd")]) == 0
    assert "512  embed.weight  f32[16, 8]" in capsys.readouterr().out
    assert edge_inspect.main([str(tmp_path / "m.ptd"), "--check"]) == 0
    (tmp_path / "m.ptd").rename(tmp_path / "w.ptd")
    assert edge_run.main([pte, *expect, "--external-weights", str(tmp_path / "w.ptd")]) == 0
    assert not capsys.readouterr().err
    assert edge_run.main([pte, *expect]) == 1
    assert "--external-weights FILE.ptd" in capsys.readouterr().err


def test_weights_of_delegates(tmp_path, capsys):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 4), nn.Softmax(1)).eval()
    x = torch.randn(3, 8)
    inside = edgeir.compile(model, (x,), backends=["numpy"])
    program = edgeir.compile(model, (x,), backends=["numpy"], external_weights=True)
    weights = sum(w.numel() * w.element_size() for w in model.parameters())
    assert len(inside.buffer) - len(program.buffer) >= weights
    pte, text = str(tmp_path / "m.pte"), str(tmp_path / "m.mlir")
    program.save(pte)
    assert_equal([edgeir.load(pte, backends=["numpy"])(x)], [model(x)])
    with pytest.raises(edgeir.ProgramError, match="is not in the program; if it is"):
        edgeir.load(program.buffer, backends=["numpy"])
    # The table of what was delegated is inside.
    assert edge_inspect.main([pte, "--delegation"]) == 0
    assert "linear" in capsys.readouterr().out
    # As text and back.
    assert edge_translate.main([pte, "-o", text]) == 0
    assert edge_translate.main([text, "-o", str(tmp_path / "b.pte"), "--external-weights"]) == 0
    assert (tmp_path / "b.pte").read_bytes() == program.buffer
    assert (tmp_path / "b.ptd").read_bytes() == program.data


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_executorch_gives_its_backends_the_data(tmp_path):
    """The weights of an XNNPACK program of ExecuTorch, moved out of it."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 4)).eval()
    x = torch.randn(3, 8)
    edge = to_edge(torch.export.export(model, (x,))).to_backend(XnnpackPartitioner())
    (tmp_path / "theirs.pte").write_bytes(edge.to_executorch().buffer)
    text, pte, ptd = (str(tmp_path / name) for name in ("m.mlir", "m.pte", "m.ptd"))
    assert edge_translate.main([str(tmp_path / "theirs.pte"), "-o", text]) == 0
    assert edge_opt.main([text, "-p", "externalize-weights", "-o", text]) == 0
    assert edge_translate.main([text, "-o", pte, "--external-weights"]) == 0
    assert len(read_data_file(ptd)) == 4
    stock = Runtime.get().load_program(pte, data_path=ptd)
    assert_equal(stock.load_method("forward").execute([x]), [model(x)])


def test_dim_orders_are_kept(tmp_path):
    class ChannelsLast(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.randn(1, 4, 3, 3).to(memory_format=torch.channels_last))

        def forward(self, x):
            return x * self.w

    model = ChannelsLast()
    x = torch.randn(1, 4, 3, 3)
    program = edgeir.compile(model, (x,), external_weights=True)
    assert read_data_file(program.data)
    assert_equal([edgeir.load(program.buffer, external_weights=program.data)(x)], [model(x)])
