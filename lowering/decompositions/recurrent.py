"""Recurrent networks, unrolled over time.

The part of a step that does not depend on the state is one product for all steps. A state is a
column `[features, batch]`, so that its gates are blocks of memory and cost no copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from xdsl.ir import SSAValue

from ...dialects.expr import Expr
from ...dialects.schema_op import SchemaOp
from ..edge_builder import EdgeBuilder
from .calls import binary, concatenate, dims, unary
from .linear import addmm, mm
from .registry import NoDecompositionError, decomposition

_ONE = Expr.of(1)

State = tuple[SSAValue, ...]
"""The hidden state, and for an LSTM the cell state; `[features, batch]`."""


@dataclass(frozen=True)
class _Weights:
    """The parameters of one direction of one layer, their rows in the order of the gates."""

    inputs: SSAValue
    hidden: SSAValue
    input_bias: SSAValue | None
    hidden_bias: SSAValue | None
    projection: SSAValue | None = None


Step = Callable[[SSAValue, State], State]
"""From the input part of a step's gates, `[gates, batch]`, and the state to the next state."""
Cell = Callable[[EdgeBuilder, _Weights], tuple[SSAValue, SSAValue | None, Step]]
"""From the weights to the matrix and bias of all steps' input parts, and the step."""


@decomposition("lstm.input")
def lstm(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """An LSTM, projected where its parameters say so."""
    return _unrolled(op, builder, cast("list[SSAValue]", op.operand_of("hx")), _lstm_cell)


@decomposition("gru.input")
def gru(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A GRU."""
    return _unrolled(op, builder, [cast(SSAValue, op.operand_of("hx"))], _gru_cell)


@decomposition("rnn_tanh.input", "rnn_relu.input")
def rnn(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A plain recurrent network."""
    activation = op.SCHEMA.name.removeprefix("rnn_")
    hx = [cast(SSAValue, op.operand_of("hx"))]
    return _unrolled(op, builder, hx, partial(_rnn_cell, activation))


def _unrolled(
    op: SchemaOp, builder: EdgeBuilder, initial: list[SSAValue], cell: Cell
) -> Sequence[SSAValue]:
    arguments = cast(dict[str, Any], op.arguments())
    if arguments["train"] and arguments["dropout"]:
        raise NoDecompositionError("dropout between layers has no decomposition; use model.eval()")
    value: SSAValue = arguments["input"]
    if arguments["batch_first"]:
        value = builder.transpose(value, 0, 1)
    steps = dims(value)[0].constant
    if steps is None:
        raise NoDecompositionError(
            f"{op.SCHEMA.name} is unrolled, but its number of steps is known only at run time"
        )
    directions = 2 if arguments["bidirectional"] else 1
    layers = _split_parameters(op, arguments["params"], arguments["has_biases"])
    final: list[State] = []
    for layer in range(arguments["num_layers"]):
        outputs: list[list[SSAValue]] = []
        for direction in range(directions):
            index = layer * directions + direction
            matrix, bias, step = cell(builder, layers[index])
            gates = _input_gates(builder, value, matrix, bias)
            state = tuple(_column(builder, state, index) for state in initial)
            hidden: list[SSAValue] = []
            order = range(steps) if direction == 0 else reversed(range(steps))
            for time in order:
                state = step(_step_gates(builder, gates, time), state)
                hidden.append(state[0])
            outputs.append(hidden if direction == 0 else hidden[::-1])
            final.append(state)
        value = _sequence(builder, outputs)
    if arguments["batch_first"]:
        value = builder.transpose(value, 0, 1)
    states = [_rows(builder, [state[i] for state in final]) for i in range(len(initial))]
    return [value, *states]


def _split_parameters(op: SchemaOp, parameters: list[SSAValue], has_biases: bool) -> list[_Weights]:
    """The parameters by layer and direction; a projection stands last in its group."""
    directions = 2 if op.value_of("bidirectional") else 1
    count = len(parameters) // (cast(int, op.value_of("num_layers")) * directions)
    groups: list[_Weights] = []
    for start in range(0, len(parameters), count):
        inputs, hidden, *rest = parameters[start : start + count]
        input_bias, hidden_bias = (rest.pop(0), rest.pop(0)) if has_biases else (None, None)
        projection = rest[0] if rest else None
        groups.append(_Weights(inputs, hidden, input_bias, hidden_bias, projection))
    return groups


def _input_gates(
    builder: EdgeBuilder, value: SSAValue, matrix: SSAValue, bias: SSAValue | None
) -> SSAValue:
    """The input part of the gates of all steps, `[steps, gates, batch]`."""
    steps, batch, features = dims(value)
    rows = builder.view(value, (steps * batch, features))
    transposed = builder.transpose(matrix, 0, 1)
    gates = (
        mm(builder, rows, transposed) if bias is None else addmm(builder, bias, rows, transposed)
    )
    return _swapped(builder, builder.view(gates, (steps, batch, dims(matrix)[0])))


def _swapped(builder: EdgeBuilder, value: SSAValue) -> SSAValue:
    """The last two of three dims exchanged; a view where one of them has size 1."""
    outer, rows, columns = dims(value)
    if _ONE in (rows, columns):
        return builder.view(value, (outer, columns, rows))
    return builder.transpose(value, 1, 2)


def _step_gates(builder: EdgeBuilder, gates: SSAValue, time: int) -> SSAValue:
    return builder.view(builder.slice(gates, 0, time, time + 1), dims(gates)[1:])


def _column(builder: EdgeBuilder, states: SSAValue, index: int) -> SSAValue:
    """One of the initial states `[layers, batch, features]` as a column."""
    state = _swapped(builder, builder.slice(states, 0, index, index + 1))
    return builder.view(state, dims(state)[1:])


def _rows(builder: EdgeBuilder, columns: Sequence[SSAValue]) -> SSAValue:
    """Columns `[features, batch]` as `[columns, batch, features]`."""
    stacked = [builder.view(column, (_ONE, *dims(column))) for column in columns]
    return _swapped(builder, concatenate(builder, stacked, 0))


def _sequence(builder: EdgeBuilder, outputs: Sequence[Sequence[SSAValue]]) -> SSAValue:
    """The outputs of one or two directions as `[steps, batch, features]`."""
    columns: list[SSAValue] = []
    for column in zip(*outputs, strict=True):
        columns.append(concatenate(builder, column, 0))
    return _rows(builder, columns)


def _block(builder: EdgeBuilder, value: SSAValue, index: int, blocks: int) -> SSAValue:
    """One of equal blocks of rows."""
    size = _block_rows(value, blocks)
    return builder.slice(value, 0, index * size, (index + 1) * size)


def _block_rows(value: SSAValue, blocks: int) -> int:
    rows = dims(value)[0].constant
    assert rows is not None
    return rows // blocks


def _reordered(builder: EdgeBuilder, value: SSAValue | None, order: Sequence[int]) -> Any:
    """Blocks of rows in another order; constant folding does it at compile time."""
    if value is None:
        return None
    parts = [_block(builder, value, index, len(order)) for index in order]
    return concatenate(builder, parts, 0)


def _sum(builder: EdgeBuilder, left: SSAValue | None, right: SSAValue | None) -> SSAValue | None:
    return right if left is None or right is None else binary(builder, "add.Tensor", left, right)


def _lstm_cell(builder: EdgeBuilder, weights: _Weights) -> tuple[SSAValue, SSAValue | None, Step]:
    """`c' = f * c + i * g; h' = o * tanh(c')`, with i, f, o sigmoids and g a tanh."""
    order = (0, 1, 3, 2)  # The sigmoids together.
    hidden_matrix = _reordered(builder, weights.hidden, order)
    bias = _sum(builder, weights.input_bias, weights.hidden_bias)

    def step(gates: SSAValue, state: State) -> State:
        hidden, cell = state
        gates = addmm(builder, gates, hidden_matrix, hidden)
        size = _block_rows(gates, 4)
        sigmoids = unary(builder, "sigmoid", builder.slice(gates, 0, 0, 3 * size))
        entered = unary(builder, "tanh", _block(builder, gates, 3, 4))
        enter, keep, leave = (_block(builder, sigmoids, index, 3) for index in range(3))
        cell = binary(
            builder,
            "add.Tensor",
            binary(builder, "mul.Tensor", keep, cell),
            binary(builder, "mul.Tensor", enter, entered),
        )
        hidden = binary(builder, "mul.Tensor", leave, unary(builder, "tanh", cell))
        if weights.projection is not None:
            hidden = mm(builder, weights.projection, hidden)
        return hidden, cell

    return _reordered(builder, weights.inputs, order), _reordered(builder, bias, order), step


def _gru_cell(builder: EdgeBuilder, weights: _Weights) -> tuple[SSAValue, SSAValue | None, Step]:
    """`n = tanh(xₙ + r * hₙ); h' = n + z * (h - n)`, with r, z sigmoids."""
    size = _block_rows(weights.hidden, 3)
    gate_matrix = builder.slice(weights.hidden, 0, 0, 2 * size)
    new_matrix = _block(builder, weights.hidden, 2, 3)
    bias = weights.input_bias
    new_bias: SSAValue | None = None
    if bias is not None and weights.hidden_bias is not None:
        gate_bias = _sum(
            builder,
            builder.slice(bias, 0, 0, 2 * size),
            builder.slice(weights.hidden_bias, 0, 0, 2 * size),
        )
        assert gate_bias is not None
        bias = concatenate(builder, [gate_bias, _block(builder, bias, 2, 3)], 0)
        new_bias = builder.view(_block(builder, weights.hidden_bias, 2, 3), (Expr.of(size), _ONE))

    def step(gates: SSAValue, state: State) -> State:
        (hidden,) = state
        part = builder.slice(gates, 0, 0, 2 * size)
        sigmoids = unary(builder, "sigmoid", addmm(builder, part, gate_matrix, hidden))
        reset, update = (_block(builder, sigmoids, index, 2) for index in range(2))
        if new_bias is None:
            recurrent = mm(builder, new_matrix, hidden)
        else:
            recurrent = addmm(builder, new_bias, new_matrix, hidden)
        recurrent = binary(builder, "mul.Tensor", reset, recurrent)
        entered = binary(builder, "add.Tensor", _block(builder, gates, 2, 3), recurrent)
        new = unary(builder, "tanh", entered)
        change = binary(builder, "sub.Tensor", hidden, new)
        kept = binary(builder, "mul.Tensor", update, change)
        return (binary(builder, "add.Tensor", new, kept),)

    return weights.inputs, bias, step


def _rnn_cell(
    activation: str, builder: EdgeBuilder, weights: _Weights
) -> tuple[SSAValue, SSAValue | None, Step]:
    """`h' = activation(x + W h)`."""
    bias = _sum(builder, weights.input_bias, weights.hidden_bias)

    def step(gates: SSAValue, state: State) -> State:
        sums = addmm(builder, gates, weights.hidden, state[0])
        return (unary(builder, activation, sums),)

    return weights.inputs, bias, step
