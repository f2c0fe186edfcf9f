"""The planner `greedy`: best fit in several orders, the smallest arena wins.

One order fills the arena storage by storage: each goes into the tightest gap between the storages
that are placed already and live at the same time, else on top of them. No single order is best for
all networks, so a few are tried, and then the best one is improved: the first storage that does not
fit below the best arena so far is placed earlier. The search ends where the lower bound is reached,
or after a fixed amount of work, so the result depends on the storages alone.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from .storage import Storage, arena_bytes, live_bytes, lower_bound

_PLACEMENTS = 15_000
"""Storages placed in all before the improvement gives up: bounds the time."""


def plan(storages: Sequence[Storage]) -> list[int]:
    """Byte offsets, each a multiple of the alignment."""
    bound = lower_bound(storages)
    best: list[int] = []
    best_order: list[int] = []
    size = -1
    for order in _orders(storages):
        offsets, _ = _place(storages, order)
        if size < 0 or arena_bytes(storages, offsets) < size:
            best, best_order, size = offsets, order, arena_bytes(storages, offsets)
        if size == bound:
            return best
    order = list(best_order)
    work = 0
    while work < _PLACEMENTS and size > bound:
        offsets, misfit = _place(storages, order, size)
        if misfit is None:
            best, size = offsets, arena_bytes(storages, offsets)
            continue
        rank = order.index(misfit)
        work += rank + 1
        order.insert(rank // 2, order.pop(rank))
    return best


def _orders(storages: Sequence[Storage]) -> Iterator[list[int]]:
    """The orders in which to place, as indices."""
    pressure = _peak_pressure(storages)
    keys: tuple[Callable[[int], tuple[int, ...]], ...] = (
        # Large ones first, long-lived ones first, and those first that are live when it is tight.
        lambda i: (-storages[i].padded, storages[i].first - storages[i].last, storages[i].first),
        lambda i: (-pressure[i], -storages[i].padded, storages[i].first),
        lambda i: (storages[i].first - storages[i].last, -storages[i].padded),
        lambda i: (storages[i].first, -storages[i].padded),
    )
    for key in keys:
        yield sorted(range(len(storages)), key=key)


def _peak_pressure(storages: Sequence[Storage]) -> list[int]:
    """For each storage, the most bytes that are live while it is."""
    levels = live_bytes(storages)
    positions = np.array(list(levels), np.int64)
    live = np.array(list(levels.values()), np.int64)
    starts = np.searchsorted(positions, [s.first for s in storages])
    ends = np.searchsorted(positions, [s.last + 1 for s in storages])
    return [int(live[a:b].max()) for a, b in zip(starts, ends, strict=True)]


def _place(
    storages: Sequence[Storage], order: Sequence[int], limit: int | None = None
) -> tuple[list[int], int | None]:
    """Best-fit offsets of storages placed in the given order.

    With a `limit` it stops at the first storage that would not end below it, and returns that one.
    """
    offsets = [0] * len(storages)
    # The placed storages, by offset: begin, end, first, last.
    placed = np.empty((4, len(storages)), np.int64)
    count = 0
    for i in order:
        storage = storages[i]
        size = storage.padded
        if not size:
            continue
        begins, ends, firsts, lasts = placed[:, :count]
        meeting = (firsts <= storage.last) & (lasts >= storage.first)
        offset = _best_gap(begins[meeting], ends[meeting], size)
        if limit is not None and offset + size >= limit:
            return offsets, i
        offsets[i] = offset
        rank = int(np.searchsorted(begins, offset))
        placed[:, rank + 1 : count + 1] = placed[:, rank:count]
        placed[:, rank] = offset, offset + size, storage.first, storage.last
        count += 1
    return offsets, None


def _best_gap(
    begins: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    ends: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    size: int,
) -> int:
    """The offset of the tightest gap between intervals sorted by begin, else their end."""
    if not len(begins):
        return 0
    tops = np.maximum.accumulate(ends)
    if begins[0] >= size or len(begins) > 1:
        lows = np.concatenate(([0], tops[:-1]))
        gaps = begins - lows
        fitting = np.flatnonzero(gaps >= size)
        if len(fitting):
            return int(lows[fitting[np.argmin(gaps[fitting])]])
    return int(tops[-1])
