"""The scalar operations of bodies, `arith` and `math`, as numpy functions on numbers or arrays.

One table says which function runs an operation; integers are signless in the IR and signed here, so
that unsigned operations look at them through the unsigned type of their width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, IndexType, IntegerAttr
from xdsl.ir import Attribute, Operation

from ....runtime.kernels.erf import erf_block
from ..arrays import Array, numpy_dtype
from .registry import Values, evaluates


def _unsigned(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function on the same bits as unsigned numbers, whose result is signed again."""

    def call(*operands: Any) -> Any:
        arrays = [np.asarray(operand) for operand in operands]
        dtype = np.dtype(f"u{arrays[0].dtype.name}") if arrays[0].dtype.kind == "i" else None
        result = np.asarray(function(*(a.view(dtype) if dtype else a for a in arrays)))
        return result.view(arrays[0].dtype) if result.dtype == dtype else result

    return call


def _quotient(a: Any, b: Any) -> Any:
    """Integer division towards zero, as `arith.divsi`."""
    floor = np.floor_divide(a, b)
    return floor + ((np.remainder(a, b) != 0) & (floor < 0)).astype(np.asarray(floor).dtype)


def _erf(x: Any) -> Any:
    source = np.asarray(x)
    dtype = np.float64 if source.dtype == np.float64 else np.float32
    flat: Array = source.astype(dtype).reshape(-1)
    erf_block(flat, flat, np.empty_like(flat), np.empty_like(flat))
    return flat.reshape(source.shape).astype(source.dtype)


def _fma(a: Any, b: Any, c: Any) -> Any:
    return a * b + c


def _ordered(function: np.ufunc) -> Callable[[Any, Any], Any]:
    return lambda a, b: function(a, b) & ~(np.isnan(a) | np.isnan(b))


def _unordered(function: np.ufunc) -> Callable[[Any, Any], Any]:
    return lambda a, b: function(a, b) | np.isnan(a) | np.isnan(b)


FUNCTIONS: dict[type[Operation], Callable[..., Any]] = {
    arith.AddfOp: np.add,
    arith.SubfOp: np.subtract,
    arith.MulfOp: np.multiply,
    arith.DivfOp: np.divide,
    arith.NegfOp: np.negative,
    arith.MaximumfOp: np.maximum,
    arith.MinimumfOp: np.minimum,
    arith.SelectOp: np.where,
    arith.AddiOp: np.add,
    arith.SubiOp: np.subtract,
    arith.MuliOp: np.multiply,
    arith.DivSIOp: _quotient,
    arith.DivUIOp: _unsigned(np.floor_divide),
    arith.RemSIOp: np.fmod,
    arith.RemUIOp: _unsigned(np.remainder),
    arith.AndIOp: np.bitwise_and,
    arith.OrIOp: np.bitwise_or,
    arith.XOrIOp: np.bitwise_xor,
    arith.ShLIOp: np.left_shift,
    arith.ShRSIOp: np.right_shift,
    arith.ShRUIOp: _unsigned(np.right_shift),
    arith.MaxSIOp: np.maximum,
    arith.MinSIOp: np.minimum,
    math.AbsFOp: np.abs,
    math.AcosOp: np.arccos,
    math.AcoshOp: np.arccosh,
    math.AsinOp: np.arcsin,
    math.AsinhOp: np.arcsinh,
    math.AtanOp: np.arctan,
    math.Atan2Op: np.arctan2,
    math.AtanhOp: np.arctanh,
    math.CeilOp: np.ceil,
    math.CopySignOp: np.copysign,
    math.CosOp: np.cos,
    math.CoshOp: np.cosh,
    math.ErfOp: _erf,
    math.ExpOp: np.exp,
    math.Exp2Op: np.exp2,
    math.ExpM1Op: np.expm1,
    math.FloorOp: np.floor,
    math.FmaOp: _fma,
    math.LogOp: np.log,
    math.Log10Op: np.log10,
    math.Log1pOp: np.log1p,
    math.Log2Op: np.log2,
    math.PowFOp: np.power,
    math.RoundEvenOp: np.rint,
    math.SinOp: np.sin,
    math.SinhOp: np.sinh,
    math.SqrtOp: np.sqrt,
    math.TanOp: np.tan,
    math.TanhOp: np.tanh,
    math.TruncOp: np.trunc,
}
"""Operations whose result has the dtype that their function gives."""

FLOAT_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "false": lambda a, b: np.zeros(np.broadcast(a, b).shape, np.bool_),
    "oeq": np.equal,
    "ogt": np.greater,
    "oge": np.greater_equal,
    "olt": np.less,
    "ole": np.less_equal,
    "one": _ordered(np.not_equal),
    "ord": lambda a, b: ~(np.isnan(a) | np.isnan(b)),
    "ueq": _unordered(np.equal),
    "ugt": _unordered(np.greater),
    "uge": _unordered(np.greater_equal),
    "ult": _unordered(np.less),
    "ule": _unordered(np.less_equal),
    "une": np.not_equal,
    "uno": lambda a, b: np.isnan(a) | np.isnan(b),
    "true": lambda a, b: np.ones(np.broadcast(a, b).shape, np.bool_),
}
"""The predicates of `arith.cmpf`; ordered ones are false where an operand is nan."""

INTEGER_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "slt": np.less,
    "sle": np.less_equal,
    "sgt": np.greater,
    "sge": np.greater_equal,
    "ult": _unsigned(np.less),
    "ule": _unsigned(np.less_equal),
    "ugt": _unsigned(np.greater),
    "uge": _unsigned(np.greater_equal),
}
"""The predicates of `arith.cmpi`."""


def _dtype(type: Attribute) -> np.dtype[Any]:
    return np.dtype(np.int64) if isinstance(type, IndexType) else numpy_dtype(type)


@evaluates(*FUNCTIONS)
def run_function(op: Operation, values: Values) -> list[Any]:
    """An operation of the table."""
    with np.errstate(all="ignore"):
        result = FUNCTIONS[type(op)](*(values[operand] for operand in op.operands))
    return [_number(result, op.results[0].type)]


@evaluates(arith.ConstantOp)
def run_constant(op: arith.ConstantOp, values: Values) -> list[Any]:
    """A number."""
    attribute = op.value
    assert isinstance(attribute, FloatAttr | IntegerAttr)
    number = attribute.value.data
    if op.result.type == IndexType():
        return [number]
    dtype = _dtype(op.result.type)
    if dtype.kind == "i":
        # The text may write the bits of an unsigned number.
        bits = 8 * dtype.itemsize
        number = (int(number) + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
    return [np.asarray(number).astype(dtype)[()]]


@evaluates(arith.CmpfOp)
def run_cmpf(op: arith.CmpfOp, values: Values) -> list[Any]:
    """Truths."""
    name = arith.CMPF_COMPARISON_OPERATIONS[op.predicate.value.data]
    return [FLOAT_COMPARISONS[name](values[op.lhs], values[op.rhs])]


@evaluates(arith.CmpiOp)
def run_cmpi(op: arith.CmpiOp, values: Values) -> list[Any]:
    """Truths."""
    name = arith.CMPI_COMPARISON_OPERATIONS[op.predicate.value.data]
    return [INTEGER_COMPARISONS[name](values[op.lhs], values[op.rhs])]


@evaluates(arith.ExtFOp, arith.TruncFOp, arith.SIToFPOp, arith.FPToSIOp, arith.TruncIOp)
def run_cast(op: Operation, values: Values) -> list[Any]:
    """The nearest number of another type; integers keep their low bits."""
    value, dtype = np.asarray(values[op.operands[0]]), _dtype(op.results[0].type)
    with np.errstate(all="ignore"):
        if isinstance(op, arith.TruncIOp) and dtype == np.bool_:
            return [(value & np.ones((), value.dtype)).astype(dtype)]
        if isinstance(op, arith.SIToFPOp) and value.dtype == np.bool_:
            return [-value.astype(dtype)]
        return [value.astype(dtype)]


@evaluates(arith.ExtSIOp)
def run_extsi(op: arith.ExtSIOp, values: Values) -> list[Any]:
    """The same signed number in more bits; the one bit of i1 is its sign."""
    value = np.asarray(values[op.input])
    wide = value.astype(_dtype(op.result.type))
    return [-wide if value.dtype == np.bool_ else wide]


@evaluates(arith.ExtUIOp, arith.UIToFPOp)
def run_extui(op: Operation, values: Values) -> list[Any]:
    """The same unsigned number in another type."""
    value = np.asarray(values[op.operands[0]])
    bits = value.view(f"u{value.dtype.name}") if value.dtype.kind == "i" else value
    return [bits.astype(_dtype(op.results[0].type))]


@evaluates(arith.IndexCastOp)
def run_index_cast(op: arith.IndexCastOp, values: Values) -> list[Any]:
    """Between indices and integers."""
    value = np.asarray(values[op.input]).astype(_dtype(op.result.type))
    return [int(value) if value.ndim == 0 and op.result.type == IndexType() else value]


@evaluates(arith.BitcastOp)
def run_bitcast(op: arith.BitcastOp, values: Values) -> list[Any]:
    """The same bits as another type."""
    return [np.asarray(values[op.input]).view(_dtype(op.result.type))]


def _number(value: Any, type: Attribute) -> Any:
    """A result as its type has it: indices outside of maps stay Python ints."""
    if isinstance(type, IndexType):
        return int(value) if np.ndim(value) == 0 else value
    assert np.asarray(value).dtype == _dtype(type), (np.asarray(value).dtype, type)
    return value
