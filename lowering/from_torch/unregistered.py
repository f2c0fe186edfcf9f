"""What torch does not say of a `.pt2` that it cannot load: which operators it does not know."""

from __future__ import annotations

import os
import re
import zipfile
from typing import Any

import torch

_TARGET = re.compile(rb'"torch\.ops\.(\w+)\.(\w+)\.(\w+)"')


def unregistered_operators(path: str | os.PathLike[str]) -> list[str]:
    """The operators of a `.pt2` that are not registered with torch, `my_ops::f`, sorted.

    Empty where the file is no archive that can be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            graphs = [name for name in archive.namelist() if name.endswith(".json")]
            targets = {target for name in graphs for target in _TARGET.findall(archive.read(name))}
    except (OSError, zipfile.BadZipFile):
        return []
    return sorted(
        {
            f"{namespace}::{name}"
            for namespace, name, overload in (map(bytes.decode, target) for target in targets)
            if not _is_registered(namespace, name, overload)
        }
    )


def _is_registered(namespace: str, name: str, overload: str) -> bool:
    packet: Any = getattr(getattr(torch.ops, namespace), name, None)
    return packet is not None and hasattr(packet, overload)
