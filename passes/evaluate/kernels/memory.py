"""Pointers into numpy arrays; every access is checked against the array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from xdsl.ir import Operation

from ....dialects.diagnostic import Diagnostic, DiagnosticsError
from ..arrays import Array


@dataclass(frozen=True)
class Pointer:
    """A place in memory: `offset` elements from the begin of a flat array."""

    memory: Array
    offset: int

    def advance(self, elements: int) -> Pointer:
        """The place some elements further."""
        return Pointer(self.memory, self.offset + elements)

    def view(self, op: Operation, shape: Sequence[int], strides: Sequence[int]) -> Array:
        """The elements that an operation reads or writes from here on, as an array.

        Raises DiagnosticsError at the operation if one of them is outside of the memory.
        """
        steps = [(size - 1) * stride for size, stride in zip(shape, strides, strict=True)]
        if 0 in shape:
            return np.empty(shape, self.memory.dtype)
        self._check(
            op,
            self.offset + sum(step for step in steps if step < 0),
            self.offset + sum(step for step in steps if step > 0),
        )
        item = self.memory.itemsize
        return as_strided(
            self.memory[self.offset :], tuple(shape), [stride * item for stride in strides]
        )

    def positions(self, op: Operation, distances: Array) -> Array:
        """Positions in the memory, given by their distances from here.

        Raises DiagnosticsError as `view` does.
        """
        if distances.size:
            self._check(op, self.offset + distances.min(), self.offset + distances.max())
        return distances + self.offset

    def _check(self, op: Operation, first: int, last: int) -> None:
        if first < 0 or last >= self.memory.size:
            message = f"touches elements {first} to {last} of memory with {self.memory.size}"
            raise DiagnosticsError([Diagnostic.at(op, message)])
