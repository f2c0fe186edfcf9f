"""State that survives calls: mutated buffers and inputs, in every stage and on both runtimes."""

import copy
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from stock_runtime import load_method, load_methods
from torch import nn
from torch.utils._pytree import tree_leaves
from xdsl.parser import Parser

import edgeir
from edgeir.dialects.context import edge_context
from edgeir.dialects.function import functions, mutations
from edgeir.passes.evaluate import evaluate
from edgeir.runtime import InputError
from edgeir.tools.failure import ToolError
from edgeir.tools.module_file import read_module
from edgeir.tools.numerics_check import NumericsCheck
from edgeir.tools.runnable import runnable_module


class Model(nn.Module):
    """A module of buffers and a function."""

    def __init__(self, forward: Any, **buffers: torch.Tensor):
        super().__init__()
        for name, value in buffers.items():
            self.register_buffer(name, value)
        self._forward = forward

    def forward(self, *args):
        return self._forward(self, *args)


def check(model: nn.Module, calls: list[tuple[torch.Tensor, ...]], **options: Any) -> Any:
    """Run all calls eagerly, in the evaluated stages, here and on ExecuTorch's runtime.

    Outputs, mutated inputs and what the buffers hold afterwards must be the same everywhere.
    """
    exported = torch.export.export(copy.deepcopy(model), calls[0], **options)
    program = edgeir.compile(exported)
    module = edgeir.load(program.buffer)
    stock = load_method(program.buffer)
    stages = [next(functions(program.stages.modules[name])) for name in ("aten", "edge")]
    states: list[dict[str, np.ndarray]] = [{} for _ in stages]
    for call in calls:
        arguments = [x.clone() for x in call]
        wanted = [x.clone() for x in tree_leaves(model(*arguments))]

        def same(results: Any, given: Any, arguments: Any = arguments, wanted: Any = wanted):
            assert_equal([*tree_leaves(results), *given], [*wanted, *arguments])

        given = [x.numpy().copy() for x in call]
        same(module(*given), given)
        changed = [i for i in mutations(stages[0]) if isinstance(i, int)]
        outputs = [x.clone() for x in stock.execute([x.clone() for x in call])]
        assert_equal(
            outputs, [*(arguments[i] for i in changed), *wanted], message="ExecuTorch's runtime"
        )
        for function, state in zip(stages, states, strict=True):
            given = [x.numpy().copy() for x in call]
            same(evaluate(function, given, program.weights, state), given)
    buffers = {name: x for name, x in model.named_buffers() if name in module.state}
    assert set(module.state) == set(buffers)
    for state in (module.state, *states):
        names = list(state)
        assert_equal([state[name] for name in names], [buffers[name] for name in names])
    return program


def assert_equal(results: list[Any], wanted: list[Any], message: str = "") -> None:
    assert len(results) == len(wanted)
    for result, expected in zip(results, wanted, strict=True):
        expected = torch.as_tensor(expected).detach().numpy()
        assert np.asarray(result).dtype == expected.dtype, message
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6, err_msg=message)


def inputs(*shape: int, calls: int = 3) -> list[tuple[torch.Tensor, ...]]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.randn(*shape, generator=generator),) for _ in range(calls)]


def counter(self, x):
    self.count += 1
    return x + self.count


def running_mean(self, x):
    self.mean.mul_(0.9).add_(0.1 * x.mean(0))
    return x - self.mean


def returns_old(self, x):
    old = self.last.clone()
    self.last.copy_(x)
    return old


def returns_new(self, x):
    self.sum.add_(x)
    return self.sum


def returns_both(self, x):
    old = self.sum.clone()
    self.sum.add_(x)
    return {"old": old, "new": self.sum.clone(), "view": self.sum.view(2, 2)}


def exchanges(self, x):
    a = self.a.clone()
    self.a.copy_(self.b)
    self.b.copy_(a)
    return self.a + x


def one_value_for_two(self, x):
    new = x.relu()
    self.a.copy_(new)
    self.b.copy_(new.clone())
    return self.a - self.b


def writes_only(self, x):
    self.last.copy_(x * 2)
    return x


def keeps_input(self, x):
    self.last.copy_(x)
    return x.relu()


def writes_constant(self, x):
    result = self.sum + x
    self.sum.fill_(3.0)
    return result


def slices(self, x):
    self.sum[1:3] = x[:2]
    self.sum[0] += 1
    return self.sum * 2


def shifts(self, x):
    self.window.copy_(torch.cat([self.window[1:], x.reshape(1, 4)]))
    return self.window.mean(0)


def through_a_view(self, x):
    self.grid.view(4).add_(x)
    return self.grid.t() @ self.grid


def twice(self, x):
    self.sum += x
    self.sum *= 2
    return self.sum.flip(0)


def reads_late(self, x):
    old = self.sum.flip(0)
    self.sum.add_(x)
    return old + self.sum + self.sum.flip(0)


def conditional_reset(self, x):
    self.count.copy_(torch.where(self.count >= 2, torch.zeros_like(self.count), self.count + 1))
    return x * self.count


@pytest.mark.parametrize(
    ("forward", "buffers"),
    [
        (counter, {"count": torch.tensor(5)}),
        (counter, {"count": torch.zeros(1, dtype=torch.float64)}),
        (counter, {"count": torch.ones(4, dtype=torch.int32)}),
        (running_mean, {"mean": torch.zeros(())}),
        (returns_old, {"last": torch.full((4,), 7.0)}),
        (returns_new, {"sum": torch.ones(4)}),
        (returns_both, {"sum": torch.ones(4)}),
        (exchanges, {"a": torch.zeros(4), "b": torch.ones(4)}),
        (one_value_for_two, {"a": torch.zeros(4), "b": torch.ones(4)}),
        (writes_only, {"last": torch.zeros(4)}),
        (keeps_input, {"last": torch.zeros(4)}),
        (writes_constant, {"sum": torch.zeros(4)}),
        (slices, {"sum": torch.arange(4.0)}),
        (shifts, {"window": torch.arange(12.0).reshape(3, 4)}),
        (through_a_view, {"grid": torch.eye(2)}),
        (twice, {"sum": torch.ones(4)}),
        (reads_late, {"sum": torch.arange(4.0)}),
        (conditional_reset, {"count": torch.zeros((), dtype=torch.int64)}),
    ],
)
def test_buffers(forward, buffers):
    check(Model(forward, **buffers), inputs(4, calls=4))


def test_batch_norm_in_training():
    norm = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
    for parameter in norm.parameters():
        parameter.requires_grad_(False)
    check(norm.train(), inputs(2, 2, 5, 5))


@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: x.mul_(2),
        lambda self, x: x.add_(1) * 2,
        lambda self, x: (x.clone(), x.relu_(), x + 1),
        lambda self, x: x[0].copy_(x[1] + 1).sum(),
        lambda self, x: x.view(8)[2:4].zero_().sum() + x.sum(),
    ],
)
def test_mutated_input(forward):
    check(Model(forward), inputs(2, 4))


def test_mutated_inputs_and_buffers():
    def forward(self, x, y):
        self.sum += x
        y.copy_(self.sum)
        x.zero_()
        return x + y

    calls = [(x, x.clone()) for (x,) in inputs(4)]
    check(Model(forward, sum=torch.zeros(4)), calls)


def test_mutated_input_of_any_size():
    calls = [(torch.randn(n, 3),) for n in (2, 5, 8, 1)]
    model = Model(lambda self, x: x.mul_(2).sum(0))
    dims = {"args": ({0: torch.export.Dim("n", max=8)},)}
    program = edgeir.compile(
        torch.export.export(model, (calls[0][0].clone(),), dynamic_shapes=dims)
    )
    module, stock = edgeir.load(program.buffer), load_method(program.buffer)
    for (x,) in calls:
        given = x.numpy().copy()
        np.testing.assert_allclose(module(given), x.mul(2).sum(0), rtol=1e-5)
        np.testing.assert_array_equal(given, x.mul(2))
        changed, result = stock.execute([x.clone()])
        np.testing.assert_allclose(result, x.mul(2).sum(0), rtol=1e-5)
        np.testing.assert_array_equal(changed, x.mul(2))


def test_input_that_cannot_be_written():
    x = np.ones(4, np.float32)
    x.flags.writeable = False
    program = edgeir.compile(Model(lambda self, x: x.mul_(2) + 1), (torch.ones(4),))
    np.testing.assert_array_equal(edgeir.load(program.buffer)(x), np.full(4, 3))
    np.testing.assert_array_equal(x, np.ones(4))


# --- caches ---------------------------------------------------------------------------------------


class Attention(nn.Module):
    """One step of attention with a cache of keys and values, written in one of several ways."""

    def __init__(self, way: str):
        super().__init__()
        torch.manual_seed(0)
        self.way = way
        self.project = nn.Linear(8, 24).requires_grad_(False)
        self.register_buffer("keys", torch.zeros(1, 2, 6, 4))
        self.register_buffer("values", torch.zeros(1, 2, 6, 4))

    def forward(self, x, at):
        query, key, value = (
            part.view(1, 1, 2, 4).transpose(1, 2) for part in self.project(x).chunk(3, -1)
        )
        for cache, new in ((self.keys, key), (self.values, value)):
            match self.way:
                case "slice":
                    cache[:, :, at] = new
                case "index_copy":
                    cache.index_copy_(2, at, new)
                case "narrow":
                    cache.narrow(2, 1, 1).copy_(new)
                    cache.index_copy_(2, at, new + 1)
                    cache[:, 0, at] = new[:, 0]
                case _:
                    cache.copy_(torch.where(torch.arange(6)[:, None] == at, new, cache))
        mask = torch.arange(6) <= at
        scores = (query @ self.keys.transpose(2, 3)).masked_fill(~mask, float("-inf"))
        return scores.softmax(-1) @ self.values


@pytest.mark.parametrize("way", ["slice", "index_copy", "where", "narrow"])
def test_cache(way):
    calls = [(x, torch.tensor([i])) for i, (x,) in enumerate(inputs(1, 8, calls=6))]
    program = check(Attention(way), calls)
    instructions = program.stages["memory"]
    assert "aten::copy_" not in instructions
    whole_rows = way in ("index_copy", "narrow")
    assert instructions.count("aten::index_put_") == (2 if whole_rows else 0)
    assert instructions.count("tensor<1x2x6x4xf32>") == 2, "the buffers, and nothing beside them"


def hugging_face(name: str) -> nn.Module:
    from text_models import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    if name == "llama":
        config = LlamaConfig(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=32,
        )
        model = LlamaForCausalLM(config)
    else:
        ids = {"bos_token_id": 0, "eos_token_id": 0}
        config = GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=32, **ids)
        model = GPT2LMHeadModel(config)
    for parameter in model.parameters():
        # The usual initial weights are so small that every token would be the same.
        parameter.data.add_(torch.randn_like(parameter), alpha=0.5)
    model.generation_config.use_cache = True
    model.generation_config.cache_implementation = "static"
    return model.eval()


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_generation_with_a_static_cache(name):
    from text_models import TorchExportableModuleWithStaticCache

    model = hugging_face(name)
    example = {"input_ids": torch.tensor([[3]]), "cache_position": torch.tensor([0])}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step = TorchExportableModuleWithStaticCache(model, batch_size=1, max_cache_len=16)
        program = edgeir.compile(torch.export.export(step, (), example, strict=True))
    assert program.stages["memory"].count("aten::index_put_") == 4
    module, stock = edgeir.load(program.buffer), load_method(program.buffer)

    def here(token: int, at: int) -> Any:
        return module(input_ids=np.array([[token]]), cache_position=np.array([at]))

    def there(token: int, at: int) -> Any:
        return stock.execute([torch.tensor([[token]]), torch.tensor([at])])[0].numpy()

    prompt = [3, 7, 1]
    expected = greedy(model, prompt, 8)
    assert len(set(expected[len(prompt) :])) > 2
    assert generate(here, prompt, 8) == expected
    assert generate(there, prompt, 8) == expected
    # A second text, in the same caches.
    module.state.reset()
    assert generate(here, [9, 2], 6) == greedy(model, [9, 2], 6)


@pytest.mark.parametrize("dynamic", [False, True], ids=["two methods", "any length"])
def test_prompt_at_once(dynamic):
    from text_models import TorchExportableModuleWithStaticCache

    model = hugging_face("llama")
    length = {"input_ids": {1: torch.export.Dim("n", max=15)}}
    length["cache_position"] = {0: length["input_ids"][1]}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step = TorchExportableModuleWithStaticCache(model, batch_size=1, max_cache_len=16)

        def exported(count: int, **options: Any) -> Any:
            example = {
                "input_ids": torch.ones(1, count).long(),
                "cache_position": torch.arange(count),
            }
            return torch.export.export(step, (), example, strict=True, **options)

        if dynamic:
            programs = {"prefill": exported(4, dynamic_shapes=length)}
        else:
            programs = {"prefill": exported(4), "decode": exported(1)}
        program = edgeir.compile(programs)
    decode = list(programs)[-1]
    module = edgeir.load(program.buffer)
    stock = load_methods(program.buffer, list(programs))

    def here(method: str, *values: np.ndarray) -> Any:
        return module.run(method, input_ids=values[0], cache_position=values[1])

    def there(method: str, *values: np.ndarray) -> Any:
        return stock[method].execute([torch.from_numpy(x) for x in values])[0].numpy()

    prompt = [3, 7, 1, 5]
    expected = greedy(model, prompt, 6)
    for run in (here, there):
        tokens = list(prompt)
        logits = run("prefill", np.array([tokens]), np.arange(4))
        while len(tokens) < len(expected):
            tokens.append(int(logits[0, -1].argmax()))
            logits = run(decode, np.array([tokens[-1:]]), np.array([len(tokens) - 1]))
        assert tokens == expected


def generate(step: Any, prompt: list[int], count: int) -> list[int]:
    tokens = list(prompt)
    for at in range(len(prompt) + count - 1):
        logits = step(tokens[at], at)
        if at >= len(prompt) - 1:
            tokens.append(int(logits[0, -1].argmax()))
    return tokens


def greedy(model: nn.Module, prompt: list[int], count: int) -> list[int]:
    tokens = list(prompt)
    with torch.no_grad():
        for _ in range(count):
            logits = model(torch.tensor([tokens]), use_cache=False).logits
            tokens.append(int(logits[0, -1].argmax()))
    return tokens


# --- several methods ------------------------------------------------------------------------------


class Shared(nn.Module):
    def __init__(self, memory: nn.Module, forward: Any):
        super().__init__()
        self.memory = memory
        self._forward = forward

    def forward(self, x):
        return self._forward(self.memory, x)


def remember(memory, x):
    memory.sum += x
    return memory.sum * 2


def recall(memory, x):
    return memory.sum + x


def count(memory, x):
    memory.calls += 1
    return memory.calls * x


def two_methods(memory: nn.Module | None = None, **methods: Any) -> edgeir.compile:
    x = torch.ones(3)
    return edgeir.compile(
        {
            name: torch.export.export(Shared(memory or new_memory(), forward), (x,))
            for name, forward in methods.items()
        }
    )


def new_memory(start: float = 1.0) -> nn.Module:
    return Model(None, sum=torch.full((3,), float(start)), calls=torch.zeros(2, 1))


@pytest.mark.parametrize("memory", [new_memory(), None], ids=["storage", "name and bytes"])
def test_methods_share_a_buffer(memory):
    program = two_methods(memory, remember=remember, recall=recall, count=count)
    module = edgeir.load(program.buffer)
    assert sorted(module.state) == ["memory.calls", "memory.sum"]
    stock = load_methods(program.buffer, ["remember", "recall", "count"])
    x = np.full(3, 2, np.float32)
    for name, wanted in [
        ("recall", [3, 3, 3]),
        ("remember", [6, 6, 6]),
        ("count", [[2] * 3, [2] * 3]),
        ("remember", [10, 10, 10]),
        ("count", [[4] * 3, [4] * 3]),
        ("recall", [7, 7, 7]),
    ]:
        np.testing.assert_array_equal(module.run(name, x), wanted)
        (result,) = stock[name].execute([torch.from_numpy(x)])
        np.testing.assert_array_equal(result, wanted)


def test_buffers_of_one_name_that_start_differently_are_two():
    x = torch.ones(3)
    program = edgeir.compile(
        {
            "first": torch.export.export(Shared(new_memory(1), remember), (x,)),
            "second": torch.export.export(Shared(new_memory(5), remember), (x,)),
        }
    )
    module = edgeir.load(program.buffer)
    stock = load_methods(program.buffer, ["first", "second"])
    assert sorted(module.state) == ["memory.sum", "memory.sum#1"]
    for name, wanted in [("first", 4), ("second", 12), ("first", 6), ("second", 14)]:
        np.testing.assert_array_equal(module.run(name, x), np.full(3, wanted))
        np.testing.assert_array_equal(stock[name].execute([x])[0], np.full(3, wanted))


# --- the state of a loaded program ----------------------------------------------------------------


def test_state_is_read_set_and_reset():
    program = edgeir.compile(Model(counter, count=torch.full((2,), 5.0)), (torch.zeros(2),))
    module = edgeir.load(program.buffer)
    x = np.zeros(2, np.float32)
    assert list(module.state) == ["count"] and len(module.state) == 1
    module(x)
    held = module.state["count"]
    np.testing.assert_array_equal(held, [6, 6])
    held[:] = 0
    np.testing.assert_array_equal(module(x), [7, 7])
    module.state["count"] = torch.tensor([1.0, 2.0])
    np.testing.assert_array_equal(module(x), [2, 3])
    module.state.reset()
    np.testing.assert_array_equal(module(x), [6, 6])
    module.state.reset("count")
    np.testing.assert_array_equal(module.state["count"], [5, 5])
    np.testing.assert_array_equal(edgeir.load(program.buffer)(x), [6, 6])


def test_wrong_state_is_refused():
    program = edgeir.compile(Model(counter, count=torch.zeros(2)), (torch.zeros(2),))
    state = edgeir.load(program.buffer).state
    with pytest.raises(InputError, match=r"'count': got float32\[3\], want float32\[2\]"):
        state["count"] = np.zeros(3, np.float32)
    with pytest.raises(InputError, match=r"got int64\[2\], want float32"):
        state["count"] = np.zeros(2, np.int64)
    with pytest.raises(KeyError, match="no state 'total'; it has: count"):
        _ = state["total"]
    with pytest.raises(KeyError, match="no state 'total'"):
        state.reset("total")


def test_no_state():
    program = edgeir.compile(nn.ReLU(), (torch.zeros(2),))
    state = edgeir.load(program.buffer).state
    state.reset()
    assert dict(state) == {}


def test_initial_values_are_those_at_capture():
    model = Model(counter, count=torch.zeros(1))
    exported = torch.export.export(model, (torch.zeros(1),))
    program = edgeir.compile(exported)
    model(torch.zeros(1))
    np.testing.assert_array_equal(program.weights["count"], [0])


def test_mutated_constant_is_refused():
    class Cache(nn.Module):
        def __init__(self):
            super().__init__()
            self.tensors = [torch.zeros(2, 2)]

        def forward(self, x):
            self.tensors[0].view(4)[:2].add_(x)
            return self.tensors[0] * 2

    with pytest.raises(edgeir.CompileError, match="register them as buffers"):
        edgeir.compile(torch.export.export(Cache(), (torch.ones(2),)))


# --- the tools ------------------------------------------------------------------------------------

STATEFUL = """
func.func @forward(%x: tensor<2xf32>) -> (
    tensor<2xf32> {edge.mutates = "n"}, tensor<2xf32> {edge.mutates = 0 : i64}, tensor<2xf32>) {
  %n = edge.state "n" : tensor<2xf32>
  %0 = edge.add.Scalar(%n, other = STEP) : (tensor<2xf32>) -> tensor<2xf32>
  %1 = edge.mul.Scalar(%x, other = FACTOR) : (tensor<2xf32>) -> tensor<2xf32>
  func.return %0, %1, %x : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
"""


@pytest.mark.parametrize(
    ("step", "factor", "message"),
    [("1.0", "2.0", None), ("3.0", "2.0", "state n of forward"), ("1.0", "3.0", "input_0")],
)
def test_numeric_checks_see_state(step, factor, message):
    context = edge_context()
    context.weights.add("n", np.zeros(2, np.float32))

    def module(step: str, factor: str) -> Any:
        text = STATEFUL.replace("STEP", step).replace("FACTOR", factor)
        return Parser(context, text).parse_module()

    check = NumericsCheck(module("1.0", "2.0"), context.weights)
    changed = module(step, factor)
    if message is None:
        check.check(changed, context.weights, "some-pass")
        return
    with pytest.raises(ToolError, match=f"some-pass changes .*{message}"):
        check.check(changed, context.weights, "some-pass")


def test_text_keeps_the_initial_value_of_a_buffer_that_is_only_written(tmp_path):
    program = edgeir.compile(Model(writes_only, last=torch.ones(4)), (torch.zeros(4),))
    program.save_stages(tmp_path)
    for stage in ("aten", "edge", "memory"):
        context = edge_context()
        module = read_module(context, str(tmp_path / f"{stage}.mlir"), [])
        runnable = runnable_module(module, context.weights)
        runnable.run("forward", [np.full(4, 2, np.float32)])
        np.testing.assert_array_equal(runnable.state["last"], np.full(4, 4))
