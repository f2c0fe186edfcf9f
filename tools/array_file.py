"""Named arrays in .npz and .npy files, the same bytes for the same arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any, cast

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


def _write_array(stream: Any, array: NDArray[Any]) -> None:
    np.lib.format.write_array(stream, array, allow_pickle=False)


def read_arrays(path: str) -> dict[str, NDArray[Any]]:
    """The arrays of a .npz file, by name; ToolError for another file."""
    try:
        file: Any = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise ToolError(f"{path}: holds one array without a name; expected a .npz file")
        with file:
            return {name: cast(NDArray[Any], file[name]) for name in file.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ToolError(f"{path}: is not a .npz file: {error}") from None
