"""Object code of kernels, kept on disk under a hash of what it is made from."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from ..backends import BackendError
from ..output_file import write_file

FOLDER_VARIABLE, SIZE_VARIABLE = "EDGEIR_CACHE", "EDGEIR_CACHE_SIZE"
"""The environment variables that move the cache and bound its size."""

DEFAULT_BYTES = 1_000_000_000

_DIGEST_BYTES = 32
_FOLDERS = 256
_KEPT = 0.8
"""The share of the bound that is left after entries were dropped."""


class ObjectCache:
    """Bytes by key in the files of a folder: each the SHA-256 of its content, then the content.

    Files are written beside their place and moved there, so that processes can share a cache. What
    is damaged counts as missing and is written again; a folder that cannot be written is not used.

    Entries are spread evenly over subfolders by their hash, and each of these is kept below its
    share of `most_bytes`: what was not used for the longest time goes first. So nothing has to be
    counted over the whole cache. None: there is no bound.
    """

    def __init__(self, folder: Path, most_bytes: int | None = None):
        self._folder, self._most_bytes = folder, most_bytes

    @classmethod
    def of_user(cls) -> ObjectCache:
        """The cache that all programs of a user share; BackendError for a size that is none."""
        return cls(default_folder(), size_bound())

    def get(self, key: str) -> bytes | None:
        """What is kept under a key."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        digest, content = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != digest:
            return None
        with suppress(OSError):
            os.utime(path)
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes under a key."""
        path = self._path(key)
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(path, hashlib.sha256(content).digest() + content)
            self._prune(path.parent)

    def _prune(self, folder: Path) -> None:
        """Drop the entries of a subfolder that were not used for longest, if it has more than its
        share; the newest stays."""
        if self._most_bytes is None:
            return
        files = [(entry.stat(), entry.path) for entry in os.scandir(folder)]
        total, share = sum(stat.st_size for stat, _ in files), self._most_bytes / _FOLDERS
        if total <= share:
            return
        for stat, path in sorted(files, key=lambda file: file[0].st_mtime_ns)[:-1]:
            if total <= _KEPT * share:
                break
            # Another process may have been faster.
            with suppress(FileNotFoundError):
                os.unlink(path)
            total -= stat.st_size

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


def size_bound() -> int | None:
    """The most bytes of the cache, by the environment variable EDGEIR_CACHE_SIZE (`500M`; `0` for
    no bound) or by default. BackendError for what is no size."""
    text = os.environ.get(SIZE_VARIABLE)
    if not text:
        return DEFAULT_BYTES
    parts = re.fullmatch(r"(\d+)([kMGT]?)B?", text.strip(), re.IGNORECASE)
    if parts is None:
        raise BackendError(f"{SIZE_VARIABLE} is {text!r}: write a size like 500M or 2G, or 0")
    return int(parts[1]) * 1000 ** " KMGT".index(parts[2].upper() or " ") or None
