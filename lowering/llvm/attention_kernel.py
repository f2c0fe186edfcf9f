"""The kernel of attention: what a task does for one head, or for a part of its queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from xdsl.dialects import arith
from xdsl.dialects.builtin import f32
from xdsl.ir import Region, SSAValue

from ...dialects import kernel
from .body import identity, number, region
from .kernel_builder import KernelBuilder
from .program_builder import side_by_side
from .tasks import parts

_RATE = 50_000
"""Multiplications in a microsecond."""
_LEAST = 4
"""Blocks of queries for which a task packs the keys."""
_CHUNK = 64
"""Keys whose values are added at once where later keys are not seen."""


@dataclass(frozen=True)
class AttentionProblem:
    """Attention of `length` queries to `keys` keys for every head of `heads`.

    Strides are those of the dims in `heads`, then of the rows; numbers of a row are side by side.
    """

    heads: tuple[int, ...]
    length: int
    keys: int
    size: int
    value_size: int
    scale: float
    causal: bool
    query: tuple[int, ...]
    key: tuple[int, ...]
    value: tuple[int, ...]
    output: tuple[int, ...]
    mask: tuple[int, ...] | None
    """The mask's strides, with that of keys last."""


class AttentionPlan:
    """Tiles and scratch memory: keys in panels, values, then a block's queries, scores, factors."""

    def __init__(self, problem: AttentionProblem, lanes: int, registers: int) -> None:
        self.problem = p = problem
        self.panel = 2 * lanes
        self.panels = -(-p.keys // self.panel)
        self.rows = _block_rows(p.length, (registers - 4) // 2)
        self.blocks = -(-p.length // self.rows)
        heads = prod(p.heads)
        time = heads * p.length * p.keys * (p.size + p.value_size) / _RATE
        self.per_part = -(-self.blocks // parts(max(1, self.blocks // _LEAST), time, copies=heads))
        self.parts = -(-self.blocks // self.per_part)
        self.packs_values = p.value[-1] != p.value_size and self.per_part > 2
        self.row = self.panels * self.panel
        """The distance of two rows of scores."""
        sizes = (
            self.panels * self.panel * p.size,
            p.keys * p.value_size if self.packs_values else 0,
            self.rows * p.size,
            self.rows * self.row,
            self.rows,
        )
        self.offsets, self.scratch = side_by_side(sizes, lanes)

    @property
    def tasks(self) -> int:
        """The tasks of the launch."""
        return prod(self.problem.heads) * self.parts


def _block_rows(length: int, most: int) -> int:
    """Queries of a block. The last one begins early where they do not fit: few are done twice."""
    if length <= most:
        return length
    return min(range(most, most - 4, -1), key=lambda rows: -(-length // rows) * (rows + 1))


def build_attention(k: KernelBuilder, plan: AttentionPlan) -> None:
    """Pack the keys and the values of a head, then go through the task's blocks of queries."""
    p = plan.problem
    query, key, value, output, *rest = k.arguments
    *masks, scratch = rest
    *heads, part = k.split(k.task, (*p.heads, plan.parts))

    def at(pointer: SSAValue, strides: Sequence[int]) -> SSAValue:
        return k.at(pointer, list(zip(heads, strides, strict=False)))

    packed, values, queries, scores, factors = (k.at(scratch, (), o) for o in plan.offsets)
    _pack_keys(k, plan, at(key, p.key), packed)
    values, value_row = at(value, p.value), p.value[-1]
    if plan.packs_values:
        dense = k.at(scratch, (), plan.offsets[1])
        shape, row = (p.keys, p.value_size), p.value_size
        _copy(k, values, dense, shape, (value_row, 1), (row, 1))
        values, value_row = dense, row
    count = None
    if plan.parts > 1:
        count = k.chunk(part, plan.per_part, plan.blocks)
    with k.loop(plan.per_part, count) as block:
        first = k.index([(part, plan.per_part * plan.rows), (block, plan.rows)])
        if p.length % plan.rows:
            last = k.index([], p.length - plan.rows)
            first = k.insert(arith.MinSIOp(first, last)).result
        start = k.at(at(query, p.query), [(first, p.query[-1])])
        shape = (plan.rows, p.size)
        scaled = region([f32], lambda body, values: body.multiply(values[0], p.scale))
        k.insert(kernel.MapOp([start], [queries], shape, [(p.query[-1], 1)], [(p.size, 1)], scaled))
        visible = k.index([(first, 1)], 1) if p.causal else None
        _score(k, plan, queries, packed, scores, visible)
        mask = k.at(at(masks[0], p.mask), [(first, p.mask[-2])]) if p.mask else None
        k.insert(
            kernel.SoftmaxOp(
                scores,
                factors,
                rows=plan.rows,
                columns=p.keys,
                stride=plan.row,
                mask=mask,
                mask_strides=p.mask[-2:] if p.mask else (0, 0),
                visible=visible,
            )
        )
        target = k.at(at(output, p.output), [(first, p.output[-1])])
        weights = _Weights(scores, factors, values, value_row, target)
        if visible is None:
            _weigh(k, plan, weights)
        else:
            _weigh_visible(k, plan, weights, visible)


def _copy(
    k: KernelBuilder,
    source: SSAValue,
    target: SSAValue,
    shape: Sequence[int],
    reads: Sequence[int],
    writes: Sequence[int],
) -> None:
    k.insert(kernel.MapOp([source], [target], shape, [reads], [writes], identity()))


def _pack_keys(k: KernelBuilder, plan: AttentionPlan, keys: SSAValue, packed: SSAValue) -> None:
    """The keys transposed, panel after panel; the last one may have columns that nobody wrote."""
    p, width = plan.problem, plan.panel
    strides = ((1, p.key[-1]), (width, 1))
    full, left = divmod(p.keys, width)
    with k.loop(full) as panel:
        source = k.at(keys, [(panel, width * p.key[-1])])
        target = k.at(packed, [(panel, width * p.size)])
        _copy(k, source, target, (p.size, width), *strides)
    if left:
        source = k.at(keys, (), full * width * p.key[-1])
        target = k.at(packed, (), full * width * p.size)
        _copy(k, source, target, (p.size, left), *strides)


def _score(
    k: KernelBuilder,
    plan: AttentionPlan,
    queries: SSAValue,
    packed: SSAValue,
    scores: SSAValue,
    visible: SSAValue | None,
) -> None:
    """Products of a block's queries with the keys, those that the last one sees."""
    p = plan.problem
    count = None
    if visible is not None:
        count = _rounds(k, visible, plan.rows - 1, plan.panel, plan.panels)
    with k.loop(plan.panels, count) as panel:
        k.insert(
            kernel.TileOp(
                queries,
                k.at(packed, [(panel, plan.panel * p.size)]),
                k.at(scores, [(panel, plan.panel)]),
                identity(),
                a_rows=[r * p.size for r in range(plan.rows)],
                c_rows=[r * plan.row for r in range(plan.rows)],
                columns=plan.panel,
                depth=p.size,
                b_step=plan.panel,
            )
        )


def _rounds(k: KernelBuilder, visible: SSAValue, more: int, step: int, most: int) -> SSAValue:
    """How many steps it takes to get to visible + more, at most so many."""
    end = k.index([(visible, 1)], more + step - 1)
    rounds = k.insert(arith.DivUIOp(end, k.index([], step))).result
    return k.insert(arith.MinSIOp(rounds, k.index([], most))).result


@dataclass(frozen=True)
class _Weights:
    """A block's weights with their factors, the values that they are for, and the result."""

    weights: SSAValue
    factors: SSAValue
    values: SSAValue
    value_row: int
    target: SSAValue


def _weigh(k: KernelBuilder, plan: AttentionPlan, w: _Weights) -> None:
    """The products of the weights with all values, each row times its factor."""
    rows = list(range(plan.rows))
    for column, columns in _value_panels(k, plan):
        _multiply_values(
            k,
            plan,
            w,
            column,
            columns,
            plan.problem.keys,
            epilogue=region([f32, f32], lambda body, values: body.multiply(*values)),
            extras=[w.factors],
            extra_rows=[rows],
            extra_steps=[0],
        )


def _weigh_visible(k: KernelBuilder, plan: AttentionPlan, w: _Weights, visible: SSAValue) -> None:
    """The same with those values that the block's last query sees, chunk after chunk."""
    p = plan.problem
    shape, strides = (plan.rows, p.value_size), (p.output[-1], 1)
    zero = number(0.0)
    k.insert(kernel.MapOp([], [w.target], shape, [], [strides], zero))
    full, left = divmod(p.keys, _CHUNK)
    needed = _rounds(k, visible, plan.rows - 1, _CHUNK, full + bool(left))
    whole = k.insert(arith.MinSIOp(needed, k.index([], full))).result
    parts = [(_CHUNK, full, whole)]
    if left:
        parts.append((left, 1, k.insert(arith.SubiOp(needed, whole)).result))
    for depth, count, limit in parts:
        begin = 0 if depth == _CHUNK else full
        with k.loop(count, limit) as chunk:
            moved = replace(
                w,
                weights=k.at(w.weights, [(chunk, _CHUNK)], begin * _CHUNK),
                values=k.at(
                    w.values, [(chunk, _CHUNK * w.value_row)], begin * _CHUNK * w.value_row
                ),
            )
            for column, columns in _value_panels(k, plan):
                _multiply_values(
                    k, plan, moved, column, columns, depth, epilogue=identity(), accumulate=True
                )
    k.insert(
        kernel.MapOp(
            [w.target, w.factors],
            [w.target],
            shape,
            [strides, (1, 0)],
            [strides],
            region([f32, f32], lambda body, values: body.multiply(*values)),
        )
    )


def _value_panels(k: KernelBuilder, plan: AttentionPlan) -> Iterator[tuple[SSAValue | None, int]]:
    """The columns of the values: a loop over full panels, then the rest (None)."""
    full, left = divmod(plan.problem.value_size, plan.panel)
    if full:
        with k.loop(full) as panel:
            yield panel, plan.panel
    if left:
        yield None, left


def _multiply_values(
    k: KernelBuilder,
    plan: AttentionPlan,
    w: _Weights,
    panel: SSAValue | None,
    columns: int,
    depth: int,
    epilogue: Region,
    **more: Any,
) -> None:
    size = plan.problem.value_size

    def column(pointer: SSAValue) -> SSAValue:
        if panel is None:
            return k.at(pointer, (), size - columns)
        return k.at(pointer, [(panel, plan.panel)])

    k.insert(
        kernel.TileOp(
            w.weights,
            column(w.values),
            column(w.target),
            epilogue,
            a_rows=[r * plan.row for r in range(plan.rows)],
            c_rows=[r * plan.problem.output[-1] for r in range(plan.rows)],
            columns=columns,
            depth=depth,
            b_step=w.value_row,
            **more,
        )
    )
