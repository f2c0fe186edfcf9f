"""The LLVM backend: edge regions to machine code, through the kernel dialect.

A region is planned (`plan.py`: steps with places in memory), lowered to kernels (`kernels.py`, with
one file for each family of kernels), emitted as LLVM IR (`emit/`), and compiled (`object_code.py`).
"""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import (
    Float32Type,
    Float64Type,
    IntegerType,
    TensorType,
)
from xdsl.ir import Attribute, Operation

from ...dialects.delegate import RegionOp
from ...dialects.edge import CatOp
from ...dialects.edge.ops import ConstantOp, WeightOp
from ..backends import BackendError, CompileOptions, Payload, Verdict

name = "llvm"
options = {
    "target-cpu": "the CPU, in LLVM's names: host, x86-64-v3, x86-64-v4, cortex-a76, apple-m1, …",
    "cache": "whether compiled objects are kept on disk: true or false",
}


def supports(op: Operation) -> Verdict:
    """Whether there are kernels for an operation, and if not, why."""
    from .families import is_static, why_not
    from .views import is_view

    if isinstance(op, WeightOp | ConstantOp):
        return Verdict(True)
    types = [value.type for value in (*op.operands, *op.results)]
    if not all(isinstance(type, TensorType) for type in types):
        return Verdict(False, "it takes or gives a number that is known only at run time")
    if not is_static(op):
        return Verdict(False, "it has sizes that are known only at run time")
    tensors = [cast("TensorType[Attribute]", type) for type in types]
    if any(0 in tensor.get_shape() for tensor in tensors):
        return Verdict(False, "it has an empty tensor")
    for tensor in tensors:
        if not _has_element_kernels(tensor.element_type):
            return Verdict(False, f"there are no kernels for {tensor.element_type}")
    if is_view(op) or isinstance(op, CatOp):
        return Verdict(True)
    reason = why_not(op)
    return Verdict(reason is None, reason or "")


def _has_element_kernels(element: Attribute) -> bool:
    if isinstance(element, IntegerType):
        return element.bitwidth in (1, 8, 32, 64)
    return isinstance(element, Float32Type | Float64Type)


def compile(region: RegionOp, options: CompileOptions) -> Payload:
    """The machine code of a region, and the weights in the order in which it reads them."""
    from .kernels import lower_region, program_of
    from .object_cache import ObjectCache
    from .payload import compile_kernel_program
    from .plan import is_planned, plan_region
    from .targets import TargetError, target_for

    try:
        target = target_for(options.values.get("target-cpu", "host"))
    except TargetError as error:
        raise BackendError(str(error)) from error
    # A whole clone would be one more user of the region's operands.
    region = RegionOp.create(
        properties=dict(region.properties),
        attributes=dict(region.attributes),
        result_types=list(region.result_types),
        regions=[region.body.clone()],
    )
    if program_of(region) is None:
        if not is_planned(region):
            plan_region(region)
        lower_region(region, target, options.weights)
    program = program_of(region)
    assert program is not None
    cache = None if options.values.get("cache") == "false" else ObjectCache()
    return compile_kernel_program(program, target, options.weights, cache)
