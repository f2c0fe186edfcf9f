"""Builds the scalar operations of a body, by the types of its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import AnyFloat, FloatAttr, IntegerAttr, IntegerType, f32, f64, i1
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import IRDLOperation

from ...dialects import kernel

Number = bool | int | float


class Body:
    """The block of a region of scalars; the methods add operations to it and give their results.

    A number stands for a constant of the other operand's type.

    ```python
    body = Body([f32])
    x = body.arguments[0]
    region = body.finish([body.maximum(x, 0.0)])
    ```
    """

    def __init__(self, types: Sequence[Attribute]) -> None:
        self._block = Block(arg_types=types)
        self.arguments: list[SSAValue] = list(self._block.args)

    def finish(self, values: Sequence[SSAValue]) -> Region:
        """The region, which yields these values."""
        self._block.add_op(kernel.YieldOp(*values))
        return Region(self._block)

    def op(self, op: Operation) -> SSAValue:
        """Add an operation."""
        self._block.add_op(op)
        return op.results[0]

    def constant(self, value: Number, element: Attribute) -> SSAValue:
        """A constant of a type."""
        if isinstance(element, IntegerType):
            attribute = IntegerAttr(int(value), cast("IntegerType", element))
            return self.op(arith.ConstantOp(attribute))
        assert isinstance(element, AnyFloat)
        return self.op(arith.ConstantOp(FloatAttr(float(value), element)))

    def _pair(self, a: SSAValue | Number, b: SSAValue | Number) -> tuple[SSAValue, SSAValue]:
        if isinstance(a, SSAValue):
            return a, b if isinstance(b, SSAValue) else self.constant(b, a.type)
        assert isinstance(b, SSAValue)
        return self.constant(a, b.type), b

    def unary(self, kind: type[IRDLOperation], a: SSAValue) -> SSAValue:
        """An operation of one operand and its type: `math.exp`, …"""
        return self.op(kind.build(operands=[a], result_types=[a.type], properties=_flags(kind)))

    def binary(
        self, kind: type[IRDLOperation], a: SSAValue | Number, b: SSAValue | Number
    ) -> SSAValue:
        """An operation of two operands and their type: `arith.remsi`, …"""
        a, b = self._pair(a, b)
        return self.op(kind.build(operands=[a, b], result_types=[a.type], properties=_flags(kind)))

    # Arithmetic

    def _by_type(
        self,
        floats: type[IRDLOperation],
        integers: type[IRDLOperation],
        bools: type[IRDLOperation],
        a: SSAValue | Number,
        b: SSAValue | Number,
    ) -> SSAValue:
        a, b = self._pair(a, b)
        kind = floats if is_float(a.type) else bools if a.type == i1 else integers
        return self.binary(kind, a, b)

    def add(self, a: SSAValue | Number, b: SSAValue | Number) -> SSAValue:
        """The sum; of bools, whether one is true."""
        return self._by_type(arith.AddfOp, arith.AddiOp, arith.OrIOp, a, b)

    def subtract(self, a: SSAValue | Number, b: SSAValue | Number) -> SSAValue:
        """The difference."""
        return self._by_type(arith.SubfOp, arith.SubiOp, arith.XOrIOp, a, b)

    def multiply(self, a: SSAValue | Number, b: SSAValue | Number) -> SSAValue:
        """The product; of bools, whether both are true."""
        return self._by_type(arith.MulfOp, arith.MuliOp, arith.AndIOp, a, b)

    def divide(self, a: SSAValue | Number, b: SSAValue | Number) -> SSAValue:
        """The quotient, truncated for integers."""
        return self._by_type(arith.DivfOp, arith.DivSIOp, arith.AndIOp, a, b)

    def maximum(self, a: SSAValue | Number, b: SSAValue | Number) -> SSAValue:
        """The larger one; nan where either is nan."""
        return self._by_type(arith.MaximumfOp, arith.MaxSIOp, arith.OrIOp, a, b)

    def minimum(self, a: SSAValue | Number, b: SSAValue | Number) -> SSAValue:
        """The smaller one; nan where either is nan."""
        return self._by_type(arith.MinimumfOp, arith.MinSIOp, arith.AndIOp, a, b)

    def fma(self, a: SSAValue, b: SSAValue | Number, c: SSAValue | Number) -> SSAValue:
        """a * b + c of floats, rounded once."""
        b, c = (self._pair(a, value)[1] for value in (b, c))
        return self.op(math.FmaOp(a, b, c))

    def negate(self, a: SSAValue) -> SSAValue:
        """-a."""
        return self.op(arith.NegfOp(a)) if is_float(a.type) else self.subtract(0, a)

    def absolute(self, a: SSAValue) -> SSAValue:
        """The distance from zero."""
        if is_float(a.type):
            return self.unary(math.AbsFOp, a)
        return self.maximum(a, self.negate(a))

    def clamp(self, a: SSAValue, low: Number, high: Number) -> SSAValue:
        """min(max(a, low), high)."""
        return self.minimum(self.maximum(a, low), high)

    def sigmoid(self, a: SSAValue) -> SSAValue:
        """1 / (1 + exp(-a))."""
        return self.divide(1.0, self.add(self.unary(math.ExpOp, self.negate(a)), 1.0))

    # Bools and bits

    def compare(self, relation: str, a: SSAValue | Number, b: SSAValue | Number) -> SSAValue:
        """`eq`, `ne`, `lt`, `le`, `gt` or `ge`; with a nan only `ne` holds."""
        a, b = self._pair(a, b)
        if is_float(a.type):
            return self.op(arith.CmpfOp(a, b, ("u" if relation == "ne" else "o") + relation))
        if relation not in ("eq", "ne"):
            relation = ("u" if a.type == i1 else "s") + relation
        return self.op(arith.CmpiOp(a, b, relation))

    def is_nan(self, a: SSAValue) -> SSAValue:
        """Whether a float is no number."""
        return self.op(arith.CmpfOp(a, a, "uno"))

    def truth(self, a: SSAValue) -> SSAValue:
        """Whether a value is not zero."""
        return a if a.type == i1 else self.compare("ne", a, 0)

    def both(self, a: SSAValue, b: SSAValue | Number) -> SSAValue:
        """Bitwise and."""
        return self.binary(arith.AndIOp, a, b)

    def either(self, a: SSAValue, b: SSAValue | Number) -> SSAValue:
        """Bitwise or."""
        return self.binary(arith.OrIOp, a, b)

    def differ(self, a: SSAValue, b: SSAValue | Number) -> SSAValue:
        """Bitwise exclusive or."""
        return self.binary(arith.XOrIOp, a, b)

    def invert(self, a: SSAValue) -> SSAValue:
        """All bits flipped."""
        return self.differ(a, 1 if a.type == i1 else -1)

    def select(self, condition: SSAValue, a: SSAValue | Number, b: SSAValue | Number) -> SSAValue:
        """a where the condition holds, else b."""
        a, b = self._pair(a, b)
        return self.op(arith.SelectOp(condition, a, b))

    # Types

    def cast(self, a: SSAValue, element: Attribute) -> SSAValue:
        """A value as another type, as PyTorch converts."""
        if a.type == element:
            return a
        if element == i1:
            return self.truth(a)
        if is_float(a.type):
            return self._cast_float(a, element)
        if is_float(element):
            return self._convert(arith.UIToFPOp if a.type == i1 else arith.SIToFPOp, a, element)
        if integer_bits(element) < integer_bits(a.type):
            return self._convert(arith.TruncIOp, a, element)
        return self._convert(arith.ExtUIOp if a.type == i1 else arith.ExtSIOp, a, element)

    def _cast_float(self, a: SSAValue, element: Attribute) -> SSAValue:
        if not is_float(element):
            return self._convert(arith.FPToSIOp, a, element)
        return self._convert(arith.ExtFOp if element == f64 else arith.TruncFOp, a, element)

    def _convert(self, kind: type[IRDLOperation], a: SSAValue, element: Attribute) -> SSAValue:
        return self.op(kind.build(operands=[a], result_types=[element]))


Make: TypeAlias = Callable[[Body, Sequence[SSAValue]], SSAValue]
"""Adds operations on some values to a body, and gives the result."""


def region(elements: Sequence[Attribute], make: Make) -> Region:
    """A body for scalars of these types, which yields what `make` gives."""
    body = Body(elements)
    return body.finish([make(body, body.arguments)])


def identity(element: Attribute = f32) -> Region:
    """A body that gives what it takes."""
    return region([element], lambda body, values: values[0])


def number(value: Number, element: Attribute = f32) -> Region:
    """A body that takes nothing and gives a number."""
    return region([], lambda body, _: body.constant(value, element))


def is_float(element: Attribute) -> bool:
    """Whether a type is one of floating-point numbers."""
    return isinstance(element, AnyFloat)


def integer_bits(element: Attribute) -> int:
    """The bits of an integer type."""
    assert isinstance(element, IntegerType)
    return element.bitwidth


def _flags(kind: type[IRDLOperation]) -> dict[str, Attribute]:
    """What an operation must say about fast math or overflow: nothing special."""
    properties = kind.get_irdl_definition().properties
    if "fastmath" in properties:
        return {"fastmath": arith.FastMathFlagsAttr("none")}
    if "overflowFlags" in properties:
        return {"overflowFlags": arith.IntegerOverflowAttr("none")}
    return {}
