"""Edge operations that work element by element, as scalar operations of a body."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, pi, sqrt
from typing import TypeAlias, cast

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.irdl import IRDLOperation

from ...dialects import edge
from ...dialects.edge.ops import ConstantOp
from ...dialects.schema_op import SchemaOp
from ...passes.evaluate.arrays import constant_array
from .body import Body, Make, Number, integer_bits, is_float
from .step import Step, element_type

Rule: TypeAlias = Callable[[Body, SchemaOp, list[SSAValue]], SSAValue]


def is_elementwise(op: Operation) -> bool:
    """Whether an operation is in the table here: each element of the result comes from the elements
    at the same place (after broadcasting) of the operands."""
    return type(op) in _RULES


def supports_elementwise(op: SchemaOp) -> str | None:
    """Why an operation cannot be written as a body; None if it can."""
    if type(op) not in _RULES:
        return "it is not elementwise"
    elements = [element_type(value) for value in (*op.operands, *op.results)]
    for element in elements:
        if not is_known(element):
            return f"there are no kernels for {element}"
    if type(op) in _F32_ONLY and elements[0] != f32:
        return f"it is computed in f32 only, not in {elements[0]}"
    for argument in op.kept_arguments():
        if argument.is_tensor:
            continue
        value = op.value_of(argument.name)
        if not isinstance(value, bool | int | float | str | Attribute | None):
            return f"its argument {argument.name} is not a number that is known now"
        if argument.base == "Scalar" and isinstance(value, float):
            if not is_float(elements[0]) and not (isfinite(value) and value.is_integer()):
                return f"{argument.name} is a fraction, its operands are integers"
    check = _CHECKS.get(type(op))
    return check(op) if check is not None else None


def apply_elementwise(body: Body, op: SchemaOp, operands: Sequence[SSAValue]) -> SSAValue:
    """Write an operation into a body; `operands` are the scalars that its operands have become."""
    return _RULES[type(op)](body, op, list(operands))


@dataclass(frozen=True)
class Epilogue:
    """What follows a step's first operation, as a body.

    `extras` are the values that it reads besides; they broadcast to the shape of the result.
    `key` tells different bodies apart.
    """

    ops: tuple[SchemaOp, ...]
    first: tuple[SSAValue, ...]
    extras: list[SSAValue]
    constants: Mapping[SSAValue, Number]

    @property
    def key(self) -> Hashable:
        """All that the region depends on."""
        numbers: dict[SSAValue, Hashable] = {}
        for value in (*self.first, *self.extras):
            numbers[value] = (len(numbers), element_type(value))
        for value, constant in self.constants.items():
            numbers[value] = ("constant", repr(constant), element_type(value))
        parts: list[Hashable] = []
        for op in self.ops:
            properties = tuple(sorted(op.properties.items()))
            parts.append((op.name, properties, tuple(numbers[v] for v in op.operands)))
            numbers[op.results[0]] = (len(numbers), element_type(op.results[0]))
        return tuple(parts)

    def region(self) -> Region:
        """A body that takes the first operation's result, then an element of each extra, and yields
        the last operation's result."""
        body = Body([element_type(value) for value in (*self.first, *self.extras)])
        return body.finish([self.write(body, body.arguments)])

    def after(self, elements: Sequence[Attribute], make: Make) -> Region:
        """A body that takes values of some types, then an element of each extra: `make` gives the
        first operation's result for the values, what is fused goes on with it."""
        body = Body([*elements, *map(element_type, self.extras)])
        first = make(body, body.arguments[: len(elements)])
        return body.finish([self.write(body, [first, *body.arguments[len(elements) :]])])

    def write(self, body: Body, arguments: Sequence[SSAValue]) -> SSAValue:
        """The same within another body, for these values; gives the result."""
        values = dict(zip((*self.first, *self.extras), arguments, strict=True))
        for value, constant in self.constants.items():
            values[value] = body.constant(constant, element_type(value))
        result = values[self.first[0]] if self.first else None
        for op in self.ops:
            operands = [values[operand] for operand in op.operands]
            result = values[op.results[0]] = apply_elementwise(body, op, operands)
        assert result is not None
        return result


def epilogue(step: Step) -> Epilogue:
    """The fused operations of a step whose first operation is another family's."""
    return _chain(step, step.fused, (step.op.results[0],))


def whole_chain(step: Step) -> Epilogue:
    """All operations of a step that is elementwise from its beginning: everything is an extra."""
    return _chain(step, (step.op, *step.fused), ())


def _chain(step: Step, ops: tuple[SchemaOp, ...], first: tuple[SSAValue, ...]) -> Epilogue:
    made = {result for op in ops for result in op.results} | set(first)
    read = dict.fromkeys(v for op in ops for v in op.operands if v not in made)
    constants: dict[SSAValue, Number] = {}
    for value in read:
        array = step.array(value)
        if array is not None and array.size == 1 and is_known(element_type(value)):
            constants[value] = cast(Number, array.item())
    extras = [value for value in read if value not in constants]
    return Epilogue(ops, first, extras, constants)


def is_known(element: Attribute) -> bool:
    """Whether bodies can be written for elements of a type."""
    return element in (f32, f64, i1, i8, i16, i32, i64)


def _number(op: SchemaOp, name: str) -> Number:
    value = op.value_of(name)
    assert isinstance(value, bool | int | float)
    return value


# Ways to make rules


def _unary(kind: type[IRDLOperation]) -> Rule:
    return lambda b, op, v: b.unary(kind, v[0])


def _binary(name: str) -> Rule:
    """A method of `Body` on two tensors."""
    return lambda b, op, v: getattr(b, name)(v[0], v[1])


def _with_number(name: str, argument: str = "other") -> Rule:
    """A method of `Body` on a tensor and a number."""
    return lambda b, op, v: getattr(b, name)(v[0], _number(op, argument))


def _compare(relation: str) -> tuple[Rule, Rule]:
    return (
        lambda b, op, v: b.compare(relation, v[0], v[1]),
        lambda b, op, v: b.compare(relation, v[0], _number(op, "other")),
    )


def _rounding(kind: type[IRDLOperation]) -> Rule:
    """Integers are rounded already."""
    return lambda b, op, v: b.unary(kind, v[0]) if is_float(v[0].type) else v[0]


def _logical(name: str) -> Rule:
    return lambda b, op, v: getattr(b, name)(b.truth(v[0]), b.truth(v[1]))


# Arithmetic


def _scaled(b: Body, op: SchemaOp, value: SSAValue) -> SSAValue:
    alpha = _number(op, "alpha")
    return value if alpha == 1 else b.multiply(value, alpha)


def _scaled_number(op: SchemaOp) -> Number:
    return _number(op, "other") * _number(op, "alpha")


def _sign(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    x = v[0]
    if x.type == i1:
        return x
    zero = b.constant(0, x.type)
    negative = b.select(b.compare("lt", x, zero), b.constant(-1, x.type), zero)
    return b.select(b.compare("gt", x, zero), b.constant(1, x.type), negative)


def _signbit(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    if v[0].type == i1:
        return b.constant(False, i1)
    if not is_float(v[0].type):
        return b.compare("lt", v[0], 0)
    return b.compare("lt", b.binary(math.CopySignOp, b.constant(1.0, v[0].type), v[0]), 0.0)


def _of_numbers(name: str) -> Rule:
    """A method of `Body` on two tensors; where one element is nan the other one counts."""

    def rule(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
        result = getattr(b, name)(v[0], v[1])
        if not is_float(v[0].type):
            return result
        return b.select(b.is_nan(v[0]), v[1], b.select(b.is_nan(v[1]), v[0], result))

    return rule


def _hypot(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    x, y = b.absolute(v[0]), b.absolute(v[1])
    large, small = b.maximum(x, y), b.minimum(x, y)
    ratio = b.divide(small, large)
    length = b.multiply(large, b.unary(math.SqrtOp, b.fma(ratio, ratio, 1.0)))
    length = b.select(b.compare("eq", large, 0.0), large, length)
    infinite = b.either(b.compare("eq", x, inf), b.compare("eq", y, inf))
    return b.select(infinite, inf, length)


def _c_remainder(b: Body, x: SSAValue, y: SSAValue) -> SSAValue:
    """What truncated division leaves; of floats in f64, exact for quotients below 2**53."""
    if not is_float(x.type):
        return b.binary(arith.RemSIOp, x, y)
    a, c = b.cast(x, f64), b.cast(y, f64)
    quotient = b.unary(math.TruncOp, b.divide(a, c))
    rest = b.fma(b.negate(quotient), c, a)
    # The quotient may have been rounded up to an integer.
    beyond = b.compare("lt", b.multiply(rest, a), 0.0)
    rest = b.select(beyond, b.add(rest, b.binary(math.CopySignOp, c, a)), rest)
    rest = b.select(b.compare("eq", b.absolute(c), inf), a, rest)
    rest = b.binary(math.CopySignOp, rest, a)
    rest = b.select(b.compare("eq", b.absolute(a), inf), float("nan"), rest)
    return b.cast(rest, x.type)


def _crosses(b: Body, rest: SSAValue, y: SSAValue) -> SSAValue:
    """Whether a remainder is not zero and its sign is not that of the divisor."""
    signs = b.differ(b.compare("lt", rest, 0), b.compare("lt", y, 0))
    return b.both(b.compare("ne", rest, 0), signs)


def _remainder(b: Body, x: SSAValue, y: SSAValue) -> SSAValue:
    rest = _c_remainder(b, x, y)
    return b.select(_crosses(b, rest, y), b.add(rest, y), rest)


def _floor_divide(b: Body, x: SSAValue, y: SSAValue) -> SSAValue:
    rest = _c_remainder(b, x, y)
    if not is_float(x.type):
        quotient = b.divide(x, y)
        return b.select(_crosses(b, rest, y), b.subtract(quotient, 1), quotient)
    # As PyTorch does it: the rest off first, so that the division is (nearly) exact.
    simple = b.divide(x, y)
    quotient = b.divide(b.subtract(x, rest), y)
    quotient = b.select(_crosses(b, rest, y), b.subtract(quotient, 1.0), quotient)
    whole = b.unary(math.FloorOp, quotient)
    above = b.compare("gt", b.subtract(quotient, whole), 0.5)
    whole = b.select(above, b.add(whole, 1.0), whole)
    zero = b.binary(math.CopySignOp, b.constant(0.0, x.type), simple)
    whole = b.select(b.compare("eq", quotient, 0.0), zero, whole)
    return b.select(b.compare("eq", y, 0.0), simple, whole)


def _divide_mode(b: Body, op: SchemaOp, x: SSAValue, y: SSAValue) -> SSAValue:
    mode = op.value_of("rounding_mode")
    if mode == "floor":
        return _floor_divide(b, x, y)
    quotient = b.divide(x, y)
    return b.unary(math.TruncOp, quotient) if mode == "trunc" and is_float(x.type) else quotient


def _by_number(function: Callable[[Body, SSAValue, SSAValue], SSAValue]) -> Rule:
    return lambda b, op, v: function(b, v[0], b.constant(_number(op, "other"), v[0].type))


def _power(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    x, exponent = v[0], _number(op, "exponent")
    if not is_float(x.type):
        return _whole_power(b, x, int(exponent))
    if exponent in (0, 1, 2, 3, 4):
        return _whole_power(b, x, int(exponent))
    if exponent in (-1, -2):
        return b.divide(1.0, _whole_power(b, x, -int(exponent)))
    if exponent == 0.5:
        return b.unary(math.SqrtOp, x)
    if exponent == -0.5:
        return b.divide(1.0, b.unary(math.SqrtOp, x))
    return b.binary(math.PowFOp, x, exponent)


def _whole_power(b: Body, x: SSAValue, exponent: int) -> SSAValue:
    if exponent == 0:
        return b.constant(1, x.type)
    half = x if exponent == 1 else _whole_power(b, x, exponent // 2)
    if exponent == 1:
        return x
    square = b.multiply(half, half)
    return b.multiply(square, x) if exponent % 2 else square


def _check_power(op: SchemaOp) -> str | None:
    exponent = op.value_of("exponent")
    if is_float(element_type(op.operands[0])):
        if element_type(op.operands[0]) == f32 or exponent in (0, 1, 2, 3, 4, -1, -2, 0.5, -0.5):
            return None
        return "powers are computed in f32 only"
    if element_type(op.operands[0]) == i1 or not isinstance(exponent, int) or exponent < 0:
        return "powers of integers are computed for exponents from 0 on only"
    return None


def _check_division(op: SchemaOp) -> str | None:
    """Integers are divided only by a number that is not zero: the CPU stops at others."""
    if is_float(element_type(op.operands[0])) or is_float(element_type(op.results[0])):
        return None
    if len(op.operands) == 1:
        safe = _number(op, "other") != 0
    else:
        divisor = op.operands[1].owner
        safe = isinstance(divisor, ConstantOp) and bool(constant_array(divisor.value).all())
    return None if safe else "it may divide integers by zero, which must be an error"


def _clamp(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    low, high = op.value_of("min"), op.value_of("max")
    x = v[0]
    if low is not None:
        x = b.maximum(x, cast(Number, low))
    return x if high is None else b.minimum(x, cast(Number, high))


def _clamp_tensors(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    x, *bounds = v
    if op.operand_of("min") is not None:
        x = b.maximum(x, bounds.pop(0))
    return b.minimum(x, bounds[0]) if op.operand_of("max") is not None else x


def _shift(kind: type[IRDLOperation]) -> Callable[[Body, SSAValue, SSAValue], SSAValue]:
    """Shifts by as many bits as there are, or more, shift everything out."""

    def shift(b: Body, x: SSAValue, count: SSAValue) -> SSAValue:
        last = b.constant(integer_bits(x.type) - 1, count.type)
        inside = b.op(arith.CmpiOp(count, last, "ule"))
        if kind is arith.ShRSIOp:
            return b.binary(kind, x, b.select(inside, count, last))
        return b.select(inside, b.binary(kind, x, b.select(inside, count, last)), 0)

    return shift


# Activations


def _silu(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    return b.divide(v[0], b.add(b.unary(math.ExpOp, b.negate(v[0])), 1.0))


def _gelu(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    x = v[0]
    if op.value_of("approximate") == "tanh":
        cube = b.multiply(b.multiply(x, x), x)
        inner = b.multiply(b.fma(cube, 0.044715, x), sqrt(2 / pi))
        weight = b.unary(math.TanhOp, inner)
    else:
        weight = b.unary(math.ErfOp, b.multiply(x, sqrt(0.5)))
    half = b.multiply(x, 0.5)
    return b.fma(half, weight, half)


def _elu(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    x = v[0]
    alpha, scale, inner = (_number(op, name) for name in ("alpha", "scale", "input_scale"))
    below = b.unary(math.ExpM1Op, x if inner == 1 else b.multiply(x, inner))
    below = b.multiply(below, alpha * scale) if alpha * scale != 1 else below
    above = x if scale == 1 else b.multiply(x, scale)
    return b.select(b.compare("gt", x, 0.0), above, below)


def _leaky_relu(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    below = b.multiply(v[0], _number(op, "negative_slope"))
    return b.select(b.compare("gt", v[0], 0.0), v[0], below)


def _mish(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    """x tanh(log(1 + e)) with e = exp(x), which is x n / (n + 2) with n = e (e + 2)."""
    power = b.unary(math.ExpOp, b.minimum(v[0], 20.0))
    n = b.multiply(power, b.add(power, 2.0))
    return b.multiply(v[0], b.divide(n, b.add(n, 2.0)))


def _softplus(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    x, beta = v[0], _number(op, "beta")
    inner = x if beta == 1 else b.multiply(x, beta)
    soft = b.unary(math.Log1pOp, b.unary(math.ExpOp, inner))
    soft = soft if beta == 1 else b.divide(soft, beta)
    return b.select(b.compare("gt", inner, _number(op, "threshold")), x, soft)


def _log_sigmoid(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    tail = b.unary(math.Log1pOp, b.unary(math.ExpOp, b.negate(b.absolute(v[0]))))
    return b.subtract(b.minimum(v[0], 0.0), tail)


def _hard_sigmoid(b: Body, x: SSAValue) -> SSAValue:
    return b.multiply(b.clamp(b.add(x, 3.0), 0.0, 6.0), 1 / 6)


# Copies and conversions


def _cast(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    return b.cast(v[-1], element_type(op.results[0]))


def _fill(argument: str) -> Rule:
    return lambda b, op, v: b.constant(_number(op, argument), element_type(op.results[0]))


def _is_infinite(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    if not is_float(v[0].type):
        return b.constant(False, i1)
    return b.compare("eq", b.absolute(v[0]), inf)


def _is_nan(b: Body, op: SchemaOp, v: list[SSAValue]) -> SSAValue:
    return b.is_nan(v[0]) if is_float(v[0].type) else b.constant(False, i1)


_FUNCTIONS: dict[type[SchemaOp], type[IRDLOperation]] = {
    edge.ExpOp: math.ExpOp,
    edge.Exp2Op: math.Exp2Op,
    edge.Expm1Op: math.ExpM1Op,
    edge.LogOp: math.LogOp,
    edge.Log10Op: math.Log10Op,
    edge.Log1pOp: math.Log1pOp,
    edge.Log2Op: math.Log2Op,
    edge.ErfOp: math.ErfOp,
    edge.AcosOp: math.AcosOp,
    edge.AcoshOp: math.AcoshOp,
    edge.AsinOp: math.AsinOp,
    edge.AsinhOp: math.AsinhOp,
    edge.AtanOp: math.AtanOp,
    edge.AtanhOp: math.AtanhOp,
    edge.CosOp: math.CosOp,
    edge.CoshOp: math.CoshOp,
    edge.SinOp: math.SinOp,
    edge.SinhOp: math.SinhOp,
    edge.TanOp: math.TanOp,
    edge.TanhOp: math.TanhOp,
}

_ACTIVATIONS: dict[type[SchemaOp], Rule] = {
    edge.EluOp: _elu,
    edge.GeluOp: _gelu,
    edge.SiluOp: _silu,
    edge.MishOp: _mish,
    edge.SoftplusOp: _softplus,
    edge.SigmoidOp: lambda b, op, v: b.sigmoid(v[0]),
    edge.LogSigmoidOp: _log_sigmoid,
    edge.PowTensorTensorOp: lambda b, op, v: b.binary(math.PowFOp, v[0], v[1]),
    edge.PowScalarOp: lambda b, op, v: b.binary(
        math.PowFOp, b.constant(_number(op, "self"), v[0].type), v[0]
    ),
    edge.Atan2Op: lambda b, op, v: b.binary(math.Atan2Op, v[0], v[1]),
}

_F32_ONLY = frozenset({*_FUNCTIONS, *_ACTIVATIONS})
"""What needs the polynomials, which are for f32."""

_CHECKS: dict[type[Operation], Callable[[SchemaOp], str | None]] = {
    edge.DivTensorModeOp: _check_division,
    edge.DivScalarModeOp: _check_division,
    edge.FloorDivideOp: _check_division,
    edge.FmodTensorOp: _check_division,
    edge.FmodScalarOp: _check_division,
    edge.RemainderTensorOp: _check_division,
    edge.RemainderScalarOp: _check_division,
    edge.PowTensorScalarOp: _check_power,
}

_RULES: dict[type[SchemaOp], Rule] = {
    **{kind: _unary(function) for kind, function in _FUNCTIONS.items()},
    **_ACTIVATIONS,
    # Arithmetic
    edge.AddTensorOp: lambda b, op, v: b.add(v[0], _scaled(b, op, v[1])),
    edge.AddScalarOp: lambda b, op, v: b.add(v[0], _scaled_number(op)),
    edge.SubTensorOp: lambda b, op, v: b.subtract(v[0], _scaled(b, op, v[1])),
    edge.SubScalarOp: lambda b, op, v: b.subtract(v[0], _scaled_number(op)),
    edge.RsubScalarOp: lambda b, op, v: b.subtract(_number(op, "other"), _scaled(b, op, v[0])),
    edge.MulTensorOp: _binary("multiply"),
    edge.MulScalarOp: _with_number("multiply"),
    edge.DivTensorOp: _binary("divide"),
    edge.DivScalarOp: _with_number("divide"),
    edge.DivTensorModeOp: lambda b, op, v: _divide_mode(b, op, v[0], v[1]),
    edge.DivScalarModeOp: lambda b, op, v: _divide_mode(
        b, op, v[0], b.constant(_number(op, "other"), v[0].type)
    ),
    edge.FloorDivideOp: lambda b, op, v: _floor_divide(b, v[0], v[1]),
    edge.FmodTensorOp: lambda b, op, v: _c_remainder(b, v[0], v[1]),
    edge.FmodScalarOp: _by_number(_c_remainder),
    edge.RemainderTensorOp: lambda b, op, v: _remainder(b, v[0], v[1]),
    edge.RemainderScalarOp: _by_number(_remainder),
    edge.PowTensorScalarOp: _power,
    edge.MaximumOp: _binary("maximum"),
    edge.MinimumOp: _binary("minimum"),
    edge.FmaxOp: _of_numbers("maximum"),
    edge.FminOp: _of_numbers("minimum"),
    edge.ClampOp: _clamp,
    edge.ClampTensorOp: _clamp_tensors,
    edge.AbsOp: lambda b, op, v: b.absolute(v[0]),
    edge.NegOp: lambda b, op, v: b.negate(v[0]),
    edge.SignOp: _sign,
    edge.HypotOp: _hypot,
    edge.SignbitOp: _signbit,
    edge.CopysignTensorOp: lambda b, op, v: b.binary(math.CopySignOp, v[0], v[1]),
    edge.SqrtOp: _unary(math.SqrtOp),
    edge.RsqrtOp: lambda b, op, v: b.divide(1.0, b.unary(math.SqrtOp, v[0])),
    edge.ReciprocalOp: lambda b, op, v: b.divide(1.0, v[0]),
    edge.CeilOp: _rounding(math.CeilOp),
    edge.FloorOp: _rounding(math.FloorOp),
    edge.RoundOp: _rounding(math.RoundEvenOp),
    edge.TruncOp: _rounding(math.TruncOp),
    # Comparisons, logic and bits
    **dict(zip((edge.EqTensorOp, edge.EqScalarOp), _compare("eq"), strict=True)),
    **dict(zip((edge.NeTensorOp, edge.NeScalarOp), _compare("ne"), strict=True)),
    **dict(zip((edge.LtTensorOp, edge.LtScalarOp), _compare("lt"), strict=True)),
    **dict(zip((edge.LeTensorOp, edge.LeScalarOp), _compare("le"), strict=True)),
    **dict(zip((edge.GtTensorOp, edge.GtScalarOp), _compare("gt"), strict=True)),
    **dict(zip((edge.GeTensorOp, edge.GeScalarOp), _compare("ge"), strict=True)),
    edge.IsinfOp: _is_infinite,
    edge.IsnanOp: _is_nan,
    edge.LogicalAndOp: _logical("both"),
    edge.LogicalOrOp: _logical("either"),
    edge.LogicalXorOp: _logical("differ"),
    edge.LogicalNotOp: lambda b, op, v: b.invert(b.truth(v[0])),
    edge.BitwiseAndTensorOp: _binary("both"),
    edge.BitwiseAndScalarOp: _with_number("both"),
    edge.BitwiseOrTensorOp: _binary("either"),
    edge.BitwiseOrScalarOp: _with_number("either"),
    edge.BitwiseXorTensorOp: _binary("differ"),
    edge.BitwiseXorScalarOp: _with_number("differ"),
    edge.BitwiseNotOp: lambda b, op, v: b.invert(v[0]),
    edge.BitwiseLeftShiftTensorOp: lambda b, op, v: _shift(arith.ShLIOp)(b, v[0], v[1]),
    edge.BitwiseLeftShiftTensorScalarOp: _by_number(_shift(arith.ShLIOp)),
    edge.BitwiseRightShiftTensorOp: lambda b, op, v: _shift(arith.ShRSIOp)(b, v[0], v[1]),
    edge.BitwiseRightShiftTensorScalarOp: _by_number(_shift(arith.ShRSIOp)),
    # Activations without polynomials
    edge.ReluOp: lambda b, op, v: b.maximum(v[0], 0),
    edge.LeakyReluOp: _leaky_relu,
    edge.HardsigmoidOp: lambda b, op, v: _hard_sigmoid(b, v[0]),
    edge.HardswishOp: lambda b, op, v: b.multiply(v[0], _hard_sigmoid(b, v[0])),
    edge.HardtanhOp: lambda b, op, v: b.clamp(v[0], _number(op, "min_val"), _number(op, "max_val")),
    # Selection, copies
    edge.WhereSelfOp: lambda b, op, v: b.select(v[0], v[1], v[2]),
    edge.MaskedFillScalarOp: lambda b, op, v: b.select(v[1], _number(op, "value"), v[0]),
    edge.MaskedFillTensorOp: lambda b, op, v: b.select(v[1], b.cast(v[2], v[0].type), v[0]),
    edge.CloneOp: _cast,
    edge.LiftFreshCopyOp: _cast,
    edge.OPERATORS["aten::_to_copy"]: _cast,
    edge.CopyOp: _cast,
    edge.FillScalarOp: _fill("value"),
    edge.FullLikeOp: _fill("fill_value"),
}

ELEMENTWISE = tuple(_RULES)
"""The operations of the table."""
