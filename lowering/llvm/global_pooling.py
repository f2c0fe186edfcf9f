"""Average pooling with one window that is the whole image."""

from __future__ import annotations

from math import prod

from xdsl.dialects.builtin import f32

from ...dialects import kernel
from .body import identity
from .elementwise import epilogue
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .stencils import scaled, step_images
from .step import Step
from .tasks import parts

_RATE = 16_000
"""Elements that are combined in a microsecond."""


def launch_global(step: Step, program: ProgramBuilder, spatial: int, factor: float) -> None:
    """Sum up the last `spatial` dims of the step's first operand and multiply by a number; tasks
    are images and parts of the channels. Any strides are fine."""
    fused = epilogue(step)
    read, written, extras = step_images(step, fused, spatial)
    images, channels = read.shape[:2]
    lanes = program.target.lanes()
    vectors = channels // lanes if channels % lanes == 0 else 1
    groups = parts(vectors, prod(read.shape) / _RATE, even=True, copies=images)
    own = channels // groups
    arguments = [
        program.pointer(value) for value in (step.op.operands[0], *fused.extras, step.results[0])
    ]

    def build(k: KernelBuilder) -> None:
        image, part = k.split(k.task, (images, groups))
        tensors = [read, *extras, written]
        source, *others, target = (
            k.at(pointer, [(image, tensor.strides[0]), (part, own * tensor.strides[1])])
            for pointer, tensor in zip(k.arguments, tensors, strict=True)
        )
        k.insert(
            kernel.WindowOp(
                [source],
                others,
                target,
                (own,),
                read.shape[2:],
                [read.strides[1:]],
                [tensor.strides[1:2] for tensor in extras],
                written.strides[1:2],
                "add",
                identity(f32),
                scaled(fused, factor),
            )
        )

    key = (read, written, tuple(extras), factor, groups, fused.key)
    program.launch("global_pool", key, arguments, images * groups, build)
