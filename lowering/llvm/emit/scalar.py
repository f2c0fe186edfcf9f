"""`arith` and `math` operations, on scalars or on vectors of them.

Bodies are written for scalars; here the values may be vectors: the same text serves both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import Operation

from .emitter import HANDLERS, Emitter, handles
from .value import Value, element_of, intrinsic_suffix, literal

Rule: TypeAlias = Callable[[Emitter, list[Value]], Value]

_BINARY: dict[type[Operation], str] = {
    arith.AddfOp: "fadd",
    arith.SubfOp: "fsub",
    arith.MulfOp: "fmul",
    arith.DivfOp: "fdiv",
    arith.AddiOp: "add",
    arith.SubiOp: "sub",
    arith.MuliOp: "mul",
    arith.DivSIOp: "sdiv",
    arith.DivUIOp: "udiv",
    arith.RemSIOp: "srem",
    arith.RemUIOp: "urem",
    arith.AndIOp: "and",
    arith.OrIOp: "or",
    arith.XOrIOp: "xor",
    arith.ShLIOp: "shl",
    arith.ShRSIOp: "ashr",
    arith.ShRUIOp: "lshr",
}
_INTRINSICS: dict[type[Operation], str] = {
    math.SqrtOp: "llvm.sqrt",
    math.AbsFOp: "llvm.fabs",
    math.FloorOp: "llvm.floor",
    math.CeilOp: "llvm.ceil",
    math.TruncOp: "llvm.trunc",
    math.RoundEvenOp: "llvm.roundeven",
    math.CopySignOp: "llvm.copysign",
}
_CASTS: dict[type[Operation], str] = {
    arith.ExtFOp: "fpext",
    arith.TruncFOp: "fptrunc",
    arith.ExtSIOp: "sext",
    arith.ExtUIOp: "zext",
    arith.TruncIOp: "trunc",
    arith.SIToFPOp: "sitofp",
    arith.UIToFPOp: "uitofp",
    arith.BitcastOp: "bitcast",
}
_FLOAT_PREDICATES = "false oeq ogt oge olt ole one ord ueq ugt uge ult ule une uno true".split()
_INTEGER_PREDICATES = "eq ne slt sle sgt sge ult ule ugt uge".split()

RULES: dict[type[Operation], Rule] = {
    math.FmaOp: lambda e, v: e.fma(v[0], v[1], v[2]),
    arith.NegfOp: lambda e, v: e.negate(v[0]),
    arith.MaximumfOp: lambda e, v: e.maximum(v[0], v[1]),
    arith.MinimumfOp: lambda e, v: e.minimum(v[0], v[1]),
    arith.MaxSIOp: lambda e, v: e.maximum(v[0], v[1]),
    arith.MinSIOp: lambda e, v: e.minimum(v[0], v[1]),
    arith.SelectOp: lambda e, v: e.select(v[0], v[1], v[2]),
}
"""How an operation with one result is computed from its operands; more in `polynomials`."""


def _binary(name: str) -> Rule:
    return lambda e, v: e.binary(name, v[0], v[1])


def _intrinsic(name: str) -> Rule:
    return lambda e, v: e.intrinsic(name, *v)


RULES.update({kind: _binary(name) for kind, name in _BINARY.items()})
RULES.update({kind: _intrinsic(name) for kind, name in _INTRINSICS.items()})


def emit_rule(e: Emitter, op: Operation) -> None:
    """Write an operation of the table."""
    operands = [e.get(operand) for operand in op.operands]
    e.bind(op.results[0], RULES[type(op)](e, operands))


def emit_cast(e: Emitter, op: Operation) -> None:
    """A conversion to the type of the result."""
    value = e.get(op.operands[0])
    e.bind(op.results[0], e.convert(_CASTS[type(op)], value, e.element(op.results[0])))


HANDLERS.update(dict.fromkeys(RULES, emit_rule))
HANDLERS.update(dict.fromkeys(_CASTS, emit_cast))


@handles(arith.FPToSIOp)
def emit_float_to_integer(e: Emitter, op: arith.FPToSIOp) -> None:
    """Truncation; what does not fit gives the nearest that does, nan gives 0."""
    value, element = e.get(op.input), e.element(op.result)
    to, source = (intrinsic_suffix(kind, value.lanes) for kind in (element, value.element))
    name = f"llvm.fptosi.sat.{to}.{source}"
    e.bind(op.result, e.call(name, element, value.lanes, value))


@handles(arith.ConstantOp)
def emit_constant(e: Emitter, op: arith.ConstantOp) -> None:
    """A literal."""
    value = op.value
    assert isinstance(value, FloatAttr | IntegerAttr)
    e.bind(op.result, literal(value.value.data, element_of(op.result.type)))


@handles(arith.CmpfOp)
def emit_compare_floats(e: Emitter, op: arith.CmpfOp) -> None:
    """A comparison of floats."""
    predicate = _FLOAT_PREDICATES[op.predicate.value.data]
    e.bind(op.result, e.compare(predicate, e.get(op.lhs), e.get(op.rhs)))


@handles(arith.CmpiOp)
def emit_compare_integers(e: Emitter, op: arith.CmpiOp) -> None:
    """A comparison of integers."""
    predicate = _INTEGER_PREDICATES[op.predicate.value.data]
    e.bind(op.result, e.compare(predicate, e.get(op.lhs), e.get(op.rhs)))
