"""The planner `naive`: every storage has bytes of its own."""

from collections.abc import Sequence
from itertools import accumulate

from .storage import Storage


def plan(storages: Sequence[Storage]) -> list[int]:
    """Byte offsets one behind the other; the arena is the sum of all sizes."""
    return list(accumulate((s.padded for s in storages), initial=0))[:-1]
