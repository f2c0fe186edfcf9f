"""Views, and operators that join, repeat and pad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ...dialects.schema_op import SchemaOp
from .rule import (
    Dim,
    Dims,
    axes_of,
    axis_of,
    check,
    operand_shape,
    product_of,
    rule,
    same,
    same_shape,
    shape_of,
    sizes_of,
    text,
)


@rule("view", "_unsafe_view", "reshape")
def _view(op: SchemaOp) -> Sequence[Dims | None]:
    source = operand_shape(op, "self")
    size = sizes_of(op, "shape" if op.SCHEMA.name == "reshape" else "size")
    count = product_of(source)
    if -1 not in size:
        check(
            same(product_of(size), count),
            f"{text(source)} has {count} elements, the size {text(tuple(size))} has "
            f"{product_of(size)}",
        )
        return [tuple(size)]
    rest = product_of(dim for dim in size if dim != -1)
    missing: Dim = None
    if isinstance(count, int) and isinstance(rest, int):
        check(
            rest != 0 and count % rest == 0,
            f"{text(source)} does not fit the size {text(tuple(size))}",
        )
        missing = count // rest
    return [tuple(missing if dim == -1 else dim for dim in size)]


@rule("permute")
def _permute(op: SchemaOp) -> Sequence[Dims | None]:
    source = operand_shape(op, "self")
    dims = cast(list[int], op.value_of("dims"))
    order = [axis_of(dim, len(source)) for dim in dims]
    check(
        sorted(order) == list(range(len(source))),
        f"dims = {dims} is no permutation of the {len(source)} dims of {text(source)}",
    )
    return [tuple(source[dim] for dim in order)]


@rule("transpose.int", "t")
def _transpose(op: SchemaOp) -> Sequence[Dims | None]:
    source = list(operand_shape(op, "self"))
    if op.SCHEMA.name == "t" and len(source) < 2:
        return [tuple(source)]
    a = axis_of(cast(int, op.value_of("dim0") or 0), len(source))
    b = axis_of(cast(int, 1 if op.SCHEMA.name == "t" else op.value_of("dim1")), len(source))
    if source:
        source[a], source[b] = source[b], source[a]
    return [tuple(source)]


@rule("unsqueeze")
def _unsqueeze(op: SchemaOp) -> Sequence[Dims | None]:
    source = list(operand_shape(op, "self"))
    source.insert(axis_of(cast(int, op.value_of("dim")), len(source) + 1), 1)
    return [tuple(source)]


@rule("squeeze.dim", "squeeze.dims")
def _squeeze(op: SchemaOp) -> Sequence[Dims | None]:
    source = operand_shape(op, "self")
    removed = set(axes_of(op, len(source))) if op.value_of("dim") != [] else set[int]()
    return [tuple(d for i, d in enumerate(source) if i not in removed or d != 1)]


@rule("expand")
def _expand(op: SchemaOp) -> Sequence[Dims | None]:
    source, size = operand_shape(op, "self"), sizes_of(op, "size")
    check(
        len(size) >= len(source),
        f"{text(source)} has more dims than the size {text(tuple(size))}",
    )
    padded: Dims = (*[1] * (len(size) - len(source)), *source)
    pairs = list(zip(padded, size, strict=True))
    fits = all(new == -1 or old == 1 or same(old, new) for old, new in pairs)
    check(fits, f"{text(source)} does not expand to {text(tuple(size))}")
    return [tuple(old if new == -1 else new for old, new in pairs)]


@rule("select.int")
def _select(op: SchemaOp) -> Sequence[Dims | None]:
    source = list(operand_shape(op, "self"))
    dim, index = axis_of(cast(int, op.value_of("dim")), len(source)), op.value_of("index")
    size = source[dim]
    if isinstance(index, int) and isinstance(size, int):
        check(-size <= index < size, f"index {index} is outside dim {dim} of {text((*source,))}")
    del source[dim]
    return [tuple(source)]


@rule("slice.Tensor")
def _slice(op: SchemaOp) -> Sequence[Dims | None]:
    source = list(operand_shape(op, "self"))
    check(bool(source), "a 0-d tensor cannot be sliced")
    dim = axis_of(cast(int, op.value_of("dim")), len(source))
    start, end, step = (op.value_of(name) for name in ("start", "end", "step"))
    size = source[dim]
    start, end = 0 if start is None else start, size if end is None else end
    numbers = (start, end, step, size)
    if all(isinstance(number, int) for number in numbers):
        start, end, step, size = cast(tuple[int, int, int, int], numbers)
        check(step > 0, f"step {step} is not positive")
        source[dim] = len(range(*slice(start, end, step).indices(size)))
    else:
        source[dim] = None
    return [tuple(source)]


@rule("split_with_sizes")
def _split_with_sizes(op: SchemaOp) -> Sequence[Dims | None]:
    source, sizes = operand_shape(op, "self"), sizes_of(op, "split_sizes")
    dim = axis_of(cast(int, op.value_of("dim")), len(source))
    if all(isinstance(size, int) for size in sizes):
        total = sum(cast(list[int], sizes))
        check(same(total, source[dim]), f"parts of {total} in all, of dim {dim}")
    return [(*source[:dim], size, *source[dim + 1 :]) for size in sizes]


@rule("cat")
def _cat(op: SchemaOp) -> Sequence[Dims | None]:
    # PyTorch lets tensors of shape [0] pass.
    shapes = [dims for dims in map(shape_of, op.operands) if dims != (0,)]
    if not shapes:
        return [(0,)]
    first = shapes[0]
    dim = axis_of(cast(int, op.value_of("dim")), len(first))
    for dims in shapes[1:]:
        fits = len(dims) == len(first) and all(
            i == dim or same(a, b) for i, (a, b) in enumerate(zip(first, dims, strict=True))
        )
        check(fits, f"{text(first)} and {text(dims)} differ in more than dim {dim}")
    sizes = [dims[dim] for dims in shapes]
    total = sum(cast(list[int], sizes)) if all(isinstance(s, int) for s in sizes) else None
    return [(*first[:dim], total, *first[dim + 1 :])]


@rule("stack")
def _stack(op: SchemaOp) -> Sequence[Dims | None]:
    shapes = [shape_of(operand) for operand in op.operands]
    for dims in shapes[1:]:
        check(same_shape(shapes[0], dims), f"{text(shapes[0])} and {text(dims)} differ")
    result = list(shapes[0])
    result.insert(axis_of(cast(int, op.value_of("dim")), len(result) + 1), len(shapes))
    return [tuple(result)]


@rule("repeat")
def _repeat(op: SchemaOp) -> Sequence[Dims | None]:
    source, repeats = operand_shape(op, "self"), sizes_of(op, "repeats")
    check(len(repeats) >= len(source), f"{len(repeats)} repeats for {len(source)} dims")
    padded: Dims = (*[1] * (len(repeats) - len(source)), *source)
    return [tuple(product_of(pair) for pair in zip(padded, repeats, strict=True))]


@rule("constant_pad_nd")
def _pad(op: SchemaOp) -> Sequence[Dims | None]:
    source, pad = list(operand_shape(op, "self")), sizes_of(op, "pad")
    check(
        len(pad) % 2 == 0 and len(pad) <= 2 * len(source),
        f"{len(pad)} paddings for {len(source)} dims",
    )
    for index in range(len(pad) // 2):
        amounts = (source[-1 - index], pad[2 * index], pad[2 * index + 1])
        known = all(isinstance(amount, int) for amount in amounts)
        source[-1 - index] = sum(cast(tuple[int, ...], amounts)) if known else None
    return [tuple(source)]
