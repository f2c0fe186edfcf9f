"""Threads that help to run programs: one team for each number of threads, made when it is needed.

The threads are Python's, but each calls `worker` of a program's code once and never comes back:
what they do is said in the compiler's `emit/team.py`, and so is the layout of the team's memory.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import time
from functools import cache
from threading import Lock, Thread
from typing import Any

from ...errors import ProgramError
from .executable import Executable, libc, map_memory

VERSION = 2
_CONFIGURATION, _WORDS, _LINE = 384, 512, 64
_FUTEX = {"x86_64": 202, "aarch64": 98}
"""The number of Linux' system call `futex`."""

_LOCK = Lock()
_TEAMS: dict[int, Team] = {}


class Team:
    """The memory that threads share, at `address`; it is never given back, as they never end."""

    def __init__(self, threads: int, code: Executable, worker: int):
        code.pin()
        self._size = _WORDS + threads * _LINE
        self.address = map_memory(self._size)
        self._threads = threads
        self._worker: Any = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(
            code.address + worker
        )
        self.start()

    def start(self) -> None:
        """Begin anew, with new threads."""
        ctypes.memset(self.address, 0, self._size)
        configuration = struct.pack(
            "<6Q",
            self._threads,
            _address("syscall"),
            _FUTEX.get(platform.machine(), 0) if sys.platform == "linux" else 0,
            _address("usleep"),
            _address("clock_gettime"),
            time.CLOCK_MONOTONIC,
        )
        ctypes.memmove(self.address + _CONFIGURATION, configuration, len(configuration))
        for thread in range(1, self._threads):
            name = f"edgeir worker {thread}"
            Thread(target=self._worker, args=(self.address, thread), name=name, daemon=True).start()


def team_for(threads: int, version: int, code: Executable, worker: int) -> Team:
    """The team of so many threads, the caller's included; ProgramError for another layout.

    The first program that wants it gives the code.
    """
    if version != VERSION:
        raise ProgramError(f"its threads are of version {version}, this runtime's of {VERSION}")
    with _LOCK:
        if threads not in _TEAMS:
            _TEAMS[threads] = Team(threads, code, worker)
        return _TEAMS[threads]


def _restart() -> None:
    """A child process has the memory of the teams, but not the threads."""
    if _LOCK.locked():
        # By a thread that is not in this process.
        _LOCK.release()
    for team in _TEAMS.values():
        team.start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart)


@cache
def _address(function: str) -> int:
    return ctypes.cast(getattr(libc(), function), ctypes.c_void_p).value or 0
