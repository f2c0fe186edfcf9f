"""The LLVM backend: edge regions to machine code, through the kernel dialect.

A region is planned (`plan.py`: steps with places in memory), lowered to kernels (`kernels.py`, with
one file for each family of kernels), emitted as LLVM IR (`emit/`), and compiled (`object_code.py`).
"""

from __future__ import annotations

from xdsl.ir import Operation

from ...dialects.delegate import RegionOp
from ..backends import BackendError, CompileOptions, Payload, Verdict

name = "llvm"
options = {
    "target-cpu": "the CPU, in LLVM's names: host, x86-64-v3, x86-64-v4, cortex-a76, apple-m1, …",
    "cache": "whether compiled objects are kept on disk: true or false",
}


def supports(op: Operation) -> Verdict:
    """Whether there are kernels for an operation, and if not, why."""
    from .support import supports

    return supports(op)


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
    cache = None if options.values.get("cache") == "false" else ObjectCache.of_user()
    return compile_kernel_program(program, target, options.weights, cache)
