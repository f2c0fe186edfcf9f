"""The mutable buffers of a loaded program: what survives from one call to the next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Array, to_array
from .errors import InputError
from .interpreter import Method
from .program.program_file import ProgramFile
from .program.schema import ExecutionPlan, Tensor
from .slots import TensorSlot


@dataclass(frozen=True)
class Buffer:
    """A buffer in the memory of one method; `initial` are its first bytes, None for zeros."""

    slot: TensorSlot
    initial: Array | None


class State(Mapping[str, Array]):
    """The mutable buffers of a program by name.

    `state["cache"]` is a copy of what a buffer holds, `state["cache"] = array` sets it, `reset()`
    gives every buffer (`reset("cache")`: one) its initial value again. A buffer of several methods
    is one; where a program gives it memory of its own in each, all are set.
    """

    def __init__(self, file: ProgramFile, methods: Sequence[Method]):
        self._buffers: dict[str, list[Buffer]] = {}
        for method in methods:
            for name, index in _buffers(method.plan):
                value = method.plan.values[index]
                assert isinstance(value, Tensor), "a buffer is a tensor"
                slot = method.tensor(index)
                initial = None
                if value.data_buffer_idx:
                    data = file.mutable_bytes(value.data_buffer_idx, slot.storage.nbytes)
                    initial = np.frombuffer(data, np.uint8)
                self._buffers.setdefault(name, []).append(Buffer(slot, initial))

    def __getitem__(self, name: str) -> Array:
        return np.array(self._find(name)[0].slot.array, order="C")

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a buffer; InputError unless shape and dtype are the buffer's."""
        buffers = self._find(name)
        wanted = buffers[0].slot.array
        try:
            array = to_array(value)
        except TypeError as error:
            raise InputError(f"state {name!r}: {error}") from error
        if array.shape != wanted.shape or array.dtype != wanted.dtype:
            raise InputError(
                f"state {name!r}: got {array.dtype}{list(array.shape)}, want "
                f"{wanted.dtype}{list(wanted.shape)}"
            )
        for buffer in buffers:
            np.copyto(buffer.slot.array, array)

    def __iter__(self) -> Iterator[str]:
        return iter(self._buffers)

    def __len__(self) -> int:
        return len(self._buffers)

    def reset(self, *names: str) -> None:
        """Give the buffers of these names, or all, their initial values."""
        for name in names or self._buffers:
            for buffer in self._find(name):
                buffer.slot.resize(buffer.slot.bound)
                buffer.slot.storage[:] = 0 if buffer.initial is None else buffer.initial

    def _find(self, name: str) -> list[Buffer]:
        if name not in self._buffers:
            known = ", ".join(self._buffers) or "none"
            raise KeyError(f"the program has no state {name!r}; it has: {known}")
        return self._buffers[name]

    def __repr__(self) -> str:
        return f"<State of {', '.join(self._buffers) or 'no buffers'}>"


def _buffers(plan: ExecutionPlan) -> Iterator[tuple[str, int]]:
    """Names and value indices: planned tensors with initial bytes, or a name and no other role."""
    others = {*plan.inputs, *plan.outputs}
    for index, value in enumerate(plan.values):
        if not isinstance(value, Tensor) or value.allocation_info is None:
            continue
        info = value.extra_tensor_info
        name = info.fully_qualified_name if info is not None else None
        if value.data_buffer_idx:
            yield name or f"buffer_{index}", index
        elif name and index not in others:
            yield name, index
