"""`kernel.sort`: runs of one key are merged in pairs, then runs of two, …, until one is left.

Of each run only as many keys as are wanted go on to the next round. Which of two keys comes next
is chosen without a jump, which no CPU could foresee. Where few of many keys are wanted, the last of
them is found first, by counting how many keys are not larger than a bound that is halved and halved
again; then only those that are wanted are sorted.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....dialects import kernel
from ....dialects.kernel.types import element_type
from .emitter import Emitter, handles
from .value import Value, element_bits, element_of, literal

_FEW = 6
"""Keys among which one is wanted, from which on the wanted ones are found first."""
_MANY = 200
"""So many keys at least: finding them takes as many rounds as a key has bits."""


@handles(kernel.SortOp)
def emit_sort(e: Emitter, op: kernel.SortOp) -> None:
    """As many rounds as halve the number of runs to one, between the keys' memory and the room."""
    key, place = element_of(element_type(op.keys.type)), element_of(element_type(op.places.type))
    count, keep = op.count.value.data, op.keep.value.data
    pointers = [e.get(p) for p in (op.keys, op.places, op.other_keys, op.other_places)]
    own, other = _Row(key, place, *pointers[:2]), _Row(key, place, *pointers[2:])
    is_selected = count >= _MANY and keep * _FEW <= count
    if is_selected:
        _select(e, own, other, count, keep)
        pointers, count = [*pointers[2:], *pointers[:2]], keep
    rounds = (count - 1).bit_length()

    def merge_all(_: Value, carried: list[Value]) -> list[Value]:
        left, width, *rows = carried
        source, target = _Row(key, place, *rows[:2]), _Row(key, place, *rows[2:])
        further = _merge_pairs(e, source, target, left, width, keep)
        return [*further, *rows[2:], *rows[:2]]

    e.loop(rounds, merge_all, [literal(count, "i64"), literal(1, "i64"), *pointers])
    if rounds % 2 != is_selected:

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


def _select(e: Emitter, source: _Row, target: _Row, count: int, keep: int) -> None:
    """Copy the smallest `keep` keys and their places in their order; of those that are equal to the
    last one, the first."""
    bits = element_bits(source.key)
    wanted = literal(keep, "i64")

    def halve(_: Value, carried: list[Value]) -> list[Value]:
        low, high = carried
        # Half of their sum, which might not fit.
        half = e.binary("ashr", e.binary("xor", low, high), literal(1, source.key))
        middle = e.binary("add", e.binary("and", low, high), half)
        enough = e.compare("sge", _count(e, source, count, "sle", middle), wanted)
        above = e.binary("add", middle, literal(1, source.key))
        return [e.select(enough, low, above), e.select(enough, middle, high)]

    ends = [literal(-(2 ** (bits - 1)), source.key), literal(2 ** (bits - 1) - 1, source.key)]
    last, _ = e.loop(bits, halve, ends)
    equal = e.binary("sub", wanted, _count(e, source, count, "slt", last))

    def copy(index: Value, carried: list[Value]) -> list[Value]:
        position, left = carried
        key, place = source.load(e, index)
        target.store(e, position, key, place)
        some = e.compare("sgt", left, literal(0, "i64"))
        same = e.convert("zext", e.binary("and", e.compare("eq", key, last), some), "i64")
        smaller = e.convert("zext", e.compare("slt", key, last), "i64")
        return [e.add(e.add(position, same), smaller), e.binary("sub", left, same)]

    e.loop(count, copy, [literal(0, "i64"), equal])


def _count(e: Emitter, row: _Row, count: int, relation: str, bound: Value) -> Value:
    """How many keys are in a relation to a bound."""
    lanes, unroll = e.target.lanes(element_bits(row.key)), 4
    full = count // (unroll * lanes) * unroll * lanes
    bounds = e.splat(bound, lanes)

    def vectors(index: Value, sums: list[Value]) -> list[Value]:
        results: list[Value] = []
        for number, total in enumerate(sums):
            at = e.gep(row.keys, row.key, e.add(index, number * lanes))
            holds = e.compare(relation, e.load(at, row.key, lanes), bounds)
            results.append(e.binary("add", total, e.convert("zext", holds, row.key)))
        return results

    sums = e.loop(full, vectors, [e.zero(row.key, lanes)] * unroll, unroll * lanes)
    while len(sums) > 1:
        sums = [e.binary("add", a, b) for a, b in zip(sums[::2], sums[1::2], strict=True)]
    total = e.reduce("add", sums[0])
    if row.key != "i64":
        total = e.convert("zext", total, "i64")

    def one(index: Value, carried: list[Value]) -> list[Value]:
        holds = e.compare(relation, row.load_key(e, e.add(index, full)), bound)
        return [e.add(carried[0], e.convert("zext", holds, "i64"))]

    return e.loop(count - full, one, [total])[0]


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
