"""Reading and writing at indices that are tensors; semantics of `torch.<name>`.

Indices may count from the back, except in `embedding`, `gather` and `index_select`; one out of
range raises ProgramError.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .copy import assign
from .promotion import compute_dtype
from .shapes import broadcast, dimension, fit


def check_range(name: str, index: Any, size: int, from_back: bool = False) -> None:
    """ProgramError unless all indices address a dimension of `size`."""
    if index.size == 0:
        return
    low, high = int(index.min()), int(index.max())
    if low < (-size if from_back else 0) or high >= size:
        wrong = high if high >= size else low
        raise ProgramError(f"{name}: index {wrong} is out of range for size {size}")


def numpy_index(name: str, self: Any, indices: list[Any]) -> tuple[Any, ...]:
    """The numpy index of PyTorch's `self[indices]`, in which None stands for a whole dimension."""
    index: list[Any] = []
    axis = 0
    for entry in indices:
        if entry is None:
            index.append(slice(None))
            axis += 1
        elif entry.dtype in (np.bool_, np.uint8):
            if entry.shape != self.shape[axis : axis + entry.ndim]:
                shapes = f"{list(entry.shape)} for a tensor of shape {list(self.shape)}"
                raise ProgramError(f"{name}: mask of shape {shapes}")
            index.append(entry != 0)
            axis += entry.ndim
        else:
            if axis >= self.ndim:
                raise ProgramError(f"{name}: too many indices for a tensor of rank {self.ndim}")
            check_range(name, entry, self.shape[axis], from_back=True)
            index.append(entry)
            axis += 1
    return tuple(index)


def _guarded(name: str, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except (IndexError, ValueError) as error:
        raise ProgramError(f"{name}: {error}") from None


@kernel("aten::index.Tensor_out")
def index(self: Any, indices: list[Any], out: Any) -> Any:
    """`self[indices]`, of integer tensors, which broadcast, masks, and None for all."""
    where = numpy_index("index", self, indices)
    result = _guarded("index", lambda: self[where])
    out = fit(out, result.shape)
    out[...] = result
    return out


@index.specialize
def _(self: Any, indices: list[Any], out: Any) -> Callable[[], object] | None:
    """Constant indices are checked once."""
    if any(entry is not None and entry.flags.writeable for entry in indices):
        return None
    where = numpy_index("index", self, indices)
    if _guarded("index", lambda: self[where]).shape != out.shape:
        return None

    def thunk() -> None:
        out[...] = self[where]

    return thunk


def _add_at(out: Any, where: tuple[Any, ...], values: Any) -> None:
    """`out[where] += values`, with every occurrence of an index."""
    rows = where[0]
    if len(where) > 1 or isinstance(rows, slice) or rows.dtype == np.bool_ or not rows.size:
        np.add.at(out, where, values)
        return
    # numpy 2.4 reads behind the end of values that it has to broadcast to several dimensions.
    values = np.broadcast_to(values, (*rows.shape, *out.shape[1:]))
    if rows.ndim != 1 or out.ndim == 1 or compute_dtype(out.dtype) != out.dtype:
        np.add.at(out, where, values.copy())
        return
    # numpy adds one element after the other: rows of one index are summed before.
    rows = rows % len(out)
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    out[rows[starts]] += np.add.reduceat(values[order], starts, axis=0, dtype=out.dtype)


def put(self: Any, indices: list[Any], values: Any, accumulate: bool, out: Any) -> Any:
    """`out[indices] = values`, or `+=` with every occurrence, on a copy of `self`."""
    where = numpy_index("index_put", self, indices)
    if out is not self:
        out = fit(out, self.shape)
        assign(out, self)
    if accumulate:
        _guarded("index_put", lambda: _add_at(out, where, values))
    else:
        _guarded("index_put", lambda: out.__setitem__(where, values))
    return out


kernel("aten::index_put.out")(put)


@kernel("aten::index_put_")
def index_put_in_place(self: Any, indices: list[Any], values: Any, accumulate: bool = False) -> Any:
    """`index_put` on `self`, which it returns; it has no out argument."""
    return put(self, indices, values, accumulate, self)


@kernel("aten::index_select.out")
def index_select(self: Any, dim: int, index: Any, out: Any) -> Any:
    """The slices of `dim` that a 1-d (or 0-d) index names."""
    axis = dimension(dim, self.ndim)
    lines = index.reshape(-1)
    if self.ndim == 0:
        check_range("index_select", lines, 1)
        out = fit(out, ())
        out[...] = self
        return out
    check_range("index_select", lines, self.shape[axis])
    return take(self, lines, axis, out)


@kernel("aten::embedding.out")
def embedding(
    weight: Any, indices: Any, padding_idx: int, scale_grad_by_freq: bool, sparse: bool, out: Any
) -> Any:
    """The rows of the weight that the indices name."""
    check_range("embedding", indices, weight.shape[0])
    return take(weight, indices, 0, out)


def take(self: Any, lines: Any, axis: int, out: Any) -> Any:
    """`np.take` of indices known to be in range."""
    shape = (*self.shape[:axis], *lines.shape, *self.shape[axis + 1 :])
    out = fit(out, shape)
    if out.size == 0:
        return out
    if out.flags.c_contiguous and out.dtype == self.dtype:
        np.take(self, lines, axis=axis, out=out, mode="clip")
    else:
        out[...] = np.take(self, lines, axis=axis)
    return out


def grid(index: Any, axis: int) -> tuple[Any, ...]:
    """The numpy index that has `index` along `axis` and each element's own place elsewhere."""
    own: list[Any] = np.ogrid[tuple(slice(size) for size in index.shape)]  # pyright: ignore[reportAssignmentType]
    return tuple(index if dim == axis else line for dim, line in enumerate(own))


def at_least_1d(array: Any) -> Any:
    """A view with one dimension of a 0-d array, the array otherwise."""
    return array if array.ndim else array.reshape(1)


@kernel("aten::gather.out")
def gather(self: Any, dim: int, index: Any, sparse_grad: bool, out: Any) -> Any:
    """`out[i][j] = self[index[i][j]][j]`, for dimension 0 of two."""
    out = fit(out, index.shape)
    if index.size:
        _gather_steps(self, dim, index, out)()
    return out


@gather.specialize
def _(self: Any, dim: int, index: Any, sparse_grad: bool, out: Any) -> Callable[[], object] | None:
    return _gather_steps(self, dim, index, out) if index.size and out.shape == index.shape else None


def _gather_steps(self: Any, dim: int, index: Any, out: Any) -> Callable[[], object]:
    """A thunk that gathers by the places of the elements in memory, which one `take` reads."""
    axis = dimension(dim, self.ndim)
    source, lines = at_least_1d(self), at_least_1d(index)
    target = at_least_1d(out)
    size = source.shape[axis]
    if not source.flags.c_contiguous or not target.flags.c_contiguous:
        where = grid(lines, axis)

        def by_dimensions() -> None:
            check_range("gather", lines, size)
            target[...] = source[where]

        return by_dimensions
    steps = [step // source.itemsize for step in source.strides]
    own: list[Any] = np.ogrid[tuple(slice(size) for size in lines.shape)]  # pyright: ignore[reportAssignmentType]
    offsets: Any = sum(
        line * step for i, (line, step) in enumerate(zip(own, steps, strict=False)) if i != axis
    )
    places, flat = np.empty(lines.shape, np.int64), source.reshape(-1)

    def by_places() -> None:
        check_range("gather", lines, size)
        np.multiply(lines, steps[axis], out=places, casting="unsafe")
        np.add(places, offsets, places)
        np.take(flat, places, out=target, mode="clip")

    return by_places


@kernel("aten::masked_select.out")
def masked_select(self: Any, mask: Any, out: Any) -> Any:
    """The elements where the mask, broadcast with `self`, is true, in order."""
    shape = broadcast(self, mask)
    result = np.broadcast_to(self, shape)[np.broadcast_to(mask, shape)]
    out = fit(out, result.shape)
    out[...] = result
    return out


@kernel("aten::masked_scatter.out")
def masked_scatter(self: Any, mask: Any, source: Any, out: Any) -> Any:
    """`self` with the elements of `source`, in order, where the mask is true."""
    shape = broadcast(self, mask)
    out = fit(out, shape)
    mask = np.array(np.broadcast_to(mask, shape))
    count = int(np.count_nonzero(mask))
    if count > source.size:
        raise ProgramError(f"masked_scatter: {count} places for {source.size} elements")
    elements = source.reshape(-1)[:count].copy()
    assign(out, self)
    out[mask] = elements
    return out


@kernel("aten::nonzero.out")
def nonzero(self: Any, out: Any) -> Any:
    """The indices of the elements that are not zero, one row each."""
    result = np.stack(at_least_1d(self).nonzero(), axis=1)[:, : self.ndim]
    out = fit(out, result.shape)
    out[...] = result
    return out


@kernel("aten::nonzero_static.out")
def nonzero_static(self: Any, size: int, fill_value: int, out: Any) -> Any:
    """The first `size` rows of `nonzero`, filled up with rows of `fill_value`."""
    rows = np.stack(at_least_1d(self).nonzero(), axis=1)[:size, : self.ndim]
    out = fit(out, (size, self.ndim))
    out[: len(rows)] = rows
    out[len(rows) :] = fill_value
    return out


@kernel("aten::as_strided_scatter.out")
def as_strided_scatter(
    self: Any, src: Any, size: list[int], stride: list[int], offset: int | None, out: Any
) -> Any:
    """`self`, with `src` written to the places that sizes and strides name."""
    out = fit(out, self.shape)
    flat = self.reshape(-1).copy()
    places = np.full((1,) * len(size), offset or 0)
    for dim, (count, step) in enumerate(zip(size, stride, strict=True)):
        line = np.arange(count) * step
        places = places + line.reshape(-1, *(1,) * (len(size) - dim - 1))
    check_range("as_strided_scatter", places, flat.size)
    flat[places] = src
    out[...] = flat.reshape(self.shape)
    return out
