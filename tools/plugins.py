"""`--load FILE.py`: a user's passes, dialects, kernels, planners and backends in every tool."""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, cast

from .failure import ToolError, place_and_error


def add_load_option(parser: argparse.ArgumentParser) -> None:
    """Add `--load` to a tool."""
    parser.add_argument(
        "--load",
        metavar="FILE.py",
        action="append",
        default=[],
        help="import a file with passes, dialects, kernels, planners or a backend; may be repeated",
    )


def load_files(paths: Sequence[str]) -> None:
    """Import files and make known what they define. Raises ToolError for one that fails."""
    for path in paths:
        _load_file(path)


def _load_file(path: str) -> None:
    # One name for one file: its kernels can be registered only once in a process.
    digest = hashlib.sha256(os.path.realpath(path).encode()).hexdigest()[:16]
    name = f"edgeir_loaded_{digest}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not os.path.isfile(path):
        raise ToolError(f"--load {path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        _register_backend(module)
        if "xdsl" in sys.modules:
            _register(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ToolError(f"--load {place_and_error(path, error)}") from error


def _register_backend(module: ModuleType) -> None:
    """Make known the backend that a file is, by its `name`: either half of it, or both."""
    values: dict[str, Any] = vars(module)
    name = values.get("name")
    if not isinstance(name, str):
        return
    if callable(load := values.get("load")):
        from ..runtime.delegates import register_loader

        register_loader(name, cast(Any, load))
    if "supports" in values and "compile" in values:
        from ..lowering.backends import register_backend

        register_backend(cast(Any, module))


def _register(module: ModuleType) -> None:
    """Make known the passes and dialects of a file; its kernels and planners are by now."""
    from xdsl.ir import Dialect
    from xdsl.passes import ModulePass

    from ..dialects.context import DIALECTS, dialect_factory
    from ..lowering.pass_registry import register_pass

    values: dict[str, Any] = vars(module)
    for name, value in values.items():
        if isinstance(value, Dialect):
            path = f"{module.__name__}:{name}"
            if value.name not in DIALECTS:
                DIALECTS[value.name] = path
            elif dialect_factory(DIALECTS[value.name])() is not value:
                raise ValueError(f"the dialect {value.name!r} exists already")
        elif isinstance(value, type) and issubclass(value, ModulePass):
            # A class that the file only imports, a base for instance, is not its own.
            if value.__module__ == module.__name__ and hasattr(value, "name"):
                register_pass(value)
