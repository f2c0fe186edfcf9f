"""Recurrent networks: LSTM, GRU and RNN of any depth; semantics of `torch.nn.LSTM`, `GRU`, `RNN`.

The products with the input are one matrix product for the whole sequence; the loop over time has
only the recurrent part. Narrow floats are computed in f32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ProgramError
from .promotion import compute_dtype
from .shapes import fit
from .steps import Plan, Steps, planned_kernel

Times = Sequence[int]


@dataclass(frozen=True)
class Layer:
    """One direction of one layer, in the compute dtype.

    `gates` [T, B, gates * H] holds `x @ weight_ih^T` and its bias, and is overwritten; `recurrent`
    is [out size, gates * H], `recurrent_bias` [gates * H] or None, `projection` [H, out size] or
    None. The hidden states go to `outputs` [T, B, out size], in the order of `times`.
    """

    gates: Any
    recurrent: Any
    recurrent_bias: Any
    projection: Any
    outputs: Any
    times: Times


def _sigmoid(x: Any) -> None:
    np.negative(x, x)
    np.exp(x, x)
    np.add(x, 1, x)
    np.reciprocal(x, x)


def _run_lstm(layer: Layer, states: Sequence[Any], finals: Sequence[Any]) -> None:
    (hidden, start), (last_hidden, last_cell) = states, finals
    size = start.shape[-1]
    cell = start.astype(layer.gates.dtype)
    product, term = np.empty_like(layer.gates[0]), np.empty_like(cell)
    for time in layer.times:
        gates, output = layer.gates[time], layer.outputs[time]
        np.matmul(hidden, layer.recurrent, out=product)
        np.add(gates, product, gates)
        new, out = gates[:, 2 * size : 3 * size], gates[:, 3 * size :]
        _sigmoid(gates[:, : 2 * size])
        np.tanh(new, new)
        _sigmoid(out)
        np.multiply(cell, gates[:, size : 2 * size], cell)
        np.multiply(gates[:, :size], new, term)
        np.add(cell, term, cell)
        np.tanh(cell, term)
        if layer.projection is None:
            np.multiply(out, term, output)
        else:
            np.multiply(out, term, term)
            np.matmul(term, layer.projection, out=output)
        hidden = output
    np.copyto(last_hidden, hidden, casting="unsafe")
    np.copyto(last_cell, cell, casting="unsafe")


def _run_gru(layer: Layer, states: Sequence[Any], finals: Sequence[Any]) -> None:
    hidden = states[0]
    size = hidden.shape[-1]
    product = np.empty_like(layer.gates[0])
    for time in layer.times:
        gates, output = layer.gates[time], layer.outputs[time]
        np.matmul(hidden, layer.recurrent, out=product)
        if layer.recurrent_bias is not None:
            np.add(product, layer.recurrent_bias, product)
        reset, update, new = (gates[:, i * size : (i + 1) * size] for i in range(3))
        both, part = gates[:, : 2 * size], product[:, 2 * size :]
        np.add(both, product[:, : 2 * size], both)
        _sigmoid(both)
        np.multiply(part, reset, part)
        np.add(new, part, new)
        np.tanh(new, new)
        np.subtract(hidden, new, part)
        np.multiply(part, update, part)
        np.add(part, new, output)
        hidden = output
    np.copyto(finals[0], hidden, casting="unsafe")


def _rnn(activation: Callable[[Any, Any], object]) -> Callable[..., None]:
    def run(layer: Layer, states: Sequence[Any], finals: Sequence[Any]) -> None:
        hidden = states[0]
        product = np.empty_like(layer.gates[0])
        for time in layer.times:
            output = layer.outputs[time]
            np.matmul(hidden, layer.recurrent, out=product)
            np.add(layer.gates[time], product, product)
            activation(product, output)
            hidden = output
        np.copyto(finals[0], hidden, casting="unsafe")

    return run


def _relu(x: Any, out: Any) -> None:
    np.maximum(x, 0, out=out)


@dataclass(frozen=True)
class Cell:
    """A kind of cell: how many gates and states it has, and the loop over time.

    With `separate_bias` the bias of the recurrent product cannot join that of the input.
    """

    gates: int
    states: int
    run: Callable[[Layer, Sequence[Any], Sequence[Any]], None]
    separate_bias: bool = False


CELLS = {
    "lstm": Cell(4, 2, _run_lstm),
    "gru": Cell(3, 1, _run_gru, separate_bias=True),
    "rnn_tanh": Cell(1, 1, _rnn(np.tanh)),
    "rnn_relu": Cell(1, 1, _rnn(_relu)),
}


def _plan(
    outs: Sequence[Any],
    cell: Cell,
    x: Any,
    states: Sequence[Any],
    params: Sequence[Any],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Steps, tuple[Any, ...]]:
    """Steps of a network on `x` [T, B, I], or [B, T, I]; `states` [layers * directions, B, H].

    `params` has, for each layer and direction, weight_ih [gates * H, I], weight_hh, then bias_ih
    and bias_hh, then the projection weight_hr of an LSTM whose two states differ in size. `outs`
    are the output [T, B, directions * out size], laid out as `x`, and the final states.
    """
    if x.ndim != 3:
        raise ProgramError(f"a recurrent network of a {x.ndim}-d tensor; expected 3-d")
    if train and dropout:
        raise ProgramError(f"dropout ({dropout}) between layers is random; expected dropout 0")
    steps = Steps()
    directions = 2 if bidirectional else 1
    projected = states[0].shape[-1] != states[-1].shape[-1]
    each = 2 + 2 * has_biases + projected
    if len(params) != each * directions * num_layers:
        raise ProgramError(
            f"{len(params)} parameters for {num_layers} layers; "
            f"expected {each * directions * num_layers}"
        )
    if batch_first:
        x = x.swapaxes(0, 1)
    length, batch = x.shape[:2]
    dtype = compute_dtype(x.dtype)
    size = states[0].shape[-1]
    shape = (
        (batch, length, size * directions) if batch_first else (length, batch, size * directions)
    )
    results = (
        fit(outs[0], shape),
        *(fit(out, state.shape) for out, state in zip(outs[1:], states, strict=True)),
    )
    sequence: Any = np.empty(x.shape, dtype)
    steps.copy(sequence, x)
    starts = [steps.operand(state) for state in states]
    for layer in range(num_layers):
        outputs = np.empty((length, batch, size * directions), dtype)
        for direction in range(directions):
            index = layer * directions + direction
            mine = [steps.operand(p) for p in params[index * each : (index + 1) * each]]
            part = Layer(
                np.empty((length, batch, mine[0].shape[0]), dtype),
                mine[1].T,
                mine[3] if has_biases and cell.separate_bias else None,
                mine[-1].T if projected else None,
                outputs[:, :, direction * size : (direction + 1) * size],
                range(length)[::-1] if direction else range(length),
            )
            flat = part.gates.reshape(length * batch, mine[0].shape[0])
            rows = sequence.reshape(length * batch, sequence.shape[2])
            steps.add(np.matmul, rows, mine[0].T, out=flat)
            if has_biases:
                steps.add(np.add, flat, mine[2], flat)
                if not cell.separate_bias:
                    steps.add(np.add, flat, mine[3], flat)
            steps.add(
                cell.run,
                part,
                [state[index] for state in starts],
                [final[index] for final in results[1:]],
            )
        sequence = outputs
    steps.copy(results[0].swapaxes(0, 1) if batch_first else results[0], sequence)
    return steps, results


def _bind(cell: Cell) -> Plan:
    def plan(*args: Any) -> tuple[Steps, tuple[Any, ...]]:
        x, states, *options = args[: -1 - cell.states]
        initial = states if cell.states > 1 else [states]
        return _plan(args[-1 - cell.states :], cell, x, initial, *options)

    return plan


for _name, _cell in CELLS.items():
    planned_kernel(f"aten::{_name}.input_out", _bind(_cell))
