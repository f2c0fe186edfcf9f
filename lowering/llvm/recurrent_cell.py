"""Cells of recurrent networks: what their gates compute, and the sizes of a layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.dialects import math
from xdsl.ir import SSAValue

from ...dialects import edge
from ...dialects.schema_op import SchemaOp
from .body import Body

Gates = Callable[[Body, list[SSAValue], list[SSAValue], list[SSAValue]], list[SSAValue]]
"""From the products with the input and with the state (one each for every gate) and the old states
to the new ones."""


@dataclass(frozen=True)
class Cell:
    """A kind of cell. With `separate_bias` the recurrent product keeps a bias of its own."""

    name: str
    gates: int
    states: int
    run: Gates
    separate_bias: bool = False

    def insert(self, body: Body, has_hidden: bool = True) -> list[SSAValue]:
        """The new states, in a body that takes the products with the input, those with the state,
        and the old states. A projected hidden state is not one of them: no cell that has one reads
        it."""
        x, rest = body.arguments[: self.gates], body.arguments[self.gates :]
        h, old = rest[: self.gates], rest[self.gates :]
        return self.run(body, x, h, old if has_hidden else [old[0], *old])


def _lstm(b: Body, x: list[SSAValue], h: list[SSAValue], states: list[SSAValue]) -> list[SSAValue]:
    take, forget, new, out = (b.add(u, v) for u, v in zip(x, h, strict=True))
    kept = b.multiply(b.sigmoid(forget), states[1])
    cell = b.fma(b.sigmoid(take), b.unary(math.TanhOp, new), kept)
    return [b.multiply(b.sigmoid(out), b.unary(math.TanhOp, cell)), cell]


def _gru(b: Body, x: list[SSAValue], h: list[SSAValue], states: list[SSAValue]) -> list[SSAValue]:
    reset, update = (b.sigmoid(b.add(u, v)) for u, v in zip(x[:2], h[:2], strict=True))
    new = b.unary(math.TanhOp, b.fma(reset, h[2], x[2]))
    return [b.fma(b.subtract(states[0], new), update, new)]


def _tanh(b: Body, x: list[SSAValue], h: list[SSAValue], states: list[SSAValue]) -> list[SSAValue]:
    return [b.unary(math.TanhOp, b.add(x[0], h[0]))]


def _relu(b: Body, x: list[SSAValue], h: list[SSAValue], states: list[SSAValue]) -> list[SSAValue]:
    return [b.maximum(b.add(x[0], h[0]), 0.0)]


CELLS: dict[type[SchemaOp], Cell] = {
    edge.LstmInputOp: Cell("lstm", 4, 2, _lstm),
    edge.GruInputOp: Cell("gru", 3, 1, _gru, separate_bias=True),
    edge.RnnTanhInputOp: Cell("rnn_tanh", 1, 1, _tanh),
    edge.RnnReluInputOp: Cell("rnn_relu", 1, 1, _relu),
}


@dataclass(frozen=True)
class Network:
    """Sizes: `size` is that of a gate, `out` that of the hidden state, which may be projected."""

    cell: Cell
    length: int
    batch: int
    directions: int
    size: int
    out: int
    has_biases: bool

    @property
    def columns(self) -> int:
        """The columns of the products: all gates."""
        return self.cell.gates * self.size

    @property
    def is_projected(self) -> bool:
        """Whether the hidden state is a product with what the gates give."""
        return self.size != self.out

    @property
    def recurrent_bias(self) -> bool:
        """Whether the recurrent product has a bias of its own."""
        return self.has_biases and self.cell.separate_bias
