"""Sizes and numbers that data decides: equal to eager in every stage and on both runtimes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from stock_runtime import load_method
from torch import Tensor, nn
from torch.export import Dim
from torch.utils._pytree import tree_leaves

import edgeir
from edgeir.dialects.function import functions
from edgeir.passes.evaluate import evaluate


class Forward(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any) -> Any:
        return self.function(*args)


def check(function: Callable[..., Any], *runs: tuple[Any, ...], shapes: Any = None) -> Any:
    """Compile with the first inputs, run with all, in aten, edge, here and on ExecuTorch's."""
    dynamic = None if shapes is None else {"args": shapes}
    program = edgeir.compile(Forward(function), runs[0], dynamic_shapes=dynamic)
    assert not program.warnings
    module, method = edgeir.load(program.buffer), load_method(program.buffer)
    stages = [next(functions(program.stages.modules[name])) for name in ("aten", "edge")]
    for inputs in runs:
        wanted = [np.asarray(x) for x in tree_leaves(function(*inputs))]
        arrays = [x.numpy() if isinstance(x, Tensor) else x for x in inputs]
        results = [evaluate(stage, arrays, program.weights) for stage in stages]
        results.append(tree_leaves(module(*inputs)))
        if all(isinstance(x, Tensor) for x in inputs):
            # ExecuTorch's runtime refuses numbers that differ from those of the capture.
            results.append(
                [x.clone() if isinstance(x, Tensor) else x for x in method.execute(inputs)]
            )
        for result in results:
            assert len(result) == len(wanted)
            for value, want in zip(result, wanted, strict=True):
                assert np.shape(value) == want.shape
                np.testing.assert_allclose(np.asarray(value), want, rtol=1e-5, atol=1e-5)
    return program


def count(n: Tensor, low: int, high: int) -> int:
    """The number in a tensor, with its bounds."""
    size = n.item()
    torch._check(size >= low)
    torch._check(size <= high)
    return size


def rows(*values: float) -> Tensor:
    return torch.tensor(values)


X, Y = rows(0.0, 1, 0, 2, 3, 0), rows(5.0, 1, 4, 0, 3, 9)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.nonzero(),
        lambda x: torch.where(x.view(2, 3) > 1),
        lambda x: x[x > 1] + 1,
        lambda x: x[x.nonzero().squeeze(1)] * 2,
        lambda x: torch.masked_select(x, x > 0).sum(),
        lambda x: torch.cat([x[x > 1], x[x <= 1]]).softmax(0),
        lambda x: x.view(2, 3)[x.view(2, 3)[:, 1] > 0] @ torch.ones(3, 2),
        lambda x: (x[x > 1].shape[0], x[x > 1] / x[x > 1].shape[0]),
        lambda x: torch.zeros(x.nonzero().shape[0] + 1, 2) + x.nonzero().shape[0],
        lambda x: x[x > 0].unsqueeze(1).expand(-1, 3).reshape(-1),
        lambda x: torch.nn.functional.pad(x[x > 1], (0, 6 - x[x > 1].shape[0])),
        lambda x: torch.zeros(6).scatter(0, (x > 1).nonzero().squeeze(1), 1.0),
        lambda x: x.masked_fill(x > 1, -1.0).index_select(0, (x > 1).nonzero().view(-1)),
    ],
)
def test_elements_that_are_found(function):
    check(function, (X,), (Y,), (torch.ones(6) * 2,))


@pytest.mark.parametrize(
    "function",
    [
        lambda n, x: torch.full((count(n, 0, 6), 2), 1.5),
        lambda n, x: x[: count(n, 0, 6)],
        lambda n, x: x.narrow(0, count(n, 0, 4), 2),
        lambda n, x: torch.arange(count(n, 1, 8)) * 2,
        lambda n, x: x * n.item() + n.item(),
        lambda n, x: (n.item(), n.item() * 2 + 1, x),
        lambda n, x: x[: count(n, 0, 6) // 2],
        lambda n, x: (x + 1).repeat_interleave(2)[: 2 * count(n, 0, 6)],
    ],
)
def test_numbers_out_of_tensors(function):
    check(function, (torch.tensor(3), X), (torch.tensor(4), Y), (torch.tensor(1), X))


@pytest.mark.parametrize("dim", [None, 0, 1, -1])
def test_runs_and_their_counts(dim: int | None):
    def function(x: Tensor) -> Any:
        return torch.unique_consecutive(x, return_inverse=True, return_counts=True, dim=dim)

    different, equal = torch.arange(12).reshape(3, 4), torch.zeros(3, 4, dtype=torch.int64)
    module = edgeir.load(edgeir.compile(Forward(function), (different,)).buffer)
    for x in (different, equal):
        for value, wanted in zip(module(x), function(x), strict=True):
            np.testing.assert_array_equal(np.asarray(value), wanted)


def test_floats_out_of_tensors():
    def function(n, x, i):
        scale = n.item()
        return x * scale + scale, i * scale, torch.full((2,), scale)

    i = torch.arange(3)
    check(function, (rows(3.5)[0], X, i), (rows(-0.25)[0], Y, i))


def test_arithmetic_on_floats():
    def function(x, n):
        size, number = x.shape[0], n.item()
        return x / size**0.5, x * (1.0 / size), x * (number * 0.5 + number / 3), -number * x.int()

    runs = [(torch.randn(rows, 3), torch.tensor(rows / 3)) for rows in (4, 9, 2)]
    check(function, *runs, shapes=({0: Dim("rows", max=9)}, None))


def test_several_numbers_of_one_tensor():
    def function(sizes, x):
        height, width = sizes.tolist()
        for size, most in ((height, 8), (width, 4)):
            torch._check(size >= 0)
            torch._check(size <= most)
        return x[:height, :width], torch.zeros(height, 2)

    x = torch.randn(8, 4)
    check(function, (torch.tensor([2, 3]), x), (torch.tensor([8, 1]), x))


def test_repeats():
    def function(x, counts):
        out = torch.repeat_interleave(x, counts, dim=0)
        torch._check(out.shape[0] <= 12)
        return out

    x = torch.randn(3, 2)
    check(function, (x, torch.tensor([1, 0, 2])), (x, torch.tensor([4, 4, 4])))


def test_repeats_that_are_constant():
    """They say themselves how many elements there are."""

    def function(x: Tensor) -> Tensor:
        return torch.repeat_interleave(x, torch.tensor([1, 0, 3]))

    program = edgeir.compile(Forward(function), (torch.arange(3.0),), target_runtime="edgeir")
    np.testing.assert_array_equal(
        edgeir.load(program.buffer)(torch.arange(3.0)), function(torch.arange(3.0))
    )


def test_of_inputs_with_dynamic_sizes():
    shapes = ({0: Dim("rows", max=16)},)
    runs = [(torch.randn(n, 4),) for n in (5, 16, 1)]
    check(lambda x: (x[x[:, 0] > 0], x.relu().nonzero()), *runs, shapes=shapes)


def test_non_maximum_suppression():
    """Boxes by score; a box hides those behind it that it overlaps; what is left is returned."""

    def function(scores, boxes):
        corners = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
        order = scores.argsort(descending=True)
        corners = corners[order]
        low = torch.maximum(corners[:, None, :2], corners[None, :, :2])
        high = torch.minimum(corners[:, None, 2:], corners[None, :, 2:])
        common = (high - low).clamp(min=0).prod(2)
        area = (corners[:, 2:] - corners[:, :2]).prod(1)
        overlap = common / (area[:, None] + area[None] - common)
        keep = torch.ones(8, dtype=torch.bool)
        for i in range(8):
            keep = keep & ~((overlap[i] > 0.3) & (torch.arange(8) > i) & keep[i])
        values, best = scores[order][keep].topk(1)
        return corners[keep], order[keep], keep.sum().item(), values, best

    torch.manual_seed(0)
    check(function, *[(torch.rand(8), torch.rand(8, 4)) for _ in range(3)])


def test_numbers_as_inputs():
    def function(n, x):
        return x * n, x[:n], torch.zeros(n, 2)

    program = check(function, (3, X), (5, Y), (2, X), shapes=(Dim.DYNAMIC(max=6), None))
    with pytest.raises(edgeir.InputError, match=r"input 'input_0' is 7; it must be from 2 to 6"):
        edgeir.load(program.buffer)(7, X)


def test_a_size_without_a_bound_is_refused_with_advice():
    with pytest.raises(edgeir.CompileError, match=r"torch\._check\(size <= N\)"):
        edgeir.compile(Forward(lambda n: torch.zeros(n.item())), (torch.tensor(3),))


def test_a_number_out_of_its_bounds_is_an_error():
    program = check(lambda n: torch.zeros(count(n, 0, 4)), (torch.tensor(3),))
    with pytest.raises(edgeir.ProgramError, match=r"room for \[4\] becomes \[9\]"):
        edgeir.load(program.buffer)(torch.tensor(9))
