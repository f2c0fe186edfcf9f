"""A compiled region, loaded: its code is mapped, its weights are found, its arena allocated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np

from ...arrays import Array
from ...delegates import DelegateOptions
from ...errors import ProgramError
from ...slots import allocate
from .bound_call import array_call, bound_call
from .cpu import check_cpu
from .executable import Executable
from .payload import CompiledRegion, read_payload
from .team import team_for

SHORT_BYTES = 1 << 19
"""A run that touches less memory is over so soon that other Python threads may wait for it."""


def load(payload: memoryview, options: DelegateOptions) -> Region:
    """The region of a payload; ProgramError if it is malformed or made for another CPU."""
    region = read_payload(payload)
    check_cpu(region.machine, region.cpu, region.features)
    weights = [_weight(key, size, options) for key, size in region.weights]
    return Region(region, weights, options.threads)


def _weight(key: str, size: int, options: DelegateOptions) -> Array:
    data = np.frombuffer(options.named_data(key), np.uint8)
    if data.size != size:
        raise ProgramError(f"weight {key!r} has {data.size} bytes, its code reads {size}")
    return data


class Region:
    """A delegate: takes the arrays of the region's inputs, then those of its outputs, all dense."""

    def __init__(self, compiled: CompiledRegion, weights: list[Array], threads: int):
        self._code = Executable(compiled.image)
        self._sizes = (*compiled.inputs, *compiled.outputs)
        self._weights = weights
        self._entry = self._code.address + compiled.run
        self.pace = np.zeros(8, np.uint64)
        """The team's address, then what the code learns about its speed; unused by one thread."""
        if threads > 1 and compiled.run_team is not None and compiled.worker is not None:
            team = team_for(threads, compiled.team_version, self._code, compiled.worker)
            self._entry = self._code.address + compiled.run_team
            self.pace[0] = team.address
        self.arena = allocate(compiled.arena + max(1, threads) * compiled.scratch)
        """What a run keeps between kernels, then scratch memory for each thread."""
        touched = self.arena.size + sum(self._sizes) + sum(weight.size for weight in weights)
        self._short = touched < SHORT_BYTES

    def __call__(self, *args: Array) -> None:
        """Run once; ProgramError if these are not the region's arrays."""
        self._check(args)
        self._run(*args)

    def bind(self, args: Sequence[Any]) -> Callable[[], object]:
        """A function that runs on these arrays; ProgramError if they are not the region's."""
        arrays = cast("Sequence[Array]", args)
        self._check(arrays)
        table = self._table([*arrays, *self._weights])
        return bound_call(self._entry, self._arguments(table), (self, table, arrays), self._short)

    def anywhere(self) -> Callable[..., object]:
        """A function that runs on arrays that may lie elsewhere each time; they must be right."""
        table = self._table(self._weights, len(self._sizes))
        arguments = self._arguments(table)
        return array_call(
            self._entry, arguments, table, len(self._sizes), (self, table), self._short
        )

    @cached_property
    def _run(self) -> Callable[..., object]:
        return self.anywhere()

    def _check(self, arrays: Sequence[Array]) -> None:
        given = tuple(array.nbytes for array in arrays)
        if given != self._sizes:
            raise ProgramError(f"its code takes {self._sizes} bytes, the call has {given}")

    def _table(self, arrays: Sequence[Array], free: int = 0) -> Array:
        """Addresses of arrays, behind free places for others."""
        return np.array([*[0] * free, *(array.ctypes.data for array in arrays)], np.uintp)

    def _arguments(self, table: Array) -> tuple[int, ...]:
        return (self.arena.ctypes.data, table.ctypes.data, 0, self.pace.ctypes.data)
