"""Writing programs and reading them back."""

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_programs import add_program, constant_program, counter_program, f32, rich_program

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.program import ProgramFile, SegmentsBuilder, read_program, write_program
from edgeir.runtime.program.container import HEADER, HEADER_MAGIC
from edgeir.runtime.program.schema import (
    BackendDelegateInlineData,
    Buffer,
    DataLocation,
    Double,
    ExecutionPlan,
    Field,
    Int,
    Operator,
    Program,
    Union,
    layout_of,
)
from edgeir.runtime.program.writer import as_written

SAMPLES = [add_program, constant_program, counter_program, rich_program]

SCALARS = {
    "bool": st.booleans(),
    "i8": st.integers(-(2**7), 2**7 - 1),
    "u8": st.integers(0, 2**8 - 1),
    "i32": st.integers(-(2**31), 2**31 - 1),
    "u32": st.integers(0, 2**32 - 1),
    "i64": st.integers(-(2**63), 2**63 - 1),
    "u64": st.integers(0, 2**64 - 1),
    "f64": st.floats(allow_nan=False),
    "string": st.text(max_size=5),
    "bytes": st.binary(max_size=20),
}


def tables(table: type) -> st.SearchStrategy[Any]:
    """Any instance of a table class of the schema, sound or not."""
    return st.builds(table, **{field.name: field_values(field) for field in layout_of(table)})


def field_values(field: Field) -> st.SearchStrategy[Any]:
    kind = field.slot.kind
    if isinstance(kind, str):
        values = SCALARS[kind]
    elif isinstance(kind, Union):
        values = st.one_of(*map(tables, kind.members.values()))
    else:
        values = tables(kind)
    if field.slot.vector:
        values = st.lists(values, max_size=3)
    return st.none() | values if field.default is None else values


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(program=tables(Program), payloads=st.lists(st.binary(max_size=200), max_size=4))
def test_what_is_written_reads_back_equal(program: Program, payloads: list[bytes]):
    file = as_written(ProgramFile(program, payloads))
    data = write_program(file, verify=False)
    assert read_program(data, verify=False) == file
    assert write_program(file, verify=False) == data


@pytest.mark.parametrize("make", SAMPLES)
def test_samples_read_back_equal(make):
    file = make()
    data = write_program(file)
    assert read_program(data) == file
    assert write_program(read_program(data)) == data == write_program(make())


def test_reading_maps_the_file_and_gives_read_only_views(tmp_path):
    path = tmp_path / "m.pte"
    path.write_bytes(write_program(constant_program()))
    for source in (path, str(path)):
        view = read_program(source).constant_bytes(1, 8)
        assert view.readonly
        assert type(view.obj).__name__ == "mmap"
    assert read_program(bytearray(path.read_bytes())).constant_bytes(1, 8).readonly


def test_header_is_written_only_where_a_segment_has_bytes():
    plain = write_program(add_program())
    assert plain[8:12] != HEADER_MAGIC
    data = write_program(constant_program())
    magic, length, program_size, base, segment_bytes = HEADER.unpack_from(data, 8)
    assert (magic, length, segment_bytes) == (HEADER_MAGIC, 32, 8)
    assert base % 128 == 0 and program_size <= base < program_size + 128
    assert len(data) == base + 8


def test_no_file_is_shorter_than_what_a_loader_reads():
    data = write_program(ProgramFile(Program()))
    assert len(data) >= 64
    assert read_program(data).program.constant_segment.offsets == [0]


def test_segments_are_aligned_and_the_last_one_is_not_padded():
    sizes = [0, 752, 48, 12]
    file = read_program(write_program(ProgramFile(Program(), [bytes(n) for n in sizes])))
    assert [(s.offset, s.size) for s in file.program.segments] == [
        (0, 0),
        (0, 752),
        (768, 48),
        (896, 12),
    ]


def test_inline_payloads_are_aligned_in_the_file():
    file = constant_program()
    file.program.backend_delegate_data = [
        BackendDelegateInlineData(bytes([n]) * n) for n in (33, 1, 18)
    ]
    file.program.constant_buffer = [Buffer(b""), Buffer(b"needle 1")]
    data = write_program(file, verify=False)
    for needle in (b"\x21" * 33, b"\x12" * 18, b"needle 1"):
        assert data.index(needle) % 16 == 0
    back = read_program(data, verify=False)
    assert [bytes(d.data) for d in back.program.backend_delegate_data] == [
        b"\x21" * 33,
        b"\x01",
        b"\x12" * 18,
    ]


def test_floats_keep_their_bits():
    method = ExecutionPlan("forward", values=[Double(-0.0), Double(math.nan), Double(-math.inf)])
    values = (
        read_program(write_program(ProgramFile(Program(0, [method])), verify=False), verify=False)
        .program.execution_plan[0]
        .values
    )
    assert math.copysign(1, values[0].double_val) == -1
    assert math.isnan(values[1].double_val)
    assert values[2].double_val == -math.inf


@pytest.mark.parametrize(
    "method",
    [
        ExecutionPlan("m", values=[Int(2**63)]),
        ExecutionPlan("m", values=[f32([2**31])]),
        ExecutionPlan("m", inputs=[-(2**31) - 1]),
        ExecutionPlan("m", operators=[Operator("\ud800")]),
    ],
)
def test_what_does_not_fit_its_field_is_one_error(method: ExecutionPlan):
    with pytest.raises(ProgramError, match=r"cannot be written"):
        write_program(ProgramFile(Program(0, [method])), verify=False)


def test_writing_refuses_an_unsound_program():
    file = add_program()
    file.program.execution_plan[0].outputs = [9]
    with pytest.raises(ProgramError, match=r"outputs\[0\]: value 9 does not exist"):
        write_program(file)


# --- collecting payloads --------------------------------------------------------------------------


def test_constants_are_counted_from_one_shared_and_aligned():
    segments = SegmentsBuilder()
    indices = [segments.constants.add(data) for data in (b"abc", b"defgh", b"abc", b"", b"x")]
    assert indices == [1, 2, 1, 3, 4]
    assert segments.constants.offsets == [0, 0, 16, 32, 32]
    assert (
        segments.constants.payload() == b"abc".ljust(16, b"\0") + b"defgh".ljust(16, b"\0") + b"x"
    )


def test_initial_data_is_packed():
    segments = SegmentsBuilder()
    assert [segments.initial_data.add(data) for data in (b"abc", b"de")] == [1, 2]
    file = segments.build([])
    assert file.mutable_bytes(2, 2) == b"de"
    assert file.program.mutable_data_segments[0].segment_index == 1
    assert file.segments == [b"", b"abcde"]


def test_segments_come_in_the_order_of_executorch_and_are_shared():
    segments = SegmentsBuilder()
    segments.add_named("k", b"named")
    segments.add_named("l", b"named")
    first, second, empty, again = map(segments.add_delegate, (b"one", b"two", b"", b"one"))
    constant = segments.constants.add(b"const")
    file = segments.build([])
    assert file.segments == [b"const", b"one", b"two", b"named"]
    assert file.program.mutable_data_segments is None
    assert (first.index, second.index, again.index) == (1, 2, 1)
    assert (empty.location, empty.index) == (DataLocation.INLINE, 0)
    assert file.constant_bytes(constant, 5) == b"const"
    assert file.named_data("k") == file.named_data("l") == b"named"


def test_accessors_refuse_what_does_not_exist():
    file = rich_program()
    delegate = file.program.execution_plan[0].delegates[0]
    assert file.delegate_bytes(delegate) == b"payload"
    for call in (
        lambda: file.constant_bytes(0, 1),
        lambda: file.constant_bytes(-1, 1),
        lambda: file.constant_bytes(2, 1),
        lambda: file.constant_bytes(1, 25),
        lambda: file.constant_bytes(1, -1),
        lambda: file.mutable_bytes(1, 9),
        lambda: add_program().mutable_bytes(1, 1),
        lambda: file.named_data("other"),
        lambda: file.segment(-1),
        lambda: file.segment(4),
    ):
        with pytest.raises(ProgramError, match=r"^[^\n]+; [^\n]+$"):
            call()
    delegate.processed.index = 4
    with pytest.raises(ProgramError, match="segment 4 does not exist"):
        file.delegate_bytes(delegate)
    delegate.processed.location = DataLocation.INLINE
    with pytest.raises(ProgramError, match="'NoBackend': its payload"):
        file.delegate_bytes(delegate)
