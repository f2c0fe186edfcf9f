"""`kernel.map`: a body along vectors."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Region

from ....dialects import kernel
from ....dialects.kernel.types import element_type, int_lists, ints
from .emitter import Emitter, handles
from .reduction import identity
from .space import (
    Axis,
    Piece,
    Stream,
    advance,
    axes_of,
    best_lanes,
    load_lanes,
    nest,
    pieces,
    settle,
    store_lanes,
    vector_axis,
)
from .transpose import emit_transposition, transposition
from .value import Value, element_bits, element_of, literal, memory_element


def unroll_of(region: Region, reduces: bool) -> int:
    """How many vectors to work on at once.

    Sums want several accumulators; else what is not bound by memory is bound by arithmetic, and the
    CPU runs ahead into the next rounds by itself.
    """
    functions = any(op.name.startswith("math.") for op in region.block.ops)
    if reduces:
        return 2 if functions else 4
    return 1 if functions else 2


@handles(kernel.MapOp)
def emit_map(e: Emitter, op: kernel.MapOp) -> None:
    """Loops over merged axes, vectors along the innermost; reductions in several vectors."""
    pointers = [*op.inputs, *op.outputs]
    rows = [*int_lists(op.input_strides), *int_lists(op.output_strides)]
    combinations = [name.data for name in op.reductions]
    elements = [element_of(r.type) for r in op.results_]
    if 0 in ints(op.shape):
        for result, name, element in zip(op.results_, combinations, elements, strict=True):
            e.bind(result, identity(name, element))
        return
    streams = [Stream(e.get(p), element_of(element_type(p.type))) for p in pointers]
    axes = axes_of(ints(op.shape), rows)
    found = transposition(op, axes)
    if found is not None:
        emit_transposition(e, op, found, streams)
        return
    axis = vector_axis(axes, len(op.outputs)) or (axes[-1] if axes else Axis(1, (0,) * len(rows)))
    outer = [other for other in axes if other is not axis]
    bits = [element_bits(memory_element(x)) for x in (*(s.element for s in streams), *elements)]
    lanes = best_lanes(axis.size, e.target.lanes(max(bits, default=32)))
    if not any(stride == 1 for stride in axis.strides) and op.outputs:
        lanes = 1
    unroll = unroll_of(op.body, bool(combinations))
    plan = pieces(axis.size, lanes, unroll, e.has_masks)
    reductions = list(zip(combinations, elements, strict=True))
    loop = VectorLoop(e, op.body, len(op.inputs), axis, plan, reductions)
    with e.captures(op.body, loop.lanes):
        sums = nest(e, outer, streams, loop.start(), loop.inner, loop.enter)
    for result, total in zip(op.results_, loop.totals(sums), strict=True):
        e.bind(result, total)


class VectorLoop:
    """A body along one axis, in pieces; the accumulators are carried through all loops.

    The region takes `inputs` elements and yields a value for each reduction, then one for each
    output; the operands are the inputs, then the outputs.
    """

    def __init__(
        self,
        e: Emitter,
        region: Region,
        inputs: int,
        axis: Axis,
        plan: Sequence[Piece],
        reductions: Sequence[tuple[str, str]],
    ) -> None:
        self.e, self.region, self.axis, self.plan = e, region, axis, plan
        self.inputs, self.reductions = inputs, reductions
        self.lanes = plan[0].lanes
        self.unroll = max(piece.unroll for piece in plan)
        # Vectors shorter than the others have no accumulator to go to but a scalar one.
        self.scalars = any(piece.lanes != self.lanes for piece in plan)

    def start(self) -> list[Value]:
        """The accumulators: for each reduction `unroll` vectors, then maybe a scalar."""
        e = self.e
        values: list[Value] = []
        for name, element in self.reductions:
            first = identity(name, element)
            values += [e.splat(first, self.lanes)] * self.unroll
            values += [first] * self.scalars
        return values

    def totals(self, values: Sequence[Value]) -> list[Value]:
        """The reductions' results."""
        e, width = self.e, self.unroll + self.scalars
        totals: list[Value] = []
        for number, (name, _) in enumerate(self.reductions):
            own = list(values[number * width : (number + 1) * width])
            scalar = [own.pop()] if self.scalars else []
            while len(own) > 1:
                pairs = zip(own[::2], own[1::2], strict=False)
                odd = own[-1:] if len(own) % 2 else []
                own = [e.combine(name, a, b) for a, b in pairs] + odd
            total = e.reduce(name, own[0])
            for value in scalar:
                total = e.combine(name, total, value)
            totals.append(total)
        return totals

    def enter(self, streams: list[Stream], axes: Sequence[Axis]) -> list[Stream]:
        """Load what stays the same from here on."""
        return settle(self.e, streams, [*axes, self.axis], self.inputs, self.lanes)

    def inner(self, streams: list[Stream], values: list[Value]) -> list[Value]:
        """All pieces of the axis."""
        for piece in self.plan:
            values = self._piece(piece, streams, values)
        return values

    def _piece(self, piece: Piece, streams: list[Stream], values: list[Value]) -> list[Value]:
        e = self.e
        if piece.start:
            streams = advance(e, streams, self.axis.strides, literal(piece.start, "i64"))

        def body(index: Value, values: list[Value]) -> list[Value]:
            at = advance(e, streams, self.axis.strides, index)
            for number in range(piece.unroll):
                offset = literal(number * piece.lanes, "i64")
                vectors = advance(e, at, self.axis.strides, offset)
                values = self._vector(piece, vectors, values, number)
            return values

        step = piece.unroll * piece.lanes
        return e.loop(piece.count * step, body, values, step)

    def _vector(
        self, piece: Piece, streams: list[Stream], values: list[Value], number: int
    ) -> list[Value]:
        e, lanes = self.e, piece.lanes
        mask = e.mask(piece.active, lanes) if piece.active else None
        arguments: list[Value] = []
        for stream, stride in zip(streams[: self.inputs], self.axis.strides, strict=False):
            if stream.value is not None and lanes != self.lanes:
                arguments.append(e.narrow(stream.value, lanes))
            else:
                arguments.append(load_lanes(e, stream, stride, lanes, mask))
        if lanes != self.lanes:
            with e.captures(self.region, lanes):
                yielded = e.apply_body(self.region, arguments, lanes)
        else:
            yielded = e.apply_body(self.region, arguments, lanes)
        values = list(values)
        width = self.unroll + self.scalars
        count = len(self.reductions)
        for order, (name, element) in enumerate(self.reductions):
            value = yielded[order]
            if mask is not None:
                value = e.select(mask, value, e.splat(identity(name, element), lanes))
            slot = order * width + number
            if lanes != self.lanes:
                slot, value = order * width + self.unroll, e.reduce(name, value)
            values[slot] = e.combine(name, values[slot], value)
        outputs = zip(
            yielded[count:], streams[self.inputs :], self.axis.strides[self.inputs :], strict=True
        )
        for value, stream, stride in outputs:
            store_lanes(e, value, stream, stride, mask)
        return values
