"""Backends: what takes regions of a program and compiles them, found by name.

A backend `NAME` is the module `lowering/NAME.py` (or the package `lowering/NAME/`), an entry point
`NAME` of the group `edgeir.backends`, or what `--load FILE.py` registers. It is imported when it is
named, so a broken one breaks nothing else. What runs its payloads is `runtime/backends/NAME.py`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.ir import Operation

from .. import lowering
from ..dialects.context import weights_of
from ..dialects.delegate import RegionOp
from ..dialects.entry_points import entry_points
from ..runtime import backends as runtime_backends
from ..runtime.program.schema import BytesLike

if TYPE_CHECKING:
    from ..dialects.weights import WeightsStore


@dataclass(frozen=True)
class Verdict:
    """Whether a backend takes an operation; where not, the reason for the user."""

    supported: bool
    reason: str = ""


@dataclass(frozen=True)
class Payload:
    """What a backend makes of a region.

    `data` is named data: bytes that the payload looks up by key when it is loaded, stored once for
    all payloads that name the key. Equal keys must have equal bytes, so make keys from content.
    """

    code: bytes
    data: Mapping[str, BytesLike | NDArray[Any]] = field(
        default_factory=dict[str, "BytesLike | NDArray[Any]"]
    )


@dataclass(frozen=True)
class CompileOptions:
    """How a region is to be compiled: the backend's options by name, and the module's context."""

    values: Mapping[str, str]
    context: Context

    @property
    def weights(self) -> WeightsStore:
        """The arrays of `edge.weight` operations, by key."""
        return weights_of(self.context)


class BackendError(Exception):
    """What a backend was asked cannot be done; the message is for the user."""


class Backend(Protocol):
    """A backend: a module, or any object with these attributes.

    It may also have `options`, a mapping from the names of its compile options to what they mean;
    other options are then refused for it.
    """

    @property
    def name(self) -> str:
        """The name, that of its file."""
        ...

    def supports(self, op: Operation, /) -> Verdict:
        """Whether the backend takes an operation of the edge dialect, which it must not change.

        An operand that is a weight or a constant is made by an operation, which will be in the
        region too; all other operands may come from anywhere.
        """
        ...

    def compile(self, region: RegionOp, options: CompileOptions, /) -> bytes | Payload:
        """The payload of a region of supported operations; raises BackendError."""
        ...


_REGISTERED: dict[str, Backend] = {}
"""The backends of files given to `--load`."""


def register_backend(backend: Backend) -> None:
    """Make a backend from outside known by its name; ValueError where the name is taken."""
    if _REGISTERED.get(backend.name, backend) is not backend or backend.name in _ours():
        raise ValueError(f"the backend {backend.name!r} exists already")
    _REGISTERED[backend.name] = backend


def find_backend(name: str) -> Backend:
    """The backend of that name; BackendError where there is none or it cannot be imported."""
    if name in _REGISTERED:
        return _REGISTERED[name]
    try:
        if name in _ours():
            module: Any = importlib.import_module(f"{lowering.__name__}.{name}")
        else:
            entry = next((e for e in entry_points("edgeir.backends") if e.name == name), None)
            module = None if entry is None else compiling_half(entry.value)
    except Exception as error:
        raise BackendError(
            f"the backend {name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if module is None:
        known = backend_names()
        close = get_close_matches(name, known) or known
        raise BackendError(
            f"there is no backend {name!r}; there are {', '.join(close) or 'none'}"
            " (others come with --load FILE.py)"
        )
    missing = [part for part in ("name", "supports", "compile") if not hasattr(module, part)]
    if missing:
        raise BackendError(f"the backend {name!r} has no {', '.join(missing)}")
    return cast(Backend, module)


def compiling_half(path: str) -> Any:
    """The module of an entry point, or its submodule `lowering` where that has the backend."""
    module = importlib.import_module(path.partition(":")[0])
    if hasattr(module, "supports"):
        return module
    return importlib.import_module(f"{module.__name__}.lowering")


def backend_names() -> list[str]:
    """The names of all backends, none imported."""
    outside = (entry.name for entry in entry_points("edgeir.backends"))
    return sorted({*_ours(), *outside, *_REGISTERED})


def backend_options(backend: Backend, given: Mapping[str, str]) -> dict[str, str]:
    """Those of the given options that the backend takes; all, if it does not say which."""
    known: Iterable[str] | None = getattr(backend, "options", None)
    return {key: value for key, value in given.items() if known is None or key in known}


def _ours() -> list[str]:
    """The backends of this package: those that have both halves."""
    folder = Path(lowering.__path__[0])
    return [
        module.name
        for module in pkgutil.iter_modules(runtime_backends.__path__)
        if (folder / f"{module.name}.py").is_file() or (folder / module.name).is_dir()
    ]
