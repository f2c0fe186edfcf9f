"""Decompositions that round narrow floats where eager does.

PyTorch's own ones cast to f32 first, but these of eager's kernels compute in f16 and bf16
throughout.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

aten: Any = torch.ops.aten


def narrow_decompositions(table: dict[Any, Any]) -> dict[Any, Any]:
    """The decompositions of `table` that are replaced, by operator."""
    return {
        operator: _where_narrow(ours, table[operator])
        for operator, ours in _DECOMPOSITIONS.items()
        if operator in table
    }


def _where_narrow(ours: Callable[..., Any], theirs: Callable[..., Any]) -> Callable[..., Any]:
    def decomposition(*args: Any, **kwargs: Any) -> Any:
        dtypes = {arg.dtype for arg in args if isinstance(arg, Tensor)}
        narrow = dtypes in ({torch.float16}, {torch.bfloat16})
        return (ours if narrow else theirs)(*args, **kwargs)

    return decomposition


def _addr(self: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    # The numbers are rounded too.
    product = vec1.unsqueeze(1) * vec1.new_full((), alpha) * vec2
    return product if beta == 0 else self * self.new_full((), beta) + product


def _cross(self: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    left, right = cast("tuple[Tensor, Tensor]", cast(Any, torch).broadcast_tensors(self, other))
    axis = dim % left.dim()

    def turned(x: Tensor, first: int) -> Tensor:
        parts = [x.narrow(axis, index % 3, 1) for index in range(first, first + 3)]
        return torch.cat(parts, axis)

    return turned(left, 1) * turned(right, 2) - turned(left, 2) * turned(right, 1)


def _logit(self: Tensor, eps: float | None = None) -> Tensor:
    x = self if eps is None else self.clamp(eps, 1 - eps)
    return torch.log(x / (1 - x))


def _soft_margin_loss(self: Tensor, target: Tensor, reduction: int = 1) -> Tensor:
    loss = torch.log1p(torch.exp(-self * target))
    return loss if reduction == 0 else loss.mean() if reduction == 1 else loss.sum()


_DECOMPOSITIONS: dict[Any, Callable[..., Tensor]] = {
    aten.addr.default: _addr,
    aten.linalg_cross.default: _cross,
    aten.logit.default: _logit,
    aten.soft_margin_loss.default: _soft_margin_loss,
}
