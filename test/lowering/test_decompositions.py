"""Every decomposition against eager: in the interpreter, and on ExecuTorch's own runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from single_op import SingleOp, evaluated, legalized, operators, program_bytes
from stock_runtime import load_method
from xdsl.dialects.builtin import ModuleOp
from xdsl.rewriter import Rewriter

from edgeir.dialects.context import edge_context
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.decompositions.registry import (
    NoDecompositionError,
    decomposed_operators,
    find_decomposition,
)
from edgeir.lowering.edge_builder import EdgeBuilder
from edgeir.lowering.from_torch.types import to_numpy
from edgeir.passes.verify_edge import VerifyEdgePass


def tensor(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape))
    if dtype.is_floating_point:
        return torch.randn(shape, generator=generator).to(dtype)
    return torch.randint(-5 if dtype.is_signed else 0, 6, shape, generator=generator).to(dtype)


def recurrent(
    kind: str, *, steps: int = 4, batch: int = 3, projection: int = 0, **options: Any
) -> tuple[Any, ...]:
    """The arguments of `aten::lstm.input` and its like, from a module with random weights."""
    torch.manual_seed(0)
    if projection:
        options["proj_size"] = projection
    module = getattr(torch.nn, kind)(5, 6, **options).eval()
    shape = (batch, steps, 5) if module.batch_first else (steps, batch, 5)
    rows = module.num_layers * (2 if module.bidirectional else 1)
    states: Any = tensor(rows, batch, projection or 6)
    if kind == "LSTM":
        states = [states, tensor(rows, batch, 6)]
    weights = [weight.detach() for weight in module._flat_weights]
    return (
        tensor(*shape), states, weights, module.bias, module.num_layers, 0.0, False,
        module.bidirectional, module.batch_first,
    )  # fmt: skip


T = tensor
SQUARE_MASK = torch.tril(torch.ones(5, 5)).bool()
EMPTY_ROW_MASK = torch.cat([torch.zeros(1, 5), torch.ones(2, 5)]).bool()
FLOAT_MASK = torch.zeros(3, 5).masked_fill(~EMPTY_ROW_MASK, -torch.inf)
SCORES = (T(2, 4, 3, 8), T(2, 4, 5, 8), T(2, 4, 5, 6))
GROUPED = (T(2, 4, 3, 8), T(2, 2, 5, 8), T(2, 2, 5, 6))
SPECIAL = torch.tensor([0.0, -0.0, 1.0, -2.0, torch.inf, -torch.inf])

CASES: dict[str, list[tuple[Any, ...]]] = {
    # Matrix products
    "linear": [
        (T(3, 4), T(5, 4), T(5)),
        (T(2, 3, 4), T(5, 4)),
        (T(4), T(5, 4), T(5)),
        (T(2, 3, 4), T(4)),
        (T(0, 4), T(5, 4), T(5)),
        (T(3, 4, dtype=torch.int64), T(5, 4, dtype=torch.int64)),
    ],
    "matmul": [
        (T(4), T(4)),
        (T(3, 4), T(4)),
        (T(4), T(4, 5)),
        (T(4), T(2, 4, 5)),
        (T(2, 3, 4), T(4)),
        (T(2, 3, 4), T(4, 5)),
        (T(3, 4), T(2, 4, 5)),
        (T(2, 3, 4), T(2, 4, 5)),
        (T(2, 1, 3, 4), T(5, 4, 2)),
        (T(2, 3, 4), T(1, 4, 5)),
    ],
    "baddbmm": [
        (T(2, 3, 5), T(2, 3, 4), T(2, 4, 5)),
        (T(5), T(2, 3, 4), T(2, 4, 5), {"beta": 0.5, "alpha": 2}),
        (T(2, 3, 5) * torch.nan, T(2, 3, 4), T(2, 4, 5), {"beta": 0}),
    ],
    "addmv": [(T(3), T(3, 4), T(4)), (T(1), T(3, 4), T(4), {"beta": 2, "alpha": 3})],
    "addmm": [
        (T(5), T(3, 4), T(4, 5)),
        (T(3, 1), T(3, 4), T(4, 5), {"beta": 2, "alpha": 0.5}),
        (T(5), T(3, 4), T(4, 5), {"beta": 0}),
    ],
    # Attention
    "scaled_dot_product_attention": [
        SCORES,
        (*SCORES, None, 0.0, True),
        (*SCORES, None, 0.0, False, {"scale": 0.3}),
        (*SCORES, EMPTY_ROW_MASK),
        (*SCORES, FLOAT_MASK),
        (*SCORES, T(2, 1, 3, 5)),
        (*SCORES, T(2, 1, 1, 5) > 0),
        (T(5, 8), T(5, 8), T(5, 6), SQUARE_MASK),
        (T(2, 1, 3, 8), T(1, 4, 5, 8), T(2, 4, 5, 6)),
        (*GROUPED, None, 0.0, False, {"enable_gqa": True}),
        (*GROUPED, EMPTY_ROW_MASK, 0.0, False, {"enable_gqa": True}),
        (*GROUPED, None, 0.0, True, {"enable_gqa": True, "scale": 2.0}),
    ],
    # Normalization
    "layer_norm": [
        (T(2, 3, 4), [4], T(4), T(4, seed=1)),
        (T(2, 3, 4), [3, 4], T(3, 4), None, 1e-3),
        (T(2, 3, 4), [3, 4]),
        (T(2, 4, dtype=torch.float16), [4], T(4), T(4)),
    ],
    "rms_norm": [
        (T(2, 3, 4), [4], T(4)),
        (T(2, 3, 4), [3, 4], None, 1e-3),
        (T(2, 3, 4, dtype=torch.float16), [4]),
    ],
    "group_norm": [
        (T(2, 6, 4, 3), 3, T(6), T(6, seed=1)),
        (T(2, 6, 4), 2),
        (T(2, 6), 2, T(6), None, 1e-3),
    ],
    "_native_batch_norm_legit_functional": [
        (T(4, 3, 2, 2), T(3), T(3), T(3), T(3).abs(), True, 0.3, 1e-5),
        (T(4, 3), None, None, T(3), T(3).abs(), True, 0.1, 1e-5),
        (T(4, 3, 2), T(3), None, T(3), T(3).abs(), False, 0.1, 1e-5),
    ],
    # Activations
    "silu": [(T(3, 4),), (SPECIAL[:5],)],
    "mish": [(T(3, 4) * 20,)],
    "softplus": [(T(3, 4) * 20,), (T(3, 4), 2.5, 1.5)],
    "log_sigmoid": [(T(3, 4) * 50,)],
    "hardsigmoid": [(T(3, 4) * 4,), (SPECIAL,)],
    "hardswish": [(T(3, 4) * 4,), (T(3, 4, dtype=torch.bfloat16),)],
    "glu": [(T(3, 4),), (T(4, 3, 2), 0)],
    "softmax.int": [(T(3, 4), -1), (T(3, 4, dtype=torch.int64), 0, torch.float32)],
    "log_softmax.int": [(T(3, 4), -1), (T(3, 4, dtype=torch.float16), 0, torch.float32)],
    "_log_softmax": [
        (T(3, 4, dtype=torch.float64), -1, False), (T(3, 4), 0, False), (T(), 0, False)
    ],
    # Convolution
    "convolution": [
        (T(2, 4, 6, 5, 5), T(4, 2, 3, 3, 3), T(4),
         [2, 2, 1], [1, 1, 0], [1, 1, 1], False, [0, 0, 0], 2),
        (T(1, 3, 7, 5, 5), T(4, 3, 3, 2, 2), None,
         [1, 1, 1], [2, 0, 1], [2, 1, 1], False, [0, 0, 0], 1),
        (T(2, 3, 8, 4, 4), T(4, 3, 2, 2, 2), T(4),
         [2, 2, 2], [0, 0, 0], [1, 1, 1], False, [0, 0, 0], 1),
        (T(2, 3, 2, 4, 4), T(4, 3, 2, 2, 2), T(4),
         [2, 2, 2], [0, 0, 0], [1, 1, 1], False, [0, 0, 0], 1),
        (T(2, 3, 4, 4, 4), T(4, 3, 1, 3, 3), None,
         [1, 1, 1], [0, 1, 1], [1, 1, 1], False, [0, 0, 0], 1),
        (T(2, 4, 3, 4, 4), T(4, 3, 3, 3, 3), T(6),
         [2, 2, 1], [1, 1, 0], [1, 1, 2], True, [1, 1, 0], 2),
        (T(1, 2, 3, 4, 4), T(2, 3, 2, 2, 2), None,
         [1, 2, 1], [1, 0, 0], [1, 1, 1], True, [0, 0, 0], 1),
        (T(1, 2, 4, 4, 4), T(2, 3, 2, 2, 2), None,
         [3, 2, 1], [2, 0, 0], [1, 1, 1], True, [2, 0, 0], 1),
    ],
    "col2im": [
        (T(2, 12, 20), [6, 5], [2, 2], [1, 1], [0, 0], [1, 1]),
        (T(3 * 6, 9), [7, 6], [3, 2], [2, 1], [1, 0], [2, 2]),
    ],
    # Pooling
    "max_pool1d": [(T(2, 3, 9), [3], [2], [1]), (T(3, 9), [2], [], [0], [2], True)],
    "max_pool2d": [
        (T(2, 3, 8, 7), [3, 3], [2, 2], [1, 1]),
        (T(3, 8, 7), [3], [], [1], [1], True),
        (T(2, 3, 8, 7), [2, 3], [1, 2], [0, 1], [2, 1]),
    ],
    "max_pool3d": [
        (T(2, 3, 7, 6, 5), [3, 3, 3], [2, 2, 2], [1, 1, 1]),
        (T(3, 7, 6, 5), [3, 2, 2], [], [1, 0, 1], [1, 1, 1], True),
    ],
    "max_pool3d_with_indices": [(T(2, 3, 7, 6, 5), [3, 2, 2], [2, 1, 2], [1, 0, 1])],
    "avg_pool1d": [(T(2, 3, 9), [3], [2], [1]), (T(3, 9), [4], [], [2], True, False)],
    "avg_pool3d": [
        (T(2, 3, 7, 6, 5), [3, 3, 3], [2, 2, 2], [1, 1, 1]),
        (T(3, 7, 6, 5), [3, 2, 2], [2, 2, 2], [1, 0, 1], True, False),
        (T(3, 7, 6, 5), [3], [2], [1], True, True),
        (T(3, 7, 6, 5), [3], [2], [1], False, True, 5),
    ],
    "adaptive_avg_pool1d": [(T(2, 3, 7), [3]), (T(3, 7), [1])],
    "adaptive_avg_pool2d": [
        (T(2, 3, 7, 5), [1, 1]),
        (T(2, 3, 7, 5), [3, 2]),
        (T(3, 7, 5), [7, 5]),
        (T(3, 7, 5), [2, 1]),
    ],
    "_adaptive_avg_pool3d": [(T(2, 3, 7, 6, 5), [3, 2, 4]), (T(3, 7, 6, 5), [1, 1, 1])],
    # Recurrent networks
    "lstm.input": [
        recurrent("LSTM"),
        recurrent("LSTM", num_layers=2, bidirectional=True, batch_first=True),
        recurrent("LSTM", bias=False, batch=1, steps=1),
        recurrent("LSTM", num_layers=2, projection=4, bidirectional=True),
    ],
    "gru.input": [
        recurrent("GRU"),
        recurrent("GRU", num_layers=2, bidirectional=True, batch_first=True),
        recurrent("GRU", bias=False, batch=1),
    ],
    "rnn_tanh.input": [
        recurrent("RNN"),
        recurrent("RNN", num_layers=2, bidirectional=True, batch_first=True),
        recurrent("RNN", bias=False, batch=1),
    ],
    "rnn_relu.input": [recurrent("RNN", nonlinearity="relu")],
    # Arithmetic
    "exp2": [(T(3, 4),)],
    "erfc": [(T(3, 4),)],
    "rsub.Scalar": [(T(3, 4), 2), (T(3, dtype=torch.int64), 2, 3)],
    "hypot": [(T(3, 4), T(4)), (SPECIAL.abs(), T(6, 1)), (T(3) * 1e30, T(3) * 1e30)],
    "copysign.Tensor": [(T(6, 1), SPECIAL)],
    "floor_divide": [(T(3, 4), T(4)), (T(3, dtype=torch.int64), torch.tensor([2, -3, 4]))],
    "remainder.Tensor": [
        (T(9, dtype=torch.int64), torch.tensor([2, -3, 4] * 3)),
        (T(4, 3, dtype=torch.int8), torch.tensor([2, -3, 4], dtype=torch.int8)),
    ],
    "remainder.Scalar": [(T(9, dtype=torch.int64), -3), (T(9, dtype=torch.int32), 3)],
    "sum.dim_IntList": [(T(), [0]), (T(dtype=torch.int32), [-1], {"dtype": torch.int64})],
    "cumsum": [(T(), 0)],
    "linalg_vector_norm": [
        (T(3, 4), 2, [1], True),
        (T(3, 4), 1, [0]),
        (T(3, 4), 3, None),
        (T(3, 4), torch.inf, [-1]),
        (T(3, 4), -torch.inf, [-1]),
        (torch.tensor([[0.0, 1.0], [0.0, 0.0]]), 0, [1]),
        (T(3, 4, dtype=torch.float16), 2, [1], False, {"dtype": torch.float32}),
    ],
    "var.dim": [(T(3, 4), [1]), (T(3, 4), [0], False, True)],
    "cumprod": [(T(3, 7), 1), (T(5), -1), (T(), 0), (T(2, 3, dtype=torch.int32), 0)],
    "bucketize.Tensor": [
        (T(3, 4), torch.tensor([-1.0, 0.0, 0.5])),
        (torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, 3]), {"right": True, "out_int32": True}),
    ],
    "searchsorted.Tensor": [
        (torch.tensor([[1, 3, 5], [2, 4, 6]]), torch.tensor([[1, 5], [4, 7]])),
        (torch.tensor([1.0, 3.0]), T(2, 3), {"side": "right"}),
    ],
    # Selection
    "masked_fill.Scalar": [(T(3, 4), T(4) > 0, -1.5), (T(3, 4, dtype=torch.int64), T(3, 1) > 0, 7)],
    "masked_fill.Tensor": [(T(3, 4), T(3, 4) > 0, torch.tensor(2.5))],
    "tril": [(T(3, 4),), (T(2, 4, 3), 1), (T(3, 3) * torch.inf, -1)],
    "triu": [(T(3, 4),), (T(2, 4, 3), -1), (T(3, 3, dtype=torch.int64), 1)],
    "diagonal_scatter": [
        (T(3, 4), T(3)),
        (T(4, 3), T(2), -2),
        (T(3, 4), T(2), 2),
        (T(3, 2, 4), T(2, 3), 1, 0, 2),
        (T(3, 2, 4), T(2, 3), 0, -1, 0),
    ],
    "sort": [(T(3, 7), 1), (T(7), -1, True), (T(7, 2), 0)],
    "sort.stable": [(T(3, 7), {"stable": False, "dim": 1, "descending": True})],
    "scatter.reduce": [
        (T(3, 4), 1, torch.tensor([[0, 1], [1, 1], [3, 3]]), T(3, 2), {"reduce": "add"})
    ],
    "scatter_reduce.two": [
        (T(3, 4), 1, torch.tensor([[0, 1], [1, 1], [3, 3]]), T(3, 2), "sum"),
        (T(3, 4), 1, torch.tensor([[0, 1], [1, 1], [3, 3]]), T(3, 2), "sum",
         {"include_self": False}),
    ],
    # Movement
    "stack": [([T(2, 3), T(2, 3, seed=1)], 0), ([T(2, 3)] * 3, -1), ([T(), T()], 0)],
    "roll": [(T(3, 4), [1], [0]), (T(3, 4), [-2, 5], [1, 0]), (T(3, 4), [3], [])],
    "pixel_shuffle": [(T(2, 8, 3, 2), 2), (T(9, 2, 2), 3)],
    "pixel_unshuffle": [(T(2, 2, 6, 4), 2)],
    "transpose.int": [(T(2, 3, 4), 0, -1), (T(), 0, 0)],
    "t": [(T(2, 3),), (T(3),)],
    "alias": [(T(2, 3),)],
    "clone": [(T(2, 3),)],
    "detach": [(T(2, 3),)],
    "lift_fresh_copy": [(T(2, 3),)],
    "squeeze.dim": [(T(2, 1, 3), 1)],
    "squeeze.dims": [(T(2, 1, 3, 1), [1, -1])],
    "unsqueeze": [(T(2, 3), -1)],
    "select.int": [(T(2, 3), 1, -1), (T(2, 3), 0, 1)],
    "unbind.int": [(T(2, 3), 1)],
    "split.Tensor": [(T(2, 5), 2, -1)],
    "split_with_sizes": [(T(5, 2), [2, 3], 0)],
    "repeat": [(T(2, 3), [2, 2, 3]), (T(), [2])],
    "full_like": [(T(2, 3), 1.5)],
    "constant_pad_nd": [(T(3, 6), [-1, 2], 1.5), (T(3, 6), [2, -3, -1, 0]), (T(3, 6), [0, -1])],
}  # fmt: skip
"""Arguments by operator; a dict at the end holds those by keyword."""

NOT_COMPARED = {"rand_like", "randn_like", "randperm", "empty_strided"}
"""Tested apart: their values are not eager's."""

PARAMETERS = [
    pytest.param(name, args, id=f"{name}-{number}")
    for name, variants in CASES.items()
    for number, args in enumerate(variants)
]


def single_op(name: str, args: Sequence[Any]) -> SingleOp:
    kwargs: dict[str, Any] = {}
    if isinstance(args[-1], dict):
        *args, kwargs = args
    outputs = [0] if name in ("sort", "max_pool3d_with_indices") else None
    return SingleOp(f"aten::{name}", args, kwargs, outputs)


def decomposed(module: ModuleOp) -> ModuleOp:
    """The module with its operator decomposed, legal or not."""
    op = next(op for op in module.walk() if isinstance(op, SchemaOp))
    decompose = find_decomposition(op.SCHEMA.key)
    assert decompose is not None
    results = decompose(op, EdgeBuilder(op))
    used = [new if old.uses else None for old, new in zip(op.results, results, strict=True)]
    Rewriter.replace_op(op, [], used)
    VerifyEdgePass().apply(edge_context(), module)
    return module


def executed(program: bytes, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The outputs on the stock runtime, which reads the bytes as long as it runs."""
    return [out.clone() for out in load_method(program).execute(inputs)]


def assert_close(expected: Sequence[torch.Tensor], got: Sequence[Any]) -> None:
    assert len(expected) == len(got)
    for left, right in zip(expected, got, strict=True):
        left = to_numpy(left)
        right = to_numpy(right) if isinstance(right, torch.Tensor) else right
        assert left.shape == right.shape
        assert left.dtype == right.dtype
        tolerance = 1e-2 if left.dtype.itemsize == 2 and left.dtype.kind != "i" else 2e-5
        np.testing.assert_allclose(
            right.astype(np.float64), left.astype(np.float64), rtol=tolerance, atol=tolerance
        )


def test_every_decomposition_has_a_case():
    cases = {f"aten::{name}" for name in (*CASES, *NOT_COMPARED)}
    assert decomposed_operators() == cases


@pytest.mark.parametrize(("name", "args"), PARAMETERS)
def test_interpreter(name: str, args: Sequence[Any]):
    call = single_op(name, args)
    module = decomposed(call.module())
    assert call.key not in operators(module) or name in ("convolution", "constant_pad_nd")
    assert_close(call.returned, evaluated(module, call.inputs, edge_context()))


@pytest.mark.parametrize(("name", "args"), PARAMETERS)
def test_stock_runtime(name: str, args: Sequence[Any]):
    call = single_op(name, args)
    module = decomposed(call.module())
    ctx = legalized(module)
    outs = executed(program_bytes(module, ctx), call.inputs)
    assert_close(call.returned, outs)


@pytest.mark.parametrize("name", ["rand_like", "randn_like", "empty_strided"])
def test_random_and_empty(name: str):
    args = [[2, 3], [3, 1]] if name == "empty_strided" else [T(2, 3)]
    call = SingleOp(f"aten::{name}", args)
    module = call.module()
    ctx = legalized(module)
    (out,) = executed(program_bytes(module, ctx), call.inputs)
    assert out.shape == (2, 3)
    assert out.dtype == torch.float32


def test_randperm_is_a_permutation():
    call = SingleOp("aten::randperm", [7], {"dtype": torch.int64})
    module = call.module()
    ctx = legalized(module)
    (out,) = executed(program_bytes(module, ctx), [])
    assert sorted(out.tolist()) == list(range(7))


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("scaled_dot_product_attention", (*SCORES, None, 0.5), "dropout"),
        ("scatter_reduce.two", (T(3), 0, torch.tensor([0]), T(1), "amax"), "'amax'"),
        ("sort.stable", (T(3), {"stable": True}), "stable"),
        ("max_pool3d_with_indices", (T(1, 4, 4, 4), [2]), "indices"),
    ],
)
def test_what_has_no_decomposition(name: str, args: Sequence[Any], message: str):
    call = single_op(name, args)
    call.outputs = None
    op = next(op for op in call.module().walk() if isinstance(op, SchemaOp))
    decompose = find_decomposition(call.key)
    assert decompose is not None
    with pytest.raises(NoDecompositionError, match=message):
        decompose(op, EdgeBuilder(op))
