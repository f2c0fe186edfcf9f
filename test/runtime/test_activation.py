"""Activation kernels against PyTorch eager."""

from typing import Any

import pytest
import torch
from eager import check

F = torch.nn.functional
FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
CASES: list[tuple[str, Any, dict[str, Any]]] = [
    ("relu", F.relu, {}),
    ("relu6", F.relu6, {}),
    ("sigmoid", torch.sigmoid, {}),
    ("silu", F.silu, {}),
    ("gelu", F.gelu, {"approximate": "none"}),
    ("gelu", F.gelu, {"approximate": "tanh"}),
    ("hardtanh", F.hardtanh, {"min_val": -1.0, "max_val": 1.0}),
    ("hardtanh", F.hardtanh, {"min_val": 0, "max_val": 6}),
    ("hardsigmoid", F.hardsigmoid, {}),
    ("hardswish", F.hardswish, {}),
    ("elu", torch.ops.aten.elu, {"alpha": 1.0, "scale": 1, "input_scale": 1}),
    ("elu", torch.ops.aten.elu, {"alpha": 1.673, "scale": 1.0507, "input_scale": 1}),
    ("elu", torch.ops.aten.elu, {"alpha": -0.5, "scale": 2.0, "input_scale": 0.5}),
    ("leaky_relu", F.leaky_relu, {"negative_slope": 0.01}),
    ("leaky_relu", F.leaky_relu, {"negative_slope": 1.5}),
    ("leaky_relu", F.leaky_relu, {"negative_slope": -0.5}),
    ("softplus", F.softplus, {"beta": 1.0, "threshold": 20.0}),
    ("softplus", F.softplus, {"beta": 3.0, "threshold": 2.0}),
    ("log_sigmoid", F.logsigmoid, {}),
    ("mish", F.mish, {}),
    ("threshold", F.threshold, {"threshold": 0.5, "value": -3.0}),
    ("hardshrink", F.hardshrink, {"lambd": 0.5}),
    ("softshrink", F.softshrink, {"lambd": 0.5}),
]
IDS = ["-".join([name, *map(str, parameters.values())]) for name, _, parameters in CASES]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize(("name", "reference", "parameters"), CASES, ids=IDS)
def test_activations(name: str, reference: Any, parameters: Any, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    limits = {"rtol": 2e-6, "atol": 1e-6} if dtype == torch.float32 else {}
    special = [0.0, -0.0, 0.5, -0.5, 3.0, -3.0, 6.0, 30.0, -30.0, 100.0, -100.0, float("nan")]
    inputs = [
        torch.randn(2, 3, 4, 5) * 3,
        torch.tensor(special),
        torch.tensor(-0.7),
        torch.empty(0, 2),
    ]
    for x in inputs:
        x = x.to(dtype)
        check(f"aten::{name}.out", reference, x, **parameters, **limits, in_place=0, dynamic=True)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "silu", "hardtanh", "elu", "hardswish"])
def test_infinities(name: str) -> None:
    x = torch.tensor([float("inf"), float("-inf")])
    parameters = {"hardtanh": [-1.0, 1.0], "elu": [1.0, 1, 1]}.get(name, [])
    check(f"aten::{name}.out", getattr(torch.ops.aten, name), x, *parameters)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_over_blocks(approximate: str) -> None:
    x = torch.linspace(-8, 8, 100_003)
    check("aten::gelu.out", F.gelu, x, approximate=approximate, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("eps", [None, 0.1])
def test_logit(eps: float | None) -> None:
    x = torch.tensor([0.0, 0.05, 0.3, 0.5, 0.97, 1.0, 1.5, float("nan")])
    check("aten::logit.out", torch.logit, x, eps, in_place=0)
    check("aten::logit.out", torch.logit, x.double(), eps)


def test_relu_of_integers() -> None:
    x = torch.tensor([-3, 0, 4])
    check("aten::relu.out", F.relu, x, exact=True, in_place=0)
    check("aten::hardtanh.out", F.hardtanh, x, -1, 2, exact=True)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_glu(dtype: torch.dtype) -> None:
    x = torch.randn(2, 4, 6).to(dtype)
    for dim in (0, 1, -1):
        check("aten::glu.out", F.glu, x, dim, dynamic=True)
