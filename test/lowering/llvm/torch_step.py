"""Runs one operation in a family's kernels and in PyTorch."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from steps import Array, check_step
from xdsl.dialects.builtin import f32, f64, i1, i32, i64
from xdsl.ir import Attribute

from edgeir.dialects.schema_op import SchemaOp

DTYPES: dict[Attribute, torch.dtype] = {
    f32: torch.float32,
    f64: torch.float64,
    i1: torch.bool,
    i32: torch.int32,
    i64: torch.int64,
}


def _operator(kind: type[SchemaOp]) -> Any:
    namespace, _, name = kind.SCHEMA.key.partition("::")
    name, _, overload = name.partition(".")
    return getattr(getattr(getattr(torch.ops, namespace), name), overload or "default")


def torch_results(
    kind: type[SchemaOp], operands: Sequence[Array | None], values: dict[str, Any]
) -> list[Array]:
    """What PyTorch gives for an operation."""
    tensors = [None if a is None else torch.as_tensor(a.copy()) for a in operands]
    names = [a.name for a in kind.SCHEMA.arguments if a.is_tensor]
    arguments = {name: DTYPES[v] if isinstance(v, Attribute) else v for name, v in values.items()}
    result: Any = _operator(kind)(**dict(zip(names, tensors, strict=True)), **arguments)
    results = cast("tuple[Any, ...]", result if isinstance(result, tuple) else (result,))
    return [np.asarray(tensor) for tensor in results]


def check_against_torch(
    family: Any,
    kind: type[SchemaOp],
    operands: Sequence[Array | None],
    rtol: float = 2e-6,
    atol: float = 2e-6,
    target: Any = None,
    constants: Sequence[int] = (),
    **values: Any,
) -> None:
    """Compare both ways of running a step with PyTorch; `values` are the constant arguments."""
    results = torch_results(kind, operands, values)
    check_step(
        family,
        kind,
        operands,
        results,
        rtol=rtol,
        atol=atol,
        target=target,
        constants=constants,
        **values,
    )
