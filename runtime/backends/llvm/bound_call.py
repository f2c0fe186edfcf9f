"""A C function with constant arguments as a Python function, called with as little as possible.

`ctypes` takes about 150 ns for a call with pointers. CPython's own functions take 7: so a few
machine instructions are written that pass the arguments on and return None, and a builtin function
is made of them. Where that is not possible `ctypes` has to do.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys
import sysconfig
from collections.abc import Callable
from typing import Any

from .executable import Executable

_NO_ARGUMENTS = 0x0004
"""CPython's METH_NOARGS."""

_ARGUMENT_REGISTERS = (b"\x48\xbf", b"\x48\xbe", b"\x48\xba", b"\x48\xb9")
"""`mov rdi, …`, `mov rsi, …`, `mov rdx, …` and `mov rcx, …` of 64 bits."""


class _MethodDef(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def bound_call(function: int, arguments: tuple[int, ...], owner: object) -> Callable[[], object]:
    """Call the function at an address with up to four pointers; other Python threads go on.

    `owner` keeps the code and the memory alive as long as the result is.
    """
    prototype = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * len(arguments))
    return _Ctypes(prototype(function), arguments, owner)


def quick_call(function: int, arguments: tuple[int, ...], owner: object) -> Callable[[], object]:
    """The same for a function that is short: other Python threads wait."""
    if not _can_make_builtins():
        return bound_call(function, arguments, owner)
    return _make_builtin(function, arguments, owner)


class _Ctypes:
    """A call through ctypes; CPython gives its lock away meanwhile."""

    def __init__(self, function: Any, arguments: tuple[int, ...], owner: object):
        self._function = function
        self._arguments = tuple(map(ctypes.c_void_p, arguments))
        self._owner = owner

    def __call__(self) -> object:
        return self._function(*self._arguments)


def _can_make_builtins() -> bool:
    return (
        sys.implementation.name == "cpython"
        and platform.machine() == "x86_64"
        and sys.platform in ("linux", "darwin")
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
    )


def _make_builtin(function: int, arguments: tuple[int, ...], owner: object) -> Callable[[], object]:
    none = id(None)
    code = b"\x53"  # push rbx: aligns the stack
    for register, argument in zip(_ARGUMENT_REGISTERS, arguments, strict=False):
        code += register + struct.pack("<Q", argument)
    code += b"\x48\xb8" + struct.pack("<Q", function) + b"\xff\xd0"  # mov rax, …; call rax
    code += b"\x48\xb8" + struct.pack("<Q", none)  # mov rax, None
    if sys.version_info < (3, 12):
        code += b"\x48\xff\x00"  # inc qword [rax]: its reference count
    code += b"\x5b\xc3"  # pop rbx; ret
    executable = Executable(code)
    definition = _MethodDef(b"run", executable.address, _NO_ARGUMENTS, None)
    new: Any = ctypes.pythonapi.PyCFunction_NewEx
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    # The function holds its first argument alive, and with it all that it needs.
    return new(ctypes.addressof(definition), (definition, executable, owner), None)
