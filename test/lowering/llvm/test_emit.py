"""Maps and windows of random shapes and strides, compiled, against numpy."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from compiled import Array, Compiled
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from edgeir.dialects import kernel
from edgeir.lowering.llvm.body import Body
from edgeir.lowering.llvm.emit.emitter import HANDLERS
from edgeir.lowering.llvm.kernel_builder import KernelBuilder
from edgeir.lowering.llvm.targets import target_for
from edgeir.passes.evaluate.kernels.registry import handlers

TARGETS = ("host", "x86-64-v3", "x86-64-v2")
SEEDS = range(25)


class _Operand:
    """A tensor with random strides: any order of its dims, gaps, dims that are repeated."""

    def __init__(self, chance: random.Random, shape: Sequence[int], repeats: bool = False) -> None:
        order = list(range(len(shape)))[::-1]
        if chance.random() < 0.4:
            chance.shuffle(order)
        self.strides = [0] * len(shape)
        step = chance.choice([1, 1, 1, 2])
        for dim in order:
            if not repeats or chance.random() < 0.7:
                self.strides[dim] = step
            step *= shape[dim]
            step += chance.choice([0, 0, 3])
        size = 1 + sum((n - 1) * s for n, s in zip(shape, self.strides, strict=True))
        generator = np.random.default_rng(chance.randrange(1000))
        self.memory = generator.standard_normal(size).astype(np.float32)
        self.shape = shape

    def view(self, memory: Array | None = None) -> Array:
        """The tensor in its memory."""
        memory = self.memory if memory is None else memory
        strides = [4 * stride for stride in self.strides]
        return np.lib.stride_tricks.as_strided(memory, self.shape, strides)


def _load(k: KernelBuilder, pointer: SSAValue) -> SSAValue:
    return k.insert(kernel.LoadOp(pointer)).result


@pytest.mark.parametrize("seed", SEEDS)
def test_maps(seed: int) -> None:
    """Products with a scalar added, their sum and their maximum."""
    chance = random.Random(seed)
    shape = [chance.choice([1, 2, 3, 7, 16, 17, 33]) for _ in range(chance.randint(0, 4))]
    x, y, z = (_Operand(chance, shape, repeats) for repeats in (False, True, False))
    scalar, wanted = np.array([0.5], np.float32), z.memory.copy()
    z.view(wanted)[...] = x.view() * y.view() + scalar

    def build(k: KernelBuilder) -> None:
        a, b, c, totals, number = k.arguments
        added = _load(k, number)
        body = Body([f32, f32])
        product = body.multiply(body.arguments[0], body.arguments[1])
        result = body.add(product, added)
        op = k.insert(
            kernel.MapOp(
                [a, b],
                [c],
                shape,
                [x.strides, y.strides],
                [z.strides],
                body.finish([product, result, result]),
                ["add", "max"],
                [f32, f32],
            )
        )
        for number, total in enumerate(op.results_):
            k.insert(kernel.StoreOp(total, k.at(totals, [], number)))

    for name in TARGETS:
        totals, memory = np.zeros(2, np.float32), z.memory.copy()
        Compiled([f32] * 5, build, target_for(name))(x.memory, y.memory, memory, totals, scalar)
        np.testing.assert_array_equal(memory, wanted)
        exact = (x.view().astype(np.float64) * y.view()).sum(), z.view(wanted).max()
        np.testing.assert_allclose(totals, exact, 1e-4, 1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_windows(seed: int) -> None:
    """Combined products, with an extra and a scalar added at the end."""
    chance = random.Random(seed)
    shape = [chance.choice([1, 2, 7, 16, 17, 33, 64]) for _ in range(chance.randint(0, 3))]
    window = [chance.choice([1, 2, 3, 7, 40]) for _ in range(chance.randint(0, 2))]
    x, y = _Operand(chance, shape + window), _Operand(chance, shape + window, repeats=True)
    extra, z = _Operand(chance, shape, repeats=True), _Operand(chance, shape)
    combination = chance.choice(["add", "max", "min"])
    scalar, wanted = np.array([0.5], np.float32), z.memory.copy()
    dims = tuple(range(len(shape), len(shape) + len(window)))
    function = {"add": np.sum, "max": np.max, "min": np.min}[combination]
    products = x.view().astype(np.float64) * y.view()
    combined = function(products, axis=dims) if dims else products
    z.view(wanted)[...] = combined + extra.view() + scalar

    def build(k: KernelBuilder) -> None:
        a, b, c, d, number = k.arguments
        added = _load(k, number)
        body, finish = Body([f32, f32]), Body([f32, f32])
        product = body.multiply(body.arguments[0], body.arguments[1])
        total = finish.add(finish.add(finish.arguments[0], finish.arguments[1]), added)
        k.insert(
            kernel.WindowOp(
                [a, b],
                [c],
                d,
                shape,
                window,
                [x.strides, y.strides],
                [extra.strides],
                z.strides,
                combination,
                body.finish([product]),
                finish.finish([total]),
            )
        )

    for name in TARGETS:
        memory = z.memory.copy()
        kernel_ = Compiled([f32] * 5, build, target_for(name))
        kernel_(x.memory, y.memory, extra.memory, memory, scalar)
        np.testing.assert_allclose(memory, wanted, 1e-4, 1e-4)


def test_extremes_keep_nan() -> None:
    """Wherever in the row it is, in maps' reductions and in windows."""
    size = 131

    def build(k: KernelBuilder) -> None:
        x, totals, each = k.arguments
        body = Body([f32])
        region = body.finish([body.arguments[0]] * 2)
        op = k.insert(kernel.MapOp([x], [], [size], [[1]], [], region, ["max", "min"], [f32, f32]))
        for number, total in enumerate(op.results_):
            k.insert(kernel.StoreOp(total, k.at(totals, [], number)))
        bodies = [Body([f32]) for _ in range(2)]
        same = [b.finish([b.arguments[0]]) for b in bodies]
        k.insert(kernel.WindowOp([x], [], each, [], [size], [[1]], [], [], "max", *same))

    for name in TARGETS:
        compiled = Compiled([f32] * 3, build, target_for(name))
        for place in range(0, size, 5):
            x = np.linspace(-1, 1, size, dtype=np.float32)
            x[place] = np.nan
            totals, each = np.zeros(2, np.float32), np.zeros(1, np.float32)
            compiled(x, totals, each)
            assert np.isnan(totals).all() and np.isnan(each).all()


def test_a_run_time_limit() -> None:
    """The last task has less to do, or nothing."""

    def build(k: KernelBuilder) -> None:
        (x,) = k.arguments
        count = k.insert(kernel.ChunkOp(k.task, 4, 10)).count
        with k.loop(0, count) as index:
            place = k.at(x, [(k.task, 4), (index, 1)])
            value = _load(k, place)
            body = Body([f32])
            region = body.finish([body.add(body.arguments[0], value)])
            k.insert(kernel.MapOp([place], [place], [], [[]], [[]], region))

    compiled = Compiled([f32], build, target_for("host"))
    x = np.arange(12, dtype=np.float32)
    for task in range(3):
        compiled(x, task=task)
    np.testing.assert_array_equal(x, [*(2 * np.arange(10)), 10, 11])


def test_the_interpreter_runs_what_there_is_code_for() -> None:
    """Kernels have the same operations in both."""
    assert handlers().keys() == HANDLERS.keys()
