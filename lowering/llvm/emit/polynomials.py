"""Elementary functions of f32 vectors, without a math library.

Each is a range reduction and a polynomial or rational function, close to the rounded result (the
bounds are in the tests), right for infinities, nan, zeros and denormal numbers. Coefficients are
those of Cephes and Eigen where not said otherwise. `sin` and its kin are for arguments below 4e6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, log, nan, pi

from xdsl.dialects import math
from xdsl.dialects.builtin import f32
from xdsl.ir import Operation

from ....dialects.diagnostic import Diagnostic, DiagnosticsError
from .emitter import HANDLERS, Emitter
from .scalar import RULES, Rule, emit_rule
from .value import Value, literal

_MAGIC = 12582912.0
"""1.5 * 2**23: added to an f32 it leaves the nearest integer in the lowest bits."""

_LOG2E = 1.44269504088896341
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
_LOG = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
_TANH = (
    -2.76076847742355e-16,
    2.00018790482477e-13,
    -8.60467152213735e-11,
    5.12229709037114e-08,
    1.48572235717979e-05,
    6.37261928875436e-04,
    4.89352455891786e-03,
)
_TANH_BELOW = (
    1.19825839466702e-06,
    1.18534705686654e-04,
    2.26843463243900e-03,
    4.89352518554385e-03,
)
_ERF = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
_ERF_BELOW = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)
_SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_HALF_PI = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100059319e-15)
_ATAN = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)
_ASIN = (4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1)


def _constant(value: float, element: str = "float") -> Value:
    return literal(value, element)


def _polynomial(e: Emitter, x: Value, coefficients: Sequence[float]) -> Value:
    result = _constant(coefficients[0], x.element)
    for coefficient in coefficients[1:]:
        result = e.fma(result, x, _constant(coefficient, x.element))
    return result


def _clamp(e: Emitter, x: Value, low: float, high: float) -> Value:
    return e.minimum(e.maximum(x, _constant(low)), _constant(high))


def _bits(e: Emitter, x: Value) -> Value:
    return e.convert("bitcast", x, "i32")


def _float(e: Emitter, bits: Value) -> Value:
    return e.convert("bitcast", bits, "float")


def _integer(value: int) -> Value:
    return literal(value, "i32")


def _abs(e: Emitter, x: Value) -> Value:
    return e.intrinsic("llvm.fabs", x)


def _copysign(e: Emitter, x: Value, sign: Value) -> Value:
    return e.intrinsic("llvm.copysign", x, sign)


# Exponentials


def _scale(e: Emitter, x: Value, shifted: Value, n: Value) -> Value:
    """x * 2**n, also where 2**n is no normal number; `shifted` is n + _MAGIC."""
    if e.has_masks and x.lanes in (4, 8, 16):
        bits = {4: 128, 8: 256, 16: 512}[x.lanes]
        name = f"llvm.x86.avx512.mask.scalef.ps.{bits}"
        mask = Value("-1", f"i{max(8, x.lanes)}")
        rounding = [Value("4", "i32")] if bits == 512 else []
        return e.call(name, x.element, x.lanes, x, n, e.zero("float", x.lanes), mask, *rounding)
    whole = e.binary("sub", _bits(e, shifted), _bits_of_magic())
    half = e.binary("ashr", whole, _integer(1))
    for part in (half, e.binary("sub", whole, half)):
        power = e.binary("shl", e.binary("add", part, _integer(127)), _integer(23))
        x = e.binary("fmul", x, _float(e, power))
    return x


def _bits_of_magic() -> Value:
    return _integer(0x4B400000)


def _power_of_two(e: Emitter, x: Value, base2: bool) -> tuple[Value, Value, Value]:
    """x = (n + r / ln 2) * ln 2 (n + r / ln 2 = x itself in base 2): n + _MAGIC, n, r."""
    magic = _constant(_MAGIC)
    if base2:
        shifted = e.binary("fadd", x, magic)
        n = e.binary("fsub", shifted, magic)
        return shifted, n, e.binary("fmul", e.binary("fsub", x, n), _constant(log(2)))
    shifted = e.fma(x, _constant(_LOG2E), magic)
    n = e.binary("fsub", shifted, magic)
    r = e.fma(n, _constant(-_LN2_HIGH), x)
    return shifted, n, e.fma(n, _constant(-_LN2_LOW), r)


def _exp(e: Emitter, x: Value, base2: bool = False, halved: bool = False) -> Value:
    low, high = (-151.0, 129.0) if base2 else (-104.0, 90.0)
    shifted, n, r = _power_of_two(e, _clamp(e, x, low, high), base2)
    if halved:
        shifted, n = (e.binary("fsub", value, _constant(1.0)) for value in (shifted, n))
    tail = e.fma(_polynomial(e, r, _EXP), e.binary("fmul", r, r), r)
    return _scale(e, e.binary("fadd", tail, _constant(1.0)), shifted, n)


def exp(e: Emitter, x: Value) -> Value:
    """e**x."""
    return _exp(e, x)


def exp2(e: Emitter, x: Value) -> Value:
    """2**x."""
    return _exp(e, x, base2=True)


def expm1(e: Emitter, x: Value) -> Value:
    """e**x - 1, exact for small x."""
    shifted, _, r = _power_of_two(e, _clamp(e, x, -30.0, 89.0), base2=False)
    tail = e.fma(_polynomial(e, r, _EXP), e.binary("fmul", r, r), r)
    # 2 * (2**(n-1) * (tail + 1) - 1/2): the largest power of two has n = 128.
    whole = e.binary("sub", _bits(e, shifted), _bits_of_magic())
    power = _float(e, e.binary("shl", e.binary("add", whole, _integer(126)), _integer(23)))
    half = e.fma(power, tail, e.binary("fadd", power, _constant(-0.5)))
    return e.binary("fmul", half, _constant(2.0))


def sinh(e: Emitter, x: Value) -> Value:
    """(e**x - e**-x) / 2, as (m + m / (m + 1)) / 2 with m = e**|x| - 1."""
    # Halved early: e**|x| may overflow where its half does not.
    size = _abs(e, x)
    m = expm1(e, size)
    small = e.binary("fadd", m, e.binary("fdiv", m, e.binary("fadd", m, _constant(1.0))))
    large = _exp(e, size, halved=True)
    half = e.binary("fmul", small, _constant(0.5))
    return _copysign(e, e.select(e.compare("ogt", size, _constant(20.0)), large, half), x)


def cosh(e: Emitter, x: Value) -> Value:
    """(e**x + e**-x) / 2."""
    half = _exp(e, _abs(e, x), halved=True)
    return e.binary("fadd", half, e.binary("fdiv", _constant(0.25), half))


# Logarithms


def _mantissa(e: Emitter, x: Value) -> tuple[Value, Value]:
    """x = 2**n * (1 + f) with 1 + f between the roots of 1/2 and 2: n and f, as floats."""
    tiny = e.compare("olt", x, _constant(2.0**-126))
    x = e.select(tiny, e.binary("fmul", x, _constant(2.0**23)), x)
    bits = _bits(e, x)
    # Counted from sqrt(1/2) on, so that the mantissa is centred on 1.
    from_root = e.binary("sub", bits, _integer(0x3F3504F3))
    exponent = e.binary("ashr", from_root, _integer(23))
    n = e.convert("sitofp", exponent, "float")
    n = e.select(tiny, e.binary("fadd", n, _constant(-23.0)), n)
    mantissa = e.binary("sub", bits, e.binary("shl", exponent, _integer(23)))
    return n, e.binary("fadd", _float(e, mantissa), _constant(-1.0))


def _log_domain(e: Emitter, x: Value, result: Value) -> Value:
    """The logarithm of what is no positive finite number."""
    result = e.select(e.compare("oeq", x, _constant(inf)), x, result)
    result = e.select(e.compare("oeq", x, _constant(0.0)), _constant(-inf), result)
    return e.select(e.compare("ult", x, _constant(0.0)), _constant(nan), result)


def _log1p_series(e: Emitter, f: Value, tail: Value) -> tuple[Value, Value]:
    """log(1 + f) is the sum of these; `tail` is added to the smaller one."""
    square = e.binary("fmul", f, f)
    cubic = e.binary("fmul", e.binary("fmul", _polynomial(e, f, _LOG), f), square)
    return e.fma(square, _constant(-0.5), e.binary("fadd", cubic, tail)), f


def natural_log(e: Emitter, x: Value) -> Value:
    """The natural logarithm."""
    n, f = _mantissa(e, x)
    small, large = _log1p_series(e, f, e.binary("fmul", n, _constant(_LN2_LOW)))
    result = e.fma(n, _constant(_LN2_HIGH), e.binary("fadd", large, small))
    return _log_domain(e, x, result)


def _log_of_base(e: Emitter, x: Value, base: float) -> Value:
    n, f = _mantissa(e, x)
    small, large = _log1p_series(e, f, _constant(0.0))
    mantissa = e.binary("fmul", e.binary("fadd", small, large), _constant(1 / log(base)))
    return _log_domain(e, x, e.fma(n, _constant(log(2) / log(base)), mantissa))


def log2(e: Emitter, x: Value) -> Value:
    """The logarithm of base 2, exact for powers of two."""
    return _log_of_base(e, x, 2.0)


def log10(e: Emitter, x: Value) -> Value:
    """The logarithm of base 10."""
    return _log_of_base(e, x, 10.0)


def log1p(e: Emitter, x: Value) -> Value:
    """log(1 + x), corrected by what the sum loses."""
    one = _constant(1.0)
    whole = e.binary("fadd", x, one)
    lost = e.binary("fsub", x, e.binary("fsub", whole, one))
    result = e.binary("fadd", natural_log(e, whole), e.binary("fdiv", lost, whole))
    simple = e.binary(
        "or", e.compare("oeq", x, _constant(inf)), e.compare("oeq", whole, _constant(0.0))
    )
    result = e.select(simple, natural_log(e, whole), result)
    return e.select(e.compare("olt", _abs(e, x), _constant(2.0**-24)), x, result)


# Hyperbolic tangent, error function


def tanh(e: Emitter, x: Value) -> Value:
    """The hyperbolic tangent, as a rational function."""
    inner = _clamp(e, x, -7.90531110763549805, 7.90531110763549805)
    square = e.binary("fmul", inner, inner)
    above = e.binary("fmul", inner, _polynomial(e, square, _TANH))
    result = e.binary("fdiv", above, _polynomial(e, square, _TANH_BELOW))
    return e.select(e.compare("olt", _abs(e, x), _constant(4e-4)), x, result)


def erf(e: Emitter, x: Value) -> Value:
    """The error function, as a rational function."""
    x = _clamp(e, x, -4.0, 4.0)
    square = e.binary("fmul", x, x)
    above = e.binary("fmul", x, _polynomial(e, square, _ERF))
    return e.binary("fdiv", above, _polynomial(e, square, _ERF_BELOW))


# Trigonometry


def _quadrant(e: Emitter, x: Value) -> tuple[Value, Value, Value]:
    """The nearest multiple of pi/2 as an integer, sine and cosine of what is left."""
    magic = _constant(_MAGIC)
    shifted = e.fma(x, _constant(2 / pi), magic)
    n = e.binary("fsub", shifted, magic)
    r = x
    for part in _HALF_PI:
        r = e.fma(n, _constant(-part), r)
    square = e.binary("fmul", r, r)
    sine = e.fma(e.binary("fmul", _polynomial(e, square, _SIN), square), r, r)
    cosine = e.fma(square, _constant(-0.5), _constant(1.0))
    fourth = e.binary("fmul", square, square)
    cosine = e.fma(_polynomial(e, square, _COS), fourth, cosine)
    return _bits(e, shifted), sine, cosine


def _turned(e: Emitter, quadrant: Value, a: Value, b: Value) -> Value:
    """a, b, -a, -b by the quadrant."""
    odd = e.compare("ne", e.binary("and", quadrant, _integer(1)), _integer(0))
    sign = e.binary("shl", e.binary("and", quadrant, _integer(2)), _integer(30))
    return _float(e, e.binary("xor", _bits(e, e.select(odd, b, a)), sign))


def sin(e: Emitter, x: Value) -> Value:
    """The sine."""
    quadrant, sine, cosine = _quadrant(e, x)
    return _turned(e, quadrant, sine, cosine)


def cos(e: Emitter, x: Value) -> Value:
    """The cosine."""
    quadrant, sine, cosine = _quadrant(e, x)
    return _turned(e, e.binary("add", quadrant, _integer(1)), sine, cosine)


def tan(e: Emitter, x: Value) -> Value:
    """The tangent."""
    quadrant, sine, cosine = _quadrant(e, x)
    next_quadrant = e.binary("add", quadrant, _integer(1))
    return e.binary(
        "fdiv",
        _turned(e, quadrant, sine, cosine),
        _turned(e, next_quadrant, sine, cosine),
    )


def atan(e: Emitter, x: Value) -> Value:
    """The arc tangent."""
    size = _abs(e, x)
    large = e.compare("ogt", size, _constant(2.414213562373095))
    middle = e.compare("ogt", size, _constant(0.4142135623730950))
    one = _constant(1.0)
    turned = e.binary("fdiv", _constant(-1.0), size)
    halved = e.binary("fdiv", e.binary("fsub", size, one), e.binary("fadd", size, one))
    r = e.select(large, turned, e.select(middle, halved, size))
    base = e.select(
        large,
        _constant(pi / 2),
        e.select(middle, _constant(pi / 4), e.zero("float", size.lanes)),
    )
    square = e.binary("fmul", r, r)
    value = e.fma(e.binary("fmul", _polynomial(e, square, _ATAN), square), r, r)
    return _copysign(e, e.binary("fadd", base, value), x)


def atan2(e: Emitter, y: Value, x: Value) -> Value:
    """The angle of the point (x, y)."""
    y, x = e.same_lanes(y, x)
    zero, infinite = _constant(0.0), _constant(inf)
    a, b = _abs(e, y), _abs(e, x)
    both_zero = e.binary("and", e.compare("oeq", a, zero), e.compare("oeq", b, zero))
    both_infinite = e.binary("and", e.compare("oeq", a, infinite), e.compare("oeq", b, infinite))
    ratio = e.binary("fdiv", a, b)
    ratio = e.select(both_zero, zero, e.select(both_infinite, _constant(1.0), ratio))
    angle = atan(e, ratio)
    left = e.compare("slt", _bits(e, x), _integer(0))
    angle = e.select(left, e.binary("fsub", _constant(pi), angle), angle)
    return _copysign(e, angle, y)


def asin(e: Emitter, x: Value) -> Value:
    """The arc sine."""
    size = _abs(e, x)
    large = e.compare("ogt", size, _constant(0.5))
    halved = e.fma(size, _constant(-0.5), _constant(0.5))
    root = e.intrinsic("llvm.sqrt", halved)
    square = e.select(large, halved, e.binary("fmul", size, size))
    r = e.select(large, root, size)
    value = e.fma(e.binary("fmul", _polynomial(e, square, _ASIN), square), r, r)
    value = e.select(large, e.fma(value, _constant(-2.0), _constant(pi / 2)), value)
    return _copysign(e, value, x)


def acos(e: Emitter, x: Value) -> Value:
    """The arc cosine: above 1/2 from the half angle, which loses nothing near 1."""
    halved = e.fma(x, _constant(-0.5), _constant(0.5))
    near_one = e.binary("fmul", asin(e, e.intrinsic("llvm.sqrt", halved)), _constant(2.0))
    other = e.binary("fsub", _constant(pi / 2), asin(e, x))
    return e.select(e.compare("ogt", x, _constant(0.5)), near_one, other)


def asinh(e: Emitter, x: Value) -> Value:
    """The inverse of sinh, by log1p(|x| + x² / (1 + sqrt(x² + 1)))."""
    size = _abs(e, x)
    square = e.binary("fmul", size, size)
    root = e.intrinsic("llvm.sqrt", e.binary("fadd", square, _constant(1.0)))
    more = e.binary("fdiv", square, e.binary("fadd", root, _constant(1.0)))
    middle = log1p(e, e.binary("fadd", size, more))
    large = e.binary("fadd", natural_log(e, size), _constant(log(2)))
    return _copysign(e, e.select(e.compare("ogt", size, _constant(1e8)), large, middle), x)


def acosh(e: Emitter, x: Value) -> Value:
    """The inverse of cosh, by log1p(t + sqrt(2t + t²)) with t = x - 1."""
    t = e.binary("fsub", x, _constant(1.0))
    root = e.intrinsic("llvm.sqrt", e.fma(t, t, e.binary("fadd", t, t)))
    middle = log1p(e, e.binary("fadd", t, root))
    large = e.binary("fadd", natural_log(e, x), _constant(log(2)))
    result = e.select(e.compare("ogt", x, _constant(1e8)), large, middle)
    return e.select(e.compare("ult", x, _constant(1.0)), _constant(nan), result)


def atanh(e: Emitter, x: Value) -> Value:
    """The inverse of tanh, by log1p(2|x| / (1 - |x|)) / 2."""
    size = _abs(e, x)
    ratio = e.binary("fdiv", e.binary("fadd", size, size), e.binary("fsub", _constant(1.0), size))
    half = e.binary("fmul", log1p(e, ratio), _constant(0.5))
    return _copysign(e, half, x)


# Powers


def power(e: Emitter, x: Value, y: Value) -> Value:
    """x**y, as e**(y log|x|) in f64: an f32 product would lose what the exponential magnifies."""
    x, y = e.same_lanes(x, y)
    one, zero = _constant(1.0), _constant(0.0)
    size = _abs(e, x)
    result = _exp_wide(e, e.binary("fmul", e.convert("fpext", y, "double"), _log_wide(e, size)))
    # At the ends of the range the logarithm is no number.
    negative_power = e.compare("olt", y, zero)
    at_zero = e.select(negative_power, _constant(inf), e.zero("float", x.lanes))
    at_infinity = e.select(negative_power, zero, e.splat(_constant(inf), x.lanes))
    result = e.select(e.compare("oeq", size, zero), at_zero, result)
    result = e.select(e.compare("oeq", size, _constant(inf)), at_infinity, result)
    whole = e.compare("oeq", e.intrinsic("llvm.trunc", y), y)
    half = e.binary("fmul", y, _constant(0.5))
    odd = e.binary("and", whole, e.compare("one", e.intrinsic("llvm.trunc", half), half))
    negative = e.compare("slt", _bits(e, x), _integer(0))
    result = e.select(e.binary("and", odd, negative), e.negate(result), result)
    undefined = e.binary("and", e.compare("olt", x, zero), e.invert(whole))
    undefined = e.binary("and", undefined, e.compare("one", size, _constant(inf)))
    undefined = e.binary("or", undefined, e.compare("uno", x, y))
    result = e.select(undefined, _constant(nan), result)
    simple = e.binary("or", e.compare("oeq", y, zero), e.compare("oeq", x, one))
    infinite = e.compare("oeq", _abs(e, y), _constant(inf))
    simple = e.binary("or", simple, e.binary("and", infinite, e.compare("oeq", size, one)))
    return e.select(simple, one, result)


def _log_wide(e: Emitter, x: Value) -> Value:
    """The logarithm of positive f32 numbers to about 40 bits, by the series of atanh."""
    wide = e.convert("fpext", x, "double")
    bits = e.convert("bitcast", wide, "i64")
    root, shift = literal(0x3FE6A09E667F3BCD, "i64"), literal(52, "i64")
    exponent = e.binary("ashr", e.binary("sub", bits, root), shift)
    n = e.convert("sitofp", e.convert("trunc", exponent, "i32"), "double")
    mantissa = e.convert(
        "bitcast", e.binary("sub", bits, e.binary("shl", exponent, shift)), "double"
    )
    one = _constant(1.0, "double")
    s = e.binary("fdiv", e.binary("fsub", mantissa, one), e.binary("fadd", mantissa, one))
    square = e.binary("fmul", s, s)
    series = _polynomial(e, square, [2 / (2 * k + 1) for k in range(7, -1, -1)])
    return e.fma(n, _constant(log(2), "double"), e.binary("fmul", series, s))


def _exp_wide(e: Emitter, x: Value) -> Value:
    """e**x of f64 as f32: what over- or underflows there does so here."""
    x = e.maximum(x, _constant(-200.0, "double"))
    x = e.minimum(x, _constant(200.0, "double"))
    magic = _constant(6755399441055744.0, "double")
    shifted = e.fma(x, _constant(_LOG2E, "double"), magic)
    n = e.binary("fsub", shifted, magic)
    r = e.fma(n, _constant(-log(2), "double"), x)
    factorials = [1.0]
    for k in range(1, 10):
        factorials.append(factorials[-1] / k)
    series = _polynomial(e, r, factorials[::-1])
    bits = e.convert("bitcast", shifted, "i64")
    power = e.binary("shl", e.binary("add", bits, literal(1023, "i64")), literal(52, "i64"))
    result = e.binary("fmul", series, e.convert("bitcast", power, "double"))
    return e.convert("fptrunc", result, "float")


_FUNCTIONS: dict[type[Operation], Callable[[Emitter, Value], Value]] = {
    math.ExpOp: exp,
    math.Exp2Op: exp2,
    math.ExpM1Op: expm1,
    math.LogOp: natural_log,
    math.Log2Op: log2,
    math.Log10Op: log10,
    math.Log1pOp: log1p,
    math.TanhOp: tanh,
    math.ErfOp: erf,
    math.SinOp: sin,
    math.CosOp: cos,
    math.TanOp: tan,
    math.AtanOp: atan,
    math.AsinOp: asin,
    math.AcosOp: acos,
    math.SinhOp: sinh,
    math.CoshOp: cosh,
    math.AsinhOp: asinh,
    math.AcoshOp: acosh,
    math.AtanhOp: atanh,
}


def _rule(function: Callable[[Emitter, Value], Value]) -> Rule:
    return lambda e, v: function(e, v[0])


def _two(function: Callable[[Emitter, Value, Value], Value]) -> Rule:
    return lambda e, v: function(e, v[0], v[1])


_NEW: dict[type[Operation], Rule] = {
    **{kind: _rule(function) for kind, function in _FUNCTIONS.items()},
    math.Atan2Op: _two(atan2),
    math.PowFOp: _two(power),
}
RULES.update(_NEW)


def emit_function(e: Emitter, op: Operation) -> None:
    """A function of the table; DiagnosticsError for other elements than f32."""
    if op.results[0].type != f32:
        message = f"there is code for it in f32 only, not in {op.results[0].type}"
        raise DiagnosticsError([Diagnostic.at(op, message)])
    emit_rule(e, op)


HANDLERS.update(dict.fromkeys(_NEW, emit_function))
