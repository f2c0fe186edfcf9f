"""Elementwise functions of one tensor; each takes `(self, out)`, semantics of `torch.<name>`.

Activations are in activation.py, copies and casts in copy.py.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..registry import kernel
from .elementwise import chain_kernel, run_ufunc, ufunc_kernel, ufunc_thunk
from .promotion import compute_dtype
from .shapes import fit

UFUNCS: dict[str, Any] = {
    "aten::neg.out": np.negative,
    "aten::reciprocal.out": np.reciprocal,
    "aten::sqrt.out": np.sqrt,
    "aten::square.out": np.square,
    "aten::exp.out": np.exp,
    "aten::exp2.out": np.exp2,
    "aten::expm1.out": np.expm1,
    "aten::log.out": np.log,
    "aten::log2.out": np.log2,
    "aten::log10.out": np.log10,
    "aten::log1p.out": np.log1p,
    "aten::sin.out": np.sin,
    "aten::cos.out": np.cos,
    "aten::tan.out": np.tan,
    "aten::asin.out": np.arcsin,
    "aten::acos.out": np.arccos,
    "aten::atan.out": np.arctan,
    "aten::sinh.out": np.sinh,
    "aten::cosh.out": np.cosh,
    "aten::tanh.out": np.tanh,
    "aten::asinh.out": np.arcsinh,
    "aten::acosh.out": np.arccosh,
    "aten::atanh.out": np.arctanh,
    "aten::bitwise_not.out": np.invert,
}
for _name, _ufunc in UFUNCS.items():
    ufunc_kernel(_name, _ufunc)


@kernel("aten::abs.out")
def absolute(self: Any, out: Any) -> Any:
    """|self|, of complex numbers as a real number."""
    if self.dtype.kind != "c":
        return run_ufunc(np.absolute, [self], out)
    out = fit(out, self.shape)
    np.absolute(self, out=out, casting="unsafe")
    return out


@absolute.specialize
def _(self: Any, out: Any) -> Callable[[], object] | None:
    return None if self.dtype.kind == "c" else ufunc_thunk(np.absolute, [self], out)


ROUNDINGS: dict[str, Any] = {
    "aten::ceil.out": np.ceil,
    "aten::floor.out": np.floor,
    "aten::round.out": np.rint,
    "aten::trunc.out": np.trunc,
}
for _name, _ufunc in ROUNDINGS.items():
    ufunc_kernel(_name, _ufunc, integer=np.positive)

PREDICATES: dict[str, Any] = {
    "aten::isinf.out": np.isinf,
    "aten::isnan.out": np.isnan,
    "aten::logical_not.out": np.logical_not,
}


def _predicate_kernel(name: str, ufunc: Any) -> None:
    @kernel(name)
    def call(self: Any, out: Any) -> Any:
        out = fit(out, self.shape)
        # Not `out=out`: numpy 2.4's isnan and isinf write garbage to strided outs (16 and more).
        result = np.empty(self.shape, np.bool_)
        signature = (compute_dtype(self.dtype), np.bool_)
        ufunc(self, out=result, signature=signature, casting="unsafe")
        np.copyto(out, result, casting="unsafe")
        return out

    @call.specialize
    def _(self: Any, out: Any) -> Any:
        native = compute_dtype(self.dtype) == self.dtype
        if native and out.dtype == np.bool_ and out.flags.c_contiguous and out.shape == self.shape:
            return partial(ufunc, self, out)
        return None


for _name, _ufunc in PREDICATES.items():
    _predicate_kernel(_name, _ufunc)


@chain_kernel("aten::sign.out", scratch=1)
def sign(x: Any, out: Any, negative: Any) -> None:
    """-1, 0 or 1, and 0 for nan (numpy's sign of nan is nan)."""
    if x.dtype == np.bool_:
        np.copyto(out, x)
        return
    np.less(x, 0, out=negative, casting="unsafe")
    np.greater(x, 0, out=out, casting="unsafe")
    np.subtract(out, negative, out)


@chain_kernel("aten::rsqrt.out")
def rsqrt(x: Any, out: Any) -> None:
    """1 / sqrt(x)."""
    np.sqrt(x, out)
    np.divide(1, out, out)


@chain_kernel("aten::round.decimals_out")
def round_decimals(x: Any, decimals: int, out: Any) -> None:
    """Round half to even at `decimals` places; negative ones round before the point."""
    scale = 10.0 ** abs(decimals)
    forth, back = (np.multiply, np.divide) if decimals >= 0 else (np.divide, np.multiply)
    forth(x, scale, out)
    np.rint(out, out)
    back(out, scale, out)


@kernel("aten::signbit.out")
def signbit(self: Any, out: Any) -> Any:
    """Whether the sign is negative, that of -0 too."""
    out = fit(out, self.shape)
    out[...] = np.signbit(self) if self.dtype.kind in "fV" else self < 0
    return out


@kernel("aten::frexp.Tensor_out")
def frexp(self: Any, mantissa: Any, exponent: Any) -> Any:
    """The mantissa, 1/2 or more and less than 1, and the power of 2."""
    mantissa, exponent = fit(mantissa, self.shape), fit(exponent, self.shape)
    parts = np.frexp(self.astype(compute_dtype(self.dtype), copy=False))
    for out, part in zip((mantissa, exponent), parts, strict=True):
        np.copyto(out, part, casting="unsafe")
    return mantissa, exponent
