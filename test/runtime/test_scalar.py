"""Arithmetic on program scalars."""

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

X = np.array([[1.5, 2.0, 3.0]], np.float32)
CASES: list[tuple[str, list[Any], Any]] = [
    ("aten::sym_size.int", [X, 1], 3),
    ("aten::sym_size.int", [X, -2], 1),
    ("aten::sym_numel", [X], 3),
    ("aten::_local_scalar_dense", [X], 1.5),
    ("aten::_local_scalar_dense", [np.array(7)], 7),
    ("aten::_local_scalar_dense", [np.array(True)], True),
    ("aten::_local_scalar_dense", [np.array(1.5, ml_dtypes.bfloat16)], 1.5),
    ("executorch_prim::add.Scalar", [2, 0.5], 2.5),
    ("executorch_prim::sub.Scalar", [2, 5], -3),
    ("executorch_prim::mul.Scalar", [2, 5], 10),
    ("executorch_prim::truediv.Scalar", [7, 2], 3.5),
    ("executorch_prim::truediv.Scalar", [-7, 0], -math.inf),
    ("executorch_prim::floordiv.Scalar", [-7, 2], -4),
    ("executorch_prim::floordiv.Scalar", [-7.0, 2], -4.0),
    ("executorch_prim::floordiv.Scalar", [7.0, 0], math.inf),
    ("executorch_prim::floordiv.int", [7, -2], -4),
    ("executorch_prim::mod.Scalar", [-7, 2], -1),
    ("executorch_prim::mod.int", [7, -2], 1),
    ("executorch_prim::neg.Scalar", [3], -3),
    ("executorch_prim::ceil.Scalar", [2.1], 3),
    ("executorch_prim::round.Scalar", [2.5], 2),
    ("executorch_prim::trunc.Scalar", [-2.7], -2),
    ("executorch_prim::sym_float.Scalar", [2], 2.0),
    ("executorch_prim::sym_int.Scalar", [2.9], 2),
    ("executorch_prim::sym_max.Scalar", [2, 5], 5),
    ("executorch_prim::sym_min.Scalar", [2, 5], 2),
    ("executorch_prim::sym_not.Scalar", [True], False),
    ("executorch_prim::sym_ite.Scalar", [False, 1, 2], 2),
    ("executorch_prim::eq.Scalar", [2, 2.0], True),
    ("executorch_prim::ne.Scalar", [2, 2], False),
    ("executorch_prim::gt.Scalar", [3, 2], True),
    ("executorch_prim::lt.Scalar", [3, 2], False),
    ("executorch_prim::ge.Scalar", [2, 2], True),
    ("executorch_prim::le.Scalar", [3, 2], False),
]


@pytest.mark.parametrize(("name", "args", "expected"), CASES)
def test_scalars(name: str, args: list[Any], expected: Any) -> None:
    kernel = find_kernel(name)
    assert kernel is not None
    result = kernel(*args)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("executorch_prim::floordiv.int", [1, 0]),
        ("executorch_prim::mod.Scalar", [1, 0]),
        ("aten::sym_size.int", [X, 2]),
        ("aten::_local_scalar_dense", [X[:0]]),
    ],
)
def test_wrong_arguments(name: str, args: list[Any]) -> None:
    kernel: Any = find_kernel(name)
    with pytest.raises(ProgramError):
        kernel(*args)
