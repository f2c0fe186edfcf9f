"""Bags of embeddings against PyTorch eager."""

from typing import Any

import pytest
import torch
from eager import check

aten: Any = torch.ops.aten


@pytest.mark.parametrize("mode", [0, 1, 2])
@pytest.mark.parametrize("last", [False, True])
def test_modes(mode: int, last: bool) -> None:
    weight, indices = torch.randn(10, 3), torch.randint(0, 10, (9,))
    offsets = torch.tensor([0, 3, 3, 9 if last else 7])
    for padding in (-1, int(indices[0])):
        args = (weight, indices, offsets, False, mode, False, None, last, padding)
        reference = _bags(aten._embedding_bag)
        check("aten::_embedding_bag.out", reference, *args)


def test_weights() -> None:
    indices, offsets = torch.randint(0, 10, (9,)), torch.tensor([0, 3, 3, 7])
    args = (torch.randn(10, 3), indices, offsets, False, 0, False, torch.randn(9), False, -1)
    check("aten::_embedding_bag.out", _bags(aten._embedding_bag), *args)


def _bags(function: Any) -> Any:
    return lambda *args: tuple(function(*args))
