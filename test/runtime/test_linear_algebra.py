"""Linear algebra against PyTorch eager; what has a free sign is compared by its product."""

from typing import Any

import numpy as np
import pytest
import torch
from eager import check

from edgeir.runtime import ProgramError
from edgeir.runtime.registry import find_kernel

aten: Any = torch.ops.aten
LIMITS: Any = {"rtol": 1e-8, "atol": 1e-8}
DTYPES = [torch.float64, torch.complex128]

# Eager takes by name what kernels take by position.
FACTOR: Any = lambda a, *_: aten.linalg_lu_factor_ex(a)  # noqa: E731
CHOLESKY: Any = lambda a, upper: aten.linalg_cholesky(a, upper=upper)  # noqa: E731
CHOLESKY_EX: Any = lambda a, *_: aten.linalg_cholesky_ex(a)  # noqa: E731
TRIANGULAR: Any = lambda a, b, upper, *_: aten.linalg_solve_triangular(a, b, upper=upper)  # noqa: E731
PINV: Any = lambda a, *_: torch.linalg.pinv(a)  # noqa: E731


def run(name: str, *args: Any) -> Any:
    kernel = find_kernel(f"aten::{name}")
    assert kernel is not None
    return kernel(*(a.numpy() if isinstance(a, torch.Tensor) else a for a in args))


def positive(x: torch.Tensor) -> torch.Tensor:
    return x @ x.mH + torch.eye(x.shape[-1])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("batch", [(), (2,), (0,), (2, 3)])
def test_square(batch: tuple[int, ...], dtype: torch.dtype) -> None:
    x, b = torch.randn(*batch, 4, 4, dtype=dtype), torch.randn(*batch, 4, 2, dtype=dtype)
    spd = positive(x)
    check("aten::linalg_inv_ex.inverse", lambda a, _: aten.linalg_inv_ex(a), x, False, **LIMITS)
    check("aten::_linalg_det.result", aten._linalg_det, x, **LIMITS)
    check("aten::_linalg_slogdet.sign", aten._linalg_slogdet, x, **LIMITS)
    check(
        "aten::linalg_solve.out", lambda a, c, left: aten.linalg_solve(a, c), x, b, True, **LIMITS
    )
    check("aten::linalg_lu_factor_ex.out", FACTOR, x, True, False, **LIMITS)
    check("aten::linalg_lu.out", lambda a, _: aten.linalg_lu(a), x, True, **LIMITS)
    for upper in (False, True):
        check("aten::linalg_cholesky.out", CHOLESKY, spd, upper, **LIMITS)
        args = (spd, b, upper, True, False)
        check("aten::linalg_solve_triangular.out", TRIANGULAR, *args, **LIMITS)
    check("aten::linalg_matrix_exp.out", aten.linalg_matrix_exp, x, **LIMITS)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 4, 4)])
def test_factors(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    x = torch.randn(shape, dtype=dtype)
    check("aten::linalg_qr.out", aten.linalg_qr, x, "reduced", **LIMITS)
    check("aten::linalg_pinv.atol_rtol_tensor_out", PINV, x, None, None, False, **LIMITS)
    count = min(shape[-2:])
    real = np.float64
    outs = [np.empty((*shape[:-1], count), x.numpy().dtype), np.empty((*shape[:-2], count), real)]
    outs.append(np.empty((*shape[:-2], count, shape[-1]), x.numpy().dtype))
    u, s, vh = run("_linalg_svd.U", x, False, True, None, *outs)
    np.testing.assert_allclose((u * s[..., None, :]) @ vh, x.numpy(), atol=1e-10)
    np.testing.assert_allclose(s, torch.linalg.svdvals(x).numpy(), atol=1e-10)


def test_eigenvalues() -> None:
    x = positive(torch.randn(2, 4, 4, dtype=torch.float64))
    values, vectors = run(
        "_linalg_eigh.eigenvalues", x, "L", True, np.empty((2, 4)), np.empty((2, 4, 4))
    )
    np.testing.assert_allclose(values, torch.linalg.eigvalsh(x).numpy(), atol=1e-10)
    np.testing.assert_allclose(x.numpy() @ vectors, vectors * values[..., None, :], atol=1e-10)


def test_singular() -> None:
    x = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64)
    for name in ("linalg_inv.out", "linalg_cholesky.out"):
        with pytest.raises(ProgramError, match="linalg"):
            run(name, *([x] if "inv" in name else [-x, False]), np.empty((2, 2)))
    check(
        "aten::linalg_lu_factor_ex.out", lambda a, *_: aten.linalg_lu_factor_ex(a), x, True, False
    )
    check("aten::linalg_cholesky_ex.L", CHOLESKY_EX, positive(x), False, False, **LIMITS)
