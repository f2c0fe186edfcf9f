"""Views of a tensor, copied to `out`; semantics of `torch.<name>` without the `_copy`.

Names without `_copy` are those of composites that only this runtime has.
"""

from collections.abc import Callable
from functools import partial
from itertools import accumulate
from math import prod
from typing import Any

import ml_dtypes
import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from ..errors import ProgramError
from ..registry import kernel
from .movement import Plan, aligned, movement_kernel
from .shapes import dimension, dimensions, fit


def view_kernel(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: register `view(self, *parameters) -> array` as kernels that copy it to `out`."""

    def register(view: Callable[..., Any]) -> Callable[..., Any]:
        def plan(*args: Any) -> Plan:
            source = view(*args)
            return source.shape, [(..., source)]

        movement_kernel(*names)(plan)
        return view

    return register


def slice_range(size: int, start: int | None, end: int | None, step: int) -> slice:
    """PyTorch's slice of a dimension: bounds are clamped, the step is positive."""
    if step <= 0:
        raise ProgramError(f"slice: step is {step}; expected a positive number")
    first, last, _ = slice(start, end).indices(size)
    return slice(first, max(first, last), step)


def along(dim: int, index: Any) -> tuple[Any, ...]:
    """The numpy index that applies `index` to the dimension `dim` (not negative)."""
    return (*(slice(None),) * dim, index)


def resolve_size(self: Any, size: list[int]) -> tuple[int, ...]:
    """`size` with its one -1 replaced by what the elements of `self` need."""
    known = prod(n for n in size if n != -1)
    if -1 in size and known:
        size = [self.size // known if n == -1 else n for n in size]
    if prod(size) != self.size or size.count(-1):
        raise ProgramError(f"a tensor of shape {list(self.shape)} cannot be viewed as {size}")
    return tuple(size)


@movement_kernel("aten::view_copy.out", "aten::_unsafe_view.out", "aten::reshape.out")
def view_copy(self: Any, size: list[int]) -> Plan:
    """The elements in order in the shape `size`, one of which may be -1."""
    return resolve_size(self, size), [(..., self)]


@movement_kernel("aten::flatten.using_ints_out")
def flatten(self: Any, start_dim: int, end_dim: int) -> Plan:
    """Dimensions `start_dim` to `end_dim` merged into one."""
    first, last = dimension(start_dim, self.ndim), dimension(end_dim, self.ndim)
    merged = prod(self.shape[first : last + 1])
    return (*self.shape[:first], merged, *self.shape[last + 1 :]), [(..., self)]


@view_kernel("aten::view_copy.dtype_out")
def view_as_dtype(self: Any, dtype: int) -> Any:
    """The bits read as another dtype; the last dimension scales with the element size."""
    from ..dtypes import BY_CODE

    return np.ascontiguousarray(self).view(BY_CODE[dtype].dtype)


@view_kernel("aten::permute_copy.out", "aten::permute.out")
def permute(self: Any, dims: list[int]) -> Any:
    """Dimension i of the result is dimension `dims[i]`."""
    if len(dims) != self.ndim:
        raise ProgramError(f"permute: {len(dims)} dimensions for a tensor of rank {self.ndim}")
    return self.transpose(dimensions(dims, self.ndim) if dims else ())


@view_kernel("aten::transpose_copy.int_out", "aten::transpose.int_out")
def transpose(self: Any, dim0: int, dim1: int) -> Any:
    """Two dimensions exchanged."""
    first, second = dimension(dim0, self.ndim), dimension(dim1, self.ndim)
    return self.swapaxes(first, second) if self.ndim else self


@view_kernel("aten::t_copy.out", "aten::t.out")
def t(self: Any) -> Any:
    """A matrix transposed; vectors and scalars as they are."""
    return self.T


@view_kernel("aten::unsqueeze_copy.out")
def unsqueeze(self: Any, dim: int) -> Any:
    """A dimension of size 1 inserted."""
    return np.expand_dims(self, dimension(dim, self.ndim + 1))


@view_kernel("aten::squeeze_copy.out")
def squeeze(self: Any) -> Any:
    """Without all dimensions of size 1."""
    return self.squeeze()


@view_kernel("aten::squeeze_copy.dim_out", "aten::squeeze_copy.dims_out")
def squeeze_dims(self: Any, dims: int | list[int]) -> Any:
    """Without those of the dimensions whose size is 1."""
    listed = [dims] if isinstance(dims, int) else dims
    found = {dimension(dim, self.ndim) for dim in listed}
    return self.squeeze(tuple(dim for dim in found if self.ndim and self.shape[dim] == 1))


@view_kernel("aten::select_copy.int_out")
def select(self: Any, dim: int, index: int) -> Any:
    """The slice at `index` of a dimension, which it removes."""
    if self.ndim == 0:
        raise ProgramError("select: a 0-d tensor has no dimensions")
    axis = dimension(dim, self.ndim)
    if not -self.shape[axis] <= index < self.shape[axis]:
        raise ProgramError(f"select: index {index} is out of range for size {self.shape[axis]}")
    return self[(*along(axis, index), ...)]


@view_kernel("aten::slice_copy.Tensor_out")
def slice_copy(self: Any, dim: int, start: int | None, end: int | None, step: int) -> Any:
    """Elements `start` to `end` of a dimension, every `step`-th; None is the edge."""
    if self.ndim == 0:
        raise ProgramError("slice: a 0-d tensor has no dimensions")
    axis = dimension(dim, self.ndim)
    return self[along(axis, slice_range(self.shape[axis], start, end, step))]


@view_kernel("aten::narrow_copy.out")
def narrow(self: Any, dim: int, start: int, length: int) -> Any:
    """`length` elements of a dimension from `start` on."""
    axis = dimension(dim, self.ndim)
    size = self.shape[axis]
    first = start + size if start < 0 else start
    if not (0 <= first <= size and 0 <= length <= size - first):
        raise ProgramError(f"narrow: {length} elements from {start} do not lie in size {size}")
    return self[along(axis, slice(first, first + length))]


@view_kernel("aten::diagonal_copy.out")
def diagonal(self: Any, offset: int, dim1: int, dim2: int) -> Any:
    """The diagonal of two dimensions, as the last dimension."""
    return self.diagonal(offset, dimension(dim1, self.ndim), dimension(dim2, self.ndim))


@view_kernel("aten::as_strided_copy.out")
def as_strided_copy(self: Any, size: list[int], stride: list[int], offset: int | None) -> Any:
    """Elements `offset + sum(i * stride)` of the memory of `self`, which must be dense."""
    dense = self if self.flags.c_contiguous else np.ascontiguousarray(self)
    last = (offset or 0) + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if prod(size) and not 0 <= last < dense.size:
        raise ProgramError(f"as_strided: element {last} is outside of the {dense.size} there are")
    start = dense.reshape(-1)[offset or 0 :]
    return as_strided(start, size, [step * dense.itemsize for step in stride], writeable=False)


@view_kernel("aten::unfold_copy.out", "aten::unfold.out")
def unfold(self: Any, dim: int, size: int, step: int) -> Any:
    """Windows of `size` elements every `step` along `dim`; the window is the last dimension."""
    axis = dimension(dim, self.ndim)
    if self.ndim == 0:
        return self.reshape(1)[:size]
    if size > self.shape[axis]:
        raise ProgramError(f"unfold: window of {size} elements in size {self.shape[axis]}")
    return sliding_window_view(self, size, axis)[along(axis, slice(None, None, step))]


@view_kernel("aten::view_as_real_copy.out")
def view_as_real(self: Any) -> Any:
    """Real and imaginary parts in a new last dimension."""
    dense = self if self.flags.c_contiguous else np.ascontiguousarray(self)
    return dense[..., None].view(f"f{self.itemsize // 2}")


@view_kernel("aten::view_as_complex_copy.out")
def view_as_complex(self: Any) -> Any:
    """Pairs in the last dimension as complex numbers."""
    if not self.ndim or self.shape[-1] != 2:
        raise ProgramError(f"view_as_complex: the last dimension of {list(self.shape)} is not 2")
    wide = ml_dtypes.complex32 if self.dtype == np.float16 else f"c{2 * self.itemsize}"
    return np.ascontiguousarray(self).view(wide)[..., 0]


@movement_kernel("aten::pixel_shuffle.out")
def pixel_shuffle(self: Any, factor: int) -> Plan:
    """(*, C r^2, H, W) to (*, C, H r, W r)."""
    *lead, channels, height, width = self.shape
    if channels % factor**2:
        raise ProgramError(f"pixel_shuffle: {channels} channels are no multiple of {factor}^2")
    count, rank = channels // factor**2, len(lead)
    split = self.reshape(*lead, count, factor, factor, height, width)
    order = (*range(rank), *(rank + i for i in (0, 3, 1, 4, 2)))
    return (*lead, count, height * factor, width * factor), [(..., split.transpose(order))]


@movement_kernel("aten::pixel_unshuffle.out")
def pixel_unshuffle(self: Any, factor: int) -> Plan:
    """(*, C, H r, W r) to (*, C r^2, H, W)."""
    *lead, channels, height, width = self.shape
    if height % factor or width % factor:
        raise ProgramError(f"pixel_unshuffle: {height}x{width} is no multiple of {factor}")
    rank, height, width = len(lead), height // factor, width // factor
    split = self.reshape(*lead, channels, height, factor, width, factor)
    order = (*range(rank), *(rank + i for i in (0, 2, 4, 1, 3)))
    return (*lead, channels * factor**2, height, width), [(..., split.transpose(order))]


# Splits: the result is a list of tensors


def split_kernel(*names: str) -> Callable[[Callable[..., list[Any]]], Callable[..., list[Any]]]:
    """Decorator: register `parts(self, *parameters) -> views` as kernels with a list of outs."""

    def register(parts: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
        for name in names:
            _register_split(name, parts)
        return parts

    return register


def _register_split(name: str, parts: Callable[..., list[Any]]) -> None:
    @kernel(name)
    def call(*args: Any) -> Any:
        *arguments, outs = args
        views = parts(*arguments)
        if len(views) != len(outs):
            raise ProgramError(f"{name}: {len(views)} parts for {len(outs)} outs")
        results = [fit(out, view.shape) for out, view in zip(outs, views, strict=True)]
        for result, view in zip(results, views, strict=True):
            result[...] = view
        return results

    @call.specialize
    def _(*args: Any) -> Callable[[], object] | None:
        *arguments, outs = args
        views = parts(*arguments)
        if [view.shape for view in views] != [out.shape for out in outs]:
            return None
        pairs = [aligned(out, view) for out, view in zip(outs, views, strict=True)]
        calls = tuple(partial(out.__setitem__, Ellipsis, view) for out, view in pairs)

        def thunk() -> None:
            for assign in calls:
                assign()

        return thunk


@split_kernel("aten::split_with_sizes_copy.out")
def split_with_sizes(self: Any, split_sizes: list[int], dim: int) -> list[Any]:
    """Consecutive parts of a dimension, of the given sizes."""
    axis = dimension(dim, self.ndim)
    if sum(split_sizes) != self.shape[axis]:
        raise ProgramError(f"split: {split_sizes} do not add up to size {self.shape[axis]}")
    ends = list(accumulate(split_sizes))
    pairs = zip([0, *ends], ends, strict=False)
    return [self[along(axis, slice(start, end))] for start, end in pairs]


@split_kernel("aten::split_copy.Tensor_out", "aten::split.Tensor_out")
def split(self: Any, split_size: int, dim: int) -> list[Any]:
    """Consecutive parts of `split_size` elements; the last may be smaller."""
    size = self.shape[dimension(dim, self.ndim)]
    if split_size < 0 or (split_size == 0 and size):
        raise ProgramError(f"split: size {split_size}; expected a positive number")
    sizes = [min(split_size, size - i) for i in range(0, size, split_size)] if size else [0]
    return split_with_sizes(self, sizes, dim)


@split_kernel("aten::chunk.out")
def chunk(self: Any, chunks: int, dim: int) -> list[Any]:
    """At most `chunks` consecutive parts of equal size, but the last."""
    if chunks <= 0:
        raise ProgramError(f"chunk: {chunks} chunks; expected a positive number")
    size = self.shape[dimension(dim, self.ndim)]
    if size == 0:
        return split_with_sizes(self, [0] * chunks, dim)
    return split(self, -(-size // chunks), dim)


@split_kernel("aten::unbind_copy.int_out", "aten::unbind.int_out")
def unbind(self: Any, dim: int) -> list[Any]:
    """The slices of a dimension, which they lose."""
    axis = dimension(dim, self.ndim)
    return [self[(*along(axis, i), ...)] for i in range(self.shape[axis])]
