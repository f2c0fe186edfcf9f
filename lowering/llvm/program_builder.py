"""Builds a `kernel.program`: kernels that are shared where they are equal, data, launches."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from types import MappingProxyType
from typing import Any

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from ...dialects import kernel
from ...dialects.weights import WeightsStore
from .kernel_builder import KernelBuilder
from .step import Array, element_type
from .target import Target

ALIGNMENT = 64
"""Bytes to which everything in the arena and in the scratch memory is aligned."""

_NOTHING: Mapping[SSAValue, Any] = MappingProxyType({})


def side_by_side(sizes: Sequence[int], alignment: int = ALIGNMENT) -> tuple[list[int], int]:
    """Where areas of these sizes begin, one behind the other, and where the last one ends; all at
    multiples of the alignment."""
    ends = list(accumulate(-(-size // alignment) * alignment for size in sizes))
    return [0, *ends][: len(sizes)], ends[-1] if ends else 0


def aligned(size: int) -> int:
    """A number of bytes, rounded up to the alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True)
class Place:
    """Where a value's first element is: `offset` elements from a place that `base` tells.

    "argument" (`number` is its index), "arena" or "workspace" (`number` is the offset in bytes
    there), "scratch" (the thread's own), or "weight" (`key`).
    """

    base: str
    number: int = 0
    offset: int = 0
    key: str = ""


class ProgramBuilder:
    """Collects the kernels and launches of a region; families of kernels write into it."""

    def __init__(
        self,
        target: Target,
        weights: WeightsStore,
        places: Mapping[SSAValue, Place],
        constants: Mapping[SSAValue, Array] | None = None,
        keys: Mapping[SSAValue, str] | None = None,
    ) -> None:
        self.target = target
        self.weights = weights
        self._places = places
        self._constants = _NOTHING if constants is None else constants
        self._keys = _NOTHING if keys is None else keys
        self._functions: dict[Hashable, kernel.FuncOp] = {}
        self._names: dict[str, int] = {}
        self._addresses: dict[tuple[Place, Attribute], SSAValue] = {}
        self._launches: list[kernel.LaunchOp] = []
        self._block = Block()
        self._scratch = 0
        self._workspace = 0
        self._status: kernel.StatusOp | None = None
        self._in_workspace: dict[kernel.ArenaOp, int] = {}
        self._by_channels: set[SSAValue] = set()

    def pointer(self, value: SSAValue) -> SSAValue:
        """Where a tensor of the region begins; a constant is stored row-major as it is."""
        element = element_type(value)
        if value in self._keys:
            return self.address(Place("weight", key=self._keys[value]), element)
        if value in self._constants:
            return self.weight(self._constants[value], element)
        return self.address(self._places[value], element)

    def weight(self, array: Array, element: Attribute) -> SSAValue:
        """Constant data, contiguous as given (packed by the caller for its kernel)."""
        key = self.weights.put(np.ascontiguousarray(array))
        return self.address(Place("weight", key=key), element)

    def scratch(self, size: int, element: Attribute) -> SSAValue:
        """Memory of the running thread, at least `size` bytes: it is lost between tasks."""
        self._scratch = max(self._scratch, aligned(size))
        return self.address(Place("scratch"), element)

    def advance(self, pointer: SSAValue, offset: int) -> SSAValue:
        """So many elements behind a pointer."""
        if not offset:
            return pointer
        op = kernel.AdvanceOp(pointer, offset=offset)
        self._block.add_op(op)
        return op.result

    def status(self) -> SSAValue:
        """Where kernels note that what they require does not hold."""
        if self._status is None:
            self._status = kernel.StatusOp()
            self._block.add_op(self._status)
        return self._status.result

    def workspace(self, sizes: Sequence[int], element: Attribute) -> list[SSAValue]:
        """Areas of memory of so many bytes for the launches of one step; all tasks see them."""
        offsets, end = side_by_side(sizes)
        self._workspace = max(self._workspace, end)
        return [self.address(Place("workspace", offset), element) for offset in offsets]

    def launch(
        self,
        name: str,
        key: Hashable,
        arguments: Sequence[SSAValue],
        tasks: int,
        build: Callable[[KernelBuilder], None],
        whole: bool = False,
    ) -> None:
        """Run a kernel for `tasks` tasks; with `whole` one more task is all of them. `key` says all
        that `build` depends on: a kernel with an equal name and key is made once."""
        types = tuple(argument.type for argument in arguments)
        full_key = (name, key, types)
        if full_key not in self._functions:
            number = self._names[name] = self._names.get(name, -1) + 1
            k = KernelBuilder(f"{name}_{number}" if number else name, types)
            build(k)
            self._functions[full_key] = k.finish()
        function = self._functions[full_key]
        self._launches.append(kernel.LaunchOp(function.sym_name.data, arguments, tasks, whole))

    def remember_cut(self, target: SSAValue, by_channels: bool) -> None:
        """Note whether a launch's threads write parts of the channels at a pointer, or of the rows:
        launches that read there are best cut in the same way (`tasks.py`)."""
        (self._by_channels.add if by_channels else self._by_channels.discard)(target)

    def is_by_channels(self, source: SSAValue) -> bool:
        """Whether what lies at a pointer was written in parts of the channels."""
        return source in self._by_channels

    def finish(
        self, inputs: Sequence[SSAValue], result_types: Sequence[Attribute], arena: int
    ) -> kernel.ProgramOp:
        """The complete program; the workspace stands behind the arena."""
        begin = aligned(arena)
        for op, offset in self._in_workspace.items():
            op.properties["offset"] = IntegerAttr(begin + offset, i64)
        if self._workspace:
            arena = begin + self._workspace
        if self._status is not None:
            begin = aligned(arena)
            self._status.properties["offset"] = IntegerAttr(begin, i64)
            arena = begin + ALIGNMENT
        block = Block()
        block.add_ops(self._functions.values())
        for op in list(self._block.ops):
            op.detach()
            block.add_op(op)
        block.add_ops(self._launches)
        return kernel.ProgramOp(inputs, result_types, arena, self._scratch, Region(block))

    def address(self, place: Place, element: Attribute) -> SSAValue:
        """A place as a pointer; the same one for equal places."""
        if (place, element) not in self._addresses:
            op = self._address_op(place, element)
            self._block.add_op(op)
            self._addresses[place, element] = op.results[0]
        return self._addresses[place, element]

    def _address_op(self, place: Place, element: Attribute) -> Operation:
        if place.offset:
            begin = self.address(replace(place, offset=0), element)
            return kernel.AdvanceOp(begin, offset=place.offset)
        match place.base:
            case "argument":
                return kernel.ArgumentOp(place.number, element)
            case "arena":
                return kernel.ArenaOp(place.number, element)
            case "scratch":
                return kernel.ScratchOp(element)
            case "workspace":
                op = kernel.ArenaOp(0, element)
                self._in_workspace[op] = place.number
                return op
            case _:
                return kernel.WeightOp(place.key, element)
