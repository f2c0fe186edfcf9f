"""No pass changes what a module computes: on the test models, on layers, on random modules."""

import random

import numpy as np
import pytest
import torch
from registry import NAMES, build_small
from torch import nn
from torch.utils._pytree import tree_leaves
from xdsl.dialects.builtin import FunctionType, ModuleOp, TensorType, f32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region

from edgeir.dialects import edge
from edgeir.dialects.context import edge_context
from edgeir.dialects.function import functions
from edgeir.lowering.from_torch.capture import capture
from edgeir.lowering.from_torch.importer import import_programs
from edgeir.lowering.pass_registry import all_passes
from edgeir.passes.evaluate import evaluate
from edgeir.passes.pipelines import OPTIMIZE

# torch.export warns of its own doings.
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*were assigned during export:UserWarning"),
]

BATCH_NORM = "edge._native_batch_norm_legit_no_training"


def imported(model, inputs, **kwargs):
    ctx = edge_context()
    return ctx, import_programs(capture(model, inputs, **kwargs), ctx.weights)


def run_pass(name, ctx, module):
    all_passes()[name]()().apply(ctx, module)
    module.verify()


def results(ctx, module, inputs):
    (function,) = functions(module)
    return evaluate(function, inputs, ctx.weights)


def names(module):
    return [op.name for op in module.walk()]


def assert_close(given, expected, tolerance):
    """Equal within a share of the largest expected number."""
    assert len(given) == len(expected)
    for a, b in zip(given, expected, strict=True):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1e-6, np.abs(b).max()))


@pytest.mark.parametrize("name", NAMES)
def test_models(name):
    model, inputs = build_small(name)
    with torch.no_grad():
        eager = [leaf.numpy() for leaf in tree_leaves(model(*inputs))]
    ctx, module = imported(model, inputs)
    arrays = [value.numpy() for value in inputs]
    for spec in ("verify-aten", *OPTIMIZE):
        run_pass(spec, ctx, module)
        assert_close(results(ctx, module, arrays), eager, 1e-4)
    assert BATCH_NORM not in names(module)


def lively(norm):
    """A batch norm with parameters and statistics that differ from one and zero."""
    with torch.no_grad():
        for tensor in (norm.weight, norm.bias, norm.running_mean):
            if tensor is not None:
                tensor.uniform_(-2, 2)
        norm.running_var.uniform_(0.1, 3)
    return norm


LAYERS = {
    "conv1d": (nn.Conv1d(4, 6, 3), nn.BatchNorm1d(6), (2, 4, 9)),
    "conv2d": (nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), (2, 4, 9, 9)),
    "no bias": (nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6), (2, 4, 9, 9)),
    "not affine": (nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6, affine=False), (2, 4, 9, 9)),
    "grouped": (nn.Conv2d(4, 6, 3, groups=2), nn.BatchNorm2d(6), (2, 4, 9, 9)),
    "depthwise": (nn.Conv2d(4, 8, 3, groups=4), nn.BatchNorm2d(8), (2, 4, 9, 9)),
    "conv3d": (nn.Conv3d(2, 4, 2), nn.BatchNorm3d(4), (1, 2, 4, 4, 4)),
    "transposed": (nn.ConvTranspose2d(4, 6, 3, stride=2), nn.BatchNorm2d(6), (2, 4, 5, 5)),
    "transposed grouped": (
        nn.ConvTranspose1d(4, 6, 3, stride=2, output_padding=1, groups=2),
        nn.BatchNorm1d(6),
        (2, 4, 5),
    ),
    "linear": (nn.Linear(4, 6), nn.BatchNorm1d(6, eps=0.1), (5, 4)),
    "linear, no bias": (nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6), (5, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fold_batch_norm(name, dtype):
    torch.manual_seed(0)
    layer, norm, shape = LAYERS[name]
    model = nn.Sequential(layer, lively(norm)).to(dtype).eval()
    x = torch.randn(shape, dtype=dtype)
    with torch.no_grad():
        eager = [model(x).numpy()]
    ctx, module = imported(model, (x,))
    run_pass("convert-aten-to-edge", ctx, module)
    assert BATCH_NORM in names(module)
    run_pass("fold-batch-norm", ctx, module)
    assert BATCH_NORM not in names(module)
    assert_close(results(ctx, module, [x.numpy()]), eager, 1e-5)


def test_batch_norm_without_a_producer_stays():
    torch.manual_seed(0)
    model, x = lively(nn.BatchNorm2d(3)).eval(), torch.randn(2, 3, 4, 4)
    ctx, module = imported(model, (x,))
    for spec in OPTIMIZE:
        run_pass(spec, ctx, module)
    assert BATCH_NORM in names(module)
    assert_close(results(ctx, module, [x.numpy()]), [model(x).detach().numpy()], 1e-5)


class Attention(nn.Module):
    """Attention as it is often written: heads split off by views and permutes, and merged."""

    def __init__(self):
        super().__init__()
        self.projection = nn.Linear(16, 48)

    def forward(self, x):
        query, key, value = (
            part.view(*x.shape[:2], 4, 4).transpose(1, 2)
            for part in self.projection(x).split(16, -1)
        )
        scores = (query @ key.transpose(-1, -2)).softmax(-1)
        return (scores @ value).transpose(1, 2).reshape(x.shape)


def test_sizes_known_at_run_time():
    torch.manual_seed(0)
    sizes = {0: torch.export.Dim("batch", min=2, max=8), 1: torch.export.Dim("length", max=64)}
    model = Attention()
    ctx, module = imported(model, (torch.randn(2, 6, 16),), dynamic_shapes=(sizes,))
    for spec in ("verify-aten", *OPTIMIZE):
        run_pass(spec, ctx, module)
        for shape in ((2, 6, 16), (5, 9, 16)):
            x = torch.randn(shape)
            with torch.no_grad():
                assert_close(results(ctx, module, [x.numpy()]), [model(x).numpy()], 1e-5)


class RandomModule:
    """A function of random operators that move elements; `outputs` are the last and some others."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        shape = self.rng.choices([1, 2, 2, 4], k=self.rng.randint(2, 4))
        self.block = Block(arg_types=[TensorType(f32, shape)])
        self.values = [self.block.args[0]]
        makers = (
            self.view, self.permute, self.permute, self.relu, self.add, self.slice, self.cat,
            self.split_and_join, self.expand,
        )  # fmt: skip
        for _ in range(20):
            self.rng.choice(makers)()
        self.outputs = [*self.rng.choices(self.values, k=2), self.values[-1]]
        self.block.add_op(ReturnOp(*self.outputs))

    def module(self):
        types = FunctionType.from_lists(
            [arg.type for arg in self.block.args], [value.type for value in self.outputs]
        )
        return ModuleOp([FuncOp("forward", types, Region(self.block))])

    def pick(self):
        """Mostly the newest value, so that chains grow."""
        return self.values[-1] if self.rng.random() < 0.7 else self.rng.choice(self.values)

    def make(self, name, *arguments, shape):
        if np.prod(shape) > 1024 or len(shape) > 6:
            return
        op = edge.OPERATORS[f"aten::{name}"](*arguments, result_types=[TensorType(f32, shape)])
        self.block.add_op(op)
        self.values.append(op.results[0])

    def dim(self, value):
        shape = list(value.type.get_shape())
        return shape, self.rng.randrange(len(shape))

    def view(self):
        value = self.pick()
        shape, at = self.dim(value)
        if at + 1 < len(shape):
            shape[at : at + 2] = [shape[at] * shape[at + 1]]
        else:
            part = self.rng.choice([n for n in (1, 2, 4) if shape[at] % n == 0])
            shape[at : at + 1] = [part, shape[at] // part]
        self.make("view", value, shape, shape=shape)

    def permute(self):
        value = self.pick()
        shape, _ = self.dim(value)
        order = self.rng.sample(range(len(shape)), len(shape))
        self.make("permute", value, order, shape=[shape[dim] for dim in order])

    def relu(self):
        value = self.pick()
        self.make("relu", value, shape=value.type.get_shape())

    def add(self):
        a, b = self.pick(), self.rng.choice(self.values)
        try:
            shape = np.broadcast_shapes(a.type.get_shape(), b.type.get_shape())
        except ValueError:
            return
        self.make("add.Tensor", a, b, shape=shape)

    def slice(self, value=None, bounds=None, dim=None):
        value = self.pick() if value is None else value
        shape, at = self.dim(value)
        at = at if dim is None else dim
        start, end = bounds or sorted(self.rng.sample(range(shape[at] + 1), 2))
        shape[at] = end - start
        self.make("slice.Tensor", value, at, start, end, shape=shape)

    def cat(self):
        a = self.pick()
        shape, dim = self.dim(a)
        rest = [*shape[:dim], *shape[dim + 1 :]]
        others = (list(value.type.get_shape()) for value in self.values)
        fitting = [
            value
            for value, other in zip(self.values, others, strict=True)
            if len(other) == len(shape) and [*other[:dim], *other[dim + 1 :]] == rest
        ]
        b = self.rng.choice(fitting)
        start = shape[dim]
        shape[dim] += b.type.get_shape()[dim]
        self.make("cat", [a, b], dim, shape=shape)
        if self.rng.random() < 0.5:
            self.slice(self.values[-1], (start, self.values[-1].type.get_shape()[dim]), dim)

    def split_and_join(self):
        value = self.pick()
        shape, dim = self.dim(value)
        middle = shape[dim] // 2
        if middle == 0:
            return
        self.slice(value, (0, middle), dim)
        self.slice(value, (middle, shape[dim]), dim)
        parts = self.values[-2:]
        if self.rng.random() < 0.3:
            parts.reverse()
        self.make("cat", parts, dim, shape=shape)

    def expand(self):
        value = self.pick()
        shape = [2 if size == 1 else size for size in value.type.get_shape()]
        self.make("expand", value, shape, shape=shape)
        if self.rng.random() < 0.5:
            fitting = [v for v in self.values if list(v.type.get_shape()) == shape]
            if fitting:
                self.make("add.Tensor", self.values[-1], fitting[0], shape=shape)


def copied(module):
    """The elements that operators other than views write."""
    return sum(
        np.prod(result.type.get_shape())
        for op in module.walk()
        if op.name.startswith("edge.") and op.name != "edge.view"
        for result in op.results
    )


@pytest.mark.parametrize("seed", range(100))
def test_random_modules(seed):
    module = RandomModule(seed).module()
    module.verify()
    ctx = edge_context()
    shape = next(functions(module)).args[0].type.get_shape()
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) - 5
    for spec in ("verify-edge", "cse", "dce"):
        run_pass(spec, ctx, module)
    expected = results(ctx, module, [x])
    before = copied(module)
    for spec in ("simplify-views", "cse", "dce", "verify-edge"):
        run_pass(spec, ctx, module)
    for given, wanted in zip(results(ctx, module, [x]), expected, strict=True):
        assert np.array_equal(given, wanted)
    assert copied(module) <= before
