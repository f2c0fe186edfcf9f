"""The registry of kernels: numpy functions under the operator names of the program format."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

KernelFunction = Callable[..., Any]
Specializer = Callable[..., Callable[[], object] | None]


@dataclass
class Kernel:
    """One kernel: `name` is the operator's name in the format, `aten::add.out`.

    The function takes the operator's schema arguments in schema order, the `out` tensors last. It
    fills `out` and returns None or `out` itself; where `out` has another shape than the result
    (a resized dynamic output) it returns a new array, or a tuple with one array per out.
    """

    name: str
    function: KernelFunction
    specializer: Specializer | None = None

    def __call__(self, *args: Any) -> Any:
        """Call the function."""
        return self.function(*args)

    def specialize(self, specializer: Specializer) -> Specializer:
        """Decorator: a function that prepares a call whose arguments stay where they are.

        It takes the arguments of the kernel once, at load, when all shapes are static, and returns
        a thunk that performs the call, or None to use the plain kernel. An input that may change
        between runs is a writable array, a constant is a read-only one.
        """
        self.specializer = specializer
        return specializer


_KERNELS: dict[str, Kernel] = {}
_BROKEN: dict[str, str] = {}


def kernel(name: str) -> Callable[[KernelFunction], Kernel]:
    """Register the decorated function as the kernel of the operator `name`, `ns::op.overload`."""

    def register(function: KernelFunction) -> Kernel:
        if name in _KERNELS:
            raise ValueError(f"kernel {name!r} is already registered")
        _KERNELS[name] = Kernel(name, function)
        return _KERNELS[name]

    return register


def find_kernel(name: str) -> Kernel | None:
    """The kernel of the operator `name`, or None; the families are imported at the first call."""
    _load_families()
    return _KERNELS.get(name)


def broken_families() -> dict[str, str]:
    """Kernel files that could not be imported, with the error of each."""
    return _BROKEN


@cache
def _load_families() -> None:
    # Here, because these imports are slow and reading a program's metadata needs no kernel.
    from importlib.metadata import entry_points

    from . import kernels

    for family in pkgutil.iter_modules(kernels.__path__, kernels.__name__ + "."):
        _import(family.name)
    for entry in entry_points(group="edgeir.kernels"):
        _import(entry.value)


def _import(module: str) -> None:
    try:
        importlib.import_module(module)
    except Exception as error:
        # One bad file must not take the others down.
        _BROKEN[module] = f"{type(error).__name__}: {error}"
