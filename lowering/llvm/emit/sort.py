"""`kernel.sort`: runs of one key are merged in pairs, then runs of two, …, until one is left.

Of each run only as many keys as are wanted go on to the next round. Which of two keys comes next
is chosen without a jump, which no CPU could foresee.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....dialects import kernel
from ....dialects.kernel.types import element_type
from .emitter import Emitter, handles
from .value import Value, element_of, literal


@handles(kernel.SortOp)
def emit_sort(e: Emitter, op: kernel.SortOp) -> None:
    """As many rounds as halve the number of runs to one, between the keys' memory and the room."""
    key, place = element_of(element_type(op.keys.type)), element_of(element_type(op.places.type))
    count, keep = op.count.value.data, op.keep.value.data
    rounds = (count - 1).bit_length()
    pointers = [e.get(p) for p in (op.keys, op.places, op.other_keys, op.other_places)]
    own, other = _Row(key, place, *pointers[:2]), _Row(key, place, *pointers[2:])

    def merge_all(_: Value, carried: list[Value]) -> list[Value]:
        left, width, *rows = carried
        source, target = _Row(key, place, *rows[:2]), _Row(key, place, *rows[2:])
        further = _merge_pairs(e, source, target, left, width, keep)
        return [*further, *rows[2:], *rows[:2]]

    e.loop(rounds, merge_all, [literal(count, "i64"), literal(1, "i64"), *pointers])
    if rounds % 2:

        def back(index: Value, _: list[Value]) -> list[Value]:
            own.store(e, index, *other.load(e, index))
            return []

        e.loop(keep, back)


@dataclass(frozen=True)
class _Row:
    """Keys and their places in memory."""

    key: str
    place: str
    keys: Value
    places: Value

    def load_key(self, e: Emitter, index: Value) -> Value:
        return e.load(e.gep(self.keys, self.key, index), self.key)

    def load(self, e: Emitter, index: Value) -> tuple[Value, Value]:
        place = e.load(e.gep(self.places, self.place, index), self.place)
        return self.load_key(e, index), place

    def store(self, e: Emitter, index: Value, key: Value, place: Value) -> None:
        e.store(key, e.gep(self.keys, self.key, index))
        e.store(place, e.gep(self.places, self.place, index))


def _merge_pairs(
    e: Emitter, source: _Row, target: _Row, count: Value, width: Value, keep: int
) -> list[Value]:
    """Merge `count` keys in sorted runs of `width`, the last may be shorter, in pairs; how many
    keys there are then, in runs of what width."""
    double = e.binary("shl", width, literal(1, "i64"))
    new_width = e.minimum(double, literal(keep, "i64"))
    pairs = e.binary("udiv", e.add(e.add(count, double), -1), double)

    def pair(index: Value, _: list[Value]) -> list[Value]:
        begin = e.binary("mul", index, double)
        rest = e.binary("sub", count, begin)
        first = e.minimum(width, rest)
        second = e.minimum(width, e.binary("sub", rest, first))
        middle, end = e.add(begin, first), e.add(e.add(begin, first), second)
        out = e.binary("mul", index, new_width)

        def step(number: Value, carried: list[Value]) -> list[Value]:
            left, right = carried
            a, b = source.load_key(e, left), source.load_key(e, right)
            # The first run's key, unless that is at its end or the second's is smaller.
            over = e.compare("eq", left, middle)
            some = e.compare("ne", right, end)
            smaller = e.binary("and", some, e.compare("slt", b, a))
            takes = e.binary("or", over, smaller)
            at = e.select(takes, right, left)
            target.store(e, e.add(out, number), *source.load(e, at))
            moved = e.convert("zext", takes, "i64")
            stayed = e.binary("sub", literal(1, "i64"), moved)
            return [e.add(left, stayed), e.add(right, moved)]

        total = e.minimum(e.add(first, second), literal(keep, "i64"))
        e.loop(total, step, [begin, middle])
        return [total]

    (last,) = e.loop(pairs, pair, [literal(0, "i64")])
    whole = e.binary("mul", e.add(pairs, -1), new_width)
    return [e.add(whole, last), new_width]
