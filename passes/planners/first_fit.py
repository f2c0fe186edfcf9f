"""The planner `first-fit`: in order of first use, each storage at the lowest offset that is free.

Memory that was just given back is taken again at once, while it is still in the cache.
"""

from collections.abc import Sequence

from .storage import Storage


def plan(storages: Sequence[Storage]) -> list[int]:
    """Byte offsets, each a multiple of the alignment."""
    offsets = [0] * len(storages)
    order = sorted(range(len(storages)), key=lambda i: storages[i].first)
    for number, i in enumerate(order):
        storage = storages[i]
        taken = sorted(
            (offsets[j], offsets[j] + storages[j].padded)
            for j in order[:number]
            if storages[j].meets(storage)
        )
        for begin, end in taken:
            if begin - offsets[i] >= storage.padded:
                break
            offsets[i] = max(offsets[i], end)
    return offsets
