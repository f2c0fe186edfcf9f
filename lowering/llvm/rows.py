"""How the rows of a product are cut into tiles."""

from __future__ import annotations

from dataclasses import dataclass

from .target import Target

_WIDE = 10
"""Rows of a grid from which on tiles stay within them."""
_LISTED = 64
"""Points of a small grid whose tiles are all written out."""
_MOST_VECTORS = 8
_ALIASES = 6
"""Rows whose elements are in the same lines of a cache that can be held in it."""


@dataclass(frozen=True)
class TileGroup:
    """Equal tiles: the points (y, x) of the first from (`y`, `x`) on; further ones follow every
    `y_step` rows, `y_count` times, and every `x_step` columns, `x_count` times."""

    points: tuple[tuple[int, int], ...]
    y: int
    x: int
    y_count: int = 1
    y_step: int = 1
    x_count: int = 1
    x_step: int = 1


def balanced(total: int, most: int) -> list[tuple[int, int]]:
    """A number as the sum of few about equal ones up to `most`: (part, how often), larger first.

    `balanced(128, 14)` is `[(13, 8), (12, 2)]`.
    """
    count = -(-total // most)
    small, larger = divmod(total, count)
    parts = [(small + 1, larger), (small, count - larger)]
    return [(part, times) for part, times in parts if times]


def cut_grid(height: int, width: int, most: int) -> list[TileGroup]:
    """A grid of rows of the product as tiles of up to `most`."""
    if height == 1 or width >= _WIDE:
        groups: list[TileGroup] = []
        x = 0
        for size, count in balanced(width, most):
            points = tuple((0, i) for i in range(size))
            groups.append(TileGroup(points, 0, x, height, 1, count, size))
            x += size * count
        return groups
    if height * width <= _LISTED:
        return _listed(height, width, most)
    rows = max(1, most // width)
    groups = []
    y = 0
    for size, count in balanced(height, rows):
        points = tuple((i, x) for i in range(size) for x in range(width))
        if len(points) > most:
            groups += cut_columns(y, height, width, most)
            break
        groups.append(TileGroup(points, y, 0, count, size))
        y += size * count
    return groups


def cut_columns(y: int, height: int, width: int, most: int) -> list[TileGroup]:
    """Rows wider than a tile, each cut on its own."""
    groups: list[TileGroup] = []
    x = 0
    for size, count in balanced(width, most):
        points = tuple((0, i) for i in range(size))
        groups.append(TileGroup(points, y, x, height - y, 1, count, size))
        x += size * count
    return groups


def _listed(height: int, width: int, most: int) -> list[TileGroup]:
    points = [(y, x) for y in range(height) for x in range(width)]
    groups: list[TileGroup] = []
    begin = 0
    for size, count in balanced(len(points), most):
        for _ in range(count):
            own = points[begin : begin + size]
            y, x = own[0]
            groups.append(TileGroup(tuple((i - y, j - x) for i, j in own), y, x))
            begin += size
    return groups


@dataclass(frozen=True)
class TileShape:
    """The most rows of a tile, and its columns."""

    rows: int
    columns: int


def tile_shape(
    rows: int, columns: int, target: Target, nested: bool = False, aliases: bool = False
) -> TileShape:
    """The tile for a product of f32: sums, a row of B and two more values fit the registers.

    With loops around the one over K (`nested`) LLVM needs a few more. Of rows that drive each other
    out of the cache (`aliases`) there must not be many.

    Few rows leave room for many columns.
    """
    lanes = target.lanes()
    spare = 5 if nested and target.registers >= 32 else 2
    vectors = -(-columns // lanes)

    def most_rows(width: int) -> int:
        most = max(1, (target.registers - width - spare) // width)
        return min(most, _ALIASES) if aliases else most

    def cycles(rows: float, width: int) -> float:
        """What a tile takes for a k: two multiplications or two loads, or 24 bytes of B, in each
        cycle; four until a sum can be added to again."""
        arrival = target.vector_bytes * width / 24
        return max(rows * width / 2, (rows + width) / 2, arrival, 4.0) if width else 0.0

    def cost(width: int) -> tuple[float, int, int]:
        """Cycles for a k, then what decides between equals; a last panel of another width is code
        of its own."""
        tiles = -(-rows // most_rows(width))
        full, rest = divmod(vectors, width)
        total = full * cycles(rows / tiles, width) + cycles(rows / tiles, rest)
        return round(tiles * total * (1.02 if rest else 1.0), 3), tiles, -width

    width = min(range(1, min(vectors, _MOST_VECTORS) + 1), key=cost)
    return TileShape(most_rows(width), min(width * lanes, columns))
