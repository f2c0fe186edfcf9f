"""Every stage of every test model equals eager: aten, edge, delegate, memory, .pte, and the stock
runtime on the same file.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import stock_runtime
import torch
from registry import NAMES, build_small
from torch.utils._pytree import tree_leaves
from xdsl.parser import Parser

import edgeir
from edgeir.dialects.context import edge_context
from edgeir.dialects.function import functions
from edgeir.lowering.compiled_program import Program
from edgeir.lowering.emit_program import emit_program
from edgeir.passes.evaluate import evaluate

TOLERANCE = 1e-4
"""Of the largest output."""


@dataclass
class Compiled:
    program: Program
    inputs: list[np.ndarray]
    expected: list[np.ndarray]

    def check(self, results: list[np.ndarray]) -> None:
        assert len(results) == len(self.expected)
        for result, expected in zip(results, self.expected, strict=True):
            assert result.shape == expected.shape
            assert result.dtype == expected.dtype
            assert np.abs(result - expected).max() <= TOLERANCE * np.abs(expected).max()


@pytest.fixture(scope="module", params=NAMES)
def compiled(request: pytest.FixtureRequest) -> Compiled:
    model, inputs = build_small(request.param)
    with torch.no_grad():
        expected = [x.numpy() for x in tree_leaves(model(*inputs))]
    return Compiled(edgeir.compile(model, inputs), [x.numpy() for x in inputs], expected)


@pytest.mark.parametrize("stage", ["aten", "edge", "delegate"])
def test_stage(compiled: Compiled, stage: str):
    (function,) = functions(compiled.program.stages.modules[stage])
    compiled.check(evaluate(function, compiled.inputs, compiled.program.weights))


@pytest.mark.parametrize("stage", ["aten", "edge", "delegate", "memory"])
def test_stage_text_parses_back(compiled: Compiled, stage: str):
    program = compiled.program
    module = Parser(edge_context(), program.stages[stage]).parse_module()
    module.verify()
    assert module.is_structurally_equivalent(program.stages.modules[stage])


def test_memory_stage_is_the_program(compiled: Compiled):
    program = compiled.program
    assert emit_program(program.stages.modules["memory"], program.weights) == program.buffer


def test_interpreter(compiled: Compiled):
    module = edgeir.load(compiled.program.buffer)
    for _ in range(2):  # What a first run leaves in memory does not matter.
        compiled.check(tree_leaves(module(*compiled.inputs)))


def test_stock_runtime(compiled: Compiled):
    assert not compiled.program.warnings
    compiled.check(stock_runtime.run(compiled.program.buffer, compiled.inputs))


def test_memory_plan_is_close_to_the_bound(compiled: Compiled):
    assert compiled.program.memory["forward"].gap <= 0.05
