"""Loops, and the address and index arithmetic between them."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType

from ....dialects import kernel
from ....dialects.kernel.types import element_type, ints
from .emitter import Emitter, handles
from .value import Value, element_of, literal


@handles(kernel.ForOp)
def emit_for(e: Emitter, op: kernel.ForOp) -> None:
    """A counted loop."""

    def body(index: Value, _: list[Value]) -> list[Value]:
        e.bind(op.index, index)
        e.block(op.body.block)
        return []

    e.loop(op.count.value.data if op.limit is None else e.get(op.limit), body)


@handles(kernel.AdvanceOp)
def emit_advance(e: Emitter, op: kernel.AdvanceOp) -> None:
    """A moved pointer."""
    total = literal(op.offset.value.data, "i64")
    for index, stride in zip(op.indices, ints(op.strides), strict=True):
        total = e.add(total, e.multiply(e.get(index), stride))
    element = element_of(element_type(op.base.type))
    moved = e.get(op.base) if total.text == "0" else e.gep(e.get(op.base), element, total)
    e.bind(op.result, moved)


@handles(kernel.DelinearizeOp)
def emit_delinearize(e: Emitter, op: kernel.DelinearizeOp) -> None:
    """Coordinates of a position, by divisions by constants."""
    position = e.get(op.position)
    pairs = list(zip(op.coordinates, ints(op.sizes), strict=True))
    for number, (coordinate, size) in reversed(list(enumerate(pairs))):
        divisor = literal(size, "i64")
        if number == 0:
            e.bind(coordinate, position)
        elif size == 1:
            e.bind(coordinate, literal(0, "i64"))
        else:
            e.bind(coordinate, e.binary("urem", position, divisor))
            position = e.binary("udiv", position, divisor)


@handles(kernel.ChunkOp)
def emit_chunk(e: Emitter, op: kernel.ChunkOp) -> None:
    """The smaller of the chunk and of what is left."""
    size, nothing = op.size.value.data, literal(0, "i64")
    left = e.binary("sub", literal(op.total.value.data, "i64"), e.multiply(e.get(op.task), size))
    left = e.select(e.compare("sgt", left, nothing), left, nothing)
    e.bind(op.count, e.minimum(left, literal(size, "i64")))


@handles(kernel.LoadOp)
def emit_load(e: Emitter, op: kernel.LoadOp) -> None:
    """One element, widened if it is an index."""
    value = e.load(e.get(op.pointer), element_of(element_type(op.pointer.type)))
    if isinstance(op.result.type, IndexType) and value.element != "i64":
        value = e.convert("sext", value, "i64")
    e.bind(op.result, value)


@handles(kernel.StoreOp)
def emit_store(e: Emitter, op: kernel.StoreOp) -> None:
    """One element."""
    e.store(e.get(op.value), e.get(op.pointer))


@handles(kernel.RequireOp)
def emit_require(e: Emitter, op: kernel.RequireOp) -> None:
    """A jump that is seldom taken; tasks of several threads write the same."""
    failed = e.invert(e.get(op.condition))
    e.when(failed, lambda: e.store(literal(1, "i32"), e.get(op.status)))


@handles(arith.IndexCastOp)
def emit_index_cast(e: Emitter, op: arith.IndexCastOp) -> None:
    """Between an index (i64) and an integer."""
    value, element = e.get(op.input), e.element(op.result)
    if value.element != element:
        value = e.convert(
            "trunc" if value.bits > Value("", element).bits else "sext", value, element
        )
    e.bind(op.result, value)
