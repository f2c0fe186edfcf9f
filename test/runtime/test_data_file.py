"""Data files: what is written is read, as by ExecuTorch; damaged ones are one error each."""

import random

import numpy as np
import pytest

from edgeir.runtime import ProgramError
from edgeir.runtime.program.data_file import (
    DataItem,
    DataLayout,
    read_data_file,
    read_data_files,
    write_data_file,
)

F32 = 6


def item(*values: float, shape: tuple[int, ...] | None = None, **layout) -> DataItem:
    sizes = list(shape or [len(values)])
    order = layout.get("order", list(range(len(sizes))))
    return DataItem(np.array(values, "<f4").tobytes(), DataLayout(F32, sizes, order))


def sample() -> dict[str, DataItem]:
    return {
        "fc.weight": item(31, 32, 33, 34, 35, 36, shape=(2, 3)),
        "conv": item(*range(24), shape=(1, 2, 3, 4), order=[0, 2, 3, 1]),
        "scale": DataItem(np.float32(0.5).tobytes(), DataLayout(F32, [], [])),
        "tied": item(31, 32, 33, 34, 35, 36, shape=(2, 3)),
        "empty": DataItem(b"", DataLayout(F32, [0, 4], [0, 1])),
        "payload": DataItem(b"bare bytes"),
    }


def plain(items) -> dict[str, tuple[bytes, DataLayout | None]]:
    return {name: (bytes(item.data), item.layout) for name, item in items.items()}


def test_round_trip_is_deterministic_and_shares_equal_data(tmp_path):
    data = write_data_file(sample())
    assert plain(read_data_file(data)) == plain(sample())
    assert data == write_data_file(dict(reversed(sample().items())))
    assert data.count(sample()["tied"].data) == 1
    (tmp_path / "w.ptd").write_bytes(data)
    assert plain(read_data_file(tmp_path / "w.ptd")) == plain(sample())


def test_a_file_without_items():
    assert read_data_file(write_data_file({})) == {}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_executorch_reads_what_we_write_and_we_what_it_writes():
    from executorch.exir._serialize._cord import Cord
    from executorch.extension.flat_tensor.serialize.serialize import FlatTensorSerializer

    serializer = FlatTensorSerializer()
    payload = serializer.deserialize(Cord(write_data_file(sample())))
    for name, wanted in sample().items():
        entry = payload.named_data[name]
        assert payload.buffers[entry.buffer_index] == bytes(wanted.data)
        if wanted.layout is not None:
            assert int(entry.tensor_layout.scalar_type) == wanted.layout.scalar_type
            assert list(entry.tensor_layout.sizes) == wanted.layout.sizes
            assert list(entry.tensor_layout.dim_order) == wanted.layout.dim_order
    theirs = bytes(serializer.serialize(payload))
    assert plain(read_data_file(theirs)) == plain(sample())


def error_of(data: bytes) -> str:
    with pytest.raises(ProgramError) as caught:
        read_data_file(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_messages():
    data = bytearray(write_data_file(sample()))
    assert "not a data file" in error_of(bytes(data[:40]))
    assert "not a data file" in error_of(b"PK\3\4" + bytes(data[4:8]).lower() + bytes(data[8:]))
    assert "truncated" in error_of(bytes(data[:-1]))
    damaged = bytes(data[:8]) + b"FH99" + bytes(data[12:])
    assert "FH99" in error_of(damaged)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (DataLayout(F32, [3], [0]), "does not take the 8 bytes"),
        (DataLayout(99, [2], [0]), "unknown scalar type 99"),
        (DataLayout(F32, [-2], [0]), "of at least 0"),
        (DataLayout(F32, [2], [1]), "dim order [1]"),
        (DataLayout(F32, [2**31 - 1] * 2000, list(range(256))), "2000 sizes"),
    ],
)
def test_layouts_that_cannot_be(layout: DataLayout, message: str):
    with pytest.raises(ProgramError, match=r"'x' cannot be written") as caught:
        write_data_file({"x": DataItem(bytes(8), layout)})
    assert message in str(caught.value)


def test_data_of_several_files_must_agree():
    one, other = write_data_file({"a": item(1)}), write_data_file({"a": item(2), "b": item(3)})
    assert set(read_data_files([one, write_data_file({"b": item(3)})])) == {"a", "b"}
    with pytest.raises(ProgramError, match="'a' has other data"):
        read_data_files([one, other])


def test_every_truncation_is_an_error():
    data = write_data_file(sample())
    for size in range(len(data)):
        error_of(data[:size])


@pytest.mark.parametrize("seed", range(40))
def test_mutations_give_items_or_one_error(seed: int):
    rng = random.Random(seed)
    original = write_data_file(sample())
    for _ in range(25):
        data = bytearray(original)
        for _ in range(rng.choice((1, 2, 8))):
            # The tables are at the start; that is where mutations hurt.
            position = rng.randrange(min(len(data), 900))
            data[position] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        try:
            items = read_data_file(bytes(data))
        except ProgramError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert all(len(memoryview(item.data)) <= len(data) for item in items.values())
