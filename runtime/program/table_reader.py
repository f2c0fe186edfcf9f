"""Reading flatbuffer tables from untrusted bytes, written once against the layout in `schema`.

No schema here is recursive, so its depth bounds the reader's. What bounds time and memory, also on
files whose tables or vectors are shared, are budgets for the whole file, charged before anything is
allocated.
"""

from collections.abc import Callable
from struct import Struct, unpack_from
from typing import Any, TypeVar

from ..errors import ProgramError
from .schema import SCALAR_CODES, Slot, Union, layout_of

MAX_TABLES = 1_000_000
"""Tables in a file; the limit of ExecuTorch's own verifier."""

MAX_ELEMENTS = 8_000_000
"""Elements of all scalar vectors of a file together (payload bytes are not counted)."""

_SHARING = 3
_SHARING_FLOOR = 2**20

_SCALARS = {kind: Struct("<" + code) for kind, code in SCALAR_CODES.items()}
_U32 = _SCALARS["u32"].unpack_from
_I32 = _SCALARS["i32"].unpack_from
_U16_PAIR = Struct("<HH").unpack_from
_MAX_SLOTS = 16
_UNION_SLOTS = 2

Root = TypeVar("Root")


def read_tables(data: memoryview, root: type[Root]) -> Root:
    """The root table of a flatbuffer; `ProgramError` names the part that cannot be read."""
    walker = TableReader(data)
    try:
        return walker.table(root, walker.target(0))
    except Damage as damage:
        path = "".join(reversed(damage.path)).removeprefix(".") or "root table"
        raise ProgramError(
            f"{path}: {damage}; the file is damaged, export the model again"
        ) from None


class Damage(Exception):
    """Something that cannot be read; `path` grows from the innermost part outwards."""

    def __init__(self, what: str):
        super().__init__(what)
        self.path: list[str] = []


class TableReader:
    """Reads tables at byte positions of `data`; every access is checked against its size."""

    def __init__(self, data: memoryview):
        self.data = data
        self.size = len(data)
        self.tables = MAX_TABLES
        self.elements = MAX_ELEMENTS
        # Bytes to read. A tree needs no more than the file has; writers may share a little.
        self.bytes = _SHARING * self.size + _SHARING_FLOOR
        self.vtables: dict[int, tuple[int, ...]] = {}

    def table(self, table: type, position: int) -> Any:
        """The table of class `table` at `position`."""
        offsets = self.slots(position)
        present = len(offsets)
        values: list[Any] = []
        for field in layout_of(table):
            slot = field.slot
            offset = offsets[slot.number] if slot.number < present else 0
            if offset:
                self.charge(4)
                try:
                    values.append(self.field(slot, position + offset))
                except Damage as damage:
                    damage.path.append("." + field.name)
                    raise
            elif slot.required:
                raise Damage(f"the field {field.name!r} is missing")
            else:
                values.append(field.missing())
        return table(*values)

    def slots(self, position: int) -> tuple[int, ...]:
        """The offsets of the fields of the table at `position` from it; 0 is an absent field."""
        if self.tables == 0:
            raise Damage(f"the program has more than {MAX_TABLES} tables")
        self.tables -= 1
        self.charge(4)
        self.check(position, 4)
        vtable = position - _I32(self.data, position)[0]
        known = self.vtables.get(vtable)
        if known is not None:
            return known
        self.check(vtable, 4)
        size, _ = _U16_PAIR(self.data, vtable)
        if size < 4 or size % 2:
            raise Damage(f"a table layout of {size} bytes at byte {vtable}")
        self.check(vtable, size)
        count = min(size // 2 - 2, _MAX_SLOTS)
        self.vtables[vtable] = offsets = unpack_from(f"<{count}H", self.data, vtable + 4)
        return offsets

    def field(self, slot: Slot, position: int) -> Any:
        """The value of a field that is stored at `position`."""
        kind = slot.kind
        if isinstance(kind, str):
            if slot.vector:
                return self.scalars(kind, position)
            if kind == "string":
                return self.string(position)
            if kind == "bytes":
                start, count = self.vector(position, 1)
                return self.data[start : start + count]
            scalar = _SCALARS[kind]
            self.check(position, scalar.size)
            return scalar.unpack_from(self.data, position)[0]
        if slot.vector:
            if isinstance(kind, Union):
                return self.tables_at(position, lambda at: self.member(kind, at))
            return self.tables_at(position, lambda at: self.table(kind, at))
        assert isinstance(kind, type), "no table of the format has a lone union"
        return self.table(kind, self.target(position))

    def member(self, union: Union, position: int) -> Any:
        """The member of a union whose wrapper table is at `position`."""
        offsets = (self.slots(position) + (0,) * _UNION_SLOTS)[:_UNION_SLOTS]
        tag = 0
        if offsets[0]:
            self.check(position + offsets[0], 1)
            tag = self.data[position + offsets[0]]
        table = union.members.get(tag)
        if table is None:
            raise Damage(f"{union.wrapper} of unknown type {tag}")
        if offsets[1]:
            return self.table(table, self.target(position + offsets[1]))
        if layout_of(table):
            raise Damage(f"{union.wrapper} of type {table.__name__} without content")
        return table()

    def tables_at(self, position: int, read: Callable[[int], Any]) -> list[Any]:
        """A vector of tables, each read by `read` at its position."""
        start, count = self.vector(position, 4)
        if count > self.tables:
            raise Damage(f"the program has more than {MAX_TABLES} tables")
        self.charge(4 * count)
        items: list[Any] = []
        try:
            for at in range(start, start + 4 * count, 4):
                items.append(read(self.target(at)))
        except Damage as damage:
            damage.path.append(f"[{len(items)}]")
            raise
        return items

    def scalars(self, kind: str, position: int) -> list[Any]:
        """A vector of scalars."""
        start, count = self.vector(position, _SCALARS[kind].size)
        self.charge(count * _SCALARS[kind].size)
        self.elements -= count
        if self.elements < 0:
            raise Damage(f"the vectors of the program have more than {MAX_ELEMENTS} elements")
        return list(unpack_from(f"<{count}{SCALAR_CODES[kind]}", self.data, start))

    def string(self, position: int) -> str:
        """A string; C code relies on the zero byte after it, so that is checked too."""
        start, count = self.vector(position, 1)
        self.check(start, count + 1)
        self.charge(count)
        if self.data[start + count]:
            raise Damage("a string that does not end")
        try:
            return str(self.data[start : start + count], "utf-8")
        except UnicodeDecodeError:
            raise Damage("a string that is not UTF-8") from None

    def charge(self, count: int) -> None:
        """Take `count` bytes from the budget of what may be read."""
        self.bytes -= count
        if self.bytes < 0:
            raise Damage("so much of the program is shared that reading it would not end")

    def vector(self, position: int, width: int) -> tuple[int, int]:
        """Start and length of the vector of `width`-byte elements that `position` refers to."""
        self.charge(4)
        start = self.target(position)
        count: int = _U32(self.data, start)[0]
        if count * width > self.size - start - 4:
            raise Damage(
                f"a vector of {count} elements at byte {start} of {self.size} does not fit"
            )
        return start + 4, count

    def target(self, position: int) -> int:
        """Where the reference at `position` points; at least 4 bytes are there."""
        self.check(position, 4)
        target: int = position + _U32(self.data, position)[0]
        self.check(target, 4)
        return target

    def check(self, position: int, width: int) -> None:
        """Raise unless `width` bytes at `position` are in the data."""
        if position < 0 or position + width > self.size:
            raise Damage(f"a reference to byte {position}, the tables have {self.size} bytes")
