"""Samples of PyTorch's OpInfo database: operator calls that PyTorch tests itself with."""

import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch._dispatch.python import no_python_dispatcher

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_device_type import (
        precisionOverride,
        toleranceOverride,
    )
    from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import OpInfo, SampleInput
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

DTYPES = {
    "f32": torch.float32,
    "f64": torch.float64,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i64": torch.int64,
    "i32": torch.int32,
    "i16": torch.int16,
    "i8": torch.int8,
    "u8": torch.uint8,
    "bool": torch.bool,
    "c64": torch.complex64,
}
VARIANTS = ("function", "inplace", "noncontiguous")
"""The call itself, its in-place form on a copy, and the call on tensors with gaps in memory."""

_TOLERANCE_TESTS = ("TestCommon", "TestDecomp", "TestUnaryUfuncs", "TestBinaryUfuncs")
"""PyTorch's tests whose tolerances for an operator hold here: those that compare its results."""


@dataclass(frozen=True)
class Sample:
    """One call: `function(*tensors)` is what eager computes; the tensors are its only inputs."""

    op: str
    dtype: str
    variant: str
    index: int
    function: Callable[..., Any] = field(repr=False)
    tensors: tuple[torch.Tensor, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """How lists and reports call it."""
        return f"{self.op} {self.dtype} {self.variant} #{self.index}"


def operators() -> dict[str, OpInfo]:
    """The entries of the database by name, the variant appended: `div.floor_rounding`."""
    named = {}
    for op in op_db:
        name = f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name
        named[name] = op
    return named


def samples(name: str, op: OpInfo, dtype: str, variant: str, seed: int) -> Iterator[Sample]:
    """All samples of an operator, the same for the same seed."""
    torch_dtype = DTYPES[dtype]
    if torch_dtype not in op.dtypes or (variant == "inplace" and op.inplace_variant is None):
        return
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Not sample_inputs, which looks for the name of the running test at each call.
        inputs = list(op.sample_inputs_func(op, "cpu", torch_dtype, False))
    for index, sample in enumerate(inputs):
        if variant == "inplace" and sample.broadcasts_input:
            continue
        made = _sample(name, op, dtype, variant, index, sample)
        if made is not None:
            yield made


def _sample(
    name: str, op: OpInfo, dtype: str, variant: str, index: int, sample: SampleInput
) -> Sample | None:
    leaves = tree_leaves(((sample.input, *sample.args), sample.kwargs))
    if any(isinstance(x, torch.Tensor) and x.layout is not torch.strided for x in leaves):
        return None
    if variant == "noncontiguous":
        sample = sample.noncontiguous()
    call: Callable[..., Any] = op
    if variant == "inplace":
        call = _on_a_copy(op.inplace_variant)
    leaves, structure = tree_flatten(((sample.input, *sample.args), sample.kwargs))
    positions = [i for i, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]
    tensors = tuple(leaves[i] for i in positions)

    def function(*given: torch.Tensor) -> Any:
        filled = list(leaves)
        for position, tensor in zip(positions, given, strict=True):
            filled[position] = tensor
        args, kwargs = tree_unflatten(filled, structure)
        return call(*args, **kwargs)

    return Sample(name, dtype, variant, index, function, tensors)


def _on_a_copy(inplace: Callable[..., Any]) -> Callable[..., Any]:
    def call(first: Any, *args: Any, **kwargs: Any) -> Any:
        return inplace(first.clone(), *args, **kwargs)

    return call


def expected(sample: Sample) -> list[Any] | None:
    """The results of eager, tensors and numbers; None where eager refuses the sample itself."""
    try:
        # Tracing as torch.export does turns oneDNN off, which rounds otherwise than eager's own,
        # and puts decompositions in the place of some kernels.
        with torch.backends.mkldnn.flags(enabled=True), no_python_dispatcher():
            result = sample.function(*[tensor.clone() for tensor in sample.tensors])
    except Exception:
        return None
    leaves = tree_leaves(result)
    if any(isinstance(x, torch.Tensor) and x.layout is not torch.strided for x in leaves):
        return None
    return leaves


def tolerance(op: OpInfo, dtype: str) -> dict[str, float]:
    """The `rtol` and `atol` that PyTorch tests an operator with; empty where its defaults hold."""
    found: list[tuple[float, float]] = []
    for info in op.decorators:
        # Results of fewer bits are compared with those of f64; for these the precision is the one
        # that PyTorch tests eager to, which is off by 1e-7 in Bessel functions.
        if isinstance(info, precisionOverride) and dtype == "f64" and torch.float64 in info.d:
            found.append((0.0, info.d[torch.float64]))
        if getattr(info, "device_type", None) not in (None, "cpu"):
            continue
        if not str(getattr(info, "cls_name", "")).startswith(_TOLERANCE_TESTS):
            continue
        for decorator in info.decorators:
            if isinstance(decorator, toleranceOverride) and DTYPES[dtype] in decorator.d:
                found.append((decorator.d[DTYPES[dtype]].rtol, decorator.d[DTYPES[dtype]].atol))
    if not found:
        return {}
    return {"rtol": max(r for r, _ in found), "atol": max(a for _, a in found)}
