"""Reading old, odd, truncated, damaged and hostile files: a program or one `ProgramError` line."""

import os
import random
import struct

import flatbuffers
import pytest
from sample_programs import add_program, constant_program, counter_program, f32, rich_program

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.program import ProgramFile, read_program, table_reader, write_program
from edgeir.runtime.program.schema import Buffer, ExecutionPlan, Program, String, Tensor

SAMPLES = [add_program, constant_program, counter_program, rich_program]


def error_of(source) -> str:
    """The message of the error that reading gives; it must be one line."""
    with pytest.raises(ProgramError) as caught:
        read_program(source)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 500
    return message


# --- forms that are not what our writer writes ----------------------------------------------------


def with_header(data: bytes, length: int, inserted: int, segment_bytes: int | None = None) -> bytes:
    """A file with a 32-byte header, rewritten to one of `length` in `inserted` bytes."""
    root, program_size, base, size = (
        *struct.unpack_from("<I", data),
        *struct.unpack_from("<QQQ", data, 16),
    )
    payload = data[base : base + size]
    size = size if segment_bytes is None else segment_bytes
    tables = data[40:program_size]
    header = struct.pack("<4sIQQQ", b"eh00", length, 8 + inserted + len(tables), 1024, size)
    head = struct.pack("<I", root - 32 + inserted) + data[4:8] + header.ljust(inserted, b"\xee")
    return (head + tables).ljust(1024, b"\0") + payload


@pytest.mark.parametrize(
    ("length", "inserted", "segment_bytes"),
    [(24, 32, 2**60), (32, 64, None), (32, 32, 0), (48, 48, None), (200, 208, None)],
)
def test_other_headers(length: int, inserted: int, segment_bytes: int | None):
    data = with_header(write_program(constant_program()), length, inserted, segment_bytes)
    assert read_program(data).constant_bytes(1, 8) == struct.pack("<ff", 10, 20)


def test_bytes_after_the_end_are_ignored():
    data = write_program(constant_program())
    assert read_program(data + b"trailing") == read_program(data)


def test_constants_inside_the_tables():
    file = add_program()
    file.program.constant_segment = None
    file.program.constant_buffer = [Buffer(b""), Buffer(struct.pack("<ff", 1, 2))]
    method = file.program.execution_plan[0]
    method.values[1] = f32([2], index=1)
    method.inputs = [0]
    back = read_program(write_program(file))
    assert back.constant_bytes(1, 8) == struct.pack("<ff", 1, 2)
    for index, nbytes in ((0, 0), (2, 1), (1, 9)):
        with pytest.raises(ProgramError):
            back.constant_bytes(index, nbytes)


def test_absent_optional_fields_read_as_their_defaults():
    # Written by hand: vectors that our writer stores empty are not stored at all.
    b = flatbuffers.Builder()
    b.StartVector(4, 0, 4)
    plans = b.EndVector()
    b.StartObject(8)
    b.PrependUOffsetTRelativeSlot(1, plans, 0)
    b.Finish(b.EndObject(), file_identifier=b"ET12")
    file = read_program(bytes(b.Output()).ljust(64, b"\0"))
    assert file == ProgramFile(Program())


# --- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes are too few"),
        (b"PK\3\4" + bytes(100), "not an ExecuTorch program"),
        (b"\x10\0\0\0ET12" + b"\xff" * 100, "root table: a table layout of 65535 bytes"),
        (b"\x60\0\0\0ET12" + b"\x7f" * 100, "root table: a reference to byte -"),
        (b"\x10\0\0\0ET12" + bytes(100), "root table: a table layout of"),
        (b"\xff\xff\xff\xffET12" + bytes(100), "root table: a reference to byte 4294967295"),
        (b"\x10\0\0\0ET12eh01" + bytes(100), "extended header b'eh01' is not known"),
        (b"\x10\0\0\0ET12eh00" + struct.pack("<I", 23) + bytes(100), "extended header of 23 bytes"),
    ],
)
def test_foreign_bytes(data: bytes, message: str):
    assert message in error_of(data)


@pytest.mark.parametrize("base", [1, 40, 2**64 - 1])
def test_header_that_cannot_be(base: int):
    data = bytearray(write_program(constant_program()))
    struct.pack_into("<Q", data, 24, base)
    error_of(data)


def test_segments_without_a_header():
    data = bytearray(write_program(constant_program()))
    struct.pack_into("<QQ", data, 24, 0, 0)
    assert "no extended header says where" in error_of(data)


def test_paths_that_are_no_program(tmp_path):
    assert "cannot be read" in error_of(tmp_path / "missing.pte")
    assert "pass a .pte file" in error_of(tmp_path)
    (tmp_path / "empty.pte").write_bytes(b"")
    assert "empty.pte: the file is empty" in error_of(tmp_path / "empty.pte")
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in error_of(tmp_path / "pipe")
    assert "cannot be read" in error_of("a\0b")


@pytest.mark.parametrize("make", SAMPLES)
def test_every_truncation(make):
    data = write_program(make())
    # What follows the last table may be padding that nobody reads.
    needed = len(data.rstrip(b"\0")) if data[8:12] != b"eh00" else len(data)
    for length in range(needed):
        file = read_or_error(data[:length])
        assert file is None or data[8:12] != b"eh00", "a file with a header knows its size"


@pytest.mark.parametrize("make", SAMPLES)
def test_mutations_give_a_program_or_an_error(make):
    data = write_program(make())
    rng = random.Random(make.__name__)
    outcomes = {True: 0, False: 0}
    for _ in range(400):
        outcomes[survives(mutated(data, rng))] += 1
    assert outcomes[False] > 20, "mutations that break nothing test nothing"


def mutated(data: bytes, rng: random.Random) -> bytes:
    """`data` with a few bytes or words changed, cut out or repeated."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(out) - 8)
        match rng.randrange(5):
            case 0:
                out[at] = rng.randrange(256)
            case 1:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                at -= at % 4
                word = rng.choice((0, 1, 4, 2**31 - 1, 2**31, 2**32 - 1, rng.randrange(2**32)))
                struct.pack_into("<I", out, at, word)
            case 3:
                del out[at : at + rng.randrange(1, 40)]
            case _:
                out[at:at] = out[at : at + rng.randrange(1, 40)]
        if len(out) < 16:
            break
    return bytes(out)


def read_or_error(data: bytes) -> ProgramFile | None:
    """The program, or None where reading gives its one error, which must be one line."""
    message = ""
    try:
        return read_program(data)
    except ProgramError as error:
        message = str(error)
    assert message and "\n" not in message
    return None


def survives(data: bytes) -> bool:
    """Whether `data` reads; what reads and verifies must also be accessible."""
    file = read_or_error(data)
    if file is None:
        return False
    for plan in file.program.execution_plan:
        for delegate in plan.delegates:
            file.delegate_bytes(delegate)
        for slot in (*plan.inputs, *plan.outputs):
            assert plan.values[slot] is not None
    for entry in file.program.named_data or ():
        file.named_data(entry.key)
    return True


# --- hostile files --------------------------------------------------------------------------------


def test_vector_length_is_checked_before_anything_is_allocated():
    file = add_program()
    file.program.execution_plan[0].non_const_buffer_sizes = [0x1122334455667788]
    data = bytearray(write_program(file, verify=False))
    at = data.index(struct.pack("<q", 0x1122334455667788)) - 4
    for count in (2**32 - 1, 2**31, 1000):
        struct.pack_into("<I", data, at, count)
        assert "does not fit" in error_of(data)


def shared_vector(count: int, sub_count: int) -> bytes:
    """A program whose plan vector has `count` entries, all one plan with `sub_count` values."""
    b = flatbuffers.Builder()
    b.StartObject(0)
    null = b.EndObject()
    b.StartObject(2)
    b.PrependUint8Slot(0, 1, 0)
    b.PrependUOffsetTRelativeSlot(1, null, 0)
    value = b.EndObject()
    vectors = []
    for n in (sub_count, 0):
        b.StartVector(4, n, 4)
        for _ in range(n):
            b.PrependUOffsetTRelative(value)
        vectors.append(b.EndVector())
    name = b.CreateString("f")
    b.StartObject(10)
    b.PrependUOffsetTRelativeSlot(0, name, 0)
    b.PrependUOffsetTRelativeSlot(2, vectors[0], 0)
    for slot in (3, 4, 5, 7, 8):
        b.PrependUOffsetTRelativeSlot(slot, vectors[1], 0)
    plan = b.EndObject()
    b.StartVector(4, count, 4)
    for _ in range(count):
        b.PrependUOffsetTRelative(plan)
    plans = b.EndVector()
    b.StartObject(8)
    b.PrependUOffsetTRelativeSlot(1, plans, 0)
    b.Finish(b.EndObject(), file_identifier=b"ET12")
    return bytes(b.Output())


def test_shared_tables_are_charged_each_time(monkeypatch):
    monkeypatch.setattr(table_reader, "MAX_TABLES", 20_000)
    data = shared_vector(3000, 3000)
    assert len(data) < 30_000
    assert "more than 20000 tables" in error_of(data)
    assert len(read_program(shared_vector(2, 3000), verify=False).program.execution_plan) == 2


def test_elements_are_limited(monkeypatch):
    monkeypatch.setattr(table_reader, "MAX_ELEMENTS", 1000)
    values = [Tensor(6, sizes=[1] * 16, dim_order=list(range(16))) for _ in range(40)]
    file = ProgramFile(Program(0, [ExecutionPlan("m", values=values)]))
    assert "more than 1000 elements" in error_of(write_program(file, verify=False))


def test_shared_strings_are_charged_each_time():
    b = flatbuffers.Builder()
    text = b.CreateString("x" * 500_000)
    entries = []
    for _ in range(12):
        b.StartObject(4)
        b.PrependUOffsetTRelativeSlot(0, text, 0)
        entries.append(b.EndObject())
    data = named_data_program(b, entries)
    assert "so much of the program is shared" in error_of(data)


def named_data_program(b: flatbuffers.Builder, entries: list[int]) -> bytes:
    """A program without methods whose `named_data` are these tables."""
    b.StartVector(4, 0, 4)
    plans = b.EndVector()
    b.StartVector(4, len(entries), 4)
    for entry in entries:
        b.PrependUOffsetTRelative(entry)
    named = b.EndVector()
    b.StartObject(8)
    b.PrependUOffsetTRelativeSlot(1, plans, 0)
    b.PrependUOffsetTRelativeSlot(7, named, 0)
    b.Finish(b.EndObject(), file_identifier=b"ET12")
    return bytes(b.Output())


def test_strings_must_end_and_be_utf8():
    file = ProgramFile(Program(0, [ExecutionPlan("m", values=[String("needle")])]))
    data = write_program(file, verify=False)
    assert "values[0].string_val: a string that does not end" in error_of(
        data.replace(b"needle\0", b"needle!")
    )
    assert "a string that is not UTF-8" in error_of(data.replace(b"needle", b"need\xffe"))


def test_error_names_the_file_and_the_part(tmp_path):
    path = tmp_path / "m.pte"
    data = write_program(rich_program())
    path.write_bytes(data.replace(b"my::permute", b"my::\xff\xffrmute"))
    message = error_of(path)
    assert message.startswith(f"{path}: execution_plan[0].operators[1].name: ")
    assert message.endswith("; the file is damaged, export the model again")
