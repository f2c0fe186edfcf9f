"""The keys under which the tensors of exported programs are in the weights store."""

from __future__ import annotations

from typing import Any

import torch

from ...dialects.weights import WeightsStore
from .types import to_numpy


class WeightKeys:
    """Puts tensors into the store; the same memory is stored once, under its first name."""

    def __init__(self, store: WeightsStore) -> None:
        self._store = store
        self._by_memory: dict[tuple[Any, ...], str] = {}
        self._alive: list[torch.Tensor] = []

    def key(self, name: str, tensor: torch.Tensor, *, copy: bool = False) -> str:
        """The key of a tensor, stored under `name` unless it is there already.

        `copy`: the tensor may change later, what is stored must not.
        """
        memory = memory_of(tensor)
        if tensor.numel() and memory in self._by_memory:
            return self._by_memory[memory]
        key, count = name, 0
        while key in self._store:
            # Two methods may have different tensors of one name.
            count += 1
            key = f"{name}#{count}"
        self._store.add(key, to_numpy(tensor.detach().clone() if copy else tensor))
        self._by_memory[memory] = key
        self._alive.append(tensor)
        return key


def memory_of(tensor: torch.Tensor) -> tuple[Any, ...]:
    """What two tensors share that are the same elements of the same memory."""
    return tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride()
