"""Collecting the payloads of a program that is being made, and laying them out as segments."""

from collections.abc import Sequence

from .container import CONSTANT_ALIGNMENT, align, segment_table
from .equal_bytes import EqualBytes
from .program_file import ProgramFile
from .schema import (
    BackendDelegateDataReference,
    BackendDelegateInlineData,
    BytesLike,
    DataLocation,
    ExecutionPlan,
    NamedData,
    Program,
    SubsegmentOffsets,
)


class DataPool:
    """Data items that share one segment, counted from 1; equal bytes are stored once."""

    def __init__(self, alignment: int):
        self.alignment = alignment
        self.offsets = [0]
        self._pieces: list[BytesLike] = []
        self._end = 0
        self._known = EqualBytes()

    def add(self, data: BytesLike) -> int:
        """The index (`data_buffer_idx`) under which the bytes are stored.

        The bytes are referred to, not copied; they must stay as they are until `payload`.
        """
        view = memoryview(data).cast("B")
        number, new = self._known.number(view)
        if new:
            offset = align(self._end, self.alignment)
            self._pieces += (bytes(offset - self._end), view)
            self._end = offset + len(view)
            self.offsets.append(offset)
        return number + 1

    def payload(self) -> bytes:
        """The bytes of the segment; the last item is not padded."""
        return b"".join(self._pieces)


class SegmentsBuilder:
    """Collects what a program stores beside its tables.

    `constants` and `initial_data` give the `data_buffer_idx` of constant tensors and of planned
    tensors with an initial state; the methods give what delegates refer to.
    """

    def __init__(self):
        self.constants = DataPool(CONSTANT_ALIGNMENT)
        self.initial_data = DataPool(1)
        self._blobs: list[BytesLike] = []
        self._blob_numbers = EqualBytes()
        self._references: list[tuple[BackendDelegateDataReference, int]] = []
        self._inline: list[BackendDelegateInlineData] = []
        self._named: list[tuple[str, BytesLike]] = []

    def add_delegate(self, data: BytesLike) -> BackendDelegateDataReference:
        """The reference to a delegate's payload; it is complete only after `build`.

        Equal payloads share a segment. An empty one has none and stays in the tables.
        """
        if not memoryview(data).nbytes:
            if not self._inline:
                self._inline.append(BackendDelegateInlineData(b""))
            return BackendDelegateDataReference(DataLocation.INLINE, 0)
        reference = BackendDelegateDataReference(DataLocation.SEGMENT)
        number, new = self._blob_numbers.number(data)
        if new:
            self._blobs.append(data)
        self._references.append((reference, number))
        return reference

    def add_named(self, key: str, data: BytesLike) -> None:
        """Store a payload that delegates look up by `key`; the first of equal keys counts."""
        self._named.append((key, data))

    def build(self, methods: Sequence[ExecutionPlan]) -> ProgramFile:
        """The program of these methods with all segments, in ExecuTorch's order.

        Constants (also where there are none), initial data, delegate payloads, named data.
        """
        segments: list[BytesLike] = [self.constants.payload()]
        mutable = None
        if len(self.initial_data.offsets) > 1:
            mutable = [SubsegmentOffsets(len(segments), self.initial_data.offsets)]
            segments.append(self.initial_data.payload())
        for reference, blob in self._references:
            reference.index = len(segments) + blob
        segments += self._blobs
        named: list[NamedData] = []
        first, numbers = len(segments), EqualBytes()
        for key, data in self._named:
            number, new = numbers.number(data)
            if new:
                segments.append(data)
            named.append(NamedData(key, first + number))
        program = Program(
            execution_plan=list(methods),
            backend_delegate_data=self._inline,
            segments=segment_table([memoryview(s).nbytes for s in segments]),
            constant_segment=SubsegmentOffsets(0, self.constants.offsets),
            mutable_data_segments=mutable,
            named_data=named or None,
        )
        return ProgramFile(program, segments)
