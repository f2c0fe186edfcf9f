"""What runs the payloads of backends: found by name, loaded only for callers who name them.

The backend `NAME` is the module `runtime/backends/NAME.py`, an entry point `NAME` of the group
`edgeir.backends`, or what `register_loader` was given. It has one function `load(payload, options)`
that returns a delegate.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pkgutil import iter_modules
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from . import backends as backend_folder
from .errors import ProgramError
from .program.program_file import ProgramFile
from .program.schema import BackendDelegate, BytesLike
from .slots import ALIGNMENT, allocate

Delegate = Callable[..., object]
"""A loaded payload: takes its call's arrays and numbers, inputs then outputs, and fills the
outputs; it may return a tuple with new values for the last ones (numbers, resized tensors)."""


@runtime_checkable
class BindableDelegate(Protocol):
    """A delegate that prepares itself for a call whose arguments stay where they are."""

    def __call__(self, *args: Any) -> object:
        """Run with these arguments."""
        ...

    def bind(self, args: Sequence[Any], /) -> Callable[[], object] | None:
        """A function that runs with these arguments; None to be called with them each time.

        Called once, at load, where all arguments are arrays of fixed shape and place. What the
        function returns is ignored.
        """
        ...


@runtime_checkable
class MovableDelegate(Protocol):
    """A delegate that can run on its caller's memory, so that nothing need be copied."""

    def __call__(self, *args: Any) -> object:
        """Run with these arguments."""
        ...

    def anywhere(self) -> Callable[..., object]:
        """A function of inputs and outputs that may be other arrays in each call.

        They are aligned and dense in the same dim orders, with the dtypes and shapes of the
        call's arguments; inputs may be read-only.
        """
        ...


@dataclass(frozen=True)
class DelegateOptions:
    """What a backend is told when it loads a payload."""

    specs: Mapping[str, bytes]
    """The compile options that the program carries."""
    threads: int
    """How many threads a run may use, the caller's included."""
    named_data: Callable[[str], memoryview]
    """The named data of the program by key, read-only and 64-byte aligned; else ProgramError."""


DelegateLoader = Callable[[memoryview, DelegateOptions], Delegate]
"""Makes a delegate of its payload, which is read-only and 64-byte aligned."""

Backends = Sequence[str] | Mapping[str, DelegateLoader]
"""Backends by name, or the loaders themselves."""

_REGISTERED: dict[str, DelegateLoader] = {}


def register_loader(name: str, loader: DelegateLoader) -> None:
    """Make the loader of a backend known by its name; ValueError where the name is taken."""
    if _REGISTERED.get(name, loader) is not loader or name in installed_backends():
        raise ValueError(f"the backend {name!r} exists already")
    _REGISTERED[name] = loader


def find_loaders(backends: Backends) -> dict[str, DelegateLoader]:
    """The loaders of the backends that a caller names; ProgramError for one that is not here."""
    if isinstance(backends, Mapping):
        return dict(backends)
    backends = [backends] if isinstance(backends, str) else backends
    return {name: _find_loader(name) for name in backends}


def is_known(name: str) -> bool:
    """Whether there is a backend of this name."""
    return name in _REGISTERED or name in installed_backends()


def _find_loader(name: str) -> DelegateLoader:
    if name in _REGISTERED:
        return _REGISTERED[name]
    path = _own_backends().get(name) or installed_backends().get(name)
    if path is None:
        known = ", ".join(sorted({*installed_backends(), *_REGISTERED})) or "none"
        raise ProgramError(f"there is no backend {name!r}; there are: {known}")
    try:
        module: Any = importlib.import_module(path)
        if not hasattr(module, "load"):
            module = importlib.import_module(f"{path}.runtime")
        return cast(DelegateLoader, module.load)
    except Exception as error:
        raise ProgramError(
            f"the backend {name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error


@cache
def _own_backends() -> dict[str, str]:
    """The modules of the files in `backends/`, by name."""
    folder = backend_folder.__name__
    return {m.name: f"{folder}.{m.name}" for m in iter_modules(backend_folder.__path__)}


@cache
def installed_backends() -> dict[str, str]:
    """The module of each backend: a file in `backends/`, or an entry point of another package.

    An entry point names a module that has `load`, or one whose submodule `runtime` has it.
    """
    # Slow to import, and few programs call a backend that is not ours.
    from importlib.metadata import entry_points

    outside = {
        entry.name: entry.value.partition(":")[0] for entry in entry_points(group="edgeir.backends")
    }
    return outside | _own_backends()


class DelegateData:
    """The payloads and the named data of a program, aligned; one copy where they are not."""

    def __init__(self, file: ProgramFile):
        self._file = file
        self._named: dict[str, memoryview] = {}

    def payload(self, delegate: BackendDelegate) -> memoryview:
        """The payload of a delegate."""
        return aligned(self._file.delegate_bytes(delegate))

    def named(self, key: str) -> memoryview:
        """Named data by key; ProgramError where there is none."""
        if key not in self._named:
            self._named[key] = aligned(self._file.named_data(key))
        return self._named[key]


def aligned(data: BytesLike) -> memoryview:
    """The bytes, read-only and 64-byte aligned: where they are, if they lie so, else a copy."""
    array = np.frombuffer(data, np.uint8)
    if array.ctypes.data % ALIGNMENT and array.size:
        copy = allocate(array.size)
        copy[:] = array
        array = copy
    return array.data.toreadonly()


def load_delegate(
    name: str, loader: DelegateLoader, payload: memoryview, options: DelegateOptions
) -> Delegate:
    """Load a payload; whatever its backend raises becomes a ProgramError."""
    try:
        return loader(payload, options)
    except Exception as error:
        raise ProgramError(f"backend {name!r} does not load its payload: {error}") from error
