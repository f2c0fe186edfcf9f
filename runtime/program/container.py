"""What surrounds the flatbuffer in a file: identifier, extended header, segments.

    0   u32   flatbuffer root offset       4   "ET12"
    8   "eh00", then u32 header length, u64 program size, u64 segment base, u64 segment bytes
    40  the rest of the flatbuffer, padding, segments

The header is absent where no segment has a byte; then the flatbuffer goes on at byte 8.
"""

from dataclasses import dataclass
from struct import Struct

from ..errors import ProgramError
from .schema import DataSegment

IDENTIFIER = b"ET12"
HEADER_MAGIC = b"eh00"
HEADER_START = 8
MINIMAL_SIZE = 64
"""A loader reads this many bytes to find the header, so no file may be shorter."""

SEGMENT_ALIGNMENT = 128
CONSTANT_ALIGNMENT = 16

HEADER = Struct("<4sIQQQ")
"""Magic, header length, program size, segment base, segment bytes; 32 bytes."""

_SHORT_HEADER = Struct("<4sIQQ")


@dataclass(frozen=True)
class Container:
    """Where things are in a file, in bytes from its start.

    `segment_bytes` is 0 where it is not known (short header), `segment_base` where there are no
    segments.
    """

    program_size: int
    segment_base: int
    segment_bytes: int


def read_container(data: memoryview) -> Container:
    """Check the identifier and the extended header of a file; `ProgramError` says what is wrong."""
    if len(data) < MINIMAL_SIZE:
        raise ProgramError(
            f"{len(data)} bytes are too few for a program, at least {MINIMAL_SIZE} are needed; "
            "the file is truncated or is something else"
        )
    identifier = bytes(data[4:8])
    if identifier != IDENTIFIER:
        raise ProgramError(
            f"not an ExecuTorch program: bytes 4 to 8 are {identifier!r} instead of "
            f"{IDENTIFIER!r}; pass a .pte file"
        )
    magic, length, program_size, base, segment_bytes = HEADER.unpack_from(data, HEADER_START)
    if magic != HEADER_MAGIC:
        if magic[:2] == HEADER_MAGIC[:2]:
            raise ProgramError(
                f"extended header {magic!r} is not known, only {HEADER_MAGIC!r} is; the file is "
                "damaged or from another version of ExecuTorch"
            )
        return Container(len(data), 0, 0)
    if length < _SHORT_HEADER.size:
        raise ProgramError(
            f"extended header of {length} bytes, at least {_SHORT_HEADER.size} are needed; "
            "the file is damaged, export the model again"
        )
    if length < HEADER.size:
        segment_bytes = 0
    end = max(program_size, base + segment_bytes if base else 0)
    if end > len(data):
        raise ProgramError(
            f"the header announces {end} bytes, the file has {len(data)}; "
            "it is truncated, copy or export it again"
        )
    if program_size < HEADER_START + length or 0 < base < program_size:
        raise ProgramError(
            f"the header gives {program_size} bytes of program and segments from byte {base}, "
            "which cannot be; the file is damaged, export the model again"
        )
    return Container(program_size, base, segment_bytes)


def read_segments(
    data: memoryview, container: Container, table: list[DataSegment]
) -> list[memoryview]:
    """The payload of each segment as a view into `data`; `ProgramError` for one beyond the end."""
    payloads: list[memoryview] = []
    for index, segment in enumerate(table):
        if segment.size and not container.segment_base:
            raise ProgramError(
                f"segment {index} has {segment.size} bytes, but no extended header says where "
                "segments start; the file is damaged, export the model again"
            )
        start = container.segment_base + segment.offset
        if segment.size and start + segment.size > len(data):
            raise ProgramError(
                f"segment {index} ends at byte {start + segment.size}, the file has {len(data)}; "
                "it is truncated, copy or export it again"
            )
        payloads.append(data[start : start + segment.size] if segment.size else data[:0])
    return payloads


def segment_table(sizes: list[int]) -> list[DataSegment]:
    """The table of segments of these sizes in bytes, each start aligned to `SEGMENT_ALIGNMENT`."""
    table: list[DataSegment] = []
    end = 0
    for size in sizes:
        offset = align(end, SEGMENT_ALIGNMENT)
        table.append(DataSegment(offset, size))
        end = offset + size
    return table


def align(offset: int, alignment: int) -> int:
    """`offset` rounded up to a multiple of `alignment`."""
    return -(-offset // alignment) * alignment
