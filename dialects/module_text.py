"""The text of a module, and the weights that it names."""

from __future__ import annotations

from collections.abc import Container
from io import StringIO

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.printer import Printer

from .function import functions, mutations
from .location import is_known


def print_module(module: ModuleOp, *, locations: bool | None = None, generic: bool = False) -> str:
    """The text of a module; locations are printed if there are any, unless told otherwise."""
    stream = StringIO()
    shown = has_locations(module) if locations is None else locations
    Printer(stream, print_debuginfo=shown, print_generic_format=generic).print_op(module)
    return stream.getvalue() + "\n"


def has_locations(module: ModuleOp) -> bool:
    """Whether any operation says where it comes from."""
    return any(is_known(op.location) for op in module.walk())


def live_keys(module: ModuleOp, store: Container[str]) -> list[str]:
    """The keys of the store that the module names, in the order of their first use.

    Any string property may be a key, so that the operations of other packages count too; and the
    name of a buffer that a function writes is one.
    """
    strings = [
        value.data
        for op in module.walk()
        for value in op.properties.values()
        if isinstance(value, StringAttr)
    ]
    strings += [b for f in functions(module) for b in mutations(f) if isinstance(b, str)]
    return [key for key in dict.fromkeys(strings) if key in store]
