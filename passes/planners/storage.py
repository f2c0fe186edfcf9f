"""What a planner places: byte counts with lifetimes, free of any IR."""

from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 16
"""Bytes to which the program format aligns tensors in an arena."""


@dataclass(frozen=True)
class Storage:
    """`size` bytes, live from position `first` to position `last`, both included."""

    size: int
    first: int
    last: int

    @property
    def padded(self) -> int:
        """The size rounded up to the alignment."""
        return -(-self.size // ALIGNMENT) * ALIGNMENT

    def meets(self, other: "Storage") -> bool:
        """Whether both are live at some position."""
        return self.first <= other.last and other.first <= self.last


def arena_bytes(storages: Sequence[Storage], offsets: Sequence[int]) -> int:
    """The bytes of an arena that holds the storages at these offsets."""
    return max((o + s.padded for s, o in zip(storages, offsets, strict=True)), default=0)


def live_bytes(storages: Sequence[Storage]) -> dict[int, int]:
    """The live bytes, padded, from each position at which they change up to the next such one."""
    changes: dict[int, int] = {}
    for storage in storages:
        changes[storage.first] = changes.get(storage.first, 0) + storage.padded
        changes[storage.last + 1] = changes.get(storage.last + 1, 0) - storage.padded
    live = 0
    result: dict[int, int] = {}
    for position in sorted(changes):
        live += changes[position]
        result[position] = live
    return result


def lower_bound(storages: Sequence[Storage]) -> int:
    """The most bytes, padded, that are live at one position: no plan takes fewer."""
    return max(live_bytes(storages).values(), default=0)
