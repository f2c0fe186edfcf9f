"""Places that tensors of indices lead to, for what is read there and for what is written there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, i32, i64
from xdsl.ir import SSAValue

from ...dialects import kernel
from .kernel_builder import KernelBuilder
from .step import Step, Tensor, element_type


@dataclass(frozen=True)
class Index:
    """A tensor of indices into a dim of an indexed one, which has so many elements and this
    stride; `strides` are those of the dims of the space. Negative ones may count from the end."""

    size: int
    stride: int
    strides: tuple[int, ...]
    wraps: bool


@dataclass(frozen=True)
class Indexed:
    """A space whose point i is place sum of i * strides, and of index[i] * its stride for each
    index, of an indexed tensor. It has at least one dim."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    indices: tuple[Index, ...]


def why_no_indices(values: Sequence[SSAValue]) -> str | None:
    """Why tensors cannot be indices; None if they can."""
    for value in values:
        if element_type(value) not in (i32, i64):
            return f"indices of {element_type(value)}"
    return None


def advanced(
    step: Step,
    shape: tuple[int, ...],
    indexed: Tensor,
    values: Sequence[SSAValue | None],
    wraps: bool = True,
) -> Indexed:
    """PyTorch's advanced indexing: the dims of the indices, broadcast, stand where the indexed dims
    stood if these are neighbours, else in front."""
    given = [dim for dim, value in enumerate(values) if value is not None]
    tensors = [step.tensor(value) for value in values if value is not None]
    rank = max(len(tensor.shape) for tensor in tensors)
    begin = common_begin(given)
    kept = [stride for dim, stride in enumerate(indexed.strides) if dim not in given]
    before, after = kept[:begin], kept[begin:]
    common = shape[begin : begin + rank]

    def strides(tensor: Tensor) -> tuple[int, ...]:
        return (*(0 for _ in before), *tensor.broadcast(common), *(0 for _ in after)) or (0,)

    indices = tuple(
        Index(indexed.shape[dim], indexed.strides[dim], strides(tensor), wraps)
        for dim, tensor in zip(given, tensors, strict=True)
    )
    return Indexed(shape or (1,), (*before, *[0] * rank, *after) or (0,), indices)


def common_begin(given: Sequence[int]) -> int:
    """Where the dims of the indices stand in the result, for the dims that have an index."""
    neighbours = list(given) == list(range(given[0], given[-1] + 1))
    return given[0] if neighbours else 0


def along(indexed: Tensor, index: Tensor, dim: int) -> Indexed:
    """Indices into one dim, a place of its own for every element."""
    indexed, index = at_least_1d(indexed), at_least_1d(index)
    dim %= len(indexed.shape)
    own = Index(indexed.shape[dim], indexed.strides[dim], index.strides, wraps=False)
    return Indexed(index.shape, _without(indexed.strides, dim), (own,))


def selected(indexed: Tensor, index: Tensor, dim: int) -> Indexed:
    """Indices into one dim, the same ones for all places of the others."""
    indexed, index = at_least_1d(indexed), at_least_1d(index)
    dim %= len(indexed.shape)
    strides = tuple(index.strides[0] * (d == dim) for d in range(len(indexed.shape)))
    own = Index(indexed.shape[dim], indexed.strides[dim], strides, wraps=False)
    shape = (*indexed.shape[:dim], *index.shape, *indexed.shape[dim + 1 :])
    return Indexed(shape, _without(indexed.strides, dim), (own,))


def at_least_1d(tensor: Tensor) -> Tensor:
    """A tensor without dims as a line of its only element."""
    return tensor if tensor.shape else Tensor(tensor.element, (1,), (1,))


def _without(strides: Sequence[int], dim: int) -> tuple[int, ...]:
    return tuple(0 if d == dim else stride for d, stride in enumerate(strides))


def load_index(k: KernelBuilder, pointer: SSAValue, index: Index, status: SSAValue) -> SSAValue:
    """An index, counted from the begin. One that is outside of the dim is noted in the status, and
    becomes the first or the last: no memory is touched that the tensor does not have."""
    found = k.insert(kernel.LoadOp(pointer, IndexType())).result
    zero, whole = k.index([], 0), k.index([], index.size)
    if index.wraps:
        negative = k.insert(arith.CmpiOp(found, zero, "slt")).result
        turned = k.insert(arith.AddiOp(found, whole)).result
        found = k.insert(arith.SelectOp(negative, turned, found)).result
    k.insert(kernel.RequireOp(k.insert(arith.CmpiOp(found, whole, "ult")).result, status))
    found = k.insert(arith.MaxSIOp(found, zero)).result
    return k.insert(arith.MinSIOp(found, k.index([], index.size - 1))).result
