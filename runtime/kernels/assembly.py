"""Joins, tilings, constant pads: results put together from slices; semantics of `torch.<name>`."""

from itertools import accumulate, product
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .copy import assign
from .movement import Index, Plan, movement_kernel, number
from .shapes import dimension, dimensions, fit
from .view import along, slice_range


@movement_kernel("aten::cat.out")
def cat(tensors: list[Any], dim: int) -> Plan:
    """Tensors one after the other along `dim`; 1-d tensors without elements are left out."""
    parts = [t for t in tensors if t.shape != (0,)] or tensors[:1]
    if not parts:
        raise ProgramError("cat: expected at least one tensor")
    first = parts[0]
    axis = dimension(dim, first.ndim)
    for part in parts:
        same = part.ndim == first.ndim and all(
            a == b or i == axis
            for i, (a, b) in enumerate(zip(part.shape, first.shape, strict=True))
        )
        if not same:
            shapes = f"{list(first.shape)} and {list(part.shape)}"
            raise ProgramError(f"cat: shapes {shapes} differ outside of dimension {dim}")
    ends = list(accumulate(part.shape[axis] for part in parts))
    starts = [0, *ends]
    moves: list[tuple[Index, Any]] = [
        (along(axis, slice(start, end)), part)
        for start, end, part in zip(starts, ends, parts, strict=False)
    ]
    return (*first.shape[:axis], ends[-1], *first.shape[axis + 1 :]), moves


@movement_kernel("aten::stack.out")
def stack(tensors: list[Any], dim: int) -> Plan:
    """Tensors of one shape along a new dimension."""
    shape = tensors[0].shape
    if any(t.shape != shape for t in tensors):
        raise ProgramError(f"stack: shapes {[list(t.shape) for t in tensors]} differ")
    axis = dimension(dim, len(shape) + 1)
    moves: list[tuple[Index, Any]] = [((*along(axis, i), ...), t) for i, t in enumerate(tensors)]
    return (*shape[:axis], len(tensors), *shape[axis:]), moves


@movement_kernel("aten::repeat.out", "aten::tile.out")
def repeat(self: Any, repeats: list[int]) -> Plan:
    """The tensor tiled `repeats[i]` times along dimension i; missing dimensions are 1."""
    repeats = [1] * (self.ndim - len(repeats)) + repeats
    lead = len(repeats) - self.ndim
    sizes = [1] * lead + list(self.shape)
    shape = tuple(n * size for n, size in zip(repeats, sizes, strict=True))
    pairs = [n for pair in zip(repeats, sizes, strict=True) for n in pair]
    tiled = self.reshape([n for size in sizes for n in (1, size)])
    return shape, [(..., np.broadcast_to(tiled, pairs))]


@movement_kernel("aten::flip.out")
def flip(self: Any, dims: list[int]) -> Plan:
    """The elements of some dimensions in reverse order."""
    return self.shape, [(..., np.flip(self, dimensions(dims, self.ndim)) if dims else self)]


@movement_kernel("aten::roll.out")
def roll(self: Any, shifts: int | list[int], dims: int | list[int]) -> Plan:
    """Elements moved by `shifts` and round the end; without `dims` as in a flat tensor."""
    shifts = [shifts] if isinstance(shifts, int) else shifts
    dims = [dims] if isinstance(dims, int) else dims
    if not dims and self.ndim == 1:
        dims = [0]
    if not dims:
        return self.shape, [(..., np.roll(self, shifts[0]))]
    if len(shifts) != len(dims):
        raise ProgramError(f"roll: {len(shifts)} shifts for {len(dims)} dimensions")
    if self.size == 0:
        return self.shape, [(..., self)]
    total: dict[int, int] = {}
    for shift, dim in zip(shifts, dims, strict=True):
        axis = dimension(dim, self.ndim)
        total[axis] = total.get(axis, 0) + shift
    halves: list[list[tuple[int, slice, slice]]] = []
    for axis, shift in total.items():
        size = self.shape[axis]
        split = shift % size
        halves.append(
            [
                (axis, slice(split, size), slice(0, size - split)),
                (axis, slice(0, split), slice(size - split, size)),
            ]
        )
    moves: list[tuple[Index, Any]] = []
    for choice in product(*halves):
        target, source = [slice(None)] * self.ndim, [slice(None)] * self.ndim
        for axis, there, here in choice:
            target[axis], source[axis] = there, here
        moves.append((tuple(target), self[tuple(source)]))
    return self.shape, moves


@movement_kernel("aten::constant_pad_nd.out")
def constant_pad_nd(self: Any, pad: list[int], value: Any) -> Plan:
    """`value` around the tensor: `pad` is (before, after) from the last dimension backwards.

    Negative numbers cut off.
    """
    shape, target, source = list(self.shape), [slice(None)] * self.ndim, [slice(None)] * self.ndim
    for i in range(len(pad) // 2):
        axis = self.ndim - 1 - i
        before, after = pad[2 * i], pad[2 * i + 1]
        size = self.shape[axis]
        shape[axis] = size + before + after
        if shape[axis] < 0:
            raise ProgramError(f"constant_pad_nd: {pad} leaves size {shape[axis]}")
        target[axis] = slice(max(before, 0), max(shape[axis] - max(after, 0), max(before, 0)))
        source[axis] = slice(max(-before, 0), max(size - max(-after, 0), max(-before, 0)))
    fill = number(value, self.dtype)
    moves: list[tuple[Index, Any]] = [(tuple(target), self[tuple(source)])]
    return tuple(shape), [*_frames(shape, target, fill), *moves]


def _frames(shape: list[int], inner: list[slice], fill: Any) -> list[tuple[Index, Any]]:
    """Moves of `fill` to what surrounds the box `inner`, each element once."""
    moves: list[tuple[Index, Any]] = []
    for axis, part in enumerate(inner):
        start, stop, _ = part.indices(shape[axis])
        for edge in (slice(0, start), slice(stop, shape[axis])):
            if edge.start < edge.stop:
                moves.append(((*inner[:axis], edge), fill))
    return moves


@movement_kernel("aten::slice_scatter.out")
def slice_scatter(
    self: Any, src: Any, dim: int, start: int | None, end: int | None, step: int
) -> Plan:
    """`self` with `src` in the place of a slice of `dim`."""
    axis = dimension(dim, self.ndim)
    index = along(axis, slice_range(self.shape[axis], start, end, step))
    if self[index].shape != src.shape:
        raise ProgramError(
            f"slice_scatter: src is {list(src.shape)}, the slice {list(self[index].shape)}"
        )
    return self.shape, [(..., self), (index, src)]


@movement_kernel("aten::select_scatter.out")
def select_scatter(self: Any, src: Any, dim: int, index: int) -> Plan:
    """`self` with `src` as the slice at `index` of `dim`."""
    axis = dimension(dim, self.ndim)
    if not -self.shape[axis] <= index < self.shape[axis]:
        raise ProgramError(f"select_scatter: index {index} is out of range")
    place = (*along(axis, index), ...)
    if self[place].shape != src.shape:
        raise ProgramError(
            f"select_scatter: src is {list(src.shape)}, the slice {list(self[place].shape)}"
        )
    return self.shape, [(..., self), (place, src)]


@kernel("aten::diagonal_scatter.out")
def diagonal_scatter(self: Any, src: Any, offset: int, dim1: int, dim2: int, out: Any) -> Any:
    """`self` with `src` on the diagonal of two dimensions."""
    out = fit(out, self.shape)
    assign(out, self)
    place = np.moveaxis(out, (dimension(dim1, self.ndim), dimension(dim2, self.ndim)), (-2, -1))
    rows, columns = place.shape[-2:]
    count = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    if src.shape != (*place.shape[:-2], count):
        raise ProgramError(f"diagonal_scatter: src is {list(src.shape)}, the diagonal has {count}")
    steps = np.arange(int(count))
    place[..., steps + max(-offset, 0), steps + max(offset, 0)] = src
    return out


def _triangle_kernel(name: str, lower: bool) -> None:
    @kernel(name)
    def call(self: Any, diagonal: int, out: Any) -> Any:
        inside = np.tri(*self.shape[-2:], k=diagonal if lower else diagonal - 1, dtype=np.bool_)
        out = fit(out, self.shape)
        assign(out, self)
        np.copyto(out, np.zeros((), out.dtype), where=~inside if lower else inside)
        return out


_triangle_kernel("aten::tril.out", lower=True)
_triangle_kernel("aten::triu.out", lower=False)


@kernel("aten::repeat_interleave.Tensor_out")
def repeat_interleave(repeats: Any, output_size: int | None, out: Any) -> Any:
    """The index i `repeats[i]` times, for each i of a 1-d tensor."""
    if repeats.ndim != 1 or (repeats < 0).any():
        raise ProgramError("repeat_interleave: expected 1-d repeats that are not negative")
    places = np.arange(len(repeats))
    result = places.repeat(repeats)
    out = fit(out, result.shape)
    assign(out, result)
    return out
