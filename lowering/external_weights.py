"""The data of external weights, and the data files (`.ptd`) that hold it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from ..dialects import memory
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from ..dialects.layout import order_of
from ..dialects.weights import WeightsError
from ..runtime.errors import ProgramError
from ..runtime.program.data_file import (
    DataFile,
    DataItem,
    DataLayout,
    read_data_file,
    write_data_file,
)
from .element_types import scalar_code
from .output_file import write_file
from .stored_bytes import Weights


def external_items(module: ModuleOp, weights: Weights) -> dict[str, DataItem]:
    """The data of every `memory.external` and of all external named data, by name.

    Raises DiagnosticsError with all that is missing, has the wrong size, or has two types.
    """
    items: dict[str, DataItem] = {}
    problems: list[Diagnostic] = []
    for op in _external(module):
        name = op.key.data if isinstance(op, memory.NamedDataOp) else op.user_name.data
        try:
            item = _item(op, weights)
        except (WeightsError, ProgramError) as error:
            problems.append(Diagnostic.at(op, f'external weight "{name}": {error}'))
            continue
        if items.setdefault(name, item).layout != item.layout:
            kinds = " and ".join(str(i.layout or "bare bytes") for i in (items[name], item))
            message = f'external weight "{name}" is {kinds}'
            problems.append(Diagnostic.at(op, message, "give one of them another name"))
    if problems:
        raise DiagnosticsError(problems)
    return items


def save_data(path: str | os.PathLike[str], items: DataFile) -> None:
    """Write a data file that programs may share: what an existing one holds is kept.

    Raises ProgramError where it has another tensor of the same name, and for a file that is no data
    file; nothing is written then.
    """
    kept: dict[str, DataItem] = {}
    if os.path.isfile(path) and os.path.getsize(path):
        kept = read_data_file(path)
    for name, item in items.items():
        if name in kept and kept[name] != item:
            raise ProgramError(
                f"{os.fspath(path)}: has other data for {name[:80]!r}, which another program may "
                "use; delete the file, or write to another one"
            )
    write_file(path, write_data_file(kept | dict(items)))


def _external(module: ModuleOp) -> Iterator[memory.ExternalOp | memory.NamedDataOp]:
    """The operations whose data is beside the program."""
    for op in module.ops:
        if isinstance(op, memory.MethodOp):
            yield from (slot for slot in op.slots if isinstance(slot, memory.ExternalOp))
        elif isinstance(op, memory.NamedDataOp) and op.external is not None:
            yield op


def _item(op: memory.ExternalOp | memory.NamedDataOp, weights: Weights) -> DataItem:
    if isinstance(op, memory.NamedDataOp):
        return DataItem(_data(op.payload.data, weights))
    type = op.tensor
    data = _data(op.user_name.data, weights)
    code = scalar_code(type.element_type)
    if code is None:
        raise ProgramError(f"the format has no tensors of {type.element_type}")
    layout = DataLayout(code, list(type.get_shape()), list(order_of(type)))
    if layout.nbytes != data.nbytes:
        raise ProgramError(f"has {data.nbytes} bytes, {type} takes {layout.nbytes}")
    return DataItem(data, layout)


def _data(key: str, weights: Weights) -> memoryview:
    return np.ascontiguousarray(weights[key]).reshape(-1).view(np.uint8).data
