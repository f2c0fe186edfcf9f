"""Finds passes by name: ours by their file, others by entry point or `--load`.

The pass `fold-batch-norm` is the class `FoldBatchNormPass` in `passes/fold_batch_norm.py`;
conversions lie in `lowering/`. A file is imported when its pass is first used, so a broken file
breaks its own pass only.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from xdsl.passes import ModulePass

from .. import lowering, passes
from ..dialects.entry_points import entry_points

PassFactory = Callable[[], type[ModulePass]]

_XDSL_PASSES = {
    "cse": "xdsl.transforms.common_subexpression_elimination:CommonSubexpressionElimination",
    "dce": "xdsl.transforms.dead_code_elimination:DeadCodeElimination",
}
"""Passes of xDSL itself that our tools offer under its names."""

_XDSL_SUMMARIES = {
    "cse": "Merge operations that compute the same (xDSL's pass).",
    "dce": "Erase operations whose results nothing uses (xDSL's pass).",
}

_REGISTERED: dict[str, type[ModulePass]] = {}
"""The passes of files given to `--load`."""


def register_pass(pass_class: type[ModulePass]) -> None:
    """Make a pass from outside known by its name; ValueError where the name is taken."""
    if all_passes().get(pass_class.name, lambda: pass_class)() is not pass_class:
        raise ValueError(f"the pass {pass_class.name!r} exists already")
    _REGISTERED[pass_class.name] = pass_class


@cache
def our_passes() -> dict[str, PassFactory]:
    """The passes of this package, by name."""
    found: dict[str, PassFactory] = {}
    for package in (passes, lowering):
        for module in pkgutil.iter_modules(package.__path__):
            path = Path(package.__path__[0], f"{module.name}.py")
            class_name = pass_class_name(module.name)
            if not module.ispkg and f"class {class_name}(" in path.read_text(encoding="utf-8"):
                name = module.name.replace("_", "-")
                qualified = f"{package.__name__}.{module.name}"
                found[name] = partial(_load, f"{qualified}:{class_name}")
    return found


def all_passes() -> dict[str, PassFactory]:
    """Every pass that the tools know: ours, xDSL's cse and dce, and those from outside."""
    found = our_passes() | {name: partial(_load, path) for name, path in _XDSL_PASSES.items()}
    for entry in entry_points("edgeir.passes"):
        if entry.name in found:
            raise ValueError(f"the pass {entry.name!r} of {entry.value} exists already")
        found[entry.name] = entry.load
    return found | {name: partial(_same, known) for name, known in _REGISTERED.items()}


def summary(name: str) -> str:
    """The first docstring line of one of our passes, read without importing it."""
    factory = our_passes().get(name)
    if not isinstance(factory, partial):
        return _XDSL_SUMMARIES.get(name, "")
    module, class_name = factory.args[0].split(":")
    package, _, stem = module.rpartition(".")
    folder = passes if package == passes.__name__ else lowering
    tree = ast.parse(Path(folder.__path__[0], f"{stem}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            return inspect.cleandoc(ast.get_docstring(node) or "").split("\n")[0]
    return ""


def pass_class_name(stem: str) -> str:
    """The class name of a pass from its file name: `fold_batch_norm` → `FoldBatchNormPass`."""
    return "".join(word.capitalize() for word in stem.split("_")) + "Pass"


def _same(pass_class: type[ModulePass]) -> type[ModulePass]:
    return pass_class


def _load(path: str) -> type[ModulePass]:
    module, name = path.split(":")
    found = getattr(importlib.import_module(module), name)
    assert isinstance(found, type) and issubclass(found, ModulePass)
    return found
