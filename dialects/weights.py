"""The weights store: tensors by key, read lazily from mapped safetensors files.

Weights never stand in the text: `edge.weight "fc.weight"` names a key, the module lists the files
(`edge.weights = ["model.safetensors"]`). What a pass makes is put into the store under a key made
from its content, and the driver writes it to an overlay file.

The format is that of https://github.com/huggingface/safetensors: a u64 header length, a JSON header
(key -> dtype, shape, data_offsets), then the bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# numpy is imported where it is used: most tools never touch a weight.
Array: TypeAlias = "NDArray[Any]"

_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
    "C128": "complex128",
}
"""The dtypes of the format, and their names in numpy and ml_dtypes."""
_NAMES = {name: code for code, name in _DTYPES.items()}
_ALIGNMENT = 64


class WeightsError(Exception):
    """A weights file that cannot be read, or a key that no file has."""


class WeightsStore(Mapping[str, Array]):
    """Tensors by key: those of the opened files (read-only views) and those put by passes."""

    def __init__(self) -> None:
        self.files: list[str] = []
        """The opened files, as the module should name them."""
        self._stored: dict[str, Array] = {}
        self._made: dict[str, Array] = {}

    def __getitem__(self, key: str) -> Array:
        if key in self._made:
            return self._made[key]
        if key in self._stored:
            return self._stored[key]
        where = f"none of {', '.join(self.files)} has it" if self.files else "no file is open"
        raise WeightsError(
            f'weight "{key}" is not in the store: {where}; name its file with --weights FILE'
        )

    def __contains__(self, key: object) -> bool:
        return key in self._made or key in self._stored

    def __iter__(self) -> Iterator[str]:
        yield from self._stored
        yield from self._made

    def __len__(self) -> int:
        return len(self._stored) + len(self._made)

    def open(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        """Map the safetensors file at `path`; `name` is how modules refer to it."""
        name = name or os.fspath(path)
        if name in self.files:
            return
        self._stored.update(read_safetensors(path))
        self.files.append(name)

    def put(self, array: Array) -> str:
        """Store an array made by a pass; its key is a hash of its dtype, shape and content."""
        import numpy as np

        array = np.asarray(array, order="C")
        digest = hashlib.sha256(f"{array.dtype}{array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
        key = f"sha256:{digest.hexdigest()[:24]}"
        if key not in self:
            array.flags.writeable = False
            self._made[key] = array
        return key

    def add(self, key: str, array: Array) -> None:
        """Store an array under a name: what capture does with parameters and buffers."""
        assert key not in self, key
        self._made[key] = array

    def made(self, live: Iterable[str]) -> dict[str, Array]:
        """Of the `live` keys, the arrays that are in no file yet."""
        return {key: self._made[key] for key in live if key in self._made}


def read_safetensors(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The tensors of a safetensors file, read-only views of the mapped file.

    Raises WeightsError for a file that is missing or malformed.
    """
    import numpy as np

    try:
        data = np.memmap(path, np.uint8, "r") if os.path.getsize(path) else np.empty(0, np.uint8)
    except OSError as error:
        raise WeightsError(f"{path}: cannot read weights: {error.strerror}") from None
    try:
        (length,) = struct.unpack("<Q", bytes(data[:8]))
        if 8 + length > len(data):
            raise ValueError("the header is longer than the file")
        header = cast(dict[str, dict[str, Any]], json.loads(bytes(data[8 : 8 + length])))
        header.pop("__metadata__", None)
        body = data[8 + length :]
        return {key: _view(key, entry, body) for key, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise WeightsError(f"{path}: not a safetensors file: {error}") from None


def _numpy_dtype(code: str) -> np.dtype[Any]:
    import ml_dtypes
    import numpy as np

    if code not in _DTYPES:
        raise ValueError(f"the dtype {code!r} is unknown")
    name = _DTYPES[code]
    return np.dtype(getattr(ml_dtypes, name, name))


def _view(key: str, entry: dict[str, Any], body: Array) -> Array:
    import numpy as np

    dtype = _numpy_dtype(entry["dtype"])
    begin, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    if not 0 <= begin <= end <= len(body) or end - begin != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{key!r} does not fit its shape or the file")
    if (body.ctypes.data + begin) % dtype.itemsize:
        return np.frombuffer(body[begin:end].tobytes(), dtype).reshape(shape)
    return body[begin:end].view(dtype).reshape(shape).view(np.ndarray)


def write_safetensors(path: str | os.PathLike[str], tensors: Mapping[str, Array]) -> None:
    """Write tensors to a safetensors file, the data 64-byte aligned; the file appears whole."""
    import numpy as np

    header: dict[str, dict[str, Any]] = {}
    offset = 0
    for key, array in tensors.items():
        header[key] = {
            "dtype": _NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        # The format wants no holes between tensors; only the start of the data is aligned.
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for array in tensors.values():
                file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        temporary.replace(path)
    except OSError as error:
        error.filename = os.fspath(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
