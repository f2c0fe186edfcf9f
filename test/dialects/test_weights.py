import json
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save_file

from edgeir.dialects.weights import (
    WeightsError,
    WeightsStore,
    read_safetensors,
    write_safetensors,
)

DTYPES = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?", "c8", "c16"]


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    if draw(st.integers(0, 9)) == 0:
        dtype = draw(st.sampled_from([ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn]))
        return np.arange(draw(st.integers(0, 5))).astype(dtype)
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    return draw(hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)))


def same(left: np.ndarray, right: np.ndarray) -> bool:
    return (
        left.dtype == right.dtype
        and left.shape == right.shape
        and left.tobytes() == right.tobytes()
    )


@given(st.dictionaries(st.text(), arrays(), max_size=5))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, tensors: dict):
    tensors.pop("__metadata__", None)
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    write_safetensors(path, tensors)
    read = read_safetensors(path)
    assert list(read) == list(tensors)
    assert all(same(read[key], tensors[key]) for key in tensors)


def test_official_package_reads_ours_and_we_read_theirs(tmp_path: Path):
    tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(True)}
    write_safetensors(tmp_path / "ours", tensors)
    save_file(tensors, tmp_path / "theirs")
    for read in (load_file(tmp_path / "ours"), read_safetensors(tmp_path / "theirs")):
        assert all(same(read[key], tensors[key]) for key in tensors)


def test_data_are_aligned(tmp_path: Path):
    write_safetensors(tmp_path / "w", {"a": np.zeros(3, np.float32)})
    content = (tmp_path / "w").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    assert (8 + length) % 64 == 0


def test_views_are_read_only(tmp_path: Path):
    write_safetensors(tmp_path / "w", {"a": np.zeros(3, np.float32)})
    assert not read_safetensors(tmp_path / "w")["a"].flags.writeable


def test_strided_arrays_are_written_row_major(tmp_path: Path):
    array = np.arange(6, dtype=np.int64).reshape(2, 3).T
    write_safetensors(tmp_path / "w", {"a": array})
    np.testing.assert_array_equal(read_safetensors(tmp_path / "w")["a"], array)


def _file(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _entry(**changes: object) -> dict:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\1",
        struct.pack("<Q", 2**63),
        struct.pack("<Q", 4) + b"nope",
        _file([]),
        _file({"a": 1}),
        _file(_entry(), b"1234"),
        _file(_entry(dtype="F99"), bytes(8)),
        _file(_entry(shape=[3]), bytes(8)),
        _file(_entry(shape=[-2]), bytes(8)),
        _file(_entry(data_offsets=[8, 0]), bytes(8)),
        _file(_entry(data_offsets=[-8, 0]), bytes(8)),
        _file(_entry(data_offsets="ab"), bytes(8)),
        _file({"a": {"dtype": "F32"}}, bytes(8)),
    ],
)
def test_damaged_files_are_refused(content: bytes, tmp_path: Path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"w\.safetensors"):
        read_safetensors(path)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    path = tmp_path_factory.mktemp("weights") / "w"
    path.write_bytes(content)
    try:
        read_safetensors(path)
    except WeightsError:
        pass


def test_missing_file():
    with pytest.raises(WeightsError, match="nowhere"):
        read_safetensors("nowhere")


def test_key_is_that_of_the_content():
    store = WeightsStore()
    key = store.put(np.array([1, 2], np.float32))
    assert key == store.put(np.array([1, 2], np.float32))
    assert key == WeightsStore().put(np.array([1, 2], np.float32))
    others = [np.array([1, 3], np.float32), np.array([[1, 2]], np.float32)]
    others.append(np.array([1, 2], np.float32).view(np.int32))
    assert key not in {store.put(other) for other in others}
    assert len(store) == 4


def test_store_tells_what_is_new(tmp_path: Path):
    write_safetensors(tmp_path / "w", {"old": np.zeros(1, np.float32)})
    store = WeightsStore()
    store.open(tmp_path / "w", "w")
    key = store.put(np.ones(1, np.float32))
    dead = store.put(np.full(1, 2, np.float32))
    assert set(store) == {"old", key, dead}
    assert list(store.made(["old", key])) == [key]


def test_unknown_key(tmp_path: Path):
    write_safetensors(tmp_path / "w", {})
    store = WeightsStore()
    with pytest.raises(WeightsError, match="no file is open; name its file with --weights"):
        store["a"]
    store.open(tmp_path / "w", "w")
    with pytest.raises(WeightsError, match='weight "a" is not in the store: none of w has it'):
        store["a"]


@given(arrays())
def test_what_is_put_is_got(array: np.ndarray):
    store = WeightsStore()
    assert same(store[store.put(array.copy())], array)
