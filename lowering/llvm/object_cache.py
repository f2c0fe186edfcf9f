"""Object code of kernels, kept on disk under a hash of what it is made from."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path

from ..output_file import write_file

FOLDER_VARIABLE = "EDGEIR_CACHE"
"""The environment variable that moves the cache."""

_DIGEST_BYTES = 32


class ObjectCache:
    """Bytes by key in the files of a folder: each the SHA-256 of its content, then the content.

    Files are written beside their place and moved there, so that processes can share a cache. What
    is damaged counts as missing and is written again; a folder that cannot be written is not used.
    """

    def __init__(self, folder: Path | None = None):
        self._folder = folder or default_folder()

    def get(self, key: str) -> bytes | None:
        """What is kept under a key."""
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        digest, content = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        return content if hashlib.sha256(content).digest() == digest else None

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes under a key."""
        path = self._path(key)
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(path, hashlib.sha256(content).digest() + content)

    def _path(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._folder / name[:2] / name[2:]


def default_folder() -> Path:
    """Where the platform wants caches, or what the environment variable EDGEIR_CACHE says."""
    if moved := os.environ.get(FOLDER_VARIABLE):
        return Path(moved)
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "edgeir" / "objects"
