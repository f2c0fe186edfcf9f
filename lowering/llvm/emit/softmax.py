"""`kernel.softmax`: row by row, vectors along the columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ....dialects import kernel
from ....dialects.kernel.types import element_type, ints
from .emitter import Emitter, handles
from .polynomials import exp
from .value import Value, element_bits, element_of, literal

_LOWEST = -3.4028234663852886e38
_TINY = 1.1754943508222875e-38

Visit = Callable[[Value, int, Value | None, Value], Value]
"""Takes an index, how many lanes to work on there, which of them are on (None: all) and an
accumulator; gives the accumulator."""


@handles(kernel.SoftmaxOp)
def emit_softmax(e: Emitter, op: kernel.SoftmaxOp) -> None:
    """A loop over rows."""

    def row(index: Value, _: list[Value]) -> list[Value]:
        _Row(e, op, index).emit()
        return []

    e.loop(op.rows.value.data, row)


class _Row:
    """One row: the largest score, then the exponentials and their sum."""

    def __init__(self, e: Emitter, op: kernel.SoftmaxOp, row: Value) -> None:
        self.e, self.op = e, op
        self.element = element_of(element_type(op.scores.type))
        self.lanes = e.target.lanes(element_bits(self.element))
        self.columns = op.columns.value.data
        self.scores = e.gep(e.get(op.scores), self.element, e.multiply(row, op.stride.value.data))
        self.factor = e.gep(e.get(op.factors), self.element, row)
        self.count = literal(self.columns, "i64")
        if op.visible is not None:
            self.count = e.minimum(e.add(e.get(op.visible), row), self.count)
        self.mask: Value | None = None
        if op.mask is not None:
            self.mask_element = element_of(element_type(op.mask.type))
            self.mask_step = ints(op.mask_strides)[1]
            distance = e.multiply(row, ints(op.mask_strides)[0])
            self.mask = e.gep(e.get(op.mask), self.mask_element, distance)

    def emit(self) -> None:
        """Both passes, the factor, and zeros after the scores that count."""
        e = self.e
        lowest = literal(_LOWEST, self.element)
        largest = self._over(self._find_largest, lowest, "max", unroll=4)
        self.largest = e.splat(largest, self.lanes)
        total = self._over(self._exponentiate, literal(0, self.element), "add", unroll=2)
        total = e.maximum(literal(_TINY, self.element), total)
        e.store(e.binary("fdiv", literal(1, self.element), total), self.factor)
        if self.op.visible is not None:
            self._clear()

    def _over(self, visit: Visit, start: Value, combination: str, unroll: int) -> Value:
        """Visit all scores that count, with several accumulators; the combination of them."""
        e, lanes = self.e, self.lanes
        sums = [e.splat(start, lanes)] * unroll

        def rounds(offset: Value, end: Value, sums: list[Value]) -> list[Value]:
            step = len(sums) * lanes

            def body(index: Value, sums: list[Value]) -> list[Value]:
                at = e.add(index, offset)
                return [
                    visit(e.add(at, number * lanes), lanes, None, total)
                    for number, total in enumerate(sums)
                ]

            length = self._difference(end, offset)
            return e.loop(int(length.text) if length.is_literal else length, body, sums, step)

        most, full = self._rounded(unroll * lanes), self._rounded(lanes)
        sums = rounds(literal(0, "i64"), most, sums)
        while len(sums) > 1:
            sums = [
                e.combine(combination, a, b) for a, b in zip(sums[::2], sums[1::2], strict=True)
            ]
        sums = rounds(most, full, sums)
        return self._tail(visit, full, sums[0], combination, start)

    def _tail(
        self, visit: Visit, full: Value, vector: Value, combination: str, start: Value
    ) -> Value:
        """The last scores, which fill no vector."""
        e, lanes = self.e, self.lanes
        rest = self._difference(self.count, full)
        if rest.text == "0":
            return e.reduce(combination, vector)
        if e.has_masks:
            numbers = ", ".join(f"i64 {lane}" for lane in range(lanes))
            on = e.compare("slt", Value(f"<{numbers}>", "i64", lanes), rest)
            return e.reduce(combination, visit(full, lanes, on, vector))
        total = e.reduce(combination, vector)

        def body(index: Value, sums: list[Value]) -> list[Value]:
            return [visit(e.add(index, full), 1, None, sums[0])]

        length = int(rest.text) if rest.is_literal else rest
        return e.loop(length, body, [total])[0]

    def _rounded(self, step: int) -> Value:
        """The scores that count, rounded down to a power of two."""
        if self.count.is_literal:
            return literal(self.columns // step * step, "i64")
        return self.e.binary("and", self.count, literal(-step, "i64"))

    def _difference(self, a: Value, b: Value) -> Value:
        if a.is_literal and b.is_literal:
            return literal(int(a.text) - int(b.text), "i64")
        return self.e.binary("sub", a, b)

    def _find_largest(self, index: Value, lanes: int, on: Value | None, largest: Value) -> Value:
        """Mask the scores, and keep the larger ones."""
        e = self.e
        pointer = e.gep(self.scores, self.element, index)
        score = e.load(pointer, self.element, lanes, on)
        lowest = e.splat(literal(float("-inf"), self.element), lanes)
        if self.mask is not None:
            score = self._masked(score, index, lanes, on, lowest)
            e.store(score, pointer, on)
        if on is not None:
            score = e.select(on, score, lowest)
        return e.maximum(largest, score)

    def _masked(
        self, score: Value, index: Value, lanes: int, on: Value | None, lowest: Value
    ) -> Value:
        e = self.e
        assert self.mask is not None
        pointer = e.gep(self.mask, self.mask_element, e.multiply(index, self.mask_step))
        if self.mask_step:
            mask = e.load(pointer, self.mask_element, lanes, on)
        else:
            mask = e.splat(e.load(pointer, self.mask_element), lanes)
        if self.mask_element == "i1":
            return e.select(mask, score, lowest)
        return e.binary("fadd", score, mask)

    def _exponentiate(self, index: Value, lanes: int, on: Value | None, total: Value) -> Value:
        """Exponentials instead of the scores, added up."""
        e = self.e
        pointer = e.gep(self.scores, self.element, index)
        score = e.load(pointer, self.element, lanes, on)
        weight = exp(e, e.binary("fsub", score, e.narrow(self.largest, lanes)))
        e.store(weight, pointer, on)
        if on is not None:
            weight = e.select(on, weight, e.splat(literal(0, self.element), lanes))
        return e.binary("fadd", total, weight)

    def _clear(self) -> None:
        """Zeros for the scores that do not count."""
        e = self.e
        rest = e.binary("sub", literal(self.columns, "i64"), self.count)
        start = e.gep(self.scores, self.element, self.count)
        full = e.binary("and", rest, literal(-self.lanes, "i64"))

        def vectors(index: Value, _: list[Value]) -> Sequence[Value]:
            e.store(
                e.splat(literal(0, self.element), self.lanes), e.gep(start, self.element, index)
            )
            return []

        def scalars(index: Value, _: list[Value]) -> Sequence[Value]:
            at = e.gep(start, self.element, e.add(full, index))
            e.store(literal(0, self.element), at)
            return []

        e.loop(full, vectors, step=self.lanes)
        e.loop(e.binary("sub", rest, full), scalars)
