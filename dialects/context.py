"""The context that every tool uses: our dialects, the weights store and what is plugged in."""

from __future__ import annotations

import importlib
import sys
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.ir import Attribute, Dialect

from .diagnostic import Diagnostic
from .entry_points import entry_points
from .weights import WeightsStore

DIALECTS: dict[str, str] = {
    "builtin": "xdsl.dialects.builtin:Builtin",
    "func": "xdsl.dialects.func:Func",
    "arith": "xdsl.dialects.arith:Arith",
    "math": "xdsl.dialects.math:Math",
    "test": "xdsl.dialects.test:Test",
    "aten": f"{__package__}.aten:Aten",
    "edge": f"{__package__}.edge:Edge",
    "delegate": f"{__package__}.delegate:Delegate",
    "kernel": f"{__package__}.kernel:Kernel",
    "memory": f"{__package__}.memory:Memory",
}
"""Dialects by name; imported when a text first uses them."""

WEIGHTS_ATTRIBUTE = "edge.weights"


@dataclass
class EdgeContext(Context):
    """An xDSL context with the weights of the module at hand."""

    weights: WeightsStore = field(default_factory=WeightsStore)
    warnings: list[Diagnostic] = field(default_factory=list[Diagnostic])
    """What passes want the user to know; the tools print it."""

    def clone(self) -> EdgeContext:
        """A copy that shares the weights store and the warnings."""
        return EdgeContext(**vars(super().clone()), weights=self.weights, warnings=self.warnings)


_FOREIGN_STORES: dict[int, WeightsStore] = {}
"""Stores of contexts that are not ours (plain xdsl-opt), by identity."""


def weights_of(ctx: Context) -> WeightsStore:
    """The weights store of any xDSL context."""
    if isinstance(ctx, EdgeContext):
        return ctx.weights
    if id(ctx) not in _FOREIGN_STORES:
        _FOREIGN_STORES[id(ctx)] = WeightsStore()
        weakref.finalize(ctx, _FOREIGN_STORES.pop, id(ctx), None)
    return _FOREIGN_STORES[id(ctx)]


def warn(ctx: Context, warning: Diagnostic) -> None:
    """Record a warning; in a context that is not ours it is printed at once."""
    if isinstance(ctx, EdgeContext):
        ctx.warnings.append(warning)
    else:
        print(warning, file=sys.stderr)


def weight_files(module: ModuleOp) -> list[str]:
    """The safetensors files that a module lists, relative to its text."""
    files = module.attributes.get(WEIGHTS_ATTRIBUTE)
    if not isinstance(files, ArrayAttr):
        return []
    entries = cast(ArrayAttr[Attribute], files)
    return [file.data for file in entries if isinstance(file, StringAttr)]


def set_weight_files(module: ModuleOp, files: Iterable[str]) -> None:
    """List the safetensors files of a module."""
    names = [StringAttr(file) for file in files]
    if names:
        module.attributes[WEIGHTS_ATTRIBUTE] = ArrayAttr(names)
    else:
        module.attributes.pop(WEIGHTS_ATTRIBUTE, None)


def edge_context() -> EdgeContext:
    """A context with all dialects registered: ours, and those of `edgeir.dialects` entry points."""
    ctx = EdgeContext()
    for name, path in DIALECTS.items():
        ctx.register_dialect(name, dialect_factory(path))
    for entry in entry_points("edgeir.dialects"):
        ctx.register_dialect(entry.name, entry.load)
    return ctx


def dialect_factory(path: str) -> Callable[[], Dialect]:
    """A function that imports the dialect object at `module:name`."""

    def load() -> Dialect:
        module, name = path.split(":")
        dialect = getattr(importlib.import_module(module), name)
        assert isinstance(dialect, Dialect)
        return dialect

    return load
