"""Average pooling with one window that is the whole image."""

from __future__ import annotations

from math import prod

from xdsl.dialects.builtin import f32

from ...dialects import kernel
from .body import identity
from .elementwise import epilogue
from .kernel_builder import KernelBuilder
from .program_builder import MOST_TASKS, ProgramBuilder
from .stencils import scaled, step_images
from .step import Step

_TASK = 65_536
"""Elements that a task combines at least: about 4 µs."""


def launch_global(step: Step, program: ProgramBuilder, spatial: int, factor: float) -> None:
    """Sum up the last `spatial` dims of the step's first operand and multiply by a number; tasks
    are images and parts of the channels. Any strides are fine."""
    fused = epilogue(step)
    read, written, extras = step_images(step, fused, spatial)
    images, channels = read.shape[:2]
    lanes = program.target.lanes()
    wanted = min(MOST_TASKS, prod(read.shape) // _TASK) // images
    vectors = channels // lanes if channels % lanes == 0 else 1
    parts = max(n for n in range(1, max(1, wanted) + 1) if vectors % n == 0)
    own = channels // parts
    arguments = [
        program.pointer(value) for value in (step.op.operands[0], *fused.extras, step.results[0])
    ]

    def build(k: KernelBuilder) -> None:
        image, part = k.split(k.task, (images, parts))
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

    key = (read, written, tuple(extras), factor, parts, fused.key)
    program.launch("global_pool", key, arguments, images * parts, build)
