"""Into how many tasks a launch is cut: one model, which all families ask.

A program does not know how many threads will run it, so a cut has to suit several numbers of them
(`_THREADS`): nine equal tasks are five and four for two threads, eight are four and four. A launch
is a nest of loops (images, rows, panels of columns…). `cut` tries numbers of parts for each loop
and takes those with the least sum, over the numbers of threads n, of n times

    rounds * (task + start) + late * task + meeting

with rounds = ceil(tasks / n): each thread takes its share of the tasks, pays something for each,
may begin later than the others and then keeps them waiting for part of a task, and meets them at
the end. Work that is shorter than all that is one task.

What a thread reads has mostly been written by another one if two launches are cut in different
ways; then it comes from that thread's cache. So a loop has a cost: the time in which what all
threads must read, though each of them does only a part of that loop, arrives from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, prod

_THREADS = (1, 2, 2, 3, 4)
"""What programs are made for: two threads count as much as three and four."""
_START = 0.15
_LATE = 0.1
_MEETING = 1.5
"""Microseconds before a task, the part of a task that a thread is late, microseconds of a meeting
of all threads. Emptily, a launch costs two threads half a microsecond."""
_MOST = 32
_BYTES = 40_000
"""Bytes that come from another core's cache in a microsecond."""


@dataclass(frozen=True)
class Loop:
    """A loop of `size` equal turns that may be cut into parts: equal ones only if `even`, otherwise
    the last may be smaller, and of `least` turns at least. `shared` are the bytes that each thread
    reads all of if this is the outermost loop that is cut, `again` the part of the work that is
    done again if it is not."""

    size: int
    even: bool = False
    shared: int = 0
    again: float = 0.08
    least: int = 1

    @property
    def parts(self) -> list[int]:
        """The numbers of parts that make a difference."""
        wanted = range(1, min(self.size // self.least, _MOST) + 1)
        if self.even:
            return [n for n in wanted if self.size % n == 0] or [1]
        return sorted({-(-self.size // -(-self.size // n)) for n in wanted}) or [1]


@dataclass(frozen=True)
class Cut:
    """The number of parts of each loop; `cost` compares cuts of the same work."""

    parts: tuple[int, ...]
    cost: float


def cut(loops: Sequence[Loop], time: float, copies: int = 1) -> Cut:
    """How to cut loops, the outermost first, that take so many microseconds in all.

    Tasks are numbered with the last loop's parts running fastest. `copies` is how often the loops
    are there, tasks of their own in any case.
    """
    return _cut(tuple(loops), max(time, 0.0), copies)


def parts(size: int, time: float, *, even: bool = False, copies: int = 1) -> int:
    """Into how many parts a single loop is cut."""
    return cut([Loop(size, even)], time, copies).parts[0]


@cache
def _cut(loops: tuple[Loop, ...], time: float, copies: int) -> Cut:
    best = Cut((), inf)
    for choice in _choices(loops, max(1, _MOST // copies)):
        cost = _cost(loops, choice, time, copies)
        if cost < best.cost:
            best = Cut(choice, cost)
    return best


def _choices(loops: Sequence[Loop], most: int) -> list[tuple[int, ...]]:
    if not loops:
        return [()]
    return [
        (first, *rest)
        for first in loops[0].parts
        if first <= most
        for rest in _choices(loops[1:], most // first)
    ]


def _cost(loops: Sequence[Loop], choice: Sequence[int], time: float, copies: int) -> float:
    tasks = prod(choice) * copies
    if tasks == 1:
        return time * sum(_THREADS)
    task = time / copies
    for loop, count in zip(loops, choice, strict=True):
        # The largest part's share.
        task *= -(-loop.size // count) / max(1, loop.size)
    cuts = [loop for loop, count in zip(loops, choice, strict=True) if count > 1]
    shared = cuts[0].shared / _BYTES if cuts else 0.0
    again = 1 + sum(loop.again for loop in cuts[1:])

    def threads(n: int) -> float:
        if n == 1:
            return time * again + tasks * _START
        return -(-tasks // n) * (task * again + _START) + _LATE * task + _MEETING

    return sum(n * threads(n) + (n - 1) * shared for n in _THREADS)
