"""Recurrent networks: LSTM, GRU and RNN of any depth, in one or both directions.

The products with the input are one launch for the whole sequence of a layer; a second launch goes
through time, a task for each direction, and has the recurrent products and the gates only. One
direction with much to do in each step has a launch for each of them instead (`recurrent_step.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import kernel
from ...dialects.schema_op import SchemaOp
from .body import Body, identity
from .family import any_strides, no_halo, row_major
from .kernel_builder import KernelBuilder
from .product import (
    Axis,
    Operands,
    Product,
    insert_product,
    launch_product,
    pack,
    panel_columns,
)
from .program_builder import ALIGNMENT, ProgramBuilder, side_by_side
from .recurrent_cell import CELLS, Network
from .recurrent_step import Rows, launch_steps, parts_of
from .roots import is_constant
from .step import Array, Step, Tensor, element_type
from .target import Target

OPERATIONS = tuple(CELLS)
FUSES = False

input_order = any_strides
halo = no_halo
output_order = row_major


def supports(op: SchemaOp) -> str | None:
    """Constant parameters, in f32; no random dropout."""
    if element_type(op.operands[0]) != f32:
        return f"recurrent networks of {element_type(op.operands[0])}"
    if op.value_of("train") and op.value_of("dropout"):
        return "dropout draws random numbers"
    if not all(map(is_constant, cast("list[SSAValue]", op.operand_of("params")))):
        return "its parameters are computed"
    return None


@dataclass(frozen=True)
class _Sequence:
    """Where a sequence [time, batch, size] lies."""

    pointer: SSAValue
    size: int
    strides: tuple[int, ...]


def lower(step: Step, program: ProgramBuilder) -> None:
    """Two launches for each layer."""
    op, cell = step.op, CELLS[type(step.op)]
    first = bool(op.value_of("batch_first"))
    source = step.tensor(op.operands[0])
    hidden = op.operand_of("hx")
    starts = cast("list[SSAValue]", hidden if isinstance(hidden, list) else [hidden])
    arrays = [step.array(v) for v in cast("list[SSAValue]", op.operand_of("params"))]
    network = Network(
        cell,
        source.shape[1 if first else 0],
        source.shape[0 if first else 1],
        2 if op.value_of("bidirectional") else 1,
        step.tensor(starts[-1]).shape[-1],
        step.tensor(starts[0]).shape[-1],
        bool(op.value_of("has_biases")),
    )
    layers = cast(int, op.value_of("num_layers"))
    width = network.directions * network.out
    steps = network.length * network.batch
    by_steps, inner = parts_of(network) > 1, min(2, layers - 1)
    sizes = [4 * steps * network.directions * network.columns, *[4 * steps * width] * inner]
    if by_steps:
        sizes += [4 * network.batch * network.size] * 2
    gates, *others = program.workspace(sizes, f32)
    between, memories = others[:inner], others[inner:]
    sequence = _sequence(program, op.operands[0], source, first)
    each = len(arrays) // (layers * network.directions)
    for layer in range(layers):
        params = [
            cast("list[Array]", arrays[begin : begin + each])
            for begin in range(
                layer * network.directions * each, (layer + 1) * network.directions * each, each
            )
        ]
        if layer == layers - 1:
            output = _sequence(program, step.results[0], step.output, first)
        else:
            strides = (network.batch * width, width, 1)
            output = _Sequence(between[layer % 2], width, strides)
        _project(program, network, params, sequence, gates)
        if by_steps:
            _run_steps(step, program, network, params[0], gates, output, starts, layer, memories)
        else:
            _run(step, program, network, params, gates, output, starts, layer)
        sequence = output


def _sequence(
    program: ProgramBuilder, value: SSAValue, tensor: Tensor, batch_first: bool
) -> _Sequence:
    batch, time, size = tensor.strides
    strides = (time, batch, size) if batch_first else tensor.strides
    return _Sequence(program.pointer(value), tensor.shape[-1], strides)


def _project(
    program: ProgramBuilder,
    network: Network,
    params: Sequence[Sequence[Array]],
    x: _Sequence,
    gates: SSAValue,
) -> None:
    """The products of all steps' inputs, for both directions: [time, batch, direction, gates]."""
    columns = network.directions * network.columns
    axes = (
        Axis(network.length, x.strides[0], 0, 0, network.batch * columns),
        Axis(network.batch, x.strides[1], 0, 0, columns),
    )
    product = Product(axes, columns, x.size, a_step=x.strides[2], has_bias=network.has_biases)
    weights = np.concatenate([own[0].T for own in params], axis=1)
    panels = pack(weights, panel_columns(product, program.target))
    bias = None
    if network.has_biases:
        # What the recurrent product adds anyway can be added here.
        biases = [own[2] if network.recurrent_bias else own[2] + own[3] for own in params]
        bias = program.weight(np.concatenate(biases), f32)
    operands = Operands(x.pointer, program.weight(panels, f32), gates, bias)
    launch_product(program, "project", product, operands)


def _run_steps(
    step: Step,
    program: ProgramBuilder,
    network: Network,
    params: Sequence[Array],
    gates: SSAValue,
    output: _Sequence,
    starts: Sequence[SSAValue],
    layer: int,
    memories: Sequence[SSAValue],
) -> None:
    """The way through time, a launch for each step."""

    def rows(value: SSAValue) -> Rows:
        layers, batch, unit = step.tensor(value).strides
        return Rows(program.advance(program.pointer(value), layer * layers), (batch, unit))

    time, batch, unit = output.strides
    launch_steps(
        program,
        network,
        (params[1], params[3] if network.recurrent_bias else None),
        gates,
        (Rows(output.pointer, (batch, unit)), time),
        ([rows(value) for value in starts], [rows(value) for value in step.results[1:]]),
        memories,
    )


def _run(
    step: Step,
    program: ProgramBuilder,
    network: Network,
    params: Sequence[Sequence[Array]],
    gates: SSAValue,
    output: _Sequence,
    starts: Sequence[SSAValue],
    layer: int,
) -> None:
    """The way through time, a task for each direction."""
    loop = _Loop(network, output.strides, layer, program.target)
    recurrent, projection = loop.products
    arguments = [gates, output.pointer]
    panels = panel_columns(recurrent, program.target)
    arguments.append(program.weight(np.stack([pack(own[1].T, panels) for own in params]), f32))
    if network.recurrent_bias:
        arguments.append(program.weight(np.stack([own[3] for own in params]), f32))
    if network.is_projected:
        panels = panel_columns(projection, program.target)
        arguments.append(program.weight(np.stack([pack(own[-1].T, panels) for own in params]), f32))
    arguments.append(program.scratch(4 * loop.scratch, f32))
    finals = step.results[1:]
    tensors: list[Tensor] = []
    for value in (*starts, *finals):
        arguments.append(program.pointer(value))
        tensors.append(step.tensor(value))
    strides = tuple(tensor.strides for tensor in tensors)

    def build(k: KernelBuilder) -> None:
        loop.build(k, strides)

    key = (network, output.strides, layer, strides)
    program.launch(network.cell.name, key, arguments, network.directions, build)


class _Loop:
    """The kernel of one layer's way through time.

    Scratch memory holds the hidden state, the cell's state, the recurrent product and, before a
    projection, what the gates give.
    """

    def __init__(self, network: Network, output: Sequence[int], layer: int, target: Target) -> None:
        self.n, self.output, self.layer, self.target = network, output, layer, target
        n = network
        rows = (Axis(n.batch, n.out, 0, 0, n.columns),)
        narrow = (Axis(n.batch, n.size, 0, 0, n.out),)
        self.products = (
            Product(rows, n.columns, n.out, has_bias=n.recurrent_bias),
            Product(narrow, n.out, n.size),
        )
        sizes = (n.batch * n.out, n.batch * n.size, n.batch * n.columns, n.batch * n.size)
        self.offsets, self.scratch = side_by_side(sizes, ALIGNMENT // 4)

    def build(self, k: KernelBuilder, strides: Sequence[Sequence[int]]) -> None:
        """Initial states, the loop over time, final states."""
        n, direction, arguments = self.n, k.task, iter(k.arguments)
        gates, output = next(arguments), next(arguments)
        weights = k.at(next(arguments), [(direction, n.out * n.columns)])
        bias = projection = None
        if n.recurrent_bias:
            bias = k.at(next(arguments), [(direction, n.columns)])
        if n.is_projected:
            projection = k.at(next(arguments), [(direction, n.size * n.out)])
        scratch = next(arguments)
        outside = [
            (k.at(pointer, [(direction, own[0])], self.layer * n.directions * own[0]), own[1:])
            for pointer, own in zip(arguments, strides, strict=True)
        ]
        hidden, cell, product, given = (k.at(scratch, offset=o) for o in self.offsets)
        states = [(hidden, n.out), (cell, n.size)][: n.cell.states]
        for (pointer, size), (start, own) in zip(states, outside, strict=False):
            self._copy(k, start, pointer, size, own, (size, 1))
        with k.loop(n.length) as number:
            time = self._time(k, direction, number)
            row = n.directions * n.columns
            own = k.at(gates, [(time, n.batch * row), (direction, n.columns)])
            place = k.at(output, [(time, self.output[0]), (direction, n.out * self.output[2])])
            operands = Operands(hidden, weights, product, bias)
            insert_product(k, self.products[0], operands, self.target)
            self._insert_gates(k, own, product, states, given if projection else place)
            if projection is not None:
                operands = Operands(given, projection, hidden)
                insert_product(k, self.products[1], operands, self.target)
                self._copy(k, hidden, place, n.out, (n.out, 1), self.output[1:])
        for (pointer, size), (final, own) in zip(states, outside[n.cell.states :], strict=True):
            self._copy(k, pointer, final, size, (size, 1), own)

    def _time(self, k: KernelBuilder, direction: SSAValue, number: SSAValue) -> SSAValue:
        """The second direction goes backwards: number + direction * (length - 1 - 2 * number)."""
        if self.n.directions == 1:
            return number
        both = k.insert(arith.MuliOp(direction, number)).result
        return k.index([(number, 1), (direction, self.n.length - 1), (both, -2)])

    def _insert_gates(
        self,
        k: KernelBuilder,
        gates: SSAValue,
        product: SSAValue,
        states: Sequence[tuple[SSAValue, int]],
        place: SSAValue,
    ) -> None:
        """The gates of all units, and the new states; a hidden state that is not projected goes to
        the output and into scratch memory."""
        n = self.n
        count = n.cell.gates
        inputs = [k.at(gates, offset=gate * n.size) for gate in range(count)]
        inputs += [k.at(product, offset=gate * n.size) for gate in range(count)]
        strides = [(n.directions * n.columns, 1)] * count + [(n.columns, 1)] * count
        # A projected hidden state is not that of the units.
        own = states[1:] if n.is_projected else states
        inputs += [pointer for pointer, _ in own]
        strides += [(size, 1) for _, size in own]
        body = Body([f32] * len(inputs))
        hidden, *cells = n.cell.insert(body, has_hidden=not n.is_projected)
        outputs = [place, *(pointer for pointer, _ in own)]
        written = [(n.size, 1) if n.is_projected else tuple(self.output[1:])]
        written += [(size, 1) for _, size in own]
        values = [hidden, *cells] if n.is_projected else [hidden, hidden, *cells]
        shape = (n.batch, n.size)
        k.insert(kernel.MapOp(inputs, outputs, shape, strides, written, body.finish(values)))

    def _copy(
        self,
        k: KernelBuilder,
        source: SSAValue,
        target: SSAValue,
        size: int,
        reads: Sequence[int],
        writes: Sequence[int],
    ) -> None:
        shape = (self.n.batch, size)
        k.insert(kernel.MapOp([source], [target], shape, [reads], [writes], identity()))
