"""Matrix products: mm, bmm, matmul, linear, and those with an addend; semantics of `torch.<name>`.

Narrow floats are multiplied in f32, with constants cast at load; BLAS reads transposed matrices as
they are. Matrices of integers are multiplied in their own dtype and wrap.
"""

from typing import Any

import numpy as np

from ..errors import ProgramError
from ..registry import kernel
from .promotion import compute_dtype
from .shapes import fit
from .steps import Steps, merged, planned_kernel


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape under broadcasting; ProgramError if there is none."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ProgramError(f"batches {', '.join(map(str, shapes))} do not broadcast") from None


def product_shape(left: Any, right: Any) -> tuple[int, ...]:
    """Shape of `torch.matmul(left, right)`; ProgramError if the shapes do not fit."""
    if not left.ndim or not right.ndim or left.shape[-1] != right.shape[max(right.ndim - 2, 0)]:
        raise ProgramError(
            f"shapes {list(left.shape)} and {list(right.shape)} cannot be multiplied"
        )
    batch = broadcast_shapes(left.shape[:-2], right.shape[:-2])
    return (*batch, *left.shape[-2:-1], *(right.shape[-1:] if right.ndim > 1 else ()))


def _multiply(left: Any, right: Any, target: Any, steps: Steps) -> None:
    """`target = left @ right`, all of one dtype that can be computed with."""
    if right.ndim == 2 and left.ndim > 2:
        # One product with all rows is faster than one for each matrix of the batch.
        rows = merged(left, (-1, left.shape[-1])) if left.size else None
        columns = merged(target, (-1, target.shape[-1])) if target.size else None
        if rows is not None and columns is not None:
            left, target = rows, columns
    if min(left.ndim, right.ndim) < 2 or not steps.product(left, right, target):
        steps.add(np.matmul, left, right, target)


def plan_product(
    left: Any, right: Any, out: Any, addend: Any = None, beta: Any = 1, alpha: Any = 1
) -> tuple[Steps, tuple[Any, ...]]:
    """Steps for `alpha * (left @ right) + beta * addend`, the addend None or broadcast."""
    steps = Steps()
    out = fit(out, product_shape(left, right))
    dtype = compute_dtype(out.dtype)
    target = out if out.dtype == dtype else np.empty(out.shape, dtype)
    _multiply(steps.operand(left), steps.operand(right), target, steps)
    if alpha != 1:
        steps.add(np.multiply, target, np.array(alpha, dtype), target)
    # beta = 0 leaves out even a nan.
    if addend is not None and beta != 0:
        addend = steps.operand(addend)
        if beta != 1:
            scaled = np.empty(addend.shape, dtype)
            steps.add(np.multiply, addend, np.array(beta, dtype), scaled)
            addend = scaled
        steps.add(np.add, target, addend, target)
    if target is not out:
        steps.copy(out, target)
    return steps, (out,)


def _with_addend(addend: Any, left: Any, right: Any, beta: Any, alpha: Any, out: Any) -> Any:
    return plan_product(left, right, out, addend, beta, alpha)


def _linear(x: Any, weight: Any, bias: Any, out: Any) -> Any:
    return plan_product(x, weight.T, out, bias)


@kernel("aten::addbmm.out")
def addbmm(self: Any, batch1: Any, batch2: Any, beta: Any, alpha: Any, out: Any) -> Any:
    """`beta * self + alpha * sum(bmm(batch1, batch2))`; narrow floats are rounded at each sum."""
    dtype = compute_dtype(out.dtype)
    left, right = (x.astype(dtype, copy=False) for x in (batch1, batch2))
    products = np.matmul(left, right)
    if alpha != 1:
        np.multiply(products, np.array(alpha, dtype), out=products)
    out = fit(out, products.shape[1:])
    if beta == 0:
        out.fill(0)
    else:
        total: Any = np.multiply(self, np.array(beta, dtype), dtype=dtype, casting="unsafe")
        if out.dtype != dtype and len(products):
            total, products = total + products[0], products[1:]
        np.copyto(out, total, casting="unsafe")
    if out.dtype == dtype:
        np.add(out, products.sum(axis=0, dtype=dtype), out=out)
        return out
    for product in products:
        np.add(out, product, out=out, dtype=dtype, casting="unsafe")
    return out


@kernel("aten::_trilinear.out")
def trilinear(
    i1: Any,
    i2: Any,
    i3: Any,
    expand1: Any,
    expand2: Any,
    expand3: Any,
    sumdim: Any,
    unroll_dim: int,
    out: Any,
) -> Any:
    """The sum over `sumdim` of the product of three tensors with dimensions of 1 put in.

    Narrow floats are rounded after the product of the first two, after that with the third, and at
    each term of a sum over `unroll_dim`.
    """
    dtype = compute_dtype(out.dtype)
    rank = i1.ndim + len(expand1)
    first, second, third = (
        (tensor.astype(dtype, copy=False), [dim for dim in range(rank) if dim not in expand])
        for tensor, expand in ((i1, expand1), (i2, expand2), (i3, expand3))
    )
    early = {dim for dim in sumdim if dim in expand3 and dim != unroll_dim}
    pair = [dim for dim in range(rank) if dim in {*first[1], *second[1]} - early]
    kept = [dim for dim in range(rank) if dim not in sumdim]
    left = np.einsum(*first, *second, pair, optimize=True).astype(out.dtype).astype(dtype)
    terms = [unroll_dim, *kept] if unroll_dim in sumdim else kept
    result: Any = np.einsum(left, pair, *third, terms, optimize=True)
    if terms != kept:
        rounded = result.astype(out.dtype)
        result = np.add.accumulate(rounded)[-1] if len(rounded) else rounded.sum(axis=0)
    out = fit(out, result.shape)
    np.copyto(out, result, casting="unsafe")
    return out


for _name in ("mm", "bmm", "matmul", "mv", "dot"):
    planned_kernel(f"aten::{_name}.out", plan_product)
for _name in ("addmm", "baddbmm", "addmv"):
    planned_kernel(f"aten::{_name}.out", _with_addend)
planned_kernel("aten::linear.out", _linear)
