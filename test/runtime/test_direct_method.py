"""Methods that are one call of a delegate: they run on their caller's memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import edgeir
from edgeir.runtime.delegates import DelegateOptions
from edgeir.runtime.errors import InputError
from edgeir.runtime.module import Module

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


class Movable:
    """The reference backend's delegate, on any memory; keeps what it was called with."""

    def __init__(self, payload: memoryview, options: DelegateOptions):
        from edgeir.runtime.backends.numpy import load

        self._run = load(payload, options)
        self.calls: list[Sequence[Any]] = []

    def __call__(self, *args: Any) -> None:
        self._run(*args)

    def anywhere(self) -> Callable[..., None]:
        def run(*args: Any) -> None:
            self.calls.append(args)
            self._run(*args)

        return run


def load(model: nn.Module, inputs: tuple[Any, ...]) -> tuple[Module, list[Movable]]:
    """A module that the reference backend runs, and its delegates."""
    program = edgeir.compile(model.eval(), inputs, backends=["numpy"])
    delegates: list[Movable] = []

    def loader(payload: memoryview, options: DelegateOptions) -> Movable:
        delegates.append(Movable(payload, options))
        return delegates[-1]

    return edgeir.load(program.buffer, backends={"numpy": loader}), delegates


class Sum(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor):
        return torch.relu(y) + x


X, Y = torch.randn(2, 3), torch.randn(2, 3)


def test_arrays_are_not_copied():
    module, (delegate,) = load(Sum(), (X, Y))
    x, y = X.numpy(), Y.numpy()
    result = module(x, y)
    np.testing.assert_allclose(result, x + np.maximum(y, 0), rtol=1e-6)
    (call,) = delegate.calls
    assert {id(x), id(y)} == {id(array) for array in call[:2]}
    assert call[2] is result


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a,
        lambda a: torch.from_numpy(a.copy()),
        lambda a: np.asfortranarray(a),
        lambda a: a.repeat(2, 1)[:, ::2],
    ],
)
def test_inputs_of_any_kind(change: Callable[[Any], Any]):
    module, _ = load(Sum(), (X, Y))
    x, y = X.numpy(), Y.numpy()
    expected = x + np.maximum(y, 0)
    for _ in range(2):
        np.testing.assert_allclose(module(change(x), change(y)), expected, rtol=1e-6)
        np.testing.assert_allclose(module.run("forward", change(x), y=y), expected, rtol=1e-6)


def test_read_only_and_unaligned_inputs():
    module, _ = load(Sum(), (X, Y))
    x = X.numpy().copy()
    x.flags.writeable = False
    raw = np.zeros(25, np.uint8)
    y = raw[1:].view(np.float32).reshape(2, 3)
    y[:] = Y.numpy()
    np.testing.assert_allclose(module(x, y), x + np.maximum(y, 0), rtol=1e-6)


def test_wrong_inputs():
    module, _ = load(Sum(), (X, Y))
    x = X.numpy()
    with pytest.raises(InputError, match=r"input 'y' \(#1\): got float64\[2, 3\], want float32"):
        module(x, x.astype(np.float64))
    with pytest.raises(InputError, match=r"input 'x' \(#0\): got float32\[3, 2\]"):
        module(x.T, x)
    with pytest.raises(InputError, match="takes 2 inputs"):
        module(x)


def test_outputs_are_the_callers():
    module, _ = load(Sum(), (X, Y))
    x, y = X.numpy(), Y.numpy()
    first = module(x, y)
    kept = first.copy()
    module(x + 1, y)
    np.testing.assert_array_equal(first, kept)
    assert first.flags.writeable


class Structured(nn.Module):
    def forward(self, inputs: dict[str, torch.Tensor]):
        a = torch.relu(inputs["a"])
        return {"sum": a + inputs["b"], "parts": (a, torch.tanh(inputs["b"]))}


def test_structures():
    module, delegates = load(Structured(), ({"a": X, "b": Y},))
    result = module({"a": X, "b": Y})
    np.testing.assert_allclose(result["parts"][1], np.tanh(Y.numpy()), rtol=1e-6)
    np.testing.assert_allclose(result["sum"], np.maximum(X.numpy(), 0) + Y.numpy(), rtol=1e-6)
    assert len(delegates[0].calls) == 1


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(2))

    def forward(self, x: torch.Tensor):
        self.count.add_(torch.relu(x))
        return self.count * 1


def test_state_takes_the_usual_way():
    module, delegates = load(Counter(), (torch.ones(2),))
    for turn in (1, 2, 3):
        np.testing.assert_array_equal(module(np.ones(2, np.float32)), [turn, turn])
    assert all(not delegate.calls for delegate in delegates)


class Unused(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor):
        return torch.relu(z), torch.tanh(x)


def test_inputs_that_are_not_used():
    module, _ = load(Unused(), (X, Y, Y))
    first, second = module(X, Y, Y)
    np.testing.assert_allclose(first, np.maximum(Y.numpy(), 0), rtol=1e-6)
    np.testing.assert_allclose(second, np.tanh(X.numpy()), rtol=1e-6)
