"""The mutable buffers of exported programs: which there are, and which are one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import torch
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.export.graph_signature import OutputKind
from torch.fx import Node

from .weight_keys import WeightKeys, memory_of

MUTATION = frozenset({OutputKind.BUFFER_MUTATION, OutputKind.PARAMETER_MUTATION})
"""Outputs that are the new value of a tensor of the module."""


class MutableBuffers:
    """The tensors that any of the programs changes, with their names in the weights store.

    Two are one buffer if they have the same memory, or the same name, dtype, shape and bytes; so
    what one method writes another one reads.
    """

    def __init__(self, programs: Iterable[ExportedProgram], weights: WeightKeys) -> None:
        self._by_memory: dict[tuple[Any, ...], str] = {}
        self._by_name: dict[str, list[tuple[torch.Tensor, str]]] = {}
        for program in programs:
            for name in _mutated(program):
                tensor = stored_tensor(program, name)
                if self.find(name, tensor) is None:
                    key = weights.key(name, tensor, copy=True)
                    self._by_memory[memory_of(tensor)] = key
                    self._by_name.setdefault(name, []).append((tensor, key))

    def find(self, name: str, tensor: torch.Tensor) -> str | None:
        """The name of the buffer that a tensor of a program is, None for one that never changes."""
        key = self._by_memory.get(memory_of(tensor)) if tensor.numel() else None
        if key is not None:
            return key
        for other, key in self._by_name.get(name, ()):
            if _same_bytes(tensor, other):
                return key
        return None


def stored_tensor(program: ExportedProgram, name: str, *, lifted: bool = False) -> torch.Tensor:
    """A parameter, buffer or constant of a program; `lifted`: certainly a constant."""
    if name in program.state_dict and not lifted:
        return program.state_dict[name]
    tensor = program.constants[name]
    assert isinstance(tensor, torch.Tensor), "only tensors are asked for"
    return tensor


def mutated_constants(program: ExportedProgram) -> list[str]:
    """The constants that a program, not decomposed yet, writes; torch cannot make them state."""
    constants = program.graph_signature.inputs_to_lifted_tensor_constants
    found: dict[str, None] = {}
    for node in program.graph.nodes:
        target: Any = node.target
        if isinstance(target, OpOverload) and cast(Any, target)._schema.is_mutable and node.args:
            written: Any = node.args[0]
            while isinstance(written, Node) and written.op == "call_function" and written.args:
                written = written.args[0]
            if isinstance(written, Node) and written.name in constants:
                found[constants[written.name]] = None
    return list(found)


def _mutated(program: ExportedProgram) -> Iterator[str]:
    for spec in program.graph_signature.output_specs:
        if spec.kind in MUTATION:
            assert spec.target is not None, "a mutation has a target"
            yield spec.target


def _same_bytes(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    one, other = (x.detach().cpu().contiguous().reshape(-1).view(torch.uint8) for x in (a, b))
    return torch.equal(one, other)
