import re
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from edgeir.runtime.method_info import MethodInfo, TensorInfo
from edgeir.tools.failure import ToolError
from edgeir.tools.inputs import bind_inputs, describe_input, parse_value

F32 = np.dtype(np.float32)


def _tensor(name: str, *shape: int, dynamic: bool = False) -> TensorInfo:
    return TensorInfo(name, shape, F32, "f32", 0, dynamic=dynamic, is_tensor=True)


def _number(name: str, kind: str) -> TensorInfo:
    return TensorInfo(name, (), None, kind, 0, dynamic=False, is_tensor=False)


def _method(*inputs: TensorInfo) -> MethodInfo:
    return MethodInfo("forward", inputs, (), None, None, (), ())


@pytest.mark.parametrize(
    ("spec", "dtype", "values"),
    [
        ("3xf32=1,2.5,-3", np.float32, [1, 2.5, -3]),
        ("2x2xi64=1,2,3,4", np.int64, [[1, 2], [3, 4]]),
        ("2x2xi64=[[1 2] [3 4]]", np.int64, [[1, 2], [3, 4]]),
        ("2xf64=0", np.float64, [0, 0]),
        ("f32=7", np.float32, 7),
        ("2xi1=true,false", np.bool_, [True, False]),
        ("2xui8=255,0x10", np.uint8, [255, 16]),
        ("2xbf16=1.5", ml_dtypes.bfloat16, [1.5, 1.5]),
        ("2xf32=inf,-inf", np.float32, [np.inf, -np.inf]),
        ("1xcomplex<f32>=1+2j", np.complex64, [1 + 2j]),
        ("0x3xf32=0", np.float32, np.zeros((0, 3))),
    ],
)
def test_tensor_values(spec: str, dtype: type, values: object):
    array = parse_value(spec)
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, np.array(values, dtype))


def test_integers_keep_all_their_bits():
    assert parse_value("1xi64=9223372036854775807")[0] == 2**63 - 1


@pytest.mark.parametrize("kind", ["f32", "bf16", "f8E4M3FN", "i64", "ui8", "i1", "complex<f32>"])
def test_random_is_seeded(kind: str):
    first = parse_value(f"2x100x{kind}=random:1")
    assert first.shape == (2, 100)
    np.testing.assert_array_equal(first, parse_value(f"2x100x{kind}=random:1"))
    assert (first != parse_value(f"2x100x{kind}=random:2")).any()


def test_random_seed_is_zero_by_default():
    np.testing.assert_array_equal(parse_value("4xf32=random"), parse_value("4xf32=random:0"))


def test_random_integers_are_small():
    assert set(parse_value("1000xi64=random").tolist()) == {0, 1, 2}


@pytest.mark.parametrize(
    ("spec", "value"), [("5:i64", 5), ("-0x10:i64", -16), ("0.5:f64", 0.5), ("true:i1", True)]
)
def test_python_numbers(spec: str, value: object):
    assert parse_value(spec) == value
    assert type(parse_value(spec)) is type(value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("3xf32=1,2", "2 values for 3 elements"),
        ("3xf99=1", "no type and no input is called 'f99'"),
        ("1xi64=1.5", "values that are not i64"),
        ("1xi1=2", "values that are not i1"),
        ("1xui8=256", "values that are not ui8"),
        ("a:i64", "'a' is not i64"),
        ("maybe:i1", "'maybe' is not i1"),
        ("1x3", "cannot read the value '1x3'"),
        ("", "cannot read the value ''"),
    ],
)
def test_unreadable_specs(spec: str, message: str):
    with pytest.raises(ToolError, match=re.escape(message)):
        parse_value(spec)


def test_files(tmp_path: Path):
    np.save(tmp_path / "x.npy", np.arange(3))
    assert parse_value(f"@{tmp_path}/x.npy").tolist() == [0, 1, 2]
    (tmp_path / "y.npy").write_bytes(b"no")
    with pytest.raises(ToolError, match=r"is not a \.npy file"):
        parse_value(f"@{tmp_path}/y.npy")
    np.savez(tmp_path / "z.npz", a=np.arange(3))
    with pytest.raises(ToolError, match=r"is not a \.npy file"):
        parse_value(f"@{tmp_path}/z.npz")


def test_pickles_are_not_loaded(tmp_path: Path):
    np.save(tmp_path / "x.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(ToolError, match="is not a"):
        parse_value(f"@{tmp_path}/x.npy")


def test_by_position_and_by_name():
    method = _method(_tensor("a", 1), _number("n", "int"), _tensor("b", 1))
    values = bind_inputs(method, ["n=3:i64", "1xf32=1", "1xf32=2"])
    assert values == [np.float32(1), 3, np.float32(2)]
    assert bind_inputs(method, ["b=1xf32=2", "1xf32=1", "3:i64"]) == values


@pytest.mark.parametrize("specs", [[], ["1xf32=0"], ["1xf32=0"] * 3, ["a=1xf32=0"]])
def test_wrong_count_lists_what_is_taken(specs: list[str]):
    method = _method(_tensor("a", 1, 3), _tensor("b", 8, dynamic=True))
    with pytest.raises(ToolError) as error:
        bind_inputs(method, specs)
    lines = str(error.value).splitlines()
    assert lines[0] == f"method 'forward' takes 2 inputs, got {len(specs)}:"
    assert lines[1] == "  --input a=1x3xf32=random:0"
    assert lines[2] == "  --input b=8xf32=random:0  (sizes up to these)"


def test_name_given_twice():
    with pytest.raises(ToolError, match="a is given twice"):
        bind_inputs(_method(_tensor("a", 1)), ["a=1xf32=0", "a=1xf32=0"])


@pytest.mark.parametrize("kind", ["int", "float", "bool"])
def test_described_inputs_are_readable(kind: str):
    for info in (_number("n", kind), _tensor("x", 2, 3), _tensor("x")):
        bind_inputs(_method(info), [describe_input(info)])


def test_dtypes_that_numpy_stores_as_bytes(tmp_path: Path):
    np.save(tmp_path / "x.npy", np.array([1.5], ml_dtypes.bfloat16))
    dtype = np.dtype(ml_dtypes.bfloat16)
    info = TensorInfo("x", (1,), dtype, "bf16", 2, dynamic=False, is_tensor=True)
    (array,) = bind_inputs(_method(info), [f"@{tmp_path}/x.npy"])
    assert array.dtype == dtype
    assert array.tolist() == [1.5]
