"""The kernel of a product: loops over panels of columns, groups of tiles, rows; tiles inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from xdsl.dialects import arith
from xdsl.ir import Region, SSAValue

from ...dialects import kernel
from .body import identity, number
from .kernel_builder import KernelBuilder
from .product_plan import Axis, Plan
from .rows import TileGroup


@dataclass(frozen=True)
class Operands:
    """The pointers of a product."""

    a: SSAValue
    b: SSAValue
    c: SSAValue
    bias: SSAValue | None = None
    extras: tuple[SSAValue, ...] = ()
    ahead: SSAValue | None = None
    """What comes after this panel or part of K, from where tiles fetch it."""


@dataclass(frozen=True)
class Finish:
    """What follows a sum: makes the epilogue's region; `key` tells it from others."""

    region: Callable[[], Region] = identity
    key: object = None


_SHARES = 8
"""Tiles up to which all share the fetching of what comes next."""


class ProductKernel:
    """Writes the kernel of a plan: batch, panels of columns, groups of tiles, rows, a tile."""

    def __init__(
        self,
        k: KernelBuilder,
        plan: Plan,
        operands: Operands,
        finish: Finish,
        scratch: SSAValue | None = None,
    ) -> None:
        self.k, self.plan, self.finish, self.product = k, plan, finish, plan.product
        self.operands, self.scratch = operands, scratch
        self.y, self.x = plan.y, plan.x
        if plan.blocks > 1:
            # Sums of a part of K are one more extra: they move as the others do.
            assert scratch is not None
            sums = k.at(scratch, offset=plan.gathered)
            self.operands = replace(operands, extras=(*operands.extras, sums))
            self.x = replace(plan.x, extras=(*plan.x.extras, plan.panel))
            self.y = replace(plan.y, extras=(*plan.y.extras, plan.panel * plan.x.size))
        self.tasks = self._tasks_of()

    def _tasks_of(self) -> list[SSAValue | None]:
        """This task's part of the batch, of the panels and of the rows; None if they are whole."""
        plan, k = self.plan, self.k
        order = [0, 2, 1] if plan.rows_first else [0, 1, 2]
        order = [loop for loop in order if plan.parts[loop] > 1]
        sizes = [plan.parts[loop] for loop in order]
        splits = k.split(k.task, sizes) if len(sizes) > 1 else [k.task] * len(sizes)
        found = dict(zip(order, splits, strict=True))
        return [found.get(loop) for loop in range(3)]

    def build(self) -> None:
        """Write all of it."""
        k, product, at = self.k, self.product, self.operands
        begins = (*product.extra_begins, *[0] * len(at.extras))
        at = replace(
            at,
            a=k.at(at.a, offset=product.a_begin),
            c=k.at(at.c, offset=product.c_begin),
            extras=tuple(k.at(e, offset=n) for e, n in zip(at.extras, begins, strict=False)),
        )
        self._batch(self.plan.batch, at, self.tasks[0])

    def _batch(self, axes: Sequence[Axis], at: Operands, task: SSAValue | None) -> None:
        if not axes:
            self._panels(at)
            return
        axis = axes[0]

        def body(index: SSAValue | None, terms: list[tuple[SSAValue, int]]) -> None:
            self._batch(axes[1:], self._move(at, axis, terms), None)

        self._chunked(axis.size, task, self.plan.parts[0], body)

    def _chunked(
        self,
        count: int,
        task: SSAValue | None,
        parts: int,
        body: Callable[[SSAValue | None, list[tuple[SSAValue, int]]], None],
    ) -> None:
        """A loop, or the part of it that is this task's. The body gets terms (index, factor) whose
        sum is the position."""
        k = self.k
        if task is None:
            if count == 1:
                body(None, [])
                return
            with k.loop(count) as index:
                body(index, [(index, 1)])
            return
        size = -(-count // parts)
        if size == 1:
            body(None, [(task, 1)])
            return
        limit = k.chunk(task, size, count) if count % parts else None
        with k.loop(size if limit is None else 0, limit) as index:
            body(index, [(task, size), (index, 1)])

    def _chunk_of(
        self,
        begin: int,
        count: int,
        body: Callable[[SSAValue | None, list[tuple[SSAValue, int]]], None],
    ) -> None:
        """What this task does of the strips from `begin` on, which are `count` of all: as
        `_chunked`."""
        k, task = self.k, self.tasks[2]
        assert task is not None
        size = -(-self.plan.strips // self.plan.parts[2])
        first = k.index([(task, size)], -begin)
        limit = k.chunk(task, size, begin + count)
        if begin:
            before = k.chunk(task, size, begin)
            limit = k.insert(arith.SubiOp(limit, before)).result
            first = k.insert(arith.MaxSIOp(first, k.index([], 0))).result
        with k.loop(0, limit) as index:
            body(index, [(first, 1), (index, 1)])

    def _move(self, at: Operands, axis: Axis, terms: Sequence[tuple[SSAValue, int]]) -> Operands:
        def moved(pointer: SSAValue, step: int) -> SSAValue:
            return self.k.at(pointer, [(index, factor * step) for index, factor in terms])

        return Operands(
            moved(at.a, axis.a),
            moved(at.b, axis.b),
            moved(at.c, axis.c),
            None if at.bias is None else moved(at.bias, axis.bias),
            tuple(moved(e, step) for e, step in self._steps(at, axis)),
            at.ahead,
        )

    @staticmethod
    def _steps(at: Operands, axis: Axis) -> list[tuple[SSAValue, int]]:
        """The extras with their strides along an axis; sums of a part of K move along rows only."""
        return list(zip(at.extras, (*axis.extras, 0), strict=False))

    # --- panels

    def _panels(self, at: Operands) -> None:
        """All panels, or this task's: full ones in a loop, then the narrower last one."""
        plan, product, k = self.plan, self.product, self.k
        full, rest = divmod(product.columns, plan.panel)
        task, parts = self.tasks[1], plan.parts[1]
        packed = product.b_step is None
        step = plan.panel * (product.inner if packed else product.b_column)
        columns = Axis(
            plan.panels,
            0,
            step,
            plan.panel,
            plan.panel * product.c_column,
            tuple(plan.panel * step for step in product.extra_columns),
        )
        if task is None:
            if full == 1:
                self._panel(at, plan.panel, last=True)
            elif full:
                with k.loop(full) as index:
                    self._panel(self._move(at, columns, [(index, 1)]), plan.panel, last=False)
            if rest:
                self._panel(self._skip(at, columns, full), rest, last=True)
            return
        size = -(-plan.panels // parts)
        limit = k.chunk(task, size, full)
        if full:
            with k.loop(0, limit) as index:
                moved = self._move(at, columns, [(task, size), (index, 1)])
                self._panel(moved, plan.panel, last=False)
        if rest:
            both = k.chunk(task, size, full + 1)
            with k.loop(0, k.insert(arith.SubiOp(both, limit)).result):
                self._panel(self._skip(at, columns, full), rest, last=True)

    def _skip(self, at: Operands, axis: Axis, count: int) -> Operands:
        k = self.k
        return Operands(
            k.at(at.a, offset=axis.a * count),
            k.at(at.b, offset=axis.b * count),
            k.at(at.c, offset=axis.c * count),
            None if at.bias is None else k.at(at.bias, offset=axis.bias * count),
            tuple(k.at(e, offset=step * count) for e, step in self._steps(at, axis)),
            at.ahead,
        )

    def _panel(self, at: Operands, columns: int, last: bool) -> None:
        """All tiles of a panel."""
        product = self.product
        b_step = product.b_step or columns
        if self.plan.gathers:
            assert self.scratch is not None and product.b_step is not None
            self.k.insert(
                kernel.MapOp(
                    [at.b],
                    [self.scratch],
                    (product.inner, columns),
                    [(product.b_step, product.b_column)],
                    [(columns, 1)],
                    identity(),
                )
            )
            at, b_step = replace(at, b=self.scratch), columns
        ahead = product.inner * columns if product.b_step is None and not last else 0
        blocks = self.plan.blocks
        if blocks == 1:
            self._tiles(at, _Stage(columns, product.depth, b_step, ahead))
            return
        depth = -(-product.depth // blocks)
        self._clear(at.extras[-1])
        part = Axis(blocks, depth * product.a_step, depth * b_step, 0, 0, (0,) * len(at.extras))
        with self.k.loop(blocks - 1) as index:
            stage = _Stage(columns, depth, b_step, depth * b_step, "sum")
            self._tiles(self._move(at, part, [(index, 1)]), stage)
        left = product.depth - (blocks - 1) * depth
        at = self._skip(at, part, blocks - 1)
        self._tiles(at, _Stage(columns, left, b_step, 0, "last"))

    def _clear(self, sums: SSAValue) -> None:
        size = self.plan.y.size * self.plan.x.size * self.plan.panel
        self.k.insert(kernel.MapOp([], [sums], (size,), [], [(1,)], number(0.0)))

    def _tiles(self, at: Operands, stage: _Stage) -> None:
        """All tiles of a panel, for one part of K; they fetch what comes next.

        Few tiles share that, every so manieth row each; of many tiles the last ones do it alone, so
        that it is still there when it is needed. Tiles that are cut into tasks know nothing of each
        other.
        """
        groups = self.plan.groups
        tiles = sum(group.x_count * group.y_count for group in groups)
        are_cut = self.plan.parts[2] > 1
        shares = tiles if tiles <= _SHARES and not are_cut else 1
        done = begin = 0
        for group in groups:
            last = group is groups[-1]
            fetches = stage.distance and tiles > 1 and (last or shares > 1 or are_cut)
            ahead = None
            if fetches:
                ahead = self.k.at(at.b, offset=stage.distance + done * stage.b_step)
            every = shares if fetches else 0
            self._group(group, replace(at, ahead=ahead), replace(stage, prefetch=every), begin)
            begin += group.x_count if self.y.size == 1 else group.y_count
            done += group.x_count * group.y_count if shares > 1 else 0

    def _group(self, group: TileGroup, at: Operands, stage: _Stage, begin: int) -> None:
        """The tiles of a group, whose strips are those from `begin` on if groups lie in turn."""
        y, x, plan = self.y, self.x, self.plan
        at = self._skip(self._skip(at, y, group.y), x, group.x)

        def tile(operands: Operands, terms: list[tuple[SSAValue, int]]) -> None:
            moved = self._move(operands, x, [(i, f * group.x_step) for i, f in terms])
            self._tile(group, self._fetch(moved, terms, stage.b_step, stage), stage)

        def strips(
            count: int, body: Callable[[SSAValue | None, list[tuple[SSAValue, int]]], None]
        ) -> None:
            if self.tasks[2] is None or not plan.in_turn or len(plan.groups) == 1:
                self._chunked(count, self.tasks[2], plan.parts[2], body)
            else:
                self._chunk_of(begin, count, body)

        if y.size == 1:
            strips(group.x_count, lambda _, terms: tile(at, terms))
            return

        def row(_: SSAValue | None, terms: list[tuple[SSAValue, int]]) -> None:
            moved = self._move(at, y, [(i, f * group.y_step) for i, f in terms])
            moved = self._fetch(moved, terms, stage.b_step * group.x_count, stage)
            self._chunked(group.x_count, None, 1, lambda _, terms: tile(moved, terms))

        strips(group.y_count, row)

    def _fetch(
        self, at: Operands, terms: Sequence[tuple[SSAValue, int]], step: int, stage: _Stage
    ) -> Operands:
        """Operands for another tile, which fetches other rows."""
        if at.ahead is None or stage.prefetch == 1:
            return at
        return replace(at, ahead=self.k.at(at.ahead, [(i, f * step) for i, f in terms]))

    def _tile(self, group: TileGroup, at: Operands, stage: _Stage) -> None:
        product, y, x = self.product, self.y, self.x
        rows = [
            [j * row + i * column for j, i in group.points]
            for row, column in zip(y.extras, x.extras, strict=True)
        ]
        c, c_rows, c_step = at.c, [j * y.c + i * x.c for j, i in group.points], product.c_column
        extras, steps, bias = at.extras, product.extra_columns, at.bias
        region = identity() if stage.kind == "sum" else self.finish.region()
        if stage.kind == "sum":
            c, c_rows, c_step = extras[-1], rows[-1], 1
            extras, rows, steps, bias = (), [], (), None
        elif stage.kind == "last":
            steps = (*steps, 1)
            _add_last(region)
        self.k.insert(
            kernel.TileOp(
                at.a,
                at.b,
                c,
                region,
                a_rows=[j * y.a + i * x.a for j, i in group.points],
                c_rows=c_rows,
                columns=stage.columns,
                depth=stage.depth,
                b_step=stage.b_step,
                a_step=product.a_step,
                c_step=c_step,
                chunks=product.chunks,
                bias=bias,
                extras=extras,
                extra_rows=rows,
                extra_steps=steps,
                accumulate=stage.kind == "sum",
                ahead=at.ahead,
                prefetch=stage.prefetch,
            )
        )


@dataclass(frozen=True)
class _Stage:
    """What tiles do for a part of K: everything, add to the sums, or add the sums and finish."""

    columns: int
    depth: int
    b_step: int
    distance: int
    """From B to what comes after it; 0 where that is not known."""
    kind: str = "all"
    prefetch: int = 0


def _add_last(region: Region) -> None:
    """Let an epilogue take one more extra, the last, which is added to the sum first."""
    block = region.block
    total = block.args[0]
    more = block.insert_arg(total.type, len(block.args))
    added = arith.AddfOp(total, more)
    assert block.first_op is not None
    block.insert_op_before(added, block.first_op)
    for use in list(total.uses):
        if use.operation is not added:
            use.operation.operands[use.index] = added.result
