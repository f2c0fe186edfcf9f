"""A recurrent layer's way through time as a launch for each step, which threads share.

A task has some of the units: it makes the columns of the recurrent product that their gates take,
then the gates. It reads the whole hidden state, which the launch before wrote to the output. The
other states are in two memories that take turns, so that no task reads what another one writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle

import numpy as np
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from ...dialects import kernel
from .body import Body
from .copying import copy_tensor
from .kernel_builder import KernelBuilder
from .product import Axis, Operands, Product, insert_product, pack, panel_columns
from .program_builder import ProgramBuilder
from .recurrent_cell import Network
from .step import Array, Tensor
from .target import Target
from .tasks import parts

_RATE = 70_000
"""Operations in a microsecond, of products whose weights come from the second-level cache."""
_UNITS = 16
"""Tasks have multiples of so many units: whole vectors."""
_MOST_LAUNCHES = 256
"""Longer sequences go through time in one launch: each launch is code of its own."""


@dataclass(frozen=True)
class Rows:
    """A matrix [batch, units] in memory: where it begins, and its strides."""

    pointer: SSAValue
    strides: tuple[int, int]


def parts_of(network: Network) -> int:
    """Into how many tasks a step is cut; 1 if the whole way through time is better one launch."""
    n = network
    whole = n.directions > 1 or n.is_projected or n.size % _UNITS or n.length > _MOST_LAUNCHES
    if whole:
        return 1
    time = 2 * n.batch * n.out * n.columns / _RATE
    return parts(n.size // _UNITS, time, even=True)


def launch_steps(
    program: ProgramBuilder,
    network: Network,
    parameters: tuple[Array, Array | None],
    gates: SSAValue,
    outputs: tuple[Rows, int],
    states: tuple[Sequence[Rows], Sequence[Rows]],
    memories: Sequence[SSAValue],
) -> None:
    """Launches for all steps of a layer. `parameters` are the recurrent product's weights and its
    bias; `gates` are the products with the input; `outputs` are the rows of the first step and how
    far the next step's are; `states` are the initial and the final ones."""
    n, (output, stride), (initial, final) = network, outputs, states
    count, (weights, bias), (hidden, *cells) = parts_of(n), parameters, initial
    steps, turns = n.batch * n.columns, cycle(memories)
    constants = [] if bias is None else [program.weight(_by_parts(n, bias[None], count), f32)]

    @cache
    def packed(columns: int) -> SSAValue:
        return program.weight(pack(_by_parts(n, weights.T, count), columns), f32)

    for time in range(n.length):
        place = Rows(program.advance(output.pointer, time * stride), output.strides)
        after = [Rows(next(turns), (n.size, 1)) for _ in cells]
        if time == n.length - 1:
            after = list(final[1:])
        reads, writes = (hidden, *cells), (place, *after)
        step = _Step(
            n,
            n.size // count,
            tuple(rows.strides for rows in reads),
            tuple(rows.strides for rows in writes),
            bias is not None,
            program.target,
        )
        memory = program.scratch(4 * n.batch * step.product.columns, f32)
        panels = packed(panel_columns(step.product, program.target))
        arguments = [program.advance(gates, time * steps), panels, *constants, memory]
        arguments += [rows.pointer for rows in (*reads, *writes)]
        program.launch(f"{n.cell.name}_step", step, arguments, count, step.build)
        hidden, cells = place, after
    source, target = (Tensor(f32, (n.batch, n.out), rows.strides) for rows in (hidden, final[0]))
    copy_tensor(program, hidden.pointer, source, final[0].pointer, target)


def _by_parts(network: Network, array: Array, count: int) -> Array:
    """[rows, gates of all units] as [parts, rows, gates of the part's units]."""
    rows = array.shape[0]
    parted = array.reshape(rows, network.cell.gates, count, -1).transpose(2, 0, 1, 3)
    return np.ascontiguousarray(parted).reshape(count, rows, -1)


@dataclass(frozen=True)
class _Step:
    """The kernel of a step, with the strides of the states that it reads and of those it writes."""

    network: Network
    units: int
    reads: tuple[tuple[int, int], ...]
    writes: tuple[tuple[int, int], ...]
    has_bias: bool
    target: Target

    @property
    def product(self) -> Product:
        """The recurrent product, of the columns of a part."""
        n, (row, unit) = self.network, self.reads[0]
        columns = n.cell.gates * self.units
        axes = (Axis(n.batch, row, 0, 0, columns),)
        return Product(axes, columns, n.out, a_step=unit, has_bias=self.has_bias)

    def build(self, k: KernelBuilder) -> None:
        """The product, then the gates of the part's units."""
        n, part, product = self.network, k.task, self.product
        own_gates, weights, *rest = k.arguments
        bias = k.at(rest.pop(0), [(part, product.columns)]) if self.has_bias else None
        sums, *rest = rest
        matrix = k.at(weights, [(part, product.depth * product.columns)])
        insert_product(k, product, Operands(rest[0], matrix, sums, bias), self.target)
        states = [
            k.at(pointer, [(part, self.units * unit)])
            for pointer, (_, unit) in zip(rest, (*self.reads, *self.writes), strict=True)
        ]
        gates, count = range(n.cell.gates), len(self.reads)
        inputs = [k.at(own_gates, [(part, self.units)], gate * n.size) for gate in gates]
        inputs += [k.at(sums, offset=gate * self.units) for gate in gates]
        inputs += states[:count]
        strides = [(n.columns, 1) for _ in gates] + [(product.columns, 1) for _ in gates]
        body = Body([f32] * len(inputs))
        region = body.finish(n.cell.insert(body))
        shape, reads = (n.batch, self.units), [*strides, *self.reads]
        k.insert(kernel.MapOp(inputs, states[count:], shape, reads, self.writes, region))
