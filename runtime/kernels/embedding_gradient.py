"""The gradient of an embedding table, semantics of `torch.ops.aten.embedding_dense_backward`."""

from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .promotion import compute_dtype
from .shapes import fit


@kernel("aten::embedding_dense_backward.out")
def embedding_dense_backward(
    grad_output: Any,
    indices: Any,
    num_weights: int,
    padding_idx: int,
    scale_grad_by_freq: bool,
    out: Any,
) -> Any:
    """Each row of the table gets the sum of the gradients of its uses, row `padding_idx` none.

    With `scale_grad_by_freq` the mean instead of the sum.
    """
    rows = indices.ravel()
    if rows.size and not -num_weights <= rows.min() <= rows.max() < num_weights:
        raise ProgramError(f"an index is outside the table of {num_weights} rows")
    width = grad_output.shape[-1]
    grads = grad_output.astype(compute_dtype(out.dtype), copy=False).reshape(-1, width)
    kept = rows != padding_idx
    rows, grads = rows[kept], grads[kept]
    out = fit(out, (num_weights, width))
    out[...] = 0
    if not rows.size:
        return out
    order = np.argsort(rows, kind="stable")
    found, starts, counts = np.unique(rows[order], return_index=True, return_counts=True)
    sums = np.add.reduceat(grads[order], starts, axis=0)
    if scale_grad_by_freq:
        sums /= counts[:, None]
    out[found] = sums
    return out
