"""The values of a loaded method: tensors in arenas or in the file, lists, numbers."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import numpy as np

from .arrays import Array
from .dtypes import BY_CODE
from .errors import ProgramError
from .program.program_file import ProgramFile
from .program.schema import (
    Bool,
    BoolList,
    Double,
    DoubleList,
    ExecutionPlan,
    Int,
    IntList,
    Null,
    OptionalTensorList,
    ShapeDynamism,
    String,
    Tensor,
    TensorDataLocation,
    TensorList,
    Value,
)
from .program.tensor_size import tensor_nbytes

ALIGNMENT = 64
"""Bytes to which memory is aligned, a cache line."""


class TensorSlot:
    """A tensor: the bytes it may use, and `array`, the view of them with its current shape."""

    __slots__ = ("array", "bound", "dtype", "dynamic", "order", "storage")

    def __init__(self, value: Tensor, storage: Array):
        self.dtype = BY_CODE[value.scalar_type].dtype
        self.bound = tuple(value.sizes)
        self.order = tuple(value.dim_order)
        self.dynamic = value.shape_dynamism != ShapeDynamism.STATIC
        self.storage = storage
        self.array = self._view(self.bound)

    def _view(self, shape: tuple[int, ...]) -> Array:
        """The first bytes of the storage as a dense tensor in the slot's dim order."""
        flat = self.storage[: prod(shape) * self.dtype.itemsize].view(self.dtype)
        inverse = sorted(range(len(shape)), key=self.order.__getitem__)
        return flat.reshape([shape[dim] for dim in self.order]).transpose(inverse)

    def resize(self, shape: tuple[int, ...]) -> None:
        """Give the tensor another shape in the same storage; ProgramError if it cannot have it."""
        if shape != self.array.shape:
            self._check(shape)
            self.array = self._view(shape)

    def _check(self, shape: tuple[int, ...]) -> None:
        if shape == self.bound:
            return
        if not self.dynamic:
            raise ProgramError(f"a tensor of fixed shape {list(self.bound)} becomes {list(shape)}")
        fits = len(shape) == len(self.bound) and prod(shape) <= prod(self.bound)
        if not fits or any(size < 0 for size in shape):
            raise ProgramError(f"a tensor with room for {list(self.bound)} becomes {list(shape)}")

    def store(self, result: Any) -> None:
        """Copy what a kernel returned, an array or a number, and take its shape."""
        if result is self.array:
            return
        result = np.asarray(result)
        self.resize(result.shape)
        np.copyto(self.array, result, casting="unsafe")

    def alias(self, source: "TensorSlot", shape: tuple[int, ...]) -> None:
        """Become a view of the memory of `source` with another shape."""
        if prod(shape) * self.dtype.itemsize != source.array.nbytes:
            raise ProgramError(f"a view of {list(source.array.shape)} becomes {list(shape)}")
        self._check(shape)
        self.storage = source.storage
        self.array = self._view(shape)


@dataclass(frozen=True, slots=True)
class ListSlot:
    """A list whose items are other slots, read at each use; -1 is None."""

    items: tuple[int, ...]


def make_slot(file: ProgramFile, value: Value, arenas: Sequence[Array]) -> Any:
    """What a method keeps for a value of its table; the program is verified.

    Numbers, str, bool and None are themselves, BoolList and DoubleList are Python lists. Raises
    ProgramError for data that is not here and for memory that is not there.
    """
    match value:
        case Tensor():
            return _make_tensor(file, value, arenas)
        case Null():
            return None
        case Int(number):
            return number
        case Double(number):
            return number
        case Bool(truth):
            return truth
        case String(text):
            return text
        case IntList(items) | TensorList(items) | OptionalTensorList(items):
            return ListSlot(tuple(items))
        case BoolList(items) | DoubleList(items):
            return list(items)


def share_views(slots: Sequence[Any], values: Sequence[Value]) -> None:
    """Give tensors of fixed shape that look alike at one place in an arena one view of it.

    A call whose result takes the place of an operand then has one array as both. Of two arrays
    numpy would ask at each call whether they overlap, which takes as long as a small sum.
    """
    views: dict[Any, Array] = {}
    for slot, value in zip(slots, values, strict=True):
        if isinstance(value, Tensor) and value.allocation_info is not None and not slot.dynamic:
            place = value.allocation_info
            key = (place.memory_id, place.memory_offset, slot.dtype, slot.bound, slot.order)
            slot.array = views.setdefault(key, slot.array)


def _make_tensor(file: ProgramFile, value: Tensor, arenas: Sequence[Array]) -> TensorSlot:
    if value.scalar_type not in BY_CODE:
        raise ProgramError(f"scalar type {value.scalar_type} has no kernels here")
    info, place, constant = value.extra_tensor_info, value.allocation_info, value.data_buffer_idx
    if info is not None and info.location == TensorDataLocation.EXTERNAL:
        data = file.external_bytes(info.fully_qualified_name or "", value)
        return TensorSlot(value, np.frombuffer(data, np.uint8))
    size = prod(value.sizes) * BY_CODE[value.scalar_type].dtype.itemsize
    if place is None and constant:
        return TensorSlot(value, np.frombuffer(file.constant_bytes(constant, size), np.uint8))
    if place is None:
        # Input or output memory that ExecuTorch takes from its caller: here it is the slot's own.
        return TensorSlot(value, allocate(size))
    storage = arenas[place.memory_id][place.memory_offset : place.memory_offset + size]
    if constant:
        storage[:] = np.frombuffer(file.mutable_bytes(constant, size), np.uint8)
    return TensorSlot(value, storage)


def allocate_arenas(plans: Sequence[ExecutionPlan]) -> list[list[Array]]:
    """The arenas of each method, by `memory_id`, zero-filled; ProgramError if memory is short.

    An arena is as large as the tensors in it need: a size that is declared costs nothing.

    Arena 1 is each method's own. Those from 2 on are the program's: compilers put state that
    methods share there, at equal offsets.
    """
    needed = [_needed(plan) for plan in plans]
    shared: dict[int, int] = {}
    for sizes in needed:
        for index, size in enumerate(sizes[2:], 2):
            shared[index] = max(size, shared.get(index, 0))
    total = sum(sum(sizes[:2]) for sizes in needed) + sum(shared.values())
    if total > _physical_memory():
        raise ProgramError(f"no memory for {total} bytes, which the program's tensors take")
    common = {index: allocate(size) for index, size in shared.items()}
    return [
        [common[index] if index in common else allocate(size) for index, size in enumerate(sizes)]
        for sizes in needed
    ]


def _needed(plan: ExecutionPlan) -> list[int]:
    """The bytes of each arena that tensors lie in."""
    sizes = [0] * len(plan.non_const_buffer_sizes)
    for value in plan.values:
        if isinstance(value, Tensor) and (place := value.allocation_info) is not None:
            end = place.memory_offset + tensor_nbytes(value)
            sizes[place.memory_id] = max(sizes[place.memory_id], end)
    return sizes


@cache
def _physical_memory() -> int:
    """The bytes of memory that the machine has; where it does not say, more than any has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2**62


def allocate(size: int) -> Array:
    """`size` zero bytes, aligned; ProgramError if there is no memory for them."""
    if size > _physical_memory():
        raise ProgramError(f"no memory for {size} bytes")
    try:
        memory = np.zeros(size + ALIGNMENT, np.uint8)
    except (MemoryError, ValueError, OverflowError):
        raise ProgramError(f"no memory for {size} bytes") from None
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]
