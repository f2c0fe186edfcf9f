"""Makers of elementwise kernels: one numpy ufunc, or a chain of several over cache-sized blocks.

Both compute in `compute_dtype(out.dtype)` (f16 and bf16 in f32, rounded once), broadcast, accept
any strides and dtypes, and allow `out` to be the memory of an input.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..registry import KernelFunction, kernel
from .promotion import compute_dtype, operand
from .shapes import broadcast, fit

_READ: Any = ["readonly", "overlap_assume_elementwise"]
_WRITE: Any = ["writeonly", "overlap_assume_elementwise"]
BLOCK = 32768
"""Elements per block of a chain: input, output and scratch blocks stay in the L2 cache."""


def ufunc_kernel(
    name: str, ufunc: Any, integer: Any = None, constants: tuple[Any, ...] = ()
) -> None:
    """Register the kernel `name(*operands, out)` that is the one `ufunc`.

    Operands are tensors or numbers; the `constants` are more operands behind those of the schema.
    `integer` replaces the ufunc where `out` holds integers or bools.
    """

    def choose(out: Any) -> Any:
        return integer if integer is not None and out.dtype.kind in "iub" else ufunc

    @kernel(name)
    def call(*args: Any) -> Any:
        *values, out = args
        return run_ufunc(choose(out), [*values, *constants], out)

    @call.specialize
    def _(*args: Any) -> Callable[[], object] | None:
        *values, out = args
        return ufunc_thunk(choose(out), [*values, *constants], out)


def run_ufunc(ufunc: Any, values: list[Any], out: Any) -> Any:
    """The ufunc over tensors and numbers, in the dtype of `out`; the result, `out` if it fits."""
    dtype = compute_dtype(out.dtype)
    operands = [operand(value, dtype) for value in values]
    out = fit(out, broadcast(*operands))
    ufunc(*operands, out=out, dtype=dtype, casting="unsafe")
    return out


def ufunc_thunk(ufunc: Any, values: list[Any], out: Any) -> Callable[[], object] | None:
    """`run_ufunc` as a thunk over arguments that stay in place; None if `out` does not fit."""
    dtype = compute_dtype(out.dtype)
    operands = [operand(value, dtype) for value in values]
    if out.shape != broadcast(*operands):
        return None
    if any(o.dtype != dtype for o in (*operands, out)):
        return partial(ufunc, *operands, out=out, dtype=dtype, casting="unsafe")
    if ufunc in (np.maximum, np.minimum):  # numpy deprecates their out by position
        return partial(ufunc, *operands, out=out)
    return partial(ufunc, *operands, out)


def chain_kernel(
    name: str, inputs: int = 1, scratch: int = 0
) -> Callable[[KernelFunction], KernelFunction]:
    """Decorator: register the kernel `name(*operands, *parameters, out)` that chains ufuncs.

    The decorated function gets `inputs` operand blocks, the parameters as they are, the out block
    and `scratch` more blocks: 1-d arrays of one length and of the compute dtype (a number among the
    operands becomes 0-d). It fills the out block, which may be the memory of an operand: it must
    not write to it before the last read of the operands, nor ever write to an operand.
    """

    def register(chain: KernelFunction) -> KernelFunction:
        @kernel(name)
        def call(*args: Any) -> Any:
            *values, out = args
            return run_chain(chain, values[:inputs], values[inputs:], out, scratch)

        @call.specialize
        def _(*args: Any) -> Callable[[], object] | None:
            *values, out = args
            return chain_thunk(chain, values[:inputs], values[inputs:], out, scratch)

        return chain

    return register


def run_chain(
    chain: KernelFunction, values: list[Any], parameters: list[Any], out: Any, scratch: int
) -> Any:
    """Run a chain over arguments of any dtype, shape and strides; the result, `out` if it fits."""
    dtype = compute_dtype(out.dtype)
    operands = [operand(value, dtype) for value in values]
    out = fit(out, broadcast(*operands))
    if out.size == 0:
        return out
    arrays = [*operands, out]
    buffers = [np.empty(min(BLOCK, out.size), dtype) for _ in range(scratch)]
    blocks: Any = np.nditer(
        arrays,
        flags=["external_loop", "buffered", "copy_if_overlap"],
        op_flags=[_READ] * len(operands) + [_WRITE],
        op_dtypes=[dtype] * len(arrays),
        casting="unsafe",
        buffersize=BLOCK,
    )
    with blocks:
        for *sources, target in blocks:
            size = target.size
            chain(*sources, *parameters, target, *(buffer[:size] for buffer in buffers))
    return out


def chain_thunk(
    chain: KernelFunction, values: list[Any], parameters: list[Any], out: Any, scratch: int
) -> Callable[[], object] | None:
    """The chain over arguments that stay in place; None where they are not of one memory form."""
    dtype = compute_dtype(out.dtype)
    operands = [operand(value, dtype) for value in values]
    if broadcast(*operands) != out.shape or any(o.dtype != dtype for o in (*operands, out)):
        return None
    flat = flatten([*(o for o in operands if o.ndim), out] if out.ndim else [*operands, out])
    if flat is None or out.size == 0:
        return None
    if out.ndim:
        lines = iter(flat)
        flat = [next(lines) if o.ndim else o for o in (*operands, out)]
    size = out.size
    buffers = [np.empty(min(BLOCK, size), dtype) for _ in range(scratch)]
    calls: list[Callable[[], object]] = []
    for start in range(0, size, BLOCK):
        count = min(BLOCK, size - start)
        *sources, target = (a[start : start + count] if a.ndim else a for a in flat)
        calls.append(
            partial(chain, *sources, *parameters, target, *(buffer[:count] for buffer in buffers))
        )
    return calls[0] if len(calls) == 1 else partial(_run_all, tuple(calls))


def flatten(arrays: list[Any]) -> list[Any] | None:
    """1-d views of dense arrays of one shape and one memory order; None if they are not so."""
    shape, strides = arrays[0].shape, arrays[0].strides
    if any(a.shape != shape for a in arrays):
        return None
    if all(a.flags.c_contiguous for a in arrays):
        return [a.reshape(-1) for a in arrays]
    if any(a.strides != strides for a in arrays):
        return None
    order = sorted(range(len(shape)), key=lambda dim: -strides[dim])
    turned = [a.transpose(order) for a in arrays]
    if not all(a.flags.c_contiguous for a in turned):
        return None
    return [a.reshape(-1) for a in turned]


def _run_all(calls: tuple[Callable[[], object], ...]) -> None:
    for call in calls:
        call()
