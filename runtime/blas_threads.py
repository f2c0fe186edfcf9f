"""The number of threads that numpy's matrix products use.

numpy's wheels bring OpenBLAS, whose threads wait for each other by spinning: where another process
needs a core, a product can take ten times as long as on one thread. numpy has no switch, so this
calls the library's own, which it finds through numpy's extension module. A numpy with another BLAS
is left alone.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

_PREFIXES = ("scipy_openblas", "openblas")
_SUFFIXES = ("64_", "")
_MOST = 2**31 - 1
"""What fits the switch, which takes a C int."""


def set_blas_threads(count: int) -> int:
    """Let matrix products use `count` threads; the number before, 0 where there is no switch.

    0 changes nothing, so that what was returned can be set again.
    """
    switch = _switch()
    if switch is None or count == 0:
        return 0
    getter, setter = switch
    before, count = getter(), min(count, _MOST)
    if before != count:
        setter(count)
    return before


@cache
def _switch() -> tuple[Callable[[], int], Callable[[int], Any]] | None:
    core: Any = np
    try:
        library = ctypes.CDLL(core._core._multiarray_umath.__file__)
    except (AttributeError, OSError):
        return None
    for prefix in _PREFIXES:
        for suffix in _SUFFIXES:
            try:
                getter = library[f"{prefix}_get_num_threads{suffix}"]
                setter = library[f"{prefix}_set_num_threads{suffix}"]
            except AttributeError:
                continue
            setter.restype = None
            return getter, setter
    return None
