"""A program with its payload bytes, and checked access to them."""

from dataclasses import dataclass, field

from ..errors import ProgramError
from .data_file import DataFile, DataItem, DataLayout
from .schema import (
    BackendDelegate,
    BytesLike,
    DataLocation,
    Program,
    SubsegmentOffsets,
    Tensor,
    TensorDataLocation,
)

_DAMAGED = "the program is damaged, export the model again"
_EXTERNAL_OPTION = "external_weights=FILE.ptd (tools: --external-weights FILE.ptd)"


@dataclass
class ProgramFile:
    """The tables of a program and the payload of each of its segments.

    Payloads of a file that was read are read-only views into it. `program.segments` (offsets and
    sizes in the file) describes the file that was read; a writer computes it from the payloads.
    """

    program: Program
    segments: list[BytesLike] = field(default_factory=list[BytesLike])
    external: DataFile = field(default_factory=dict[str, DataItem])
    """What the data files beside the program hold, by name."""

    def segment(self, index: int) -> memoryview:
        """The payload of segment `index`, read-only; `ProgramError` if there is none."""
        if not 0 <= index < len(self.segments):
            raise ProgramError(
                f"segment {index} does not exist, there are {len(self.segments)}; {_DAMAGED}"
            )
        return memoryview(self.segments[index]).toreadonly()

    def constant_bytes(self, index: int, nbytes: int) -> memoryview:
        """`nbytes` bytes of constant `index` (a tensor's `data_buffer_idx`), read-only.

        Constants of old files, which lie inside the tables, come the same way. Raises
        `ProgramError` where the index or the range does not exist.
        """
        table = self.program.constant_segment
        if table is not None and table.offsets:
            return self._item("constant", table, index, nbytes)
        buffers = self.program.constant_buffer
        _check_index("constant", index, len(buffers))
        return _slice("constant", memoryview(buffers[index].storage), index, 0, nbytes)

    def mutable_bytes(self, index: int, nbytes: int) -> memoryview:
        """`nbytes` bytes of the initial data `index` of a mutable tensor, read-only.

        Raises `ProgramError` where the index or the range does not exist.
        """
        # The format has one such table per segment, but loaders only ever look at the first.
        tables = self.program.mutable_data_segments
        if not tables:
            raise ProgramError(f"initial data {index}: the program has none; {_DAMAGED}")
        return self._item("initial data", tables[0], index, nbytes)

    def external_bytes(self, name: str, tensor: Tensor) -> memoryview:
        """The bytes of an external tensor, read-only.

        Raises `ProgramError` where no data file has them, or has another tensor of that name.
        """
        item = self.external.get(name)
        if item is None:
            raise ProgramError(
                f"the data of {name[:80]!r} is in a data file beside the program (.ptd); pass it: "
                f"{_EXTERNAL_OPTION}"
            )
        wanted = DataLayout.of(tensor)
        if item.layout != wanted:
            raise ProgramError(
                f"the data file has {name[:80]!r} as {item.layout or 'bare bytes'}, the program "
                f"wants {wanted}; it belongs to another program"
            )
        return memoryview(item.data).toreadonly()

    def delegate_bytes(self, delegate: BackendDelegate) -> memoryview:
        """The payload of a delegate, inline or in a segment, read-only; else `ProgramError`."""
        where = delegate.processed
        if where.location == DataLocation.SEGMENT:
            return self.segment(where.index)
        inline = self.program.backend_delegate_data
        if where.location != DataLocation.INLINE or not 0 <= where.index < len(inline):
            raise ProgramError(
                f"delegate {delegate.id[:60]!r}: its payload (location {where.location}, "
                f"index {where.index}) does not exist; {_DAMAGED}"
            )
        return memoryview(inline[where.index].data).toreadonly()

    def named_data(self, key: str) -> memoryview:
        """The named payload `key` that a delegate asks for, read-only; else `ProgramError`.

        It is in the program, or in a data file beside it.
        """
        for entry in self.program.named_data or ():
            if entry.key == key:
                return self.segment(entry.segment_index)
        if key in self.external:
            return memoryview(self.external[key].data).toreadonly()
        raise ProgramError(
            f"named data {key[:80]!r} is not in the program; if it is in a data file beside it "
            f"(.ptd), pass that: {_EXTERNAL_OPTION}"
        )

    def _item(self, what: str, table: SubsegmentOffsets, index: int, nbytes: int) -> memoryview:
        _check_index(what, index, len(table.offsets))
        segment = self.segment(table.segment_index)
        return _slice(what, segment, index, table.offsets[index], nbytes)


def may_have_external(file: ProgramFile) -> bool:
    """Whether data of a program may be in files beside it: tensors, or what delegates look up."""
    return any(
        plan.delegates or any(isinstance(v, Tensor) and is_external(v) for v in plan.values)
        for plan in file.program.execution_plan
    )


def is_external(tensor: Tensor) -> bool:
    """Whether a tensor's bytes are in a data file beside the program."""
    extra = tensor.extra_tensor_info
    return extra is not None and extra.location == TensorDataLocation.EXTERNAL


def _check_index(what: str, index: int, count: int) -> None:
    if not 0 < index < count:
        raise ProgramError(
            f"{what} {index} does not exist, there are {max(count - 1, 0)} (from 1); {_DAMAGED}"
        )


def _slice(what: str, data: memoryview, index: int, offset: int, nbytes: int) -> memoryview:
    if nbytes < 0 or offset < 0 or offset + nbytes > len(data):
        raise ProgramError(
            f"{what} {index}: bytes {offset} to {offset + nbytes} are beyond the {len(data)} bytes "
            f"that are stored; {_DAMAGED}"
        )
    return data[offset : offset + nbytes].toreadonly()
