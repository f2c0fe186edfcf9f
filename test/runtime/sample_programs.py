"""Small hand-made programs for the tests of the program format.

pytest puts the folder of a test file on `sys.path`, so tests import this by its bare name.
"""

import numpy as np

from edgeir.runtime.program import ProgramFile, SegmentsBuilder
from edgeir.runtime.program.schema import (
    AllocationDetails,
    BackendDelegate,
    Bool,
    Chain,
    CompileSpec,
    ContainerMetadata,
    DelegateCall,
    DoubleList,
    ExecutionPlan,
    Int,
    IntList,
    JumpFalseCall,
    KernelCall,
    MoveCall,
    Null,
    Operator,
    OptionalTensorList,
    String,
    Tensor,
    TensorList,
)

F32 = 6


def f32(sizes: list[int], offset: int | None = None, index: int = 0) -> Tensor:
    """A contiguous f32 tensor, planned at `offset` of arena 1 if one is given."""
    place = None if offset is None else AllocationDetails.at(1, offset)
    return Tensor(F32, 0, sizes, list(range(len(sizes))), False, index, place)


def add_method() -> ExecutionPlan:
    """out = a + 1 * b for two planned f32[2] inputs."""
    return ExecutionPlan(
        "forward",
        values=[f32([2], 0), f32([2], 16), f32([2], 32), Int(1)],
        inputs=[0, 1],
        outputs=[2],
        chains=[Chain(instructions=[KernelCall(0, [0, 1, 3, 2, 2])])],
        operators=[Operator("aten::add", "out")],
        non_const_buffer_sizes=[0, 48],
    )


def add_program() -> ProgramFile:
    """The method `add_method` alone; a program without any constant."""
    return SegmentsBuilder().build([add_method()])


def constant_program() -> ProgramFile:
    """out = a + 1 * [10, 20]."""
    segments = SegmentsBuilder()
    method = add_method()
    index = segments.constants.add(np.array([10, 20], np.float32).tobytes())
    method.values[1] = f32([2], index=index)
    method.inputs = [0]
    return segments.build([method])


def counter_program() -> ProgramFile:
    """state += x; returns the state, which starts as [5, 7]."""
    segments = SegmentsBuilder()
    method = add_method()
    method.values[1] = f32([2], 16, segments.initial_data.add(np.float32([5, 7]).tobytes()))
    method.values.append(Bool(False))
    method.inputs = [0]
    method.operators.append(Operator("aten::copy_"))
    method.chains[0].instructions.append(KernelCall(1, [1, 2, 4, 1]))
    return segments.build([method])


def rich_program() -> ProgramFile:
    """Every kind of table at least once; sound, but with a delegate that nobody has."""
    segments = SegmentsBuilder()
    constant = segments.constants.add(bytes(range(24)))
    state = segments.initial_data.add(bytes(8))
    blob = segments.add_delegate(b"payload")
    segments.add_named("weights", b"named bytes")
    method = ExecutionPlan(
        "forward",
        ContainerMetadata("T2#1#0(T1#1($),D0())", "T1#1($)"),
        values=[
            f32([2, 3], 0),
            f32([2, 3], index=constant),
            f32([2], 24, index=state),
            f32([2, 3], 32),
            Int(1),
            Int(0),
            IntList([4, 5]),
            DoubleList([0.5, -0.0]),
            TensorList([0, 3]),
            Null(),
            OptionalTensorList([0, -1, 9]),
            Bool(True),
            String("größer"),
        ],
        inputs=[0],
        outputs=[3, 12],
        chains=[
            Chain(
                instructions=[
                    KernelCall(0, [0, 1, 4, 3, 3]),
                    JumpFalseCall(11, 4),
                    KernelCall(1, [1, 6, 3, 3]),
                    DelegateCall(0, [0, 3]),
                    MoveCall(4, 5),
                ]
            )
        ],
        operators=[Operator("aten::add", "out"), Operator("my::permute", "out")],
        delegates=[BackendDelegate("NoBackend", blob, [CompileSpec("level", b"\1\2")])],
        non_const_buffer_sizes=[0, 64],
    )
    return segments.build([method])
