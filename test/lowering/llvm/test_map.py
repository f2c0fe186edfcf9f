"""Elementwise operations and movements, interpreted and compiled, against PyTorch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from steps import Array, check_step, with_gaps
from torch_step import check_against_torch
from xdsl.dialects import test
from xdsl.dialects.builtin import TensorType, f16, f32, f64, i1, i32, i64
from xdsl.ir import Block, SSAValue

from edgeir.dialects import edge
from edgeir.dialects.edge.ops import ConstantOp
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.llvm import map as family
from edgeir.lowering.llvm.elementwise import supports_elementwise
from edgeir.lowering.llvm.targets import target_for
from edgeir.passes.evaluate.arrays import constant_attribute

RANDOM = np.random.default_rng(0)
DTYPES = (f32, f64, i1, i32, i64)


def _floats(*shape: int) -> Array:
    values = RANDOM.standard_normal(shape).astype(np.float32) * 3
    flat = values.reshape(-1)
    flat[:6] = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0][: flat.size]
    return values


def _integers(*shape: int, dtype: Any = np.int64) -> Array:
    return RANDOM.integers(-9, 9, shape).astype(dtype)


def _check(
    kind: type[SchemaOp], operands: Sequence[Array | None], target: str = "host", **values: Any
) -> None:
    check_against_torch(family, kind, operands, target=target_for(target), **values)


UNARY: list[tuple[type[SchemaOp], dict[str, Any]]] = [
    (edge.AbsOp, {}),
    (edge.NegOp, {}),
    (edge.SignOp, {}),
    (edge.SignbitOp, {}),
    (edge.ExpOp, {}),
    (edge.Exp2Op, {}),
    (edge.Expm1Op, {}),
    (edge.LogOp, {}),
    (edge.Log2Op, {}),
    (edge.Log10Op, {}),
    (edge.Log1pOp, {}),
    (edge.SqrtOp, {}),
    (edge.RsqrtOp, {}),
    (edge.ReciprocalOp, {}),
    (edge.ErfOp, {}),
    (edge.SinOp, {}),
    (edge.CosOp, {}),
    (edge.TanOp, {}),
    (edge.AsinOp, {}),
    (edge.AcosOp, {}),
    (edge.AtanOp, {}),
    (edge.SinhOp, {}),
    (edge.CoshOp, {}),
    (edge.TanhOp, {}),
    (edge.AsinhOp, {}),
    (edge.AcoshOp, {}),
    (edge.AtanhOp, {}),
    (edge.CeilOp, {}),
    (edge.FloorOp, {}),
    (edge.RoundOp, {}),
    (edge.TruncOp, {}),
    (edge.IsnanOp, {}),
    (edge.IsinfOp, {}),
    (edge.LogicalNotOp, {}),
    (edge.ReluOp, {}),
    (edge.LeakyReluOp, {"negative_slope": 0.1}),
    (edge.EluOp, {"alpha": 1.5, "scale": 1.1, "input_scale": 0.9}),
    (edge.SiluOp, {}),
    (edge.MishOp, {}),
    (edge.SoftplusOp, {"beta": 2.0, "threshold": 10.0}),
    (edge.SigmoidOp, {}),
    (edge.LogSigmoidOp, {}),
    (edge.HardsigmoidOp, {}),
    (edge.HardswishOp, {}),
    (edge.HardtanhOp, {"min_val": -0.5, "max_val": 0.25}),
    (edge.ClampOp, {"min": -1.0}),
    (edge.ClampOp, {"min": -1.0, "max": 2.0}),
    (edge.AddScalarOp, {"other": 2.5, "alpha": 2}),
    (edge.SubScalarOp, {"other": 2.5}),
    (edge.RsubScalarOp, {"other": 2.5, "alpha": 3}),
    (edge.MulScalarOp, {"other": 2.5}),
    (edge.DivScalarOp, {"other": 2.5}),
    (edge.DivScalarModeOp, {"other": 0.7, "rounding_mode": "floor"}),
    (edge.DivScalarModeOp, {"other": 0.7, "rounding_mode": "trunc"}),
    (edge.FmodScalarOp, {"other": -0.7}),
    (edge.RemainderScalarOp, {"other": -0.7}),
    *((edge.PowTensorScalarOp, {"exponent": n}) for n in (0, 2, 3, 0.5, -0.5, -1, -2, 4, 1.7)),
    (edge.PowScalarOp, {"self": 2.0}),
    (edge.EqScalarOp, {"other": 1.0}),
    (edge.LtScalarOp, {"other": 0.5}),
    (edge.GeScalarOp, {"other": 0.5}),
    (edge.FillScalarOp, {"value": 4}),
    (edge.OPERATORS["aten::_to_copy"], {"dtype": f64}),
    (edge.OPERATORS["aten::_to_copy"], {"dtype": i1}),
    (edge.CloneOp, {}),
]


@pytest.mark.parametrize(("kind", "values"), UNARY)
def test_functions_of_one_tensor(kind: type[SchemaOp], values: dict[str, Any]) -> None:
    """Floats, with the special ones among them."""
    _check(kind, [_floats(3, 23)], **values)


@pytest.mark.parametrize("target", ["x86-64-v3", "x86-64-v2"])
@pytest.mark.parametrize("kind", [edge.ExpOp, edge.TanhOp, edge.LogOp, edge.ReluOp, edge.IsnanOp])
def test_other_vectors(kind: type[SchemaOp], target: str) -> None:
    """Without masks, and with vectors of other widths."""
    for size in (1, 7, 23, 70):
        _check(kind, [_floats(size)], target)


def test_gelu() -> None:
    """Of finite numbers: PyTorch gives nan for infinity."""
    for approximate in ("none", "tanh"):
        _check(edge.GeluOp, [_floats(5, 23)[1:].clip(-50, 50)], approximate=approximate)


BINARY: list[tuple[type[SchemaOp], dict[str, Any]]] = [
    (edge.AddTensorOp, {"alpha": 2}),
    (edge.SubTensorOp, {}),
    (edge.MulTensorOp, {}),
    (edge.DivTensorOp, {}),
    (edge.DivTensorModeOp, {"rounding_mode": "floor"}),
    (edge.FloorDivideOp, {}),
    (edge.FmodTensorOp, {}),
    (edge.RemainderTensorOp, {}),
    (edge.PowTensorTensorOp, {}),
    (edge.MaximumOp, {}),
    (edge.FmaxOp, {}),
    (edge.FminOp, {}),
    (edge.MinimumOp, {}),
    (edge.Atan2Op, {}),
    (edge.HypotOp, {}),
    (edge.CopysignTensorOp, {}),
    (edge.EqTensorOp, {}),
    (edge.NeTensorOp, {}),
    (edge.LtTensorOp, {}),
    (edge.LeTensorOp, {}),
    (edge.GtTensorOp, {}),
    (edge.GeTensorOp, {}),
    (edge.LogicalAndOp, {}),
    (edge.LogicalOrOp, {}),
    (edge.LogicalXorOp, {}),
]


@pytest.mark.parametrize(("kind", "values"), BINARY)
def test_functions_of_two_tensors(kind: type[SchemaOp], values: dict[str, Any]) -> None:
    """Every pair of special floats; then broadcast tensors with gaps."""
    special = _floats(8)
    _check(kind, [np.repeat(special, 8), np.tile(special, 8)], **values)
    _check(kind, [with_gaps(_floats(4, 1, 19), (2, 0, 1)), _floats(5, 1)], **values)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (edge.AddTensorOp, {"alpha": -2}),
        (edge.MulTensorOp, {}),
        (edge.MaximumOp, {}),
        (edge.FmaxOp, {}),
        (edge.FminOp, {}),
        (edge.LtTensorOp, {}),
        (edge.BitwiseAndTensorOp, {}),
        (edge.BitwiseXorTensorOp, {}),
        (edge.BitwiseRightShiftTensorOp, {}),
        (edge.BitwiseLeftShiftTensorOp, {}),
    ],
)
def test_integers(kind: type[SchemaOp], values: dict[str, Any], dtype: Any) -> None:
    other = np.abs(_integers(5, 13, dtype=dtype)) + 1
    if "Shift" not in kind.__name__:
        other *= RANDOM.choice([-1, 1], other.shape).astype(dtype)
    _check(kind, [_integers(5, 13, dtype=dtype), other], **values)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (edge.RemainderScalarOp, {}),
        (edge.FmodScalarOp, {}),
        (edge.DivScalarModeOp, {"rounding_mode": "trunc"}),
        (edge.DivScalarModeOp, {"rounding_mode": "floor"}),
    ],
)
@pytest.mark.parametrize("other", [3, -4, -1])
def test_integers_divided_by_a_number(
    kind: type[SchemaOp], values: dict[str, Any], dtype: Any, other: int
) -> None:
    _check(kind, [_integers(5, 13, dtype=dtype)], other=other, **values)


def test_integers_that_may_be_divided_by_zero_are_refused() -> None:
    """The CPU stops at such a division; PyTorch raises an error."""
    type = TensorType(i64, [4])
    x, y = (op.results[0] for op in (test.TestOp(result_types=[type]) for _ in range(2)))
    reason = "it may divide integers by zero, which must be an error"
    for kind in (edge.FloorDivideOp, edge.RemainderTensorOp, edge.FmodTensorOp):
        assert supports_elementwise(kind(x, y, result_types=[type])) == reason
    assert supports_elementwise(edge.RemainderScalarOp(x, 0, result_types=[type])) == reason
    three = ConstantOp(constant_attribute(np.full(4, 3), type)).result
    assert supports_elementwise(edge.FloorDivideOp(x, three, result_types=[type])) is None


def test_bools_and_selection() -> None:
    """Bools are bytes in memory."""
    a, b = RANDOM.random((2, 4, 21)) < 0.5
    for kind in (edge.BitwiseAndTensorOp, edge.BitwiseOrTensorOp, edge.EqTensorOp):
        _check(kind, [a.copy(), b.copy()])
    _check(edge.BitwiseNotOp, [a.copy()])
    _check(edge.WhereSelfOp, [a.copy(), _floats(4, 21), _floats(21)])
    _check(edge.MaskedFillScalarOp, [_floats(4, 21), b.copy()], value=-np.inf)
    _check(edge.ClampTensorOp, [_floats(4, 21), None, _floats(21)])


def test_conversions() -> None:
    """From every known type to every other one."""
    values = {i1: RANDOM.random((3, 17)) < 0.5, f32: RANDOM.standard_normal((3, 17)) * 9}
    arrays = [values[i1], values[f32].astype(np.float32), values[f32], _integers(3, 17)]
    arrays.append(_integers(3, 17, dtype=np.int32))
    for array in arrays:
        for dtype in DTYPES:
            _check(edge.OPERATORS["aten::_to_copy"], [array.copy()], dtype=dtype)


def test_chain() -> None:
    """Fused operations may form any graph."""
    x, y = RANDOM.standard_normal((2, 6, 33)).astype(np.float32)
    x, y = x.copy(), y[0].copy()

    def fuse(value: SSAValue, extras: Sequence[SSAValue]) -> list[SchemaOp]:
        double = edge.MulScalarOp(value, 2.0, result_types=[value.type])
        total = edge.AddTensorOp(double.result, extras[0], result_types=[value.type])
        return [double, total, edge.MulTensorOp(total.result, value, result_types=[value.type])]

    for gap in (0, 5):
        relu = np.maximum(x, 0)
        wanted = (relu * 2 + y) * relu
        check_step(family, edge.ReluOp, [x], [wanted], fuse=fuse, extras=[y], output_gap=gap)


def test_long_maps_are_split_into_tasks() -> None:
    """Every task does its part, and the tail is done."""
    for size in (100_001, 96_000, 16 * 12_345):
        _check(edge.ReluOp, [_floats(size)])
    _check(edge.SigmoidOp, [with_gaps(_floats(300, 250))])


MOVEMENTS: list[tuple[type[SchemaOp], tuple[int, ...], dict[str, Any]]] = [
    (edge.ConstantPadNdOp, (2, 3, 5), {"pad": [1, 2, 0, 1], "value": 7.0}),
    (edge.ConstantPadNdOp, (2, 3, 5), {"pad": [-1, 2, 1, -1, 0, 2]}),
    (edge.ReflectionPad1dOp, (3, 6), {"padding": [5, -2]}),
    (edge.ReflectionPad2dOp, (2, 3, 5, 7), {"padding": [-1, 2, 4, 1]}),
    (edge.ReflectionPad3dOp, (2, 3, 4, 5), {"padding": [2, 1, 0, 2, 1, 0]}),
    (edge.ReplicationPad2dOp, (2, 3, 5, 7), {"padding": [-1, 9, 3, -2]}),
    (edge.ReplicationPad3dOp, (2, 3, 4, 5), {"padding": [2, 1, 0, 2, 1, 0]}),
    (edge.FlipOp, (2, 3, 37), {"dims": [0, -1]}),
    (edge.RollOp, (2, 3, 37), {"shifts": [5, -1], "dims": [2, 0]}),
    (edge.RepeatOp, (3, 5), {"repeats": [2, 1, 3]}),
    (edge.PixelShuffleOp, (2, 8, 3, 5), {"upscale_factor": 2}),
    (edge.PixelUnshuffleOp, (2, 2, 4, 6), {"downscale_factor": 2}),
    (edge.UnfoldOp, (3, 17), {"dimension": 1, "size": 4, "step": 3}),
    (edge.DiagonalOp, (3, 5, 4), {"offset": 1, "dim1": 2, "dim2": 0}),
    (edge.TrilOp, (2, 5, 7), {"diagonal": 1}),
    (edge.TriuOp, (5, 19), {"diagonal": -2}),
    (edge.GluOp, (3, 8, 5), {"dim": 1}),
]


@pytest.mark.parametrize(("kind", "shape", "values"), MOVEMENTS)
def test_movements(kind: type[SchemaOp], shape: tuple[int, ...], values: dict[str, Any]) -> None:
    """From row-major and from other orders."""
    array = RANDOM.standard_normal(shape).astype(np.float32)
    _check(kind, [array], **values)
    _check(kind, [with_gaps(array, tuple(reversed(range(len(shape)))))], **values)


def test_movements_of_two_tensors() -> None:
    """A part takes the place of some elements."""
    whole, part = _floats(4, 6, 5), _floats(4, 2, 5)
    _check(edge.SliceScatterOp, [whole, part], dim=1, start=1, end=5, step=2)
    _check(edge.SliceScatterOp, [whole, part], dim=1, start=0, end=6, step=3)
    _check(edge.SliceScatterOp, [whole, part], dim=-2, start=-2, end=None)
    _check(edge.SliceScatterOp, [whole, whole.copy()], dim=0)
    _check(edge.SelectScatterOp, [whole, _floats(4, 6)], dim=-1, index=-2)


def test_epilogue_of_a_movement() -> None:
    """What is fused reads its extras at the places of each piece."""
    x, y = RANDOM.standard_normal((2, 3, 7, 9)).astype(np.float32)
    y = np.ascontiguousarray(RANDOM.standard_normal((3, 9, 12)).astype(np.float32))

    def fuse(value: SSAValue, extras: Sequence[SSAValue]) -> list[SchemaOp]:
        return [edge.MulTensorOp(value, extras[0], result_types=[value.type])]

    padded = np.pad(x, [(0, 0), (2, 0), (1, 2)], constant_values=3.0)
    check_step(
        family,
        edge.ConstantPadNdOp,
        [x.copy()],
        [padded * y],
        fuse=fuse,
        extras=[y],
        pad=[1, 2, 2, 0],
        value=3.0,
    )


def test_reasons() -> None:
    """What is not taken is said with its reason."""
    half, double, integers = (
        Block(arg_types=[TensorType(t, [4])]).args[0] for t in (f16, f64, i64)
    )
    same = {value: [value.type] for value in (half, double, integers)}
    for op, reason in (
        (edge.ReluOp(half, result_types=same[half]), "there are no kernels for f16"),
        (edge.ExpOp(double, result_types=same[double]), "it is computed in f32 only, not in f64"),
        (
            edge.AddScalarOp(integers, 0.5, result_types=same[integers]),
            "other is a fraction, its operands are integers",
        ),
        (
            edge.PowTensorScalarOp(integers, -1, result_types=same[integers]),
            "powers of integers are computed for exponents from 0 on only",
        ),
        (edge.RollOp(half, [1], [0], result_types=same[half]), "there are no kernels for f16"),
    ):
        assert family.supports(op) == reason
