"""Writing flatbuffer tables by the layout in `schema`; equal tables give equal bytes."""

from typing import Any, cast

import flatbuffers  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from ..errors import ProgramError
from .schema import SCALAR_CODES, BytesLike, Slot, Union, layout_of

# The package has no types.
_FLATBUFFERS = cast(Any, flatbuffers)
_DTYPES = {kind: np.dtype("<" + code) for kind, code in SCALAR_CODES.items()}
_SCALAR_METHODS = {
    "bool": "PrependBoolSlot",
    "i8": "PrependInt8Slot",
    "u8": "PrependUint8Slot",
    "i32": "PrependInt32Slot",
    "u32": "PrependUint32Slot",
    "i64": "PrependInt64Slot",
    "u64": "PrependUint64Slot",
    "f64": "PrependFloat64Slot",
}


def write_tables(root: object, identifier: bytes) -> bytes:
    """The flatbuffer of a root table; `ProgramError` where a value does not fit its field."""
    writer = _TableWriter()
    try:
        return writer.finish(writer.table(root), identifier)
    except (_FLATBUFFERS.builder.BuilderSizeError, OverflowError, UnicodeEncodeError) as error:
        raise ProgramError(
            f"the program cannot be written: {error or 'its tables exceed 2 GiB'}; "
            "store large payloads as segments"
        ) from None


class _TableWriter:
    """Writes tables by their layout; every method returns the offset of what it wrote."""

    def __init__(self):
        self.builder: Any = _FLATBUFFERS.Builder(4096)

    def finish(self, root: int, identifier: bytes) -> bytes:
        """The finished flatbuffer."""
        self.builder.Finish(root, file_identifier=identifier)
        return bytes(self.builder.Output())

    def table(self, table: object) -> int:
        """A table, its children first: a flatbuffer is built from the leaves up."""
        layout = layout_of(type(table))
        values = [getattr(table, field.name) for field in layout]
        children = [
            value if value is None or _is_scalar(field.slot) else self.child(field.slot, value)
            for field, value in zip(layout, values, strict=True)
        ]
        builder = self.builder
        builder.StartObject(len(layout))
        for field, child in zip(layout, children, strict=True):
            if child is None:
                continue
            if _is_scalar(field.slot):
                self.scalar(field.name, field.slot, child)
            else:
                builder.PrependUOffsetTRelativeSlot(field.slot.number, child, 0)
        return builder.EndObject()

    def scalar(self, name: str, slot: Slot, value: Any) -> None:
        """A scalar field of the open table; zeros are left out."""
        kind = cast(str, slot.kind)
        # -0.0 equals the default and would be lost, so it has none.
        default = None if kind == "f64" and str(value) == "-0.0" else 0
        try:
            getattr(self.builder, _SCALAR_METHODS[kind])(slot.number, value, default)
        except TypeError:
            raise ProgramError(
                f"the program cannot be written: {name} = {value!r} does not fit {kind}"
            ) from None

    def child(self, slot: Slot, value: Any) -> int:
        """A string, payload, table or vector."""
        kind = slot.kind
        if kind == "string":
            return self.builder.CreateString(value)
        if kind == "bytes":
            return self.payload(value, slot.alignment)
        if not slot.vector:
            return self.table(value)
        if isinstance(kind, str):
            return self.builder.CreateNumpyVector(np.array(value, dtype=_DTYPES[kind]))
        if isinstance(kind, Union):
            tags = {table: tag for tag, table in kind.members.items()}
            return self.references([self.member(tags[type(v)], v) for v in value])
        return self.references([self.table(v) for v in value])

    def member(self, tag: int, value: Any) -> int:
        """A union member with its wrapper table."""
        content = self.table(value)
        builder = self.builder
        builder.StartObject(2)
        builder.PrependUint8Slot(0, tag, 0)
        builder.PrependUOffsetTRelativeSlot(1, content, 0)
        return builder.EndObject()

    def references(self, offsets: list[int]) -> int:
        """A vector of references to tables."""
        builder = self.builder
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    def payload(self, value: BytesLike, alignment: int) -> int:
        """A byte vector whose first byte is aligned to `alignment` in the file."""
        builder = self.builder
        view = memoryview(value).cast("B")
        builder.StartVector(1, len(view), alignment)
        builder.head -= len(view)
        builder.Bytes[builder.head : builder.head + len(view)] = view
        return builder.EndVector()


def _is_scalar(slot: Slot) -> bool:
    return not slot.vector and slot.kind in SCALAR_CODES
