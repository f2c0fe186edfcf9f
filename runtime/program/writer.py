"""Writing programs, as ExecuTorch lays them out; the same program gives the same bytes."""

from dataclasses import replace

from .container import (
    HEADER,
    HEADER_MAGIC,
    HEADER_START,
    IDENTIFIER,
    SEGMENT_ALIGNMENT,
    align,
    segment_table,
)
from .program_file import ProgramFile
from .schema import BytesLike, SubsegmentOffsets
from .table_writer import write_tables
from .verifier import verify_program


def write_program(file: ProgramFile, *, verify: bool = True) -> bytes:
    """The bytes of a .pte file.

    `program.segments` is computed from the payloads, and a program without constants gets the
    empty constant segment that loaders want (see `as_written`). Raises `ProgramError` for what the
    verifier finds (unless `verify=False`) and for a number that does not fit its field.
    """
    file = as_written(file)
    if verify:
        verify_program(file)
    tables = write_tables(file.program, IDENTIFIER)
    if not any(s.size for s in file.program.segments):
        # No segment has a byte: no header. A loader reads 64 bytes, however short the tables are.
        return tables.ljust(64, b"\0")
    return b"".join(_with_segments(tables, file))


def as_written(file: ProgramFile) -> ProgramFile:
    """The program that reading back the bytes of `write_program(file)` gives."""
    program = file.program
    payloads: list[BytesLike] = list(file.segments)
    constants = program.constant_segment
    if constants is None and not program.constant_buffer:
        if not payloads:
            payloads = [b""]
        constants = SubsegmentOffsets(0, [0])
    sizes = [memoryview(p).nbytes for p in payloads]
    table = segment_table(sizes)
    return ProgramFile(replace(program, segments=table, constant_segment=constants), payloads)


def _with_segments(tables: bytes, file: ProgramFile) -> list[BytesLike]:
    """The pieces of a file: root and identifier, header, tables, then padded segments.

    Offsets in tables are relative, so the header only moves the root, which is absolute.
    """
    root = int.from_bytes(tables[:4], "little") + HEADER.size
    program_size = len(tables) + HEADER.size
    base = align(program_size, SEGMENT_ALIGNMENT)
    last = file.program.segments[-1]
    header = HEADER.pack(HEADER_MAGIC, HEADER.size, program_size, base, last.offset + last.size)
    pieces: list[BytesLike] = [
        root.to_bytes(4, "little"),
        tables[4:HEADER_START],
        header,
        memoryview(tables)[HEADER_START:],
    ]
    end = program_size
    for segment, payload in zip(file.program.segments, file.segments, strict=True):
        pieces += (bytes(base + segment.offset - end), payload)
        end = base + segment.offset + segment.size
    return pieces
