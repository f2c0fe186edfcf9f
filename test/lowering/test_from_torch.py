"""Capture: what becomes of signatures, weights, structures, numbers and locations."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import edgeir
from edgeir.dialects.context import edge_context
from edgeir.dialects.edge.ops import WeightOp
from edgeir.dialects.function import functions, input_names, output_names
from edgeir.lowering.compile_program import compile_program
from edgeir.lowering.from_torch.capture import CaptureError, capture
from edgeir.lowering.from_torch.importer import import_programs


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


class Forward(nn.Module):
    """A module whose forward is a function of the test."""

    def __init__(self, function, **parameters):
        super().__init__()
        self.function = function
        for name, value in parameters.items():
            setattr(self, name, nn.Parameter(value) if value.is_floating_point() else value)

    def forward(self, *args, **kwargs):
        return self.function(self, *args, **kwargs)


def imported(module: nn.Module, *inputs, **kwargs):
    ctx = edge_context()
    text = import_programs(capture(module, inputs, kwargs), ctx.weights)
    text.verify()
    return text, ctx.weights


def operations(module) -> list[str]:
    (function,) = functions(module)
    return [op.name for op in function.body.block.ops]


def test_composites_come_through_whole():
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU(), nn.Hardswish(), nn.SiLU())
    module, _ = imported(model, torch.randn(2, 4))
    assert [name for name in operations(module) if name.startswith("aten.")] == [
        "aten.linear", "aten.layer_norm", "aten.gelu", "aten.hardswish", "aten.silu",
    ]  # fmt: skip


def test_tied_weights_are_stored_once():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    module, weights = imported(model, torch.randn(2, 4))
    assert sorted(key.split(".")[1] for key in weights) == ["bias", "bias", "weight"]
    keys = [op.key.data for op in module.walk() if isinstance(op, WeightOp)]
    assert set(keys) == set(weights)


def test_unused_weights_are_left_out():
    model = Forward(lambda self, x: x + self.used, used=torch.ones(4), unused=torch.ones(9))
    _, weights = imported(model, torch.randn(4))
    assert set(weights) == {"used"}


def test_names_of_inputs_and_outputs():
    class Named(nn.Module):
        def forward(self, tokens, *, mask):
            return {"logits": tokens * mask, "state": (tokens + mask, mask)}

    module, _ = imported(Named(), torch.randn(3), mask=torch.randn(3))
    (function,) = functions(module)
    assert input_names(function) == ["tokens", "mask"]
    assert output_names(function) == ["logits", "state.0", "state.1"]


@pytest.mark.parametrize(
    "output",
    [
        lambda x: x,
        lambda x: (x,),
        lambda x: [x, x + 1],
        lambda x: {"a": x, "b": {"c": x * 2}},
        lambda x: (x, None, 3, 2.5, True),
        lambda x: (x.sum(), [x, (x, x)]),
    ],
)
def test_structures_come_back(output):
    x = torch.randn(2, 3)
    result = edgeir.load(edgeir.compile(Forward(lambda self, x: output(x)), (x,)).buffer)(x)
    assert_same(result, output(x))


def test_other_containers_become_dicts():
    x = torch.randn(3)
    program = edgeir.compile(Forward(lambda self, x: Pair(x, x + 1)), (x,))
    assert_same(edgeir.load(program.buffer)(x), {"first": x, "second": x + 1})


def assert_same(result, expected):
    if isinstance(expected, torch.Tensor):
        np.testing.assert_allclose(result, expected.numpy(), rtol=1e-6)
    elif isinstance(expected, dict):
        assert list(result) == list(expected)
        for key, value in expected.items():
            assert_same(result[key], value)
    elif isinstance(expected, list | tuple):
        assert type(result) is type(expected)
        for part, value in zip(result, expected, strict=True):
            assert_same(part, value)
    else:
        assert type(result) is type(expected)
        assert result == expected


def test_python_numbers_as_inputs():
    x = torch.randn(3)
    module = Forward(lambda self, x, scale, power: (x * scale) ** power)
    run = edgeir.load(edgeir.compile(module, (x, 0.5, 2)).buffer)
    np.testing.assert_allclose(run(x, 0.5, 2), ((x * 0.5) ** 2).numpy(), rtol=1e-6)
    with pytest.raises(edgeir.InputError):
        run(x, 0.75, 2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int32])
def test_weights_of_every_dtype(dtype):
    weight = torch.arange(6).reshape(2, 3).to(dtype)
    _, weights = imported(Forward(lambda self, x: x + self.w, w=weight), weight)
    assert str(weights["w"].dtype) == str(dtype).split(".")[1]
    np.testing.assert_array_equal(weights["w"].astype(np.float64), weight.double().numpy())


def test_noncontiguous_weights():
    weight = torch.arange(6.0).reshape(2, 3).t()
    _, weights = imported(Forward(lambda self, x: x + self.w, w=weight), torch.ones(3, 2))
    np.testing.assert_array_equal(weights["w"], weight.numpy())


def test_locations_name_the_users_line():
    class Tanh(nn.Module):
        def forward(self, x):
            return x.tanh()  # The line that is looked for.

    module, _ = imported(nn.Sequential(nn.ReLU(), Tanh()), torch.ones(2))
    (function,) = functions(module)
    tanh = next(op for op in function.body.block.ops if op.name == "aten.tanh")
    lines = Path(__file__).read_text().splitlines()
    line = 1 + next(i for i, text in enumerate(lines) if text.endswith("looked for."))
    assert str(tanh.location) == f'loc("1"("{Path(__file__).name}":{line}:0))'


def test_messages_are_left_out():
    """What only prints or checks is kept in order by tokens, which are no inputs or outputs."""

    def function(_, x):
        torch.ops.aten._print("here")
        return x + 1

    module, _ = imported(Forward(function), torch.randn(3))
    assert operations(module) == ["aten.number", "aten.add.Tensor", "func.return"]
    (forward,) = functions(module)
    assert len(forward.function_type.inputs) == 1
    assert len(forward.function_type.outputs) == 1


def test_everything_unsupported_is_listed_at_once():
    def forward(self, x):
        y = torch.ops.aten.resize(x, [2, 2])
        z = torch.ops.aten.resize(x + 1, [2, 2])
        return y + z, torch._convert_indices_from_coo_to_csr(x.long().view(-1), 3)

    with pytest.raises(edgeir.CompileError) as raised:
        edgeir.compile(Forward(forward), (torch.randn(3, 3),))
    messages = [str(d) for d in raised.value.diagnostics]
    resized = next(m for m in messages if "resize" in m)
    assert Path(__file__).name in resized
    assert "used 2 times" in resized
    assert any("_convert_indices_from_coo_to_csr" in m for m in messages)
    assert all(d.advice for d in raised.value.diagnostics if "resize" in d.operation)


def test_several_methods_share_weights():
    model = nn.Linear(4, 4)
    programs = {
        "forward": torch.export.export(model, (torch.randn(1, 4),)),
        "batch": torch.export.export(model, (torch.randn(8, 4),)),
    }
    program = edgeir.compile(programs)
    module = edgeir.load(program.buffer)
    assert sorted(module.methods) == ["batch", "forward"]
    x = torch.randn(8, 4)
    expected = model(x).detach().numpy()
    np.testing.assert_allclose(module.run("batch", x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(module(x[:1]), expected[:1], rtol=1e-5, atol=1e-6)
    assert set(program.weights) >= {"weight", "bias"}
    assert len(program.buffer) < 2 * len(edgeir.compile(programs["forward"]).buffer)


def test_pt2_file(tmp_path):
    x = torch.randn(1, 4)
    model = nn.Linear(4, 2)
    torch.export.save(torch.export.export(model, (x,)), tmp_path / "model.pt2")
    program = edgeir.compile(tmp_path / "model.pt2")
    np.testing.assert_allclose(
        edgeir.load(program.buffer)(x), model(x).detach().numpy(), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("content", [None, b"", b"not a zip"])
def test_bad_pt2_file(tmp_path, content):
    path = tmp_path / "model.pt2"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(edgeir.CompileError, match=r"model\.pt2"):
        edgeir.compile(path)


def test_module_without_inputs():
    with pytest.raises(CaptureError, match="example_inputs"):
        capture(nn.ReLU())


def test_compiling_twice_gives_the_same_bytes():
    model, x = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.randn(2, 4)
    first = compile_program(model, (x,))
    assert first.buffer == compile_program(model, (x,)).buffer


def test_outputs_are_named_by_their_keys_in_the_program():
    def forward(self, x):
        y = x.reshape(6)
        return {"view": y, "input": x, "again": {"first": y, "list": [x + 1]}}

    x = torch.randn(2, 3)
    module = edgeir.load(edgeir.compile(Forward(forward), (x,)).buffer)
    names = [output.name for output in module.methods["forward"].outputs]
    assert names == ["view", "input", "again.first", "again.list.0"]
