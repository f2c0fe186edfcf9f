"""Elementary functions of f32: how far they are from the exact ones."""

from typing import Any

import numpy as np
import pytest
import torch
from compiled import Array, Compiled
from xdsl.dialects import math
from xdsl.dialects.builtin import f32
from xdsl.irdl import IRDLOperation

from edgeir.dialects import kernel
from edgeir.lowering.llvm.body import Body
from edgeir.lowering.llvm.kernel_builder import KernelBuilder
from edgeir.lowering.llvm.targets import target_for

RANDOM = np.random.default_rng(4)
_EXTREME = [0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1e-40, 3.4e38, -3.4e38]
SPECIAL = [
    *_EXTREME,
    88.72,
    88.73,
    89,
    100,
    -87,
    -88,
    -100,
    -103,
    -104,
    0.5,
    -0.5,
    2,
    8,
    1e-8,
    -1e-8,
    1e-3,
]

# In units of the last place.
BOUNDS: dict[str, tuple[type[IRDLOperation], float]] = {
    "exp": (math.ExpOp, 1.1),
    "exp2": (math.Exp2Op, 1.1),
    "expm1": (math.ExpM1Op, 1.6),
    "log": (math.LogOp, 1.0),
    "log2": (math.Log2Op, 2.0),
    "log10": (math.Log10Op, 2.2),
    "log1p": (math.Log1pOp, 1.6),
    "tanh": (math.TanhOp, 5.5),
    "erf": (math.ErfOp, 7.5),
    "sin": (math.SinOp, 1.6),
    "cos": (math.CosOp, 1.6),
    "tan": (math.TanOp, 4.0),
    "asin": (math.AsinOp, 2.6),
    "acos": (math.AcosOp, 2.0),
    "atan": (math.AtanOp, 3.0),
    "sinh": (math.SinhOp, 2.4),
    "cosh": (math.CoshOp, 1.8),
    "asinh": (math.AsinhOp, 2.4),
    "acosh": (math.AcoshOp, 2.6),
    "atanh": (math.AtanhOp, 2.6),
}
PERIODIC = ("sin", "cos", "tan")


def _samples(name: str) -> Array:
    """Special numbers, usual ones, those near 1, and any bits."""
    size = 1 << 15
    parts = [np.array(SPECIAL), RANDOM.standard_normal(size) * 3, RANDOM.uniform(-1, 1, size)]
    parts.append(RANDOM.uniform(0.999, 1.001, size))
    if name in PERIODIC:
        # A zero of the function is only as near as the nearest number is.
        parts = [RANDOM.uniform(-1e4, 1e4, size), *parts[1:]]
    else:
        parts += [RANDOM.standard_normal(size) * 30]
        parts += [RANDOM.integers(0, 2**32, size, dtype=np.uint32).view(np.float32)]
    with np.errstate(invalid="ignore"):
        return np.concatenate([part.astype(np.float32) for part in parts])


def _run(kind: type[IRDLOperation], target: str, *arrays: Array) -> Array:
    size = arrays[0].size
    count = len(arrays)

    def build(k: KernelBuilder) -> None:
        body = Body([f32] * count)
        result = (
            body.unary(kind, body.arguments[0])
            if count == 1
            else body.binary(kind, body.arguments[0], body.arguments[1])
        )
        *inputs, output = k.arguments
        region = body.finish([result])
        k.insert(kernel.MapOp(inputs, [output], [size], [[1]] * count, [[1]], region))

    result = np.empty(size, np.float32)
    Compiled([f32] * (count + 1), build, target_for(target))(*arrays, result)
    return result


def _check(actual: Array, exact: Any, bound: float) -> None:
    """Denormal results need not be exact to the last place."""
    exact = np.asarray(exact)
    with np.errstate(all="ignore"):
        rounded = exact.astype(np.float32)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(actual[~finite], rounded[~finite])
    unit = np.maximum(np.spacing(np.abs(rounded[finite])), np.float32(2.0**-149))
    error = np.abs(actual[finite] - exact[finite]) / np.where(unit > 0, unit, 1)
    small = np.abs(rounded[finite]) < 2.0**-120
    assert error[~small].max() <= bound
    assert np.abs(actual[finite] - exact[finite])[small].max(initial=0) <= 2.0**-140


@pytest.mark.parametrize("target", ["host", "x86-64-v3"])
@pytest.mark.parametrize("name", BOUNDS)
def test_error(name: str, target: str) -> None:
    """Within the bound wherever the result is a number; infinities and nan as they should be."""
    kind, bound = BOUNDS[name]
    x = _samples(name)
    exact = getattr(torch, name)(torch.as_tensor(x).double())
    _check(_run(kind, target, x), exact, bound)


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "erf", "sin", "cos"])
def test_error_without_fma(name: str) -> None:
    """Products are rounded before they are added, so the error is a little larger."""
    x = RANDOM.uniform(0.1, 9, 1 << 14).astype(np.float32)
    exact = np.asarray(getattr(torch, name)(torch.as_tensor(x).double()))
    result = _run(BOUNDS[name][0], "x86-64-v2", x)
    np.testing.assert_allclose(result, exact, 2e-6, 5e-7)


def test_power() -> None:
    """All pairs of special numbers, and usual ones."""
    special = np.array([*SPECIAL, 3, -3, 2.5, 1e10, -1e10], np.float32)
    usual = RANDOM.uniform(0, 20, 1 << 15).astype(np.float32)
    x = np.concatenate([np.repeat(special, special.size), usual])
    y = np.concatenate([np.tile(special, special.size), RANDOM.uniform(-9, 9, usual.size)])
    y = y.astype(np.float32)
    exact = torch.pow(torch.as_tensor(x).double(), torch.as_tensor(y).double())
    for target in ("host", "x86-64-v3"):
        _check(_run(math.PowFOp, target, x, y), exact, 1.0)


def test_arc_tangent_of_two() -> None:
    """Every quadrant, zeros and infinities."""
    special = np.array(SPECIAL, np.float32)
    y = np.concatenate([np.repeat(special, special.size), _samples("atan")[:4096]])
    x = np.concatenate([np.tile(special, special.size), RANDOM.standard_normal(4096)])
    x = x.astype(np.float32)
    exact = torch.atan2(torch.as_tensor(y).double(), torch.as_tensor(x).double())
    _check(_run(math.Atan2Op, "host", y, x), exact, 4.0)
