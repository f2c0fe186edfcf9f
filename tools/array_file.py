"""Named arrays in .npz and .npy files, the same bytes for the same arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .failure import ToolError
from .output_file import write_output


def write_arrays(path: str, values: Mapping[str, Any]) -> None:
    """Write arrays and Python numbers, by name; a .npy file takes one. None is left out."""
    arrays = {name: np.asarray(value) for name, value in values.items() if value is not None}
    stream = BytesIO()
    if path.endswith(".npy"):
        if len(arrays) != 1:
            raise ToolError(f"{path}: there are {len(arrays)} outputs; write them to a .npz file")
        _write_array(stream, next(iter(arrays.values())))
    else:
        # numpy.savez takes the names as keyword arguments, so that some cannot be used.
        with zipfile.ZipFile(stream, "w") as archive:
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                    _write_array(entry, array)
    write_output(path, stream.getvalue())


def read_array(path: str) -> NDArray[Any]:
    """The array of a .npy file; ToolError for another file."""
    try:
        with open(path, "rb") as file:
            return _read_array(file)
    except (ValueError, EOFError, MemoryError) as error:
        raise ToolError(f"{path}: is not a .npy file: {error}") from None


def read_arrays(path: str) -> dict[str, NDArray[Any]]:
    """The arrays of a .npz file, by name; ToolError for another file."""
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.namelist():
                with archive.open(entry) as file:
                    arrays[entry.removesuffix(".npy")] = _read_array(file)
    except (ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise ToolError(f"{path}: is not a .npz file: {error}") from None
    return arrays


def _write_array(stream: IO[bytes], array: NDArray[Any]) -> None:
    np.lib.format.write_array(stream, array, allow_pickle=False)


def _read_array(stream: IO[bytes]) -> NDArray[Any]:
    return np.lib.format.read_array(stream, allow_pickle=False)
