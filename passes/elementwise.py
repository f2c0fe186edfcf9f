"""Which operators compute every element of their result from the elements at the same place."""

from __future__ import annotations

from ..dialects.schema import OpEntry

_JOINING = frozenset({"aten::cat", "aten::stack"})
"""Promoted like arithmetic, but not elementwise."""

_WITHOUT_PROMOTION = frozenset(
    f"aten::{name}"
    for name in """
        _to_copy abs alias bitwise_not ceil clone detach dropout elu fill.Scalar floor gelu
        hardsigmoid hardswish hardtanh isinf isnan leaky_relu lift_fresh_copy log_sigmoid
        logical_not masked_fill.Scalar masked_fill.Tensor mish neg relu round sign silu softplus
        trunc
    """.split()
)


def is_elementwise(entry: OpEntry) -> bool:
    """Whether an operator works element by element, its tensor operands broadcast."""
    key = entry.schema.key
    return key in _WITHOUT_PROMOTION or (entry.promotion is not None and key not in _JOINING)
