"""How launches are cut into tasks: sizes of loops, microseconds, and the parts that come out."""

from __future__ import annotations

import pytest

from edgeir.lowering.llvm.product_plan import Axis, Plan, Product, merge_axes
from edgeir.lowering.llvm.rows import TileShape
from edgeir.lowering.llvm.targets import target_for
from edgeir.lowering.llvm.tasks import Loop, cut, parts


@pytest.mark.parametrize(
    ("size", "time", "wanted"),
    [
        (1, 1000, 1),  # There is nothing to cut.
        (0, 0, 1),
        (960, 2, 1),  # Meeting would take longer.
        (960, 10, 8),
        (960, 100, 12),
        (960, 1000, 24),
        (14, 100, 14),
        (7, 10, 7),
        (9, 10, 9),
    ],
)
def test_one_loop(size: int, time: float, wanted: int) -> None:
    """Long work has many tasks, short work few or one."""
    assert parts(size, time) == wanted


@pytest.mark.parametrize(("size", "wanted"), [(100, 20), (97, 1), (112, 8), (56, 8)])
def test_equal_parts(size: int, wanted: int) -> None:
    """Only what divides the loop."""
    assert parts(size, 50, even=True) == wanted


@pytest.mark.parametrize("time", [5.0, 20.0, 100.0, 1000.0])
@pytest.mark.parametrize("size", [12, 16, 30, 40, 56, 100, 224, 960])
def test_two_threads_do_the_same(size: int, time: float) -> None:
    """Of two threads none does more than a tenth more than half of the loop."""
    count = parts(size, time)
    turns = -(-size // count)
    assert -(-count // 2) * turns <= 1.1 * (size / 2)


@pytest.mark.parametrize(
    ("loops", "copies", "wanted"),
    [
        # The first loop alone if it has enough turns, else both.
        ((Loop(224), Loop(3)), 1, (12, 1)),
        ((Loop(5), Loop(4)), 1, (5, 4)),
        ((Loop(1), Loop(30)), 1, (1, 15)),
        # Images are tasks of their own.
        ((Loop(56), Loop(6, even=True)), 16, (1, 1)),
        ((Loop(3), Loop(60, even=True, least=12)), 1, (3, 4)),
    ],
)
def test_nests(loops: tuple[Loop, ...], copies: int, wanted: tuple[int, ...]) -> None:
    """Loops in each other."""
    assert cut(loops, 60, copies).parts == wanted


def test_what_all_threads_read() -> None:
    """It decides between two orders of the same loops."""
    few, many = Loop(14, shared=10_000), Loop(14, shared=1_000_000)
    assert cut((few,), 50).cost < cut((many,), 50).cost < cut((many,), 500).cost


@pytest.mark.parametrize(
    ("rows", "inner", "columns", "wanted"),
    [
        (196, 96, 576, (1, 1, 14)),  # Rows of images before and after it are cut too.
        (3136, 24, 144, (1, 1, 12)),
        (49, 160, 960, (1, 15, 1)),  # The weights are most of what is read.
        (49, 960, 160, (1, 5, 4)),
        (1, 1280, 1000, (1, 8, 1)),
        (8, 16, 16, (1, 1, 1)),
    ],
)
def test_products(rows: int, inner: int, columns: int, wanted: tuple[int, int, int]) -> None:
    """By rows or by panels, whichever moves less between cores."""
    axes = merge_axes([Axis(rows, inner, 0, 0, columns)])
    plan = Plan.of(Product(axes, columns, inner), TileShape(14, 32), target_for("x86-64-v4"))
    assert plan.parts == wanted
