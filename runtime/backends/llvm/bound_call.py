"""C functions as Python functions that are called with as little as possible.

`ctypes` takes about 150 ns for a call with pointers, and 800 to find where an array lies. CPython's
own functions take 7: so a few machine instructions are written that read the addresses of arrays,
pass constant arguments on and return None, and a builtin function is made of them. Where that is
not possible `ctypes` has to do.

A function that returns another number than 0 met an index that is out of range.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys
import sysconfig
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from ...arrays import Array
from ...errors import ProgramError
from .executable import Executable

OUT_OF_RANGE = "compiled code: an index is out of range of its tensor"

_MESSAGE = ctypes.create_string_buffer(OUT_OF_RANGE.encode())

_NO_ARGUMENTS, _FAST_ARGUMENTS = 0x0004, 0x0080
"""CPython's METH_NOARGS and METH_FASTCALL."""

_CONSTANT_ARGUMENTS = (b"\x48\xbf", b"\x48\xbe", b"\x48\xba", b"\x48\xb9")
"""`mov rdi, …`, `mov rsi, …`, `mov rdx, …` and `mov rcx, …` of 64 bits."""

_DATA = 16
"""Where numpy keeps the address of an array's data, in bytes from the object's begin."""


class _MethodDef(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def bound_call(
    function: int, arguments: Sequence[int], owner: object, short: bool
) -> Callable[[], object]:
    """A function without arguments that calls the C function at an address with up to four
    pointers.

    A short function keeps other Python threads waiting. `owner` keeps the code and the memory
    alive as long as the result is.
    """
    if short and _can_make_builtins():
        return _builtin(_NO_ARGUMENTS, _call(function, arguments), owner)
    return _Ctypes(function, arguments, owner)


def array_call(
    function: int, arguments: Sequence[int], table: Array, count: int, owner: object, short: bool
) -> Callable[..., object]:
    """The same as a function of `count` arrays, whose addresses it first writes into a table.

    It must be called with exactly so many arrays, and nothing else: it does not look.
    """
    if not _can_make_builtins():
        return _with_addresses(_Ctypes(function, arguments, owner), table)
    store = _store_addresses(table.ctypes.data, count)
    if short:
        return _builtin(_FAST_ARGUMENTS, store + _call(function, arguments), owner)
    call = _Ctypes(function, arguments, owner)
    set_addresses = _builtin(_FAST_ARGUMENTS, store, (table, owner))

    def run(*arrays: Array) -> None:
        set_addresses(*arrays)
        call()

    return run


def _with_addresses(call: Callable[[], object], table: Array) -> Callable[..., object]:
    def run(*arrays: Array) -> None:
        for number, array in enumerate(arrays):
            table[number] = array.ctypes.data
        call()

    return run


class _Ctypes:
    """A call through ctypes; CPython lets other threads run meanwhile."""

    def __init__(self, function: int, arguments: Sequence[int], owner: object):
        prototype = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * len(arguments))
        self._function = prototype(function)
        self._arguments = tuple(map(ctypes.c_void_p, arguments))
        self._owner = owner

    def __call__(self) -> object:
        if self._function(*self._arguments):
            raise ProgramError(OUT_OF_RANGE)
        return None


@cache
def _can_make_builtins() -> bool:
    """Whether functions, objects and arrays lie in memory as the instructions below count on."""
    if (
        sys.implementation.name != "cpython"
        or platform.machine() != "x86_64"
        or sys.platform not in ("linux", "darwin")
        or sysconfig.get_config_var("Py_GIL_DISABLED")
        # Builds for debugging have more fields in every object.
        or hasattr(sys, "gettotalrefcount")
    ):
        return False
    probe = np.zeros(1)
    return ctypes.c_void_p.from_address(id(probe) + _DATA).value == probe.ctypes.data


def _store_addresses(table: int, count: int) -> bytes:
    """Instructions that write the data addresses of the arrays of a call into a table."""
    code = b"\x49\xb8" + struct.pack("<Q", table)  # mov r8, table
    for number in range(count):
        offset = struct.pack("<i", 8 * number)
        code += b"\x48\x8b\x86" + offset  # mov rax, [rsi + 8 * number]
        code += b"\x48\x8b\x40" + struct.pack("<b", _DATA)  # mov rax, [rax + _DATA]
        code += b"\x49\x89\x80" + offset  # mov [r8 + 8 * number], rax
    return code


def _call(function: int, arguments: Sequence[int]) -> bytes:
    """Instructions that call a function, and end with an error if it gives one."""
    code = b"\x53"  # push rbx: aligns the stack
    for instruction, argument in zip(_CONSTANT_ARGUMENTS, arguments, strict=False):
        code += instruction + struct.pack("<Q", argument)
    # mov rax, function; call rax; pop rbx
    code += b"\x48\xb8" + struct.pack("<Q", function) + b"\xff\xd0\x5b"
    failed = _raise()
    return code + b"\x85\xc0\x74" + struct.pack("<b", len(failed)) + failed  # test eax, eax; jz


def _raise() -> bytes:
    """Instructions that raise ProgramError and return."""
    raise_error = ctypes.cast(ctypes.pythonapi.PyErr_SetString, ctypes.c_void_p).value
    assert raise_error is not None
    code = b"\x53"  # push rbx
    for instruction, argument in zip(
        _CONSTANT_ARGUMENTS, (id(ProgramError), ctypes.addressof(_MESSAGE)), strict=False
    ):
        code += instruction + struct.pack("<Q", argument)
    # mov rax, PyErr_SetString; call rax; pop rbx; xor eax, eax; ret
    return code + b"\x48\xb8" + struct.pack("<Q", raise_error) + b"\xff\xd0\x5b\x31\xc0\xc3"


def _builtin(flags: int, code: bytes, owner: object) -> Callable[..., object]:
    """A builtin function that runs instructions and returns None."""
    code += b"\x48\xb8" + struct.pack("<Q", id(None))  # mov rax, None
    if sys.version_info < (3, 12):
        code += b"\x48\xff\x00"  # inc qword [rax]: its reference count
    executable = Executable(code + b"\xc3")  # ret
    definition = _MethodDef(b"run", executable.address, flags, None)
    new: Any = ctypes.pythonapi.PyCFunction_NewEx
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    # The function holds its second argument alive, and with it all that it needs.
    return new(ctypes.addressof(definition), (definition, executable, owner), None)
