"""Data files (`.ptd`, "flat tensor"): named tensors beside the programs that use them.

    0   u32   flatbuffer root offset       4   "FT01"
    8   "FH01", then u32 header length, u64 flatbuffer offset, u64 flatbuffer size,
        u64 segment base, u64 segment bytes, padding
    56  the rest of the flatbuffer, padding, segments

The layout is that of ExecuTorch's `extension/flat_tensor`; several programs may share a file.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from struct import Struct
from typing import Annotated, cast

from ..dtypes import BY_CODE
from ..errors import ProgramError
from .container import (
    HEADER_START,
    MINIMAL_SIZE,
    SEGMENT_ALIGNMENT,
    Container,
    align,
    read_segments,
    segment_table,
)
from .equal_bytes import EqualBytes
from .schema import BytesLike, DataSegment, Slot, Tensor
from .source_bytes import source_bytes, source_name
from .table_reader import read_tables
from .table_writer import write_tables
from .tensor_size import ITEM_SIZES

IDENTIFIER = b"FT01"
HEADER_MAGIC = b"FH01"
HEADER = Struct("<4sIQQQQ")
"""Magic, header length, flatbuffer offset and size, segment base, segment bytes."""

_PADDED_HEADER = align(HEADER.size, 16)
_MAX_RANK = 16
_DAMAGED = "the file is damaged, write it again"


@dataclass(frozen=True)
class DataLayout:
    """What a named tensor is: scalar type, sizes, and dims from outermost to innermost."""

    scalar_type: Annotated[int, Slot(0, "i8")] = 0
    sizes: Annotated[list[int], Slot(1, "i32", vector=True, required=True)] = field(
        default_factory=list[int]
    )
    dim_order: Annotated[list[int], Slot(2, "u8", vector=True, required=True)] = field(
        default_factory=list[int]
    )

    @classmethod
    def of(cls, tensor: Tensor) -> "DataLayout":
        """The layout that data for this tensor must have."""
        return cls(tensor.scalar_type, list(tensor.sizes), list(tensor.dim_order))

    def __str__(self) -> str:
        known = BY_CODE.get(self.scalar_type)
        order = "" if self.dim_order == sorted(self.dim_order) else f" in order {self.dim_order}"
        return f"{known.name if known else self.scalar_type}{self.sizes}{order}"

    @property
    def nbytes(self) -> int:
        """The bytes of the tensor; its scalar type must be known."""
        return prod(self.sizes) * ITEM_SIZES[self.scalar_type]


@dataclass(slots=True)
class NamedTensor:
    """A segment by name, with its layout where it is a tensor."""

    key: Annotated[str, Slot(0, "string", required=True)] = ""
    segment_index: Annotated[int, Slot(1, "u32")] = 0
    tensor_layout: Annotated[DataLayout | None, Slot(2, DataLayout)] = None


@dataclass(slots=True)
class FlatTensor:
    """The root table."""

    version: Annotated[int, Slot(0, "u32")] = 0
    segments: Annotated[list[DataSegment], Slot(1, DataSegment, vector=True)] = field(
        default_factory=list[DataSegment]
    )
    named_data: Annotated[list[NamedTensor], Slot(2, NamedTensor, vector=True)] = field(
        default_factory=list[NamedTensor]
    )


@dataclass(frozen=True)
class DataItem:
    """One entry of a data file: its bytes, and its layout unless it is a bare payload."""

    data: BytesLike
    layout: DataLayout | None = None


DataFile = Mapping[str, DataItem]
"""The items of a data file by name, in the order of the file."""


DataSource = str | os.PathLike[str] | BytesLike
"""A data file by path or as bytes."""


def read_data_files(sources: DataSource | Sequence[DataSource]) -> dict[str, DataItem]:
    """The items of one or several data files together.

    Raises `ProgramError` for a file that cannot be read, and for a name with unequal data.
    """
    files = (
        [cast(DataSource, sources)]
        if isinstance(sources, str | os.PathLike | BytesLike)
        else sources
    )
    items: dict[str, DataItem] = {}
    for source in files:
        for name, item in read_data_file(source).items():
            if items.setdefault(name, item) != item:
                raise ProgramError(
                    f"{source_name(source, 'data file')}: {name[:80]!r} has other data in another "
                    "data file; pass only those of the program"
                )
    return items


def read_data_file(source: DataSource) -> dict[str, DataItem]:
    """The items of a data file, given by path (which is mapped) or as bytes.

    The data are read-only views into the file. Whatever is wrong is one `ProgramError`.
    """
    name = source_name(source, "data file")
    data = source_bytes(source, "data file", ".ptd")
    try:
        container = _read_header(data)
        table = read_tables(data[: container.program_size], FlatTensor)
        if table.version != 0:
            raise ProgramError(f"version {table.version} is newer than 0, the only one known")
        segments = read_segments(data, container, table.segments)
        return dict(_items(table.named_data, segments))
    except ProgramError as error:
        raise ProgramError(f"{name}: {error}") from None


def write_data_file(items: DataFile) -> bytes:
    """The bytes of a data file; the order of the names does not matter, equal data is shared.

    Raises `ProgramError` for data that does not fit its layout.
    """
    payloads: list[memoryview] = []
    places = EqualBytes()
    named: list[NamedTensor] = []
    for key in sorted(items):
        item = items[key]
        view = memoryview(item.data).cast("B")
        if item.layout is not None and (problem := _problem(item.layout, len(view))):
            raise ProgramError(f"{key!r} cannot be written: {problem}")
        number, new = places.number(view)
        if new:
            payloads.append(view)
        named.append(NamedTensor(key, number, item.layout))
    segments = segment_table([len(payload) for payload in payloads])
    tables = write_tables(FlatTensor(0, segments, named), IDENTIFIER)
    base = align(len(tables) + _PADDED_HEADER, SEGMENT_ALIGNMENT)
    size = segments[-1].offset + segments[-1].size if segments else 0
    root = int.from_bytes(tables[:4], "little") + _PADDED_HEADER
    header = HEADER.pack(HEADER_MAGIC, HEADER.size, _PADDED_HEADER, len(tables), base, size)
    content = bytearray(root.to_bytes(4, "little") + tables[4:HEADER_START])
    content += header.ljust(_PADDED_HEADER, b"\0") + tables[HEADER_START:]
    pieces: list[BytesLike] = [content.ljust(base, b"\0")]
    end = 0
    for segment, payload in zip(segments, payloads, strict=True):
        pieces += (bytes(segment.offset - end), payload)
        end = segment.offset + segment.size
    return b"".join(pieces)


def data_file_beside(program: str | os.PathLike[str]) -> str:
    """Where the data file of a program is kept: `model.ptd` beside `model.pte`."""
    return os.path.splitext(str(os.fspath(program)))[0] + ".ptd"


def find_data_files(program: str | os.PathLike[str]) -> list[str]:
    """The data file beside a program, if it is there: `model.ptd`, else ExecuTorch's name."""
    own = data_file_beside(program)
    default = os.path.join(os.path.dirname(own), "_default_external_constant.ptd")
    return [path for path in (own, default) if os.path.isfile(path)][:1]


def _read_header(data: memoryview) -> Container:
    """Where the tables and the segments are, checked against the size of the file."""
    if len(data) < MINIMAL_SIZE or bytes(data[4:8]) != IDENTIFIER:
        raise ProgramError(
            f"not a data file: bytes 4 to 8 are {bytes(data[4:8])!r} instead of {IDENTIFIER!r}; "
            "pass a .ptd file"
        )
    magic, length, offset, size, base, segment_bytes = HEADER.unpack_from(data, HEADER_START)
    if magic != HEADER_MAGIC or length < HEADER.size:
        raise ProgramError(f"its header {magic!r} of {length} bytes is not known; {_DAMAGED}")
    if max(base + segment_bytes, offset + size) > len(data):
        raise ProgramError(
            f"the header announces {max(base + segment_bytes, offset + size)} bytes, the file has "
            f"{len(data)}; it is truncated, copy or write it again"
        )
    if offset + size > base > 0:
        raise ProgramError(
            f"the header gives tables up to byte {offset + size} and segments from byte {base}, "
            f"which cannot be; {_DAMAGED}"
        )
    return Container(offset + size, base, segment_bytes)


def _items(
    named: Iterable[NamedTensor], segments: list[memoryview]
) -> Iterable[tuple[str, DataItem]]:
    """The items with their data; of equal names the first counts, as for ExecuTorch."""
    known: set[str] = set()
    for entry in named:
        if entry.segment_index >= len(segments):
            raise ProgramError(
                f"{entry.key[:80]!r} is in segment {entry.segment_index}, there are "
                f"{len(segments)}; {_DAMAGED}"
            )
        data, layout = segments[entry.segment_index], entry.tensor_layout
        if layout is not None and (problem := _problem(layout, len(data))):
            raise ProgramError(f"{entry.key[:80]!r}: {problem}; {_DAMAGED}")
        if entry.key not in known:
            known.add(entry.key)
            yield entry.key, DataItem(data, layout)


def _problem(layout: DataLayout, nbytes: int) -> str:
    """Why data of so many bytes does not have this layout; empty where it has."""
    rank = len(layout.sizes)
    if layout.scalar_type not in ITEM_SIZES:
        return f"unknown scalar type {layout.scalar_type}"
    # Before anything is multiplied: the product of a million sizes takes minutes.
    if rank > _MAX_RANK or any(size < 0 for size in layout.sizes):
        return f"{rank} sizes {layout.sizes[:_MAX_RANK]}; at most {_MAX_RANK} of at least 0 can be"
    if len(layout.dim_order) != rank or sorted(layout.dim_order) != list(range(rank)):
        return f"dim order {layout.dim_order[:_MAX_RANK]} is not an order of {rank} dimensions"
    if layout.nbytes != nbytes:
        return f"{layout.sizes[:_MAX_RANK]} does not take the {nbytes} bytes that are stored"
    return ""
