"""The program before bytes: value slots, and instructions that read and write them.

A `memory.method` holds one region. Its entry block first declares every slot of the value table, in
table order; `memory.begin` names the method's inputs and outputs and ends the declarations; after
it stand the instructions, in the order in which they run:

```mlir
memory.method @forward attributes {arenas = array<i64: 0, 32>} {
  %x = memory.planned "x" in 1 at 0 : !memory.slot<tensor<4xf32>>
  %w = memory.constant "fc.bias" : !memory.slot<tensor<4xf32>>
  %one = memory.scalar 1 : i64
  %y = memory.planned in 1 at 16 : !memory.slot<tensor<4xf32>>
  memory.begin ins(%x) outs(%y)
  memory.call @"aten::add.out"(%x, %w, %one) outs(%y)
  memory.end
}
```

A slot is a handle, not a value: two declarations that look alike are two slots, so none is `Pure`.
Every instruction counts as a write, so none is ever dead. Several blocks express jumps: a jump's
target starts a block, blocks stand in program order, and running on into the next one is written
`memory.jump ^next`. The meaning of slots and instructions is that of ExecuTorch's program format.
"""

from xdsl.ir import Dialect

from ..raw_type import RawType
from .instructions import (
    INSTRUCTION_OPS,
    BeginOp,
    CallOp,
    DelegateCallOp,
    EndOp,
    FreeOp,
    JumpFalseOp,
    JumpOp,
    MoveOp,
    NextChainOp,
)
from .method import MethodOp
from .named_data import NamedDataOp
from .slots import SLOT_OPS, SlotOp
from .tensor_slots import (
    ConstantOp,
    ExternalOp,
    PlannedOp,
    TensorSlotOp,
    UnplannedOp,
    ViewOp,
    storage_of,
)
from .types import (
    ListType,
    OptionalTensorsType,
    SlotType,
    StringType,
    TensorsType,
    tensor_bytes,
    tensor_of,
)
from .value_slots import (
    BoolListOp,
    DoubleListOp,
    IntListOp,
    NullOp,
    OptionalTensorListOp,
    ScalarOp,
    StringOp,
    TensorListOp,
)

__all__ = [
    "INSTRUCTION_OPS",
    "SLOT_OPS",
    "BeginOp",
    "BoolListOp",
    "CallOp",
    "ConstantOp",
    "DelegateCallOp",
    "DoubleListOp",
    "EndOp",
    "ExternalOp",
    "FreeOp",
    "IntListOp",
    "JumpFalseOp",
    "JumpOp",
    "ListType",
    "Memory",
    "MethodOp",
    "MoveOp",
    "NamedDataOp",
    "NextChainOp",
    "NullOp",
    "OptionalTensorListOp",
    "OptionalTensorsType",
    "PlannedOp",
    "RawType",
    "ScalarOp",
    "SlotOp",
    "SlotType",
    "StringOp",
    "StringType",
    "TensorListOp",
    "TensorSlotOp",
    "TensorsType",
    "UnplannedOp",
    "ViewOp",
    "storage_of",
    "tensor_bytes",
    "tensor_of",
]

Memory = Dialect(
    "memory",
    [MethodOp, NamedDataOp, *SLOT_OPS, BeginOp, *INSTRUCTION_OPS],
    [SlotType, ListType, RawType, StringType, TensorsType, OptionalTensorsType],
)
