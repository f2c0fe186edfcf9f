"""The models that are measured: those of `test/models`, exported."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

FOLDER = Path(__file__).resolve().parent.parent / "test" / "models"
if str(FOLDER) not in sys.path:  # a pickled model is imported from there, too
    sys.path.insert(0, str(FOLDER))

_REGISTRY: Any = import_module("registry")
NAMES: Sequence[str] = _REGISTRY.NAMES


@cache
def model(name: str) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return a model and its example inputs.

    The name is that of a test model (at full size), or `pkg.module:function`, whose function
    returns both.
    """
    if name in NAMES:
        return _REGISTRY.MODELS[name]()
    path, _, function = name.partition(":")
    return getattr(import_module(path), function)()


def export(name: str) -> torch.export.ExportedProgram:
    """Return a fresh export of the model; a compiler may change the one that it is given."""
    module, inputs = model(name)
    return torch.export.export(module, inputs)
