"""Matrix products, interpreted and compiled, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from xdsl.ir import SSAValue

from edgeir.dialects import edge
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.llvm import matmul
from edgeir.lowering.llvm.targets import target_for

from .steps import Array, Fuse, check_step, with_gaps

SIZES = [
    (1, 1, 1),
    (1, 64, 10),
    (1, 31, 300),
    (2, 7, 17),
    (3, 20, 1),
    (5, 9, 3),
    (14, 16, 32),
    (17, 33, 31),
    (29, 5, 16),
    (33, 12, 96),
    (47, 40, 50),
    (130, 65, 40),
]


def random(*shape: int) -> Array:
    """Numbers that are the same in every run."""
    return np.random.default_rng(len(shape) + sum(shape)).standard_normal(shape, np.float32)


def product(function: Callable[..., torch.Tensor], *arrays: Array, **options: float) -> Array:
    """What PyTorch gives."""
    return function(*(torch.tensor(a) for a in arrays), **options).numpy()


@pytest.mark.parametrize("target", ["host", "x86-64-v3"])
@pytest.mark.parametrize(("m", "k", "n"), SIZES)
def test_linear(m: int, k: int, n: int, target: str) -> None:
    x, w, b = random(m, k), random(n, k), random(n)
    wanted = product(torch.nn.functional.linear, x, w, b)
    check_step(
        matmul, edge.LinearOp, [x, w, b], [wanted], constants=[1, 2], target=target_for(target)
    )


@pytest.mark.parametrize(("m", "k", "n"), SIZES)
def test_computed_factors(m: int, k: int, n: int) -> None:
    """B contiguous, transposed, with gaps; A transposed; a result with gaps."""
    x, w = random(m, k), random(k, n)
    wanted = product(torch.mm, x, w)
    check_step(matmul, edge.MmOp, [x, w], [wanted])
    check_step(matmul, edge.MmOp, [x, with_gaps(w, (1, 0))], [wanted], output_gap=2)
    check_step(matmul, edge.MmOp, [with_gaps(x, (1, 0)), with_gaps(w)], [wanted])


def test_many_rows() -> None:
    """Panels are copied, rows and panels are split into tasks."""
    x, w = random(300, 70), random(70, 129)
    wanted = product(torch.mm, x, w)
    check_step(matmul, edge.MmOp, [x, w], [wanted])
    check_step(matmul, edge.MmOp, [x, w], [wanted], constants=[1])
    x, w = random(700, 60), random(60, 40)
    check_step(matmul, edge.MmOp, [x, w], [product(torch.mm, x, w)], constants=[1])


def test_long_sums() -> None:
    """K in parts, whose sums are kept; rows that would drive each other out of the cache."""
    x, w, b, e = random(60, 3300), random(3300, 45), random(45), random(60, 45)
    wanted = product(torch.addmm, b, x, w)
    options: dict[str, Any] = {"beta": 1, "alpha": 1, "atol": 1e-3}
    check_step(matmul, edge.AddmmOp, [b, x, w], [wanted], constants=[0, 2], **options)
    check_step(matmul, edge.AddmmOp, [b, x, with_gaps(w, (1, 0))], [wanted], **options)
    fused = np.maximum(wanted, 0) + e
    check_step(matmul, edge.AddmmOp, [b, x, w], [fused], fuse=relu_and_add, extras=[e], **options)
    x, w = random(20, 2048), random(2048, 150)
    check_step(matmul, edge.MmOp, [x, w], [product(torch.mm, x, w)], constants=[1], atol=1e-3)


def test_dots() -> None:
    """A matrix times a vector, a vector times a transposed matrix: sums along memory."""
    x, w, b, e = random(300, 901), random(901, 1), random(1), random(300, 1)
    wanted = product(torch.addmm, b, x, w)
    options: dict[str, Any] = {"beta": 1, "alpha": 1, "atol": 1e-3}
    fused = np.maximum(wanted, 0) + e
    for constants in ([], [0, 2]):
        check_step(
            matmul,
            edge.AddmmOp,
            [b, x, w],
            [fused],
            constants=constants,
            fuse=relu_and_add,
            extras=[e],
            **options,
        )
    x, w = random(3, 1, 70), random(3, 50, 70).transpose(0, 2, 1)
    check_step(matmul, edge.BmmOp, [x, w], [x @ w], atol=1e-4)


SHAPES = [
    ((2, 3, 4, 5), (2, 3, 5, 6)),
    ((2, 1, 4, 5), (3, 5, 6)),
    ((4, 5), (7, 5, 18)),
    ((7, 4, 5), (5, 18)),
    ((5,), (5, 6)),
    ((5,), (3, 5, 6)),
    ((4, 5), (5,)),
    ((2, 4, 5), (5,)),
    ((5,), (5,)),
]


@pytest.mark.parametrize(("a", "b"), SHAPES)
@pytest.mark.parametrize("constants", [(), (1,)])
def test_matmul(a: tuple[int, ...], b: tuple[int, ...], constants: Sequence[int]) -> None:
    x, w = random(*a), random(*b)
    wanted = np.asarray(product(torch.matmul, x, w))
    check_step(matmul, edge.MatmulOp, [x, w], [wanted], constants=constants)


def test_matmul_of_permuted_heads() -> None:
    """Attention scores of heads that lie beside each other."""
    q, k = random(2, 9, 3, 8), random(2, 11, 3, 8)
    a, b = q.transpose(0, 2, 1, 3), k.transpose(0, 2, 3, 1)
    check_step(matmul, edge.MatmulOp, [a, b], [a @ b])


@pytest.mark.parametrize("added", [(6, 20), (20,), (6, 1), ()])
@pytest.mark.parametrize(("beta", "alpha"), [(1, 1), (0.5, 2.0), (0, 1), (1, -1)])
@pytest.mark.parametrize("constants", [(), (0, 2)])
def test_addmm(added: tuple[int, ...], beta: float, alpha: float, constants: Sequence[int]) -> None:
    c, x, w = random(*added), random(6, 9), random(9, 20)
    c = c if c.shape else np.array(0.75, np.float32)
    wanted = product(torch.addmm, c, x, w, beta=beta, alpha=alpha)
    operands = [c, x, w]
    check_step(
        matmul, edge.AddmmOp, operands, [wanted], constants=constants, beta=beta, alpha=alpha
    )


def test_baddbmm_and_addmv() -> None:
    c, x, w = random(3, 1, 20), random(3, 6, 9), random(3, 9, 20)
    wanted = product(torch.baddbmm, c, x, w, beta=2.0)
    check_step(matmul, edge.BaddbmmOp, [c, x, w], [wanted], beta=2.0, alpha=1)
    c, x, w = random(6), random(6, 9), random(9)
    wanted = product(torch.addmv, c, x, w, alpha=3.0)
    check_step(matmul, edge.AddmvOp, [c, x, w], [wanted], beta=1, alpha=3.0)


def test_bmm_and_linear_of_any_rank() -> None:
    x, w = random(5, 6, 9), random(5, 9, 20)
    check_step(matmul, edge.BmmOp, [x, w], [product(torch.bmm, x, w)])
    x, w = random(2, 3, 5, 9), random(20, 9)
    wanted = product(torch.nn.functional.linear, x, w)
    check_step(matmul, edge.LinearOp, [x, w, None], [wanted], constants=[1])
    check_step(matmul, edge.LinearOp, [with_gaps(x), w, None], [wanted], constants=[1])
    x, w = random(9), random(9)
    wanted = np.asarray(product(torch.nn.functional.linear, x, w))
    check_step(matmul, edge.LinearOp, [x, w, None], [wanted], constants=[1])


def relu_and_add(value: SSAValue, extras: Sequence[SSAValue]) -> list[SchemaOp]:
    """relu(value) + extra."""
    relu = edge.ReluOp(value, result_types=[value.type])
    return [relu, edge.AddTensorOp(relu.results[0], extras[0], result_types=[value.type])]


def gelu_and_multiply(value: SSAValue, extras: Sequence[SSAValue]) -> list[SchemaOp]:
    """gelu(value) * extra + extra."""
    gelu = edge.GeluOp(value, result_types=[value.type])
    times = edge.MulTensorOp(gelu.results[0], extras[0], result_types=[value.type])
    return [gelu, times, edge.AddTensorOp(times.results[0], extras[0], result_types=[value.type])]


@pytest.mark.parametrize("extra", [(18, 37), (37,), (18, 1), (1, 1)])
@pytest.mark.parametrize("fuse", [relu_and_add, gelu_and_multiply])
def test_fused(extra: tuple[int, ...], fuse: Fuse) -> None:
    x, w, b, e = random(18, 9), random(9, 37), random(37), random(*extra)
    for beta in (1.0, 2.0):
        y = torch.tensor(product(torch.addmm, b, x, w, beta=beta))
        other = torch.tensor(e)
        gelu = torch.nn.functional.gelu(y) * other + other
        wanted = (torch.relu(y) + other if fuse is relu_and_add else gelu).numpy()
        check_step(
            matmul,
            edge.AddmmOp,
            [b, x, w],
            [wanted],
            constants=[0, 2],
            fuse=fuse,
            extras=[e],
            output_gap=3,
            beta=beta,
            alpha=1,
        )
