"""Recurrent networks, interpreted and compiled, against PyTorch's modules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from steps import Array, check_step

from edgeir.dialects import edge
from edgeir.lowering.llvm import recurrent
from edgeir.lowering.llvm.recurrent_cell import CELLS, Network
from edgeir.lowering.llvm.recurrent_step import parts_of

KINDS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "lstm": (torch.nn.LSTM, edge.LstmInputOp, {}),
    "gru": (torch.nn.GRU, edge.GruInputOp, {}),
    "tanh": (torch.nn.RNN, edge.RnnTanhInputOp, {"nonlinearity": "tanh"}),
    "relu": (torch.nn.RNN, edge.RnnReluInputOp, {"nonlinearity": "relu"}),
}


def check(kind: str, length: int, batch: int, inputs: int, size: int, **options: Any) -> None:
    """Compare outputs and final states, from random initial states on."""
    torch.manual_seed(0)
    module, operation, extra = KINDS[kind]
    network = module(inputs, size, **extra, **options)
    first = options.get("batch_first", False)
    x = torch.randn(batch, length, inputs) if first else torch.randn(length, batch, inputs)
    count = network.num_layers * (2 if network.bidirectional else 1)
    states = [torch.randn(count, batch, options.get("proj_size", size))]
    if kind == "lstm":
        states.append(torch.randn(count, batch, size))
    with torch.no_grad():
        output, final = network(x, tuple(states) if kind == "lstm" else states[0])
    finals = list(final) if kind == "lstm" else [final]
    arrays: list[Array] = [state.numpy() for state in states]
    check_step(
        recurrent,
        operation,
        [x.numpy(), arrays if kind == "lstm" else arrays[0], weights(network)],
        [output.numpy(), *(state.numpy() for state in finals)],
        constants=[2],
        has_biases=network.bias,
        num_layers=network.num_layers,
        dropout=0.0,
        train=False,
        bidirectional=network.bidirectional,
        batch_first=first,
    )


def weights(network: Any) -> list[Array]:
    """The parameters in the order of the operator."""
    return [w.detach().numpy().copy() for w in network._flat_weights]


@pytest.mark.parametrize("kind", KINDS)
def test_one_sequence(kind: str) -> None:
    """A batch of one, with sizes that fill no vector."""
    check(kind, 5, 1, 7, 20)


@pytest.mark.parametrize("kind", KINDS)
def test_deep(kind: str) -> None:
    """Three layers, both directions, a batch in front."""
    check(kind, 4, 3, 6, 9, num_layers=3, bidirectional=True, batch_first=True)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_shared_steps(kind: str, first: bool) -> None:
    """So many units that the tasks of a step share them; two layers, states that turn about."""
    for length in (1, 2, 5):
        check(kind, length, 3, 7, 224, num_layers=2, batch_first=first)


def test_parts() -> None:
    """Steps are cut where there is enough to do, and no further than in whole vectors."""
    cell = CELLS[edge.LstmInputOp]
    small, large, odd = (Network(cell, 9, 1, 1, size, size, True) for size in (32, 256, 250))
    assert [parts_of(network) for network in (small, odd)] == [1, 1]
    assert parts_of(large) % 2 == 0
    assert parts_of(replace(large, directions=2)) == 1
    assert parts_of(replace(large, length=1000)) == 1


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_without_biases(kind: str) -> None:
    """Products alone, and one step of time."""
    check(kind, 1, 2, 6, 16, bias=False)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_projection() -> None:
    """A hidden state that is smaller than the cell's."""
    check("lstm", 4, 2, 6, 12, num_layers=2, bidirectional=True, proj_size=5)
