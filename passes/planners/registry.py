"""Planners by name: the files of this folder, entry points, and what a loaded file registers."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import TypeAlias

from xdsl.utils.exceptions import PassFailedException

from ...dialects.entry_points import entry_points
from .storage import Storage

Planner: TypeAlias = Callable[[Sequence[Storage]], list[int]]
"""Gives each storage a byte offset, a multiple of the alignment, so that no two storages that are
live at the same position overlap."""

_NOT_PLANNERS = ("aliasing", "storage", "registry", "liveness")
_REGISTERED: dict[str, Planner] = {}


def planner(name: str) -> Callable[[Planner], Planner]:
    """Register a planner under a name: `@planner("mine")` in a file given to `--load`."""

    def register(function: Planner) -> Planner:
        _REGISTERED[name] = function
        return function

    return register


def find_planner(name: str) -> Planner:
    """The planner of a name; raises PassFailedException, with the known names, for another one."""
    if name in _REGISTERED:
        return _REGISTERED[name]
    for entry in entry_points("edgeir.planners"):
        if entry.name == name:
            return entry.load()
    module = name.replace("-", "_")
    if module in _own_planners():
        return importlib.import_module(f"{__package__}.{module}").plan
    raise PassFailedException(
        f"no memory planner {name!r}; there are {', '.join(planner_names())}, and --load FILE "
        "adds those of a file"
    )


def planner_names() -> list[str]:
    """The names of all planners."""
    names = {m.replace("_", "-") for m in _own_planners()} | _REGISTERED.keys()
    return sorted(names | {entry.name for entry in entry_points("edgeir.planners")})


def _own_planners() -> list[str]:
    package = importlib.import_module(__package__ or "")
    return [m.name for m in pkgutil.iter_modules(package.__path__) if m.name not in _NOT_PLANNERS]
