"""A product of matrices, and how its kernel goes through it: panels, tiles, parts of K, tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from .rows import TileGroup, TileShape, cut_grid, tile_shape
from .target import Target
from .tasks import Loop, cut

_MANY_ROWS = 56
"""Rows from which on copying a panel of B costs little."""
_PANEL = 400 * 1024
"""Bytes of a panel of B that stay in the second-level cache while tiles read it."""
_FEW_TILES = 4
_ALIAS = 4096
"""Bytes after which addresses fall into the same lines of a first-level cache."""


@dataclass(frozen=True)
class Axis:
    """A dim of a product, and how far its neighbours are in each operand, in elements."""

    size: int
    a: int
    b: int
    bias: int
    c: int
    extras: tuple[int, ...] = ()

    @property
    def is_row(self) -> bool:
        """Whether B and the bias stay the same along it."""
        return self.b == 0 and self.bias == 0

    def continues(self, inner: Axis) -> bool:
        """Whether this and an inner axis are as good as one."""
        return (self.a, self.b, self.bias, self.c, self.extras) == (
            inner.a * inner.size,
            inner.b * inner.size,
            inner.bias * inner.size,
            inner.c * inner.size,
            tuple(step * inner.size for step in inner.extras),
        )


@dataclass(frozen=True)
class Product:
    """C = epilogue(bias + A B, extras) over axes and columns; all strides count elements.

    K is a nest as in `kernel.tile`. With `b_step` None, B is packed in panels of the tile's
    columns (`pack`), one packed matrix after the other along the axes that have a stride in B;
    otherwise its rows are `b_step` apart and its columns `b_column`, and each panel is gathered
    into scratch memory first where it would be read badly.
    """

    axes: tuple[Axis, ...]
    columns: int
    depth: int
    chunks: tuple[tuple[int, int], ...] = ()
    a_step: int = 1
    b_step: int | None = None
    b_column: int = 1
    c_column: int = 1
    extra_columns: tuple[int, ...] = ()
    has_bias: bool = False
    a_begin: int = 0
    c_begin: int = 0
    extra_begins: tuple[int, ...] = ()
    """How far the first point of the axes is from the operands' pointers."""

    @property
    def rows(self) -> int:
        """The number of rows that share B."""
        return prod(axis.size for axis in self.axes if axis.is_row)

    @property
    def inner(self) -> int:
        """The number of products in a sum."""
        return self.depth * prod(count for count, _ in self.chunks)


def merge_axes(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Axes with more than one point, neighbours merged that all operands walk as one; rows last."""
    merged: list[Axis] = []
    ordered = [a for a in axes if not a.is_row] + [a for a in axes if a.is_row]
    for axis in ordered:
        if axis.size == 1:
            continue
        if merged and merged[-1].is_row == axis.is_row and merged[-1].continues(axis):
            axis = replace(axis, size=axis.size * merged.pop().size)
        merged.append(axis)
    return tuple(merged)


def product_tile(product: Product, target: Target) -> TileShape:
    """The tile of a product."""
    rows = [axis for axis in product.axes if axis.is_row and axis.size > 1]
    aliases = bool(rows) and rows[-1].a * 4 % _ALIAS == 0 and rows[-1].a > 0
    nested = len(product.chunks) > 0
    return tile_shape(product.rows, product.columns, target, nested, aliases)


@dataclass(frozen=True)
class Plan:
    """All that a kernel depends on: the loops around tiles, and which are split into tasks."""

    product: Product
    batch: tuple[Axis, ...]
    y: Axis
    x: Axis
    groups: tuple[TileGroup, ...]
    panel: int
    parts: tuple[int, int, int]
    """How many tasks the outermost axis of the batch, the panels and the rows are split into."""
    rows_first: bool
    """Whether tasks that follow each other have the same rows, rather than the same panel."""

    @staticmethod
    def of(product: Product, shape: TileShape, target: Target) -> Plan:
        """The plan for merged axes: the last two that are rows become a grid."""
        one = Axis(1, 0, 0, 0, 0, (0,) * len(product.extra_columns))
        rows = [axis for axis in product.axes if axis.is_row]
        batch = [axis for axis in product.axes if not axis.is_row] + rows[:-2]
        y, x = [one, one, *rows][-2:]
        groups = tuple(cut_grid(y.size, x.size, shape.rows))
        plan = Plan(product, tuple(batch), y, x, groups, shape.columns, (1, 1, 1), False)
        return plan.split(target)

    @property
    def gathers(self) -> bool:
        """Whether panels of B are copied: columns are apart, or many rows read far lines."""
        product = self.product
        if product.b_step is None:
            return False
        far = self.y.size * self.x.size >= _MANY_ROWS and product.b_step > 2 * self.panel
        return product.b_column != 1 or far

    @property
    def blocks(self) -> int:
        """Into how many parts K is cut, so that those of a panel stay in the cache."""
        product = self.product
        tiles = sum(group.x_count * group.y_count for group in self.groups)
        if product.chunks or tiles < _FEW_TILES:
            return 1
        return max(1, -(-product.depth * self.panel * 4 // _PANEL))

    @property
    def gathered(self) -> int:
        """Elements of scratch memory that hold a copied panel of B."""
        return self.product.inner * self.panel if self.gathers else 0

    @property
    def scratch(self) -> int:
        """Elements of scratch memory: a panel of B, sums of a part of K."""
        sums = self.y.size * self.x.size * self.panel if self.blocks > 1 else 0
        return self.gathered + sums

    @property
    def panels(self) -> int:
        """The panels of columns, the last one maybe narrower."""
        return -(-self.product.columns // self.panel)

    @property
    def tasks(self) -> int:
        """The tasks of a launch."""
        return prod(self.parts)

    @property
    def strips(self) -> int:
        """The parts of the rows that tasks may take: rows of the grid, or tiles of its only row."""
        if self.gathers or self.blocks > 1:
            return 1
        counts = [group.y_count if self.y.size > 1 else group.x_count for group in self.groups]
        return sum(counts) if self.in_turn else counts[0]

    @property
    def in_turn(self) -> bool:
        """Whether the groups lie one after the other along what is cut, not side by side."""
        return self.y.size == 1 or len({group.y for group in self.groups}) > 1

    def split(self, target: Target) -> Plan:
        """The plan with tasks.

        Either all threads read all of B, each for its rows of A; or all of A for its panels of B,
        and then the rows that follow each other in the result come from several threads.
        """
        product = self.product
        outer = self.batch[0].size if self.batch else 1
        batch = prod(axis.size for axis in self.batch)
        rows = self.y.size * self.x.size
        flops = 2.0 * batch * rows * product.columns * product.inner
        # Few rows wait for B to arrive.
        rate = target.lanes(32) * 15_000 * min(1.0, rows / 6)
        images, strips = Loop(outer), Loop(self.strips, shared=4 * product.inner * product.columns)
        panels = Loop(self.panels, shared=4 * rows * (product.inner + product.columns))
        by_rows = cut((images, strips, panels), flops / rate)
        by_panels = cut((images, panels, strips), flops / rate)
        if by_rows.cost < by_panels.cost:
            first, third, second = by_rows.parts
            return replace(self, parts=(first, second, third), rows_first=True)
        return replace(self, parts=(by_panels.parts[0], *by_panels.parts[1:]))
