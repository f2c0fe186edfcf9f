"""The kernel dialect to LLVM IR text: one file for each large operation.

The files register their handlers when they are imported, which happens here.
"""

from importlib import import_module
from pkgutil import iter_modules

from .function import emit_function, emit_module

__all__ = ["emit_function", "emit_module"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
