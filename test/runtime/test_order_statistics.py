"""Order statistics, distinct elements and running extremes against PyTorch eager."""

from typing import Any

import pytest
import torch
from eager import check

aten: Any = torch.ops.aten
NAN = float("nan")
X = torch.tensor(
    [[3.0, 1.0, NAN, 2.0, 7.0], [5.0, 4.0, 6.0, 0.0, -1.0], [NAN, 8.0, 9.0, NAN, 10.0]]
)


@pytest.mark.parametrize("name", ["median", "nanmedian"])
def test_median(name: str) -> None:
    function = getattr(aten, name)
    for x in (X, X.half(), torch.randperm(12).view(3, 4), torch.tensor(2.0)):
        check(f"aten::{name}.out", function, x, exact=True)
        check(f"aten::{name}.dim_values", function.dim, x, -1, True, exact=True)
    check(f"aten::{name}.dim_values", function.dim, X, 0, False, exact=True)


def test_kthvalue_and_mode() -> None:
    check("aten::kthvalue.values", aten.kthvalue, X, 2, 1, False, exact=True)
    x = torch.tensor([[1, 2, 2, 3, 3], [5, 4, 4, 4, 5]])
    places = torch.tensor([2, 3])  # The last ones, which eager does not promise.
    reference = lambda *args: (aten.mode(*args)[0], places)  # noqa: E731
    check("aten::mode.values", reference, x, 1, False, exact=True)


@pytest.mark.parametrize("dim", [0, 1])
def test_running_extremes(dim: int) -> None:
    for x in (X, X.bfloat16(), torch.randint(0, 3, (3, 5))):
        check("aten::cummax.out", aten.cummax, x, dim, exact=True)
        check("aten::cummin.out", aten.cummin, x, dim, exact=True)
    check("aten::logcumsumexp.out", aten.logcumsumexp, torch.randn(3, 5) * 50, dim)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("counts", [False, True])
def test_distinct(inverse: bool, counts: bool) -> None:
    x = torch.randint(0, 4, (4, 3))
    check("aten::_unique2.out", aten._unique2, x, True, inverse, True, exact=True)
    check("aten::unique_dim.out", aten.unique_dim, x, 1, True, True, True, exact=True)
    lines = x.sort(0).values
    args = (lines, inverse, counts, None)
    check("aten::unique_consecutive.out", aten.unique_consecutive, *args, exact=True)
