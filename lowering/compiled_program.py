"""What the compiler gives back: the program's bytes and the text of every stage."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from ..dialects.context import set_weight_files
from ..dialects.diagnostic import Diagnostic
from ..dialects.module_text import live_keys, print_module
from ..dialects.weights import WeightsStore, write_safetensors
from ..passes.plan_memory import MemoryReport
from ..runtime.program.data_file import DataFile, data_file_beside, write_data_file
from .external_weights import save_data
from .output_file import write_file

STAGES = ("aten", "edge", "delegate", "calls", "memory")
"""In order; `calls`, with the payloads of backends, is there only where something is delegated."""


class Stages(Mapping[str, str]):
    """The texts of the stages, printed when they are asked for."""

    def __init__(self, modules: Mapping[str, ModuleOp]) -> None:
        self.modules = modules

    def __getitem__(self, stage: str) -> str:
        return print_module(self.modules[stage])

    def __iter__(self) -> Iterator[str]:
        return iter(self.modules)

    def __len__(self) -> int:
        return len(self.modules)


@dataclass(frozen=True)
class Program:
    """A compiled program and how it came about."""

    buffer: bytes
    """The bytes of the `.pte` file."""
    external: DataFile
    """The weights that are kept beside the program, by name; empty where they are inside."""
    stages: Stages
    """The text of each stage: `aten`, `edge`, `delegate`, `memory`. Where backends are used,
    `delegate` has their regions, and `calls` what became of them and of the rest."""
    memory: Mapping[str, MemoryReport]
    """By method: bytes planned, the lower bound, and the sum without reuse."""
    warnings: tuple[Diagnostic, ...]
    """What the compiler could not do as the target runtime needs it."""
    weights: WeightsStore
    """The tensors that the stages refer to."""

    @property
    def data(self) -> bytes | None:
        """The bytes of the `.ptd` file; None where all weights are inside the program."""
        return write_data_file(self.external) if self.external else None

    def save(
        self,
        path: str | os.PathLike[str],
        external_weights: str | os.PathLike[str] | None = None,
    ) -> None:
        """Write the program to a file, which appears whole or not at all.

        External weights go to `model.ptd` beside `model.pte`. A path given for them names a file
        that several programs share: what it has is kept, and ProgramError is raised if it has other
        data of the same name.
        """
        if self.external and external_weights is not None:
            save_data(external_weights, self.external)
        elif (data := self.data) is not None:
            write_file(data_file_beside(path), data)
        write_file(path, self.buffer)

    def save_stages(self, folder: str | os.PathLike[str]) -> None:
        """Write `aten.mlir`, `edge.mlir`, … and the weights files that they list.

        A tensor goes to the weights file of the first stage that has it.
        """
        os.makedirs(folder, exist_ok=True)
        file_of: dict[str, str] = {}
        for stage, module in self.stages.modules.items():
            live = live_keys(module, self.weights)
            new = {key: self.weights[key] for key in live if key not in file_of}
            if new:
                file = f"{stage}.safetensors"
                write_safetensors(os.path.join(folder, file), new)
                file_of |= dict.fromkeys(new, file)
            listed = module.clone()
            set_weight_files(listed, dict.fromkeys(file_of[key] for key in live))
            write_file(os.path.join(folder, f"{stage}.mlir"), print_module(listed).encode())
