"""The method: declarations, `memory.begin`, instructions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DictionaryAttr,
    StringAttr,
    SymbolNameConstraint,
    UnitAttr,
    i64,
)
from xdsl.ir import Operation, Region
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.traits import IsolatedFromAbove, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from ..function import ranges_of
from ..layout import ExprAttr, ExprsAttr
from .instructions import BeginOp, EndOp
from .slots import SLOT_OPS, SlotOp


@irdl_op_definition
class MethodOp(IRDLOperation):
    """A method of the program.

    `arenas`: the byte size of each arena, entry 0 reserved and 0; absent before planning.
    `inputs`, `outputs`: the structures of the Python arguments and results, as the format's
    container metadata has them. `symbols`, `sizes`: the ranges of symbolic sizes, and the sizes of
    each input, `unit` where all is static; our runtime checks inputs against them. `devices`: the
    device of each arena, entry 0 reserved, "" for the CPU; absent where all are there.

    ```mlir
    memory.method @forward attributes {arenas = array<i64: 0, 48>, outputs = "…"} { … }
    ```
    """

    name = "memory.method"

    sym_name = prop_def(SymbolNameConstraint())
    arenas = opt_prop_def(DenseArrayBase.constr(i64))
    inputs = opt_prop_def(StringAttr)
    outputs = opt_prop_def(StringAttr)
    symbols = opt_prop_def(DictionaryAttr)
    sizes = opt_prop_def(ArrayAttr[ExprsAttr | ExprAttr | UnitAttr])
    devices = opt_prop_def(ArrayAttr[StringAttr])
    body = region_def()

    traits = traits_def(SymbolOpInterface(), IsolatedFromAbove())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$sym_name attr-dict-with-keyword $body"

    def __init__(
        self,
        name: str,
        body: Region,
        *,
        arenas: Sequence[int] | None = None,
        inputs: str | None = None,
        outputs: str | None = None,
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "arenas": None if arenas is None else DenseArrayBase.from_list(i64, arenas),
                "inputs": None if inputs is None else StringAttr(inputs),
                "outputs": None if outputs is None else StringAttr(outputs),
            },
            regions=[body],
        )

    @property
    def begin(self) -> BeginOp:
        """The operation between declarations and instructions."""
        return next(op for op in self.body.blocks[0].ops if isinstance(op, BeginOp))

    @property
    def slots(self) -> list[SlotOp]:
        """The slot declarations, in value-table order."""
        return [op for op in self.body.blocks[0].ops if isinstance(op, SLOT_OPS)]

    @property
    def instructions(self) -> Iterator[Operation]:
        """Everything that runs, terminators included, in program order."""
        for block in self.body.blocks:
            for op in block.ops:
                if not isinstance(op, (*SLOT_OPS, BeginOp)):
                    yield op

    def verify_(self) -> None:
        """Check that declarations, `memory.begin` and instructions stand in this order."""
        ranges_of(self.symbols)
        if not self.body.blocks:
            raise VerifyException("memory.method: empty; it needs memory.begin and memory.end")
        if self.arenas is not None and self.arenas.get_values()[:1] != (0,):
            raise VerifyException("memory.method: entry 0 of arenas is reserved and must be 0")
        begun = False
        for block in self.body.blocks:
            if block.args:
                raise VerifyException("memory.method: blocks take no arguments; use slots")
            for op in block.ops:
                declares = isinstance(op, SLOT_OPS)
                if isinstance(op, BeginOp):
                    if begun:
                        raise VerifyException("memory.method: a second memory.begin")
                    begun = True
                elif declares == begun:
                    raise VerifyException(
                        f"memory.method: {op.name} stands "
                        + ("after" if begun else "before")
                        + " memory.begin; declarations come first, then memory.begin, then "
                        "instructions"
                    )
            if not begun:
                raise VerifyException("memory.method: the entry block has no memory.begin")
            end = isinstance(block.last_op, EndOp)
            if end == (block.next_block is not None):
                raise VerifyException(
                    "memory.method: "
                    + ("memory.end stands before the last block" if end else "no memory.end last")
                )
        if self.sizes is not None and len(self.sizes) != len(self.begin.inputs):
            raise VerifyException(
                f"memory.method: sizes of {len(self.sizes)} inputs, it has {len(self.begin.inputs)}"
            )
