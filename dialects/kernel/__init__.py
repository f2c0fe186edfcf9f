"""The kernel dialect: what the LLVM backend makes of a region, before it becomes LLVM IR.

Planning groups the region's operations into `kernel.step`s with places in memory. A
`kernel.program` holds kernels (`kernel.func`), the places of data and the launches of one run.
A kernel is loops (`kernel.for`) around few large operations: the matrix product of a tile, a map, a
window. Pointers count elements, sizes and strides are numbers in the text, and an operation says
what is computed, not with how wide vectors: that is the emitter's choice for its target.
"""

from xdsl.ir import Dialect

from .addressing import AdvanceOp, ChunkOp, DelinearizeOp, LoadOp, RequireOp, StoreOp
from .code import CodeOp
from .map import MapOp, WindowOp
from .program import ArenaOp, ArgumentOp, LaunchOp, ProgramOp, ScratchOp, StatusOp, WeightOp
from .softmax import SoftmaxOp
from .sort import SortOp
from .stencil import StencilOp
from .step import CopyOp, PlaceAttr, Placement, StepOp
from .structure import ForOp, FuncOp, YieldOp, terminate
from .tile import TileOp
from .types import PointerType
from .winograd import WinogradInputOp, WinogradOutputOp

__all__ = [
    "AdvanceOp",
    "ArenaOp",
    "ArgumentOp",
    "ChunkOp",
    "CodeOp",
    "CopyOp",
    "DelinearizeOp",
    "ForOp",
    "FuncOp",
    "Kernel",
    "LaunchOp",
    "LoadOp",
    "MapOp",
    "PlaceAttr",
    "Placement",
    "PointerType",
    "ProgramOp",
    "RequireOp",
    "ScratchOp",
    "SoftmaxOp",
    "SortOp",
    "StatusOp",
    "StencilOp",
    "StepOp",
    "StoreOp",
    "TileOp",
    "WeightOp",
    "WindowOp",
    "WinogradInputOp",
    "WinogradOutputOp",
    "YieldOp",
    "terminate",
]

Kernel = Dialect(
    "kernel",
    [
        StepOp,
        CopyOp,
        ProgramOp,
        FuncOp,
        ForOp,
        YieldOp,
        ArgumentOp,
        ArenaOp,
        ScratchOp,
        StatusOp,
        WeightOp,
        LaunchOp,
        CodeOp,
        AdvanceOp,
        ChunkOp,
        DelinearizeOp,
        LoadOp,
        RequireOp,
        StoreOp,
        MapOp,
        WindowOp,
        StencilOp,
        SoftmaxOp,
        SortOp,
        TileOp,
        WinogradInputOp,
        WinogradOutputOp,
    ],
    [PointerType, PlaceAttr],
)
