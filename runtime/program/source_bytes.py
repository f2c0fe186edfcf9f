"""Files and bytes as memory that is read without copying."""

import mmap
import os
import stat

from ..errors import ProgramError
from .schema import BytesLike


def source_name(source: str | os.PathLike[str] | BytesLike, kind: str) -> str:
    """What messages call a source: its path, or `kind` for bytes."""
    return kind if isinstance(source, BytesLike) else os.fspath(source)


def source_bytes(
    source: str | os.PathLike[str] | BytesLike, kind: str, extension: str
) -> memoryview:
    """The bytes of a path (mapped) or of bytes; `ProgramError` asks for a file of `extension`."""
    if not isinstance(source, BytesLike):
        return _map(os.fspath(source), extension)
    view = memoryview(source)
    if not view.c_contiguous:
        raise ProgramError(f"{kind}: the bytes are not contiguous; pass bytes")
    return view.cast("B").toreadonly()


def _map(path: str, extension: str) -> memoryview:
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ProgramError(f"{path}: not a regular file; pass a {extension} file")
            if status.st_size == 0:
                raise ProgramError(f"{path}: the file is empty; pass a {extension} file")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProgramError(f"{path}: cannot be read: {reason}; pass a {extension} file") from None


def _open_without_waiting(path: str, flags: int) -> int:
    # Opening a named pipe for reading blocks until somebody writes; a file does not care.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
