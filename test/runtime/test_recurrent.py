"""Recurrent network kernels against PyTorch eager."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.registry import find_kernel

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
LIMITS: dict[torch.dtype, dict[str, float]] = {
    torch.float32: {"rtol": 1e-5, "atol": 1e-5},
    torch.float64: {},
    torch.float16: {"rtol": 1e-2, "atol": 1e-2},
    torch.bfloat16: {"rtol": 5e-2, "atol": 5e-2},
}


def arguments(
    name: str,
    *,
    layers: int = 1,
    directions: int = 1,
    biases: bool = True,
    projection: int | None = None,
    batch_first: bool = False,
    length: int = 5,
    dtype: torch.dtype = torch.float32,
) -> list[Any]:
    """Random arguments of `torch.lstm` and its like, in schema order."""
    torch.manual_seed(0)
    batch, inputs, size = 3, 6, 8
    out = projection or size
    rows = GATES[name] * size

    def random(*shape: int) -> torch.Tensor:
        return ((torch.rand(shape) - 0.5) * 0.8).to(dtype)

    params: list[torch.Tensor] = []
    for layer in range(layers):
        for _ in range(directions):
            params += [random(rows, out * directions if layer else inputs), random(rows, out)]
            params += [random(rows), random(rows)] if biases else []
            params += [random(out, size)] if projection else []
    hidden, cell = random(layers * directions, batch, out), random(layers * directions, batch, size)
    states = [hidden, cell] if name == "lstm" else hidden
    x = random(batch, length, inputs) if batch_first else random(length, batch, inputs)
    return [x * 4, states, params, biases, layers, 0.0, False, directions == 2, batch_first]


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("name", GATES)
def test_networks(
    name: str, layers: int, directions: int, biases: bool, dtype: torch.dtype
) -> None:
    args = arguments(name, layers=layers, directions=directions, biases=biases, dtype=dtype)
    check(f"aten::{name}.input_out", getattr(torch, name), *args, dynamic=True, **LIMITS[dtype])


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("length", [1, 4])
def test_batch_first(name: str, length: int) -> None:
    args = arguments(name, layers=2, directions=2, batch_first=True, length=length)
    check(f"aten::{name}.input_out", getattr(torch, name), *args, dynamic=True)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("directions", [1, 2])
def test_projection(directions: int, biases: bool) -> None:
    args = arguments("lstm", layers=2, directions=directions, projection=5, biases=biases)
    check("aten::lstm.input_out", torch.lstm, *args, dynamic=True)


@pytest.mark.parametrize(
    ("index", "value", "message"),
    [(0, np.zeros((2, 3)), "expected 3-d"), (2, [], "0 parameters"), (4, 2, "expected 8")],
)
def test_errors(index: int, value: Any, message: str) -> None:
    run = find_kernel("aten::gru.input_out")
    assert run is not None
    args: list[Any] = [np.zeros((5, 3, 6)), np.zeros((1, 3, 8)), [np.zeros(1)] * 4]
    args += [True, 1, 0.0, False, False, False, np.zeros((5, 3, 8)), np.zeros((1, 3, 8))]
    args[index] = value
    with pytest.raises(ProgramError, match=message):
        run(*args)


def test_dropout_in_training_is_refused() -> None:
    run = find_kernel("aten::rnn_relu.input_out")
    assert run is not None
    args: list[Any] = [np.zeros((5, 3, 6)), np.zeros((1, 3, 8)), [np.zeros(1)] * 4]
    args += [True, 1, 0.5, True, False, False, np.zeros((5, 3, 8)), np.zeros((1, 3, 8))]
    with pytest.raises(ProgramError, match="expected dropout 0"):
        run(*args)
