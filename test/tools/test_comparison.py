import ml_dtypes
import numpy as np
import pytest

from edgeir.tools.comparison import compare

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.0]),
        ([1.0 + 1e-6], [1.0]),
        ([NAN, INF, -INF], [NAN, INF, -INF]),
        ([[]], [[]]),
        (3, 3),
        (True, True),
        (None, None),
        (np.ones(2, ml_dtypes.bfloat16), np.ones(2, np.float32)),
        (np.array([2**63 - 1]), np.array([2**63 - 1])),
        (np.array([1 + 1j]), np.array([1 + 1j])),
    ],
)
def test_equal(actual: object, expected: object):
    assert compare(actual, expected, rtol=1e-4, atol=0) is None


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        ([1.0, 2.0], [1.0], "shape [2] instead of [1]"),
        ([1.0, 2.5], [1.0, 2.0], "max abs error 0.5, max rel error 0.25; 1 of 2 values differ"),
        ([NAN], [1.0], "1 of 1 values differ"),
        ([1.0], [NAN], "1 of 1 values differ"),
        ([INF], [1.0], "max abs error inf"),
        ([1.0], [INF], "max abs error inf"),
        ([-INF], [INF], "max abs error inf"),
        (np.array([2**62 + 1]), np.array([2**62]), "1 of 1 values differ"),
        (4, 3, "4 instead of 3"),
        (None, [1.0], "None instead of"),
        (np.array([1 + 1j]), np.array([1 - 1j]), "max abs error 2"),
    ],
)
def test_different(actual: object, expected: object, message: str):
    assert message in str(compare(actual, expected, rtol=1e-4, atol=1e-6))


def test_worst_value_is_named():
    difference = compare([[1.0, 2.0], [3.0, 9.0]], [[1.0, 2.5], [3.0, 4.0]], rtol=0, atol=0)
    assert difference is not None
    assert "the worst: 9 instead of 4 at [1, 1]" in str(difference)
    assert difference.max_abs == 5
    assert difference.max_rel == 1.25


def test_tolerances():
    assert compare([1.1], [1.0], rtol=0.2, atol=0) is None
    assert compare([1.1], [1.0], rtol=0, atol=0.2) is None
    assert compare([11], [10], rtol=1, atol=1) is not None, "integers are compared exactly"
