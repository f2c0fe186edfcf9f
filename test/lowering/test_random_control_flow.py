"""Random branches and loops: what the function evaluates to, its program gives on both runtimes."""

from random import Random

import numpy as np
import pytest
import stock_runtime
import torch
from random_control_flow import DYNAMIC, STATIC, RandomFunction

import edgeir
from edgeir.dialects.context import edge_context
from edgeir.dialects.edge_parser import EdgeParser
from edgeir.dialects.function import functions
from edgeir.lowering.compile_program import compile_module
from edgeir.passes.evaluate import evaluate
from edgeir.passes.pipelines import EMIT, LEGALIZE


@pytest.mark.parametrize("type", [STATIC, DYNAMIC], ids=["static", "dynamic"])
@pytest.mark.parametrize("seed", range(5))
def test_random_control_flow(seed, type):
    ctx = edge_context()
    text = RandomFunction(Random(seed), type).text
    module = EdgeParser(ctx, text).parse_module()
    module.verify()
    function = next(functions(module)).clone()
    program = compile_module(module, ctx, (*LEGALIZE, *EMIT))
    ours = edgeir.load(program.buffer)
    stock = stock_runtime.load_method(program.buffer)
    for rows in (3, 1, 5) if type == DYNAMIC else (3, 3):
        random = np.random.default_rng(seed + rows)
        x, y = (random.standard_normal((rows, 4), np.float32) for _ in range(2))
        expected = evaluate(function, [x, y], {})
        results = ours.run("forward", x, y)
        others = stock.execute([torch.from_numpy(x), torch.from_numpy(y)])
        for value, result, other in zip(expected, results, others, strict=True):
            np.testing.assert_allclose(result, value, rtol=1e-3, atol=1e-4)
            np.testing.assert_allclose(other.numpy(), value, rtol=1e-3, atol=1e-4)
