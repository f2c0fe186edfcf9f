"""The data of a program that is read back: what of it stands in the text, what beside it."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import (
    NoneAttr,
    StringAttr,
    TensorType,
)
from xdsl.ir import Attribute

from ..dialects.constant import ConstantAttr
from ..dialects.weights import WeightsStore
from ..runtime.errors import ProgramError
from ..runtime.program.program_file import ProgramFile, is_external
from ..runtime.program.schema import (
    BackendDelegate,
    BytesLike,
    DataLocation,
    ExtraTensorInfo,
    Tensor,
)
from ..runtime.program.tensor_size import tensor_nbytes
from .element_types import stored_dtype

_INLINE_BYTES = 16
"""Constants up to this size stand in the text."""


class ProgramData:
    """Puts the program's data into the weights store; knows the key of each item."""

    def __init__(self, file: ProgramFile, weights: WeightsStore):
        self.file = file
        self._weights = weights
        self._keys: dict[tuple[object, ...], str] = {}
        self.constant_bytes: dict[int, int] = {}
        for plan in file.program.execution_plan:
            for value in plan.values:
                if isinstance(value, Tensor) and is_constant(value):
                    index, size = value.data_buffer_idx, tensor_nbytes(value)
                    self.constant_bytes[index] = max(size, self.constant_bytes.get(index, 0))

    def constant(self, tensor: Tensor, type: TensorType[Attribute]) -> Attribute:
        """The bytes of a constant, as a key or, where they are few, as themselves."""
        size = tensor_nbytes(tensor)
        data = self.file.constant_bytes(tensor.data_buffer_idx, size)
        return self._item("constant", tensor, data, type)

    def initial(self, tensor: Tensor, type: TensorType[Attribute]) -> Attribute:
        """The bytes that a mutable tensor starts with."""
        size = tensor_nbytes(tensor)
        data = self.file.mutable_bytes(tensor.data_buffer_idx, size)
        return self._item("initial", tensor, data, type)

    def external(self, name: str, tensor: Tensor) -> None:
        """Put external data into the store under its name, where a data file was read for it."""
        if name in self.file.external and ("external", name) not in self._keys:
            array = _array(tensor, self.file.external_bytes(name, tensor))
            if self._key(("external", name), name, array) != name:
                raise ProgramError(
                    f"the name {name[:80]!r} of external data is taken by a constant"
                )

    def delegate(self, delegate: BackendDelegate) -> str:
        """The key of a delegate's payload; delegates that share one share the key."""
        where = delegate.processed
        if where.location == DataLocation.SEGMENT:
            return self.named(delegate.id, where.index)
        data = self.file.delegate_bytes(delegate)
        return self._key(("inline", where.index), delegate.id, np.frombuffer(data, np.uint8))

    def named(self, name: str, segment: int) -> str:
        """The key of the data in a segment."""
        data = np.frombuffer(self.file.segment(segment), np.uint8)
        return self._key(("segment", segment), name, data)

    def bare(self, name: str, data: BytesLike) -> str:
        """The key of external data that is no tensor."""
        return self._key(("external", name), name, np.frombuffer(data, np.uint8))

    def _item(
        self, kind: str, tensor: Tensor, data: memoryview, type: TensorType[Attribute]
    ) -> Attribute:
        if len(data) <= _INLINE_BYTES and isinstance(type.encoding, NoneAttr):
            return ConstantAttr.of(type, bytes(data))
        index = tensor.data_buffer_idx
        name = user_name(tensor.extra_tensor_info) or f"{kind}_{index}"
        return StringAttr(self._key((kind, index, len(data)), name, _array(tensor, data)))

    def _key(self, item: tuple[object, ...], name: str, array: NDArray[Any]) -> str:
        """The key of an item, stored the first time under its name or one made from it."""
        if item not in self._keys:
            key, count = name, 1
            while key in self._weights:
                key, count = f"{name}_{count}", count + 1
            self._weights.add(key, array)
            self._keys[item] = key
        return self._keys[item]


def _array(tensor: Tensor, data: memoryview) -> NDArray[Any]:
    """The bytes of a tensor as an array, its dims in the order in which they are stored."""
    dtype = stored_dtype(tensor.scalar_type)
    shape = [tensor.sizes[dim] for dim in tensor.dim_order]
    if not prod(shape):
        return np.zeros(shape, dtype)
    return np.frombuffer(data, dtype).reshape(shape)


def user_name(extra: ExtraTensorInfo | None) -> str | None:
    """The name that a program carries for a tensor."""
    return (extra.fully_qualified_name or None) if extra is not None else None


def is_constant(tensor: Tensor) -> bool:
    """Whether a tensor's bytes are among the program's constants."""
    return tensor.data_buffer_idx > 0 and tensor.allocation_info is None and not is_external(tensor)
