"""Runs one operation with the kernel of the runtime, as PyTorch would run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from ...dialects.aten.promotion import compute_type
from ...dialects.diagnostic import Diagnostic, DiagnosticsError
from ...dialects.expr import Expr
from ...dialects.layout import dims_of
from ...dialects.schema import NOT_PROMOTED, Argument
from ...dialects.schema_op import SchemaOp
from ...runtime.errors import ProgramError
from ...runtime.registry import Kernel, find_kernel
from .arrays import Array, empty_array, fits, numpy_dtype, scalar_type


def evaluate_operation(
    op: SchemaOp, values: Mapping[SSAValue, Any], sizes: Mapping[str, int]
) -> list[Any]:
    """The results of an operation; `values` holds its operands, `sizes` the symbols.

    Implicit promotion of the aten dialect is done here, by casting operands. Raises
    DiagnosticsError where the operator has no kernel or its kernel refuses.
    """
    kernel = _kernel_of(op)
    dtype = compute_type(op)
    cast_to = None if dtype is None else numpy_dtype(dtype)
    arguments: list[Any] = []
    for argument, value in op.kernel_arguments():
        if argument.is_tensor:
            arguments.append(_operands(argument, value, values, cast_to))
        else:
            arguments.append(_constant(value, sizes))
    gives_number = not all(isinstance(type, TensorType) for type in op.result_types)
    types = [] if gives_number else [cast(TensorType[Attribute], type) for type in op.result_types]
    outs = [_out(type, sizes) for type in types]
    as_list = any(result.is_list for result in op.SCHEMA.results)
    try:
        with np.errstate(all="ignore"):
            if gives_number:
                # It is taken out of a tensor.
                return [kernel(*arguments)]
            returned = kernel(*arguments, *([outs] if as_list else outs))
            if returned is None:
                return outs
            results = cast(
                Sequence[Any], returned if isinstance(returned, list | tuple) else [returned]
            )
            arrays = [
                np.asarray(value, out.dtype) for value, out in zip(results, outs, strict=False)
            ]
    except Exception as error:
        # Kernels may be the user's: whatever they do is a message.
        what = str(error) if isinstance(error, ProgramError) else f"{type(error).__name__}: {error}"
        raise DiagnosticsError([Diagnostic.at(op, f"cannot be run: {what}")]) from error
    known = dict(sizes)
    if len(results) != len(outs) or not all(map(fits, types, arrays, repeat(known))):
        shapes = ", ".join(str(list(np.shape(result))) for result in results)
        problem = f"its kernel gives the shapes {shapes}, want {', '.join(map(str, types))}"
        raise DiagnosticsError([Diagnostic.at(op, problem)])
    return arrays


def _out(type: TensorType[Attribute], sizes: Mapping[str, int]) -> Array:
    """A new array for a result; a size that its values will decide is 0."""
    unknown = {symbol for dim in dims_of(type) for symbol in dim.symbols()} - sizes.keys()
    return empty_array(type, {**sizes, **dict.fromkeys(unknown, 0)})


def has_kernel(op: SchemaOp) -> bool:
    """Whether the runtime has a kernel for an operation."""
    return op.ENTRY.out is not None and find_kernel(op.ENTRY.out) is not None


def _kernel_of(op: SchemaOp) -> Kernel:
    name = op.ENTRY.out or op.SCHEMA.key
    kernel = find_kernel(name)
    if kernel is None:
        diagnostic = Diagnostic.at(
            op, f"the interpreter has no kernel {name}", "register one with @kernel and --load"
        )
        raise DiagnosticsError([diagnostic])
    return kernel


def _operands(
    argument: Argument, value: Any, values: Mapping[SSAValue, Any], dtype: np.dtype[Any] | None
) -> Any:
    if argument.name in NOT_PROMOTED:
        dtype = None

    def one(item: SSAValue | None) -> Array | None:
        if item is None:
            return None
        array = np.asarray(values[item])
        return array if dtype is None else array.astype(dtype, copy=False)

    if isinstance(value, Sequence):
        return [one(item) for item in cast(Sequence[SSAValue | None], value)]
    return one(value)


def _constant(value: Any, sizes: Mapping[str, int]) -> Any:
    match value:
        case Expr():
            return value.evaluate(sizes)
        case list():
            return [_constant(item, sizes) for item in cast(list[Any], value)]
        case Attribute():
            return scalar_type(value).code
        case _:
            return value
