"""Joins object files into one image that runs wherever it is put: code, then constants.

Object files are ELF for x86-64 or aarch64, position-independent, and need nothing but each other,
so that all distances are known here: whoever loads the image has nothing to relocate.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELOCATION = struct.Struct("<QQq")

PROGBITS, SYMBOL_TABLE, RELOCATIONS, NO_BITS = 1, 2, 4, 8
WRITE, ALLOCATE = 1, 2
UNDEFINED, ABSOLUTE = 0, 0xFFF1
LOCAL = 0
UNWIND_TABLES = (".eh_frame", ".ARM.exidx")

X86_64, AARCH64 = 62, 183
ALIGNMENT = 64
PAGE = 4096
"""Alignment of a loaded image: aarch64 counts distances in pages."""


class LinkError(Exception):
    """Object code that cannot be made into an image; the message says what is in its way."""


@dataclass(frozen=True)
class Image:
    """Code and constants for a machine (ELF's number), and where its functions begin."""

    machine: int
    code: bytes
    symbols: Mapping[str, int]


@dataclass(frozen=True)
class _Section:
    """A section of an object file that is part of the image, and where it was put."""

    data: bytes
    alignment: int
    is_code: bool


@dataclass(frozen=True)
class _Object:
    """An object file; names are those of the image, not of the file."""

    data: bytes
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def machine(self) -> int:
        """ELF's number of the machine."""
        return struct.unpack_from("<H", self.data, 18)[0]

    @cached_property
    def headers(self) -> list[tuple[int, ...]]:
        """The section headers."""
        (start,) = struct.unpack_from("<Q", self.data, 40)
        (count, names) = struct.unpack_from("<HH", self.data, 60)
        assert names < count
        return [
            SECTION_HEADER.unpack_from(self.data, start + i * SECTION_HEADER.size)
            for i in range(count)
        ]

    def _text(self, table: int, offset: int) -> str:
        start = self.headers[table][4] + offset
        return self.data[start : self.data.index(b"\0", start)].decode()

    @cached_property
    def sections(self) -> dict[int, _Section]:
        """What is loaded, by section number."""
        (names,) = struct.unpack_from("<H", self.data, 62)
        sections: dict[int, _Section] = {}
        for number, header in enumerate(self.headers):
            name, kind, flags, _, offset, size, _, _, alignment, _ = header
            if not flags & ALLOCATE or self._text(names, name).startswith(UNWIND_TABLES):
                continue
            if size and (flags & WRITE or kind == NO_BITS):
                raise LinkError(f"section {self._text(names, name)} is writable")
            data = self.data[offset : offset + size]
            sections[number] = _Section(data, max(1, alignment), bool(flags & 4))
        return sections

    @cached_property
    def symbols(self) -> list[tuple[str, int, int]]:
        """Name (empty for one that is local to the file), section and offset of every symbol."""
        found: list[tuple[str, int, int]] = []
        for header in self.headers:
            if header[1] != SYMBOL_TABLE:
                continue
            for start in range(header[4], header[4] + header[5], SYMBOL.size):
                name, info, _, section, value, _ = SYMBOL.unpack_from(self.data, start)
                text = self._text(header[6], name) if info >> 4 != LOCAL else ""
                found.append((self.renamed.get(text, text), section, value))
        return found

    def relocations(self) -> list[tuple[int, int, int, int, int]]:
        """Section, offset, kind, symbol's number and addend of what depends on distances."""
        found: list[tuple[int, int, int, int, int]] = []
        for header in self.headers:
            if header[1] != RELOCATIONS or header[7] not in self.sections:
                continue
            for start in range(header[4], header[4] + header[5], RELOCATION.size):
                offset, info, addend = RELOCATION.unpack_from(self.data, start)
                found.append((header[7], offset, info & 0xFFFFFFFF, info >> 32, addend))
        return found


def link(objects: Sequence[tuple[bytes, Mapping[str, str]]]) -> Image:
    """The image of object files, each with new names for some of its symbols.

    Raises LinkError for symbols that no object defines, for writable data, and for what cannot be
    expressed in distances.
    """
    files = [_Object(data, renamed) for data, renamed in objects]
    for file in files:
        if file.data[:6] != b"\x7fELF\x02\x01" or file.machine not in _PATCHES:
            raise LinkError("only ELF of x86-64 and aarch64 can be loaded; give such a triple")
        if file.machine != files[0].machine:
            raise LinkError("object files are of different machines")
    image = bytearray()
    places: dict[tuple[int, int], int] = {}
    for wanted in (True, False):
        image.extend(bytes(-len(image) % ALIGNMENT))
        for number, file in enumerate(files):
            for index, section in file.sections.items():
                if section.is_code == wanted:
                    image.extend(bytes(-len(image) % section.alignment))
                    places[number, index] = len(image)
                    image.extend(section.data)
    symbols: dict[str, int] = {}
    for number, file in enumerate(files):
        for name, section, value in file.symbols:
            if name and (number, section) in places:
                symbols.setdefault(name, places[number, section] + value)
    for number, file in enumerate(files):
        _relocate(image, number, file, places, symbols)
    return Image(files[0].machine, bytes(image), symbols)


def _relocate(
    image: bytearray,
    number: int,
    file: _Object,
    places: Mapping[tuple[int, int], int],
    symbols: Mapping[str, int],
) -> None:
    patches = _PATCHES[file.machine]
    for section, offset, kind, symbol, addend in file.relocations():
        name, home, value = file.symbols[symbol]
        if home == UNDEFINED and name not in symbols:
            raise LinkError(f"the code calls {name}, which is outside of it")
        if kind not in patches:
            raise LinkError(f"relocation {kind} (to {name or 'a constant'}) is not supported")
        assert home != ABSOLUTE
        target = symbols[name] if home == UNDEFINED else places[number, home] + value
        patches[kind](image, places[number, section] + offset, target + addend)


Patch = Callable[[bytearray, int, int], None]
"""Write the distance from a place of the image to a target."""


def _distance_32(image: bytearray, place: int, target: int) -> None:
    struct.pack_into("<i", image, place, target - place)


def _distance_64(image: bytearray, place: int, target: int) -> None:
    struct.pack_into("<q", image, place, target - place)


def _page_distance(image: bytearray, place: int, target: int) -> None:
    """The immediate of `adrp`, 21 bits of pages."""
    pages = (target // PAGE - place // PAGE) & 0x1FFFFF
    _insert(image, place, (pages & 3) << 29 | (pages >> 2) << 5)


def _short_distance(image: bytearray, place: int, target: int) -> None:
    """The immediate of `adr`, 21 bits of bytes."""
    distance = (target - place) & 0x1FFFFF
    _insert(image, place, (distance & 3) << 29 | (distance >> 2) << 5)


def _in_page(shift: int) -> Patch:
    """The place in its page, in units of the size that is loaded, 12 bits."""

    def patch(image: bytearray, place: int, target: int) -> None:
        _insert(image, place, (target % PAGE >> shift) << 10)

    return patch


def _branch(image: bytearray, place: int, target: int) -> None:
    """The immediate of `b` and `bl`, 26 bits of instructions."""
    _insert(image, place, (target - place) >> 2 & 0x3FFFFFF)


def _insert(image: bytearray, place: int, bits: int) -> None:
    (instruction,) = struct.unpack_from("<I", image, place)
    struct.pack_into("<I", image, place, instruction | bits)


_PATCHES: dict[int, dict[int, Patch]] = {
    # R_X86_64_PC32, _PLT32, _PC64
    X86_64: {2: _distance_32, 4: _distance_32, 24: _distance_64},
    AARCH64: {
        # R_AARCH64_PREL64, _PREL32, _ADR_PREL_LO21, _ADR_PREL_PG_HI21
        260: _distance_64,
        261: _distance_32,
        274: _short_distance,
        275: _page_distance,
        # _ADD_ABS_LO12_NC and _LDST8_ to _LDST128_ABS_LO12_NC
        277: _in_page(0),
        278: _in_page(0),
        284: _in_page(1),
        285: _in_page(2),
        286: _in_page(3),
        299: _in_page(4),
        # _JUMP26, _CALL26
        282: _branch,
        283: _branch,
    },
}
"""How each relocation is written, by machine and kind (the names are in the psABIs)."""
