"""Branches and loops: equal to eager on both runtimes, in every stage, again and again."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import stock_runtime
import torch
from torch import Tensor, nn, tensor
from torch._higher_order_ops import map as hop_map
from torch._higher_order_ops import scan, while_loop
from torch.export import Dim
from torch.utils._pytree import tree_leaves

import edgeir
from edgeir.dialects.context import edge_context
from edgeir.dialects.edge_parser import EdgeParser
from edgeir.dialects.function import functions
from edgeir.dialects.module_text import print_module
from edgeir.lowering.emit_program import emit_program
from edgeir.lowering.read_program import program_module
from edgeir.passes.evaluate import evaluate
from edgeir.passes.plan_memory import PlanMemoryPass
from edgeir.passes.verify_memory import VerifyMemoryPass
from edgeir.runtime.program.reader import read_program
from edgeir.runtime.program.verifier import find_violations

# Dynamo, which captures nested functions, warns about itself.
pytestmark = pytest.mark.filterwarnings("ignore")

LENGTH = Dim("length", min=2, max=16)


class Model(nn.Module):
    """Calls a function with itself: closures over its weights and buffers."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.function = function
        self.linear = nn.Linear(4, 4)
        self.register_buffer("offset", torch.arange(4.0))
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("memory", torch.zeros(4))

    def forward(self, *args: Any) -> Any:
        return self.function(self, *args)


def check(
    function: Callable[..., Any], inputs: Sequence[tuple[Tensor, ...]], shapes: Any = None
) -> edgeir.Program:
    """Compile at the first inputs, run at all of them on both runtimes."""
    model = Model(function).eval()
    captured = torch.export.export(model, inputs[0], dynamic_shapes=shapes and (shapes,))
    # Eager itself captures loops again for every size; this runs their graphs as they are.
    eager = captured.module()
    program = edgeir.compile(captured)
    assert not program.warnings
    module = edgeir.load(program.buffer)
    method = stock_runtime.load_method(program.buffer)
    for arguments in inputs:
        with torch.no_grad():
            expected = [np.asarray(value) for value in tree_leaves(eager(*arguments))]
        for run in (lambda *x: tree_leaves(module(*x)), lambda *x: method.execute(list(x))):
            for result, value in zip(run(*arguments), expected, strict=True):
                assert np.shape(result) == value.shape
                np.testing.assert_allclose(np.asarray(result), value, rtol=1e-4, atol=1e-5)
    return program


def check_stages(program: edgeir.Program, arguments: tuple[Tensor, ...]) -> None:
    """The aten and the edge stage, read from their text, give what the program gives."""
    expected = tree_leaves(edgeir.load(program.buffer)(*arguments))
    for stage in ("aten", "edge"):
        module = EdgeParser(edge_context(), program.stages[stage]).parse_module()
        module.verify()
        (function,) = functions(module)
        results = evaluate(function, [x.numpy() for x in arguments], program.weights)
        for result, value in zip(results, expected, strict=True):
            np.testing.assert_allclose(result, value, rtol=1e-5)


def check_translation(program: edgeir.Program) -> None:
    """The program is sound, its text gives the same bytes, and its memory can be planned again."""
    file = read_program(program.buffer)
    assert find_violations(file) == []
    ctx = edge_context()
    text = print_module(program_module(file, ctx.weights))
    module = EdgeParser(ctx, text).parse_module()
    assert emit_program(module, ctx.weights) == bytes(program.buffer)
    PlanMemoryPass().apply(ctx, module)
    VerifyMemoryPass().apply(ctx, module)


def zero() -> Tensor:
    return torch.zeros((), dtype=torch.int64)


POSITIVE = torch.linspace(0.1, 1, 12).reshape(3, 4)
BOTH = [(POSITIVE,), (-POSITIVE,), (POSITIVE,)]


def over_weights(self, x):
    return torch.cond(x.sum() > 0, lambda x: self.linear(x), lambda x: x - self.offset, (x,))


def several_results(self, x):
    def then(x):
        y = x + 1
        return y, y.clone(), x.sum(), x > 0

    return torch.cond(x.sum() > 0, then, lambda x: (x * 2, x * 3, x.mean(), x < 0), (x,))


def nothing_but_copies(self, x):
    return torch.cond(x.sum() > 0, lambda x: x.clone(), lambda x: x.clone(), (x,))


def numbers(self, x):
    return torch.cond(x.sum() > 0, lambda x: (x + 1, 3), lambda x: (x + 2, 4), (x,))


def constants(self, x):
    def then(x):
        return x * torch.tensor([1.0, 2.0, 3.0, 4.0]) + torch.tensor(3)

    return torch.cond(x.sum() > 0, then, lambda x: x - torch.tensor([[0.5]]), (x,))


def sizes_that_differ(self, x):
    return torch.cond(x.sum() > 0, lambda x: x[:2].clone(), lambda x: x[:1].clone(), (x,))


def uses_of_one_value(self, x):
    y = self.linear(x)
    a = torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y * 2, (y,))
    b = torch.cond(x.sum() < 0, lambda a, y: a + y, lambda a, y: a - y, (a, y))
    return a, b, y


def conds_in_cond(self, x):
    def then(x):
        return torch.cond(x.max() > 0.5, lambda x: x + 1, lambda x: x + 2, (x,))

    def otherwise(x):
        return torch.cond(x.min() < -5, lambda x: x + 3, lambda x: x * 4, (x,))

    return torch.cond(x.sum() > 0, then, otherwise, (x,))


def cond_in_while(self, x):
    def body(i, x):
        y = torch.cond(x.sum() > 0, lambda x: self.linear(x) - 1, lambda x: x + self.offset, (x,))
        return i + 1, y

    return while_loop(lambda i, x: i < 5, body, (torch.tensor(0), x))


def while_in_cond(self, x):
    def then(x):
        return while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, self.linear(x)), (zero(), x))[1]

    return torch.cond(x.sum() > 0, then, lambda x: x - 1, (x,))


def while_in_while(self, x):
    def outer(i, x):
        _, y = while_loop(lambda j, y: j < i, lambda j, y: (j + 1, self.linear(y) + i), (zero(), x))
        return i + 1, y

    return while_loop(lambda i, x: i < 4, outer, (zero(), x))


def map_of_cond(self, x):
    def row(a):
        return torch.cond(a.sum() > 0, lambda a: self.linear(a), lambda a: a - 1, (a,))

    return hop_map(row, x)


def scan_in_while(self, x):
    def body(i, x):
        _, ys = scan(lambda c, r: (c + r, c * r), x[0].clone(), x, dim=0)
        return i + 1, torch.tanh(ys)

    return while_loop(lambda i, x: i < 3, body, (zero(), x))


def swapped_carries(self, x):
    return while_loop(
        lambda i, a, b: i < 5, lambda i, a, b: (i + 1, b.clone(), a + b), (zero(), x, x * 2)
    )


def swapped_numbers(self, x):
    return while_loop(
        lambda i, a, b, x: i < 5, lambda i, a, b, x: (i + 1, b, a + b, x + a), (0, 0, 1, x)
    )


def structured_carry(self, x):
    return while_loop(
        lambda d: d["i"] < 3,
        lambda d: ({"i": d["i"] + 1, "x": d["x"] * 2},),
        ({"i": zero(), "x": x},),
    )


def half_precision(self, x):
    start = (torch.zeros((), dtype=torch.int32), x.to(torch.bfloat16))
    return while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), start)[1].float()


def map_of_map(self, x):
    return hop_map(lambda row: hop_map(lambda e: e * 2 + 1, row), x)


def changed_outside(self, x):
    self.calls.add_(1)
    y = torch.cond(self.calls > 2, lambda x: self.linear(x), lambda x: x - 1, (x,))
    self.memory.copy_(y[0])
    return y + self.memory


def scan_over_state(self, x):
    c, ys = scan(lambda c, r: (c + r, c * 2), self.memory.clone(), x, dim=0)
    self.memory.copy_(c)
    return ys


BRANCHES = (
    over_weights,
    several_results,
    nothing_but_copies,
    numbers,
    constants,
    sizes_that_differ,
    uses_of_one_value,
    conds_in_cond,
)
CARRIES = (swapped_carries, swapped_numbers, structured_carry, half_precision)
NESTED = (cond_in_while, while_in_cond, while_in_while, map_of_cond, map_of_map, scan_in_while)


@pytest.mark.parametrize("functions", [BRANCHES, CARRIES, NESTED], ids=["branch", "carry", "nest"])
def test_static_sizes(functions):
    def function(self, x):
        return [part(self, x) for part in functions]

    program = check(function, BOTH)
    check_stages(program, BOTH[0])
    check_stages(program, BOTH[1])
    check_translation(program)


def test_state():
    def function(self, x):
        return changed_outside(self, x), scan_over_state(self, x)

    check(function, BOTH)


def test_two_conds_whose_results_are_used_together():
    """ExecuTorch's own compiler lets the second overwrite the first."""

    def function(self, a, b):
        p = torch.cond(a.sum() > 0, lambda a: a + 1, lambda a: a * 2, (a,))
        q = torch.cond(b.sum() > 0, lambda b: b + 1, lambda b: b * 2, (b,))
        return p, q, p + q

    x = POSITIVE
    check(function, [(x, x * 9), (-x, x), (x, -x), (-x, -x)])


def test_rounds():
    def function(self, i, x):
        return while_loop(lambda i, x: i < 5, lambda i, x: (i + 1, x * 2), (i, x))

    program = check(function, [(tensor(start), POSITIVE) for start in (0, 4, 5, 9)])
    module = edgeir.load(program.buffer, max_instructions=100)
    expected = tree_leaves(module(tensor(2), POSITIVE))
    with pytest.raises(edgeir.ProgramError, match="max_instructions"):
        module(tensor(-100), POSITIVE)
    for result, value in zip(tree_leaves(module(tensor(2), POSITIVE)), expected, strict=True):
        np.testing.assert_array_equal(result, value)


def rows(count: int) -> Tensor:
    return torch.linspace(-1, 2, count * 4).reshape(count, 4)


def scans(self, c, x):
    def step(c, x):
        return (c[0] + x, c[1] * 2), (c[0] * x, self.linear(x), x.sum())

    return scan(step, (c, c + 1), x, dim=0)


def scan_backwards(self, c, x):
    return scan(lambda c, x: (c + x, (c * x).clone()), c, x.t(), dim=1, reverse=True)


def recurrent_cell(self, h, x):
    def step(h, row):
        h = torch.tanh(self.linear(row) + h * self.offset)
        return h, h.clone()

    return scan(step, h, x, dim=0)


def scan_of_scan(self, c, x):
    def outer(c, row):
        d, ys = scan(lambda d, e: (d + e, d * e), c.sum(), row, dim=0)
        return c + d, ys

    return scan(outer, c, x, dim=0)


def while_in_scan(self, c, x):
    def step(c, row):
        _, y = while_loop(
            lambda i, y: i < 3, lambda i, y: (i + 1, torch.tanh(y + row)), (zero(), c)
        )
        return y, y * 2

    return scan(step, c, x, dim=0)


def cond_in_scan(self, c, x):
    def step(c, x):
        y = torch.cond(x.sum() > 0, lambda c, x: c + x, lambda c, x: c * x, (c, x))
        return y, y.sin()

    return scan(step, c, x, dim=0)


SCANS = (scans, scan_backwards, recurrent_cell, scan_of_scan, while_in_scan, cond_in_scan)


def test_scans_of_any_length():
    def function(self, c, x):
        return [part(self, c, x) for part in SCANS]

    c = torch.ones(4)
    inputs = [(c, rows(count)) for count in (6, 2)]
    check_stages(check(function, inputs, (None, {0: LENGTH})), inputs[1])


def branch_on_size(self, x):
    return torch.cond(x.shape[0] > 4, lambda x: x.cos() * x.shape[0], lambda x: x.sin(), (x,))


def branch_on_several(self, x):
    size = x.shape[0]
    predicate = (size > 4) & (size <= 8) | (size == 3)
    return torch.cond(predicate, lambda x: x + 1, lambda x: x * 2, (x,))


def larger_results(self, x):
    return torch.cond(
        x.sum() > 0, lambda x: torch.cat([x, x + 1]), lambda x: torch.cat([x * 2, x]), (x,)
    ).sum(1)


def as_often_as_rows(self, x):
    return while_loop(lambda i, x: i < x.shape[0], lambda i, x: (i + 1, x * 2 + i), (0, x))


def over_a_size(self, x):
    count = x.shape[0] * 2
    return while_loop(lambda i, x: i < count, lambda i, x: (i + 2, x * 1.5 + count), (0, x))


def row_by_row(self, x):
    def body(i, total):
        torch._check(i >= 0)
        torch._check(i < x.shape[0])
        return i + 1, total + x[i]

    return while_loop(lambda i, total: i < x.shape[0], body, (0, torch.zeros(4)))


def counting_in_counting(self, x):
    def outer(i, x):
        _, y = while_loop(lambda j, y: j < i + 1, lambda j, y: (j + 1, y + j), (0, x))
        return i + 1, y * 0.5

    return while_loop(lambda i, x: i < x.shape[0], outer, (0, x))


def maps(self, x):
    def row(a, b):
        return self.linear(a) * b + 1, a.sum(), a.reshape(2, 2).t().contiguous()

    return hop_map(row, x, self.offset)


SIZED = (
    branch_on_size,
    branch_on_several,
    larger_results,
    as_often_as_rows,
    over_a_size,
    row_by_row,
    counting_in_counting,
    maps,
)


def test_dynamic_sizes():
    def function(self, x):
        return [part(self, x) for part in SIZED]

    inputs = [(rows(count),) for count in (6, 2, 3, 9)]
    check_stages(check(function, inputs, ({0: LENGTH},)), inputs[2])


def test_number_out_of_a_tensor_decides():
    def function(self, x, i):
        y = torch.cond(i.item() > 3, lambda x: x + 1, lambda x: x - 1, (x,))
        return torch.cond(x.sum().item() > 0.5, lambda y: y * 2, lambda y: y * 3, (y,))

    check(function, [(POSITIVE, tensor(5)), (POSITIVE, tensor(2)), (-POSITIVE, tensor(2))])


def test_counters_start_again_after_a_run_that_was_stopped():
    def function(self, x, count):
        rounds = hop_map(lambda a: torch.cond(a.sum() > 0, torch.sin, torch.cos, (a,)), x)
        return while_loop(
            lambda i, n, y: i < n, lambda i, n, y: (i + 1, n + 0, y + 1), (zero(), count, rounds)
        )

    program = check(function, [(POSITIVE, tensor(2)), (POSITIVE, tensor(0))])
    for limit in range(20, 60, 7):
        module = edgeir.load(program.buffer, max_instructions=limit)
        for count in (100, 2):
            try:
                result = module(POSITIVE, tensor(count))
            except edgeir.ProgramError:
                continue
            expected = edgeir.load(program.buffer)(POSITIVE, tensor(count))
            np.testing.assert_array_equal(result[1], expected[1])
