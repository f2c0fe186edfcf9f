"""Runs what the reference backend compiles: a JSON list of steps, each a numpy function."""

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..delegates import DelegateOptions

Array = NDArray[Any]


def relu(x: Array) -> Array:
    """Negative elements become 0."""
    return np.maximum(x, 0)


def sigmoid(x: Array) -> Array:
    """`1 / (1 + exp(-x))`."""
    return 1 / (1 + np.exp(-x))


def softmax(x: Array, axis: int) -> Array:
    """Exponentials as shares of their sum along an axis."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """`x @ weight.T + bias`."""
    product = x @ weight.T
    return product if bias is None else product + bias


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "relu": relu,
    "neg": np.negative,
    "exp": np.exp,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "matmul": np.matmul,
    "linear": linear,
    "softmax": softmax,
    "transpose": np.transpose,
    "reshape": np.reshape,
}
"""The functions that a step can name; the compiling half has the operators of each."""


def load(payload: memoryview, options: DelegateOptions) -> "Program":
    """The program of a payload; its weights are views of the program's file."""
    description = json.loads(bytes(payload))
    weights = {
        number: np.frombuffer(options.named_data(key), dtype).reshape(shape)
        for number, key, dtype, shape in description["weights"]
    }
    return Program(weights, description["steps"], description["inputs"], description["results"])


class Program:
    """Steps on numbered values; the inputs are the first, and each step makes one."""

    def __init__(
        self, weights: dict[int, Array], steps: list[Any], inputs: int, results: list[int]
    ):
        self._weights = weights
        self._steps = [(FUNCTIONS[name], *rest) for name, *rest in steps]
        self._inputs = inputs
        self._results = results

    def __call__(self, *args: Array) -> None:
        """Run: the arguments are the inputs, then the outputs, which are filled."""
        values = dict(enumerate(args[: self._inputs])) | self._weights
        for function, operands, constants, result in self._steps:
            values[result] = function(*(values[number] for number in operands), *constants)
        for number, out in zip(self._results, args[self._inputs :], strict=True):
            np.copyto(out, values[number])

    def bind(self, args: Sequence[Any]) -> Callable[[], object]:
        """The call on arrays that stay where they are; a faster backend keeps their addresses."""
        arrays = cast(Sequence[Array], args)
        return lambda: self(*arrays)
