"""Sums, means and maxima of bags of embeddings, semantics of `torch.ops.aten._embedding_bag`."""

from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .promotion import compute_dtype
from .shapes import fit

SUM, MEAN, MAX = range(3)


@kernel("aten::_embedding_bag.out")
def embedding_bag(
    weight: Any,
    indices: Any,
    offsets: Any,
    scale_grad_by_freq: bool,
    mode: int,
    sparse: bool,
    per_sample_weights: Any,
    include_last_offset: bool,
    padding_idx: int,
    out: Any,
    offset2bag: Any,
    bag_size: Any,
    max_indices: Any,
) -> Any:
    """Bag `i` has the rows of `weight` [rows, width] that `indices[offsets[i]:offsets[i+1]]` names.

    Rows `padding_idx` do not count, and an empty bag gives zeros. Besides the bags [bags, width],
    the outs are the bag of each index, the number of rows in each bag, and for maxima the row that
    each is from; as eager does, those that training does not need in a mode are empty or 0, and
    for means the number of rows stands in the last out too.
    """
    indices, offsets = indices.ravel(), offsets.ravel()
    if indices.size and not 0 <= indices.min() <= indices.max() < len(weight):
        raise ProgramError(f"an index is outside the table of {len(weight)} rows")
    starts = offsets[:-1] if include_last_offset else offsets
    ends = np.append(starts[1:], offsets[-1] if include_last_offset else len(indices))
    if offsets.size == 0 or starts[:1].any() or (ends < starts).any() or ends[-1] > len(indices):
        raise ProgramError("the offsets of the bags do not ascend from 0 to the number of indices")
    bags = np.repeat(np.arange(len(starts)), ends - starts)
    if offset2bag.size:
        offset2bag[: len(bags)] = bags
    kept = indices[: len(bags)] != padding_idx
    rows, row_bags = indices[: len(bags)][kept], bags[kept]
    values = weight[rows].astype(compute_dtype(weight.dtype), copy=False)
    if per_sample_weights is not None:
        values = values * per_sample_weights[: len(bags)][kept][:, None]
    found, first, counts = np.unique(row_bags, return_index=True, return_counts=True)

    out = fit(out, (len(starts), weight.shape[1]))
    out[...] = 0
    bag_size[...] = 0
    max_indices[...] = 0
    if mode != SUM:
        bag_size[found] = counts
    if mode == MEAN:
        max_indices[...] = bag_size
    if not len(found):
        return out, offset2bag, bag_size, max_indices
    if mode == MAX:
        largest = np.maximum.reduceat(values, first, axis=0)
        ranks = np.repeat(np.arange(len(found)), counts)
        places = np.where(values == largest[ranks], np.arange(len(rows))[:, None], len(rows) - 1)
        max_indices[found] = rows[np.minimum.reduceat(places, first, axis=0)]
        out[found] = largest
    else:
        total = np.add.reduceat(values, first, axis=0)
        out[found] = total / counts[:, None] if mode == MEAN else total
    return out, offset2bag, bag_size, max_indices


kernel("aten::_embedding_bag_forward_only.out")(embedding_bag.function)
