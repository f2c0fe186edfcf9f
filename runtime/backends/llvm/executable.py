"""Machine code in memory: written, then made executable, never both at once."""

from __future__ import annotations

import ctypes
import mmap
import sys
from functools import cache
from typing import Any

from ...errors import ProgramError

PAGE = mmap.PAGESIZE


@cache
def libc() -> Any:
    """The C library; ProgramError on a system without POSIX's memory functions."""
    if sys.platform not in ("linux", "darwin"):
        raise ProgramError(f"machine code is loaded on Linux and macOS only, not on {sys.platform}")
    library: Any = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    library.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    library.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return library


def map_memory(size: int) -> int:
    """The address of new zero pages, readable and writable; ProgramError if there are none."""
    address: int | None = libc().mmap(
        None,
        size,
        mmap.PROT_READ | mmap.PROT_WRITE,
        mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
        -1,
        0,
    )
    if address is None or address == ctypes.c_void_p(-1).value:
        raise ProgramError(f"no memory for {size} bytes")
    return address


class Executable:
    """Code that runs wherever it is put, mapped; unmapped with the object unless it is pinned."""

    def __init__(self, code: bytes | memoryview):
        """Map the code; ProgramError if the system refuses."""
        self._size = max(1, -(-len(code) // PAGE)) * PAGE
        self._pinned = False
        self.address = map_memory(self._size)
        ctypes.memmove(self.address, bytes(code), len(code))
        if libc().mprotect(self.address, self._size, mmap.PROT_READ | mmap.PROT_EXEC):
            raise ProgramError("the system does not let this process run code that it has loaded")
        if sys.platform == "darwin":
            flush: Any = libc().sys_icache_invalidate
            flush(ctypes.c_void_p(self.address), ctypes.c_size_t(len(code)))

    def pin(self) -> None:
        """Keep the code mapped for ever: a thread may be running it when the process ends."""
        self._pinned = True

    def __del__(self) -> None:
        # At the end of the interpreter the C library may be gone already, and so are the pages.
        if not self._pinned and hasattr(self, "address") and not sys.is_finalizing():
            libc().munmap(self.address, self._size)
