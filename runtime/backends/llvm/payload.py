"""The payload of a compiled region: a header, tables, and an image of machine code.

    magic "edgellvm", version u32, machine u32 (ELF's number)
    arena u64, scratch u64: bytes that a run needs, scratch for each thread
    image u64, image bytes u64, run u64, run_team u64, worker u64 (entries from the image's begin;
        2^64 - 1 is none), team version u32
    counts u32 of inputs, outputs, weights, features
    CPU: text
    for each input and output: bytes u64
    for each weight: bytes u64, key: text
    for each feature that the CPU must have: text
    image, at the next multiple of 64

Numbers are little-endian; a text is its length u32 and UTF-8. A program on a device reads the same:
`run(arena, args, scalars)` takes arena bytes followed by scratch, and pointers to the inputs, the
outputs, and the weights, which are the program's named data of those keys.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ...errors import ProgramError

MAGIC = b"edgellvm"
VERSION = 1
ALIGNMENT = 64
NO_ENTRY = 2**64 - 1

_HEAD = struct.Struct("<8sII7QI4I")
_LONGEST_TEXT = 4096
_MOST_ITEMS = 1_000_000


@dataclass(frozen=True)
class CompiledRegion:
    """A payload; entries are offsets in the image, None where the region has no such."""

    machine: int
    cpu: str
    features: tuple[str, ...]
    arena: int
    scratch: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    weights: tuple[tuple[str, int], ...]
    run: int
    run_team: int | None
    worker: int | None
    team_version: int
    image: bytes | memoryview


def write_payload(region: CompiledRegion) -> bytes:
    """The bytes of a payload; equal regions give equal bytes."""
    tables = b"".join(
        [
            _text(region.cpu),
            *(struct.pack("<Q", size) for size in (*region.inputs, *region.outputs)),
            *(struct.pack("<Q", size) + _text(key) for key, size in region.weights),
            *map(_text, region.features),
        ]
    )
    start = -(-(_HEAD.size + len(tables)) // ALIGNMENT) * ALIGNMENT
    entries = (NO_ENTRY if e is None else e for e in (region.run, region.run_team, region.worker))
    head = _HEAD.pack(
        MAGIC,
        VERSION,
        region.machine,
        region.arena,
        region.scratch,
        start,
        len(region.image),
        *entries,
        region.team_version,
        *map(len, (region.inputs, region.outputs, region.weights, region.features)),
    )
    return (head + tables).ljust(start, b"\0") + bytes(region.image)


def read_payload(data: memoryview) -> CompiledRegion:
    """A payload, its image a view of the bytes; ProgramError if it is malformed."""
    if len(data) < _HEAD.size or bytes(data[:8]) != MAGIC:
        raise ProgramError("it is not a payload of the llvm backend")
    _, version, machine, arena, scratch, start, size, run, run_team, worker, team, *counts = (
        _HEAD.unpack_from(data)
    )
    if version != VERSION:
        raise ProgramError(f"it has version {version} of the format, this runtime has {VERSION}")
    if start + size > len(data) or not size:
        raise ProgramError("its code is cut off")
    if run >= size or any(entry >= size for entry in (run_team, worker) if entry != NO_ENTRY):
        raise ProgramError("an entry lies outside of its code")
    if (run_team == NO_ENTRY) != (worker == NO_ENTRY):
        raise ProgramError("it has only a part of what several threads need")
    reader = _Reader(data[:start], _HEAD.size)
    inputs, outputs, weights, features = counts
    if sum(counts) > _MOST_ITEMS:
        raise ProgramError("its tables are too long")
    return CompiledRegion(
        machine=machine,
        cpu=reader.text(),
        inputs=tuple(reader.number() for _ in range(inputs)),
        outputs=tuple(reader.number() for _ in range(outputs)),
        weights=tuple((key, nbytes) for nbytes, key in (reader.entry() for _ in range(weights))),
        features=tuple(reader.text() for _ in range(features)),
        arena=arena,
        scratch=scratch,
        run=run,
        run_team=None if run_team == NO_ENTRY else run_team,
        worker=None if worker == NO_ENTRY else worker,
        team_version=team,
        image=data[start : start + size],
    )


class _Reader:
    """Reads the tables; ProgramError where they end too early."""

    def __init__(self, data: memoryview, position: int):
        self._data = data
        self._position = position

    def _take(self, size: int) -> memoryview:
        part = self._data[self._position : self._position + size]
        if len(part) != size:
            raise ProgramError("its tables are cut off")
        self._position += size
        return part

    def number(self) -> int:
        return struct.unpack("<Q", self._take(8))[0]

    def text(self) -> str:
        (length,) = struct.unpack("<I", self._take(4))
        if length > _LONGEST_TEXT:
            raise ProgramError("a text in it is too long")
        try:
            return bytes(self._take(length)).decode()
        except UnicodeDecodeError as error:
            raise ProgramError("a text in it is not UTF-8") from error

    def entry(self) -> tuple[int, str]:
        return self.number(), self.text()


def _text(text: str) -> bytes:
    encoded = text.encode()
    assert len(encoded) <= _LONGEST_TEXT
    return struct.pack("<I", len(encoded)) + encoded
