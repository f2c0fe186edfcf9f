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

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TypeAlias, cast

from xdsl.dialects.builtin import (
    I1,
    I64,
    ArrayAttr,
    BoolAttr,
    DenseArrayBase,
    Float64Type,
    FloatAttr,
    IntegerAttr,
    NoneType,
    StringAttr,
    SymbolNameConstraint,
    TensorType,
    UnitAttr,
    f64,
    i1,
    i64,
)
from xdsl.ir import (
    Attribute,
    Block,
    Dialect,
    Operation,
    ParametrizedAttribute,
    Region,
    SSAValue,
    TypeAttribute,
)
from xdsl.irdl import (
    AttrSizedOperandSegments,
    BaseAttr,
    EqAttrConstraint,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    successor_def,
    traits_def,
    var_operand_def,
)
from xdsl.irdl.declarative_assembly_format import (
    CustomDirective,
    OperandVariable,
    OptionalOperandVariable,
    ParsingState,
    PrintingState,
    TypeDirective,
    VariadicOperandVariable,
    irdl_custom_directive,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, IsTerminator, MemoryWriteEffect, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from .constant import element_bytes
from .layout import layout_of, order_of, verify_tensor_layout

# Types


@irdl_attr_definition
class StringType(ParametrizedAttribute, TypeAttribute):
    """A string: `!memory.string`."""

    name = "memory.string"


@irdl_attr_definition
class ListType(ParametrizedAttribute, TypeAttribute):
    """A list of numbers: `!memory.list<i64>`, `!memory.list<f64>` or `!memory.list<i1>`."""

    name = "memory.list"

    element: TypeAttribute

    def verify(self) -> None:
        """Refuse an element type for which the format has no list."""
        if self.element not in (i64, f64, i1):
            raise VerifyException(f"memory.list: no list of {self.element}; use i64, f64 or i1")


@irdl_attr_definition
class TensorsType(ParametrizedAttribute, TypeAttribute):
    """A list of tensors: `!memory.tensors`."""

    name = "memory.tensors"


@irdl_attr_definition
class OptionalTensorsType(ParametrizedAttribute, TypeAttribute):
    """A list of tensors and nones: `!memory.optional_tensors`."""

    name = "memory.optional_tensors"


@irdl_attr_definition
class SlotType(ParametrizedAttribute, TypeAttribute):
    """A handle of one slot of the value table: `!memory.slot<tensor<2x4xf32>>`.

    The content is a tensor whose sizes are upper bounds and whose dim order stands in its layout,
    `i64`, `f64`, `i1`, `none`, `!memory.string` or one of the list types.
    """

    name = "memory.slot"

    content: TypeAttribute

    def verify(self) -> None:
        """Refuse a content that the value table cannot hold."""
        content = self.content
        if isinstance(content, TensorType):
            type = cast(TensorType, content)
            if not type.has_static_shape() or layout_of(type).dims is not None:
                raise VerifyException(
                    f"memory.slot: {type} has sizes that are not known; a slot takes upper bounds"
                )
            verify_tensor_layout(type)
            element_bytes(type.element_type)
        elif content not in (i64, f64, i1) and not isinstance(
            content, NoneType | StringType | ListType | TensorsType | OptionalTensorsType
        ):
            raise VerifyException(f"memory.slot: the value table cannot hold {content}")


def tensor_of(slot: SSAValue) -> TensorType | None:
    """The tensor type that a slot holds, None for every other slot."""
    content = cast(SlotType, slot.type).content
    return cast(TensorType, content) if isinstance(content, TensorType) else None


def tensor_bytes(type: TensorType) -> int:
    """The bytes of a dense tensor of this type."""
    return prod(type.get_shape()) * element_bytes(type.element_type)


_SLOT = BaseAttr(SlotType)
_STATE = BaseAttr(IntegerAttr) | BaseAttr(FloatAttr)


# Syntax of operands: slots are declared before they are used, so their types are not written


def _parse_slot(parser: Parser) -> tuple[UnresolvedOperand, Attribute]:
    operand = parser.parse_unresolved_operand("expected a slot")
    values = parser.ssa_values.get(operand.operand_name, ())
    if operand.index >= len(values):
        parser.raise_error("slot used before its declaration", operand.span)
    return operand, values[operand.index].type


def _print_slots(printer: Printer, slots: Sequence[SSAValue]) -> None:
    printer.print_list(slots, printer.print_operand)


def _set_slots(
    operands: VariadicOperandVariable,
    types: TypeDirective,
    state: ParsingState,
    slots: Sequence[tuple[UnresolvedOperand, Attribute]],
) -> None:
    operands.set(state, [slot for slot, _ in slots])
    types.set(state, [type for _, type in slots])


@irdl_custom_directive
class Slot(CustomDirective):
    """One slot: `%a`."""

    operand: OperandVariable
    type: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse a slot and take its type from its declaration."""
        operand, type = _parse_slot(parser)
        self.operand.set(state, operand)
        self.type.set(state, (type,))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the slot."""
        state.print_whitespace(printer)
        printer.print_operand(self.operand.get(op))


@irdl_custom_directive
class Slots(CustomDirective):
    """Slots, possibly none: `(%a, %b)`."""

    operands: VariadicOperandVariable
    types: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse slots in parentheses."""
        slots = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, lambda: _parse_slot(parser)
        )
        _set_slots(self.operands, self.types, state, slots)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the slots in parentheses."""
        with printer.in_parens():
            _print_slots(printer, self.operands.get(op))
        state.should_emit_space = True
        state.last_was_punctuation = False


@irdl_custom_directive
class SlotItems(CustomDirective):
    """Slots of a list: `[%a, %b]`."""

    operands: VariadicOperandVariable
    types: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse slots in square brackets."""
        slots = parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: _parse_slot(parser)
        )
        _set_slots(self.operands, self.types, state, slots)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the slots in square brackets."""
        state.print_whitespace(printer)
        with printer.in_square_brackets():
            _print_slots(printer, self.operands.get(op))


@irdl_custom_directive
class Outs(CustomDirective):
    """The written slots, left out where there are none: `outs(%a, %b)`."""

    operands: VariadicOperandVariable
    types: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse `outs(…)` if it is there."""
        slots: Sequence[tuple[UnresolvedOperand, Attribute]] = ()
        if parser.parse_optional_keyword("outs"):
            slots = parser.parse_comma_separated_list(
                parser.Delimiter.PAREN, lambda: _parse_slot(parser)
            )
        _set_slots(self.operands, self.types, state, slots)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print `outs(…)` if there are any."""
        if not self.operands.get(op):
            return
        printer.print_string(" outs(")
        _print_slots(printer, self.operands.get(op))
        printer.print_string(")")


@irdl_custom_directive
class Returns(CustomDirective):
    """The slot of the result, left out where the call has one out: `returns(%list)`."""

    operand: OptionalOperandVariable
    type: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse `returns(…)` if it is there."""
        if not parser.parse_optional_keyword("returns"):
            self.operand.set(state, None)
            self.type.set(state, ())
            return
        with parser.in_parens():
            operand, type = _parse_slot(parser)
        self.operand.set(state, operand)
        self.type.set(state, (type,))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print `returns(…)` if there is one."""
        if (slot := self.operand.get(op)) is None:
            return
        printer.print_string(" returns(")
        printer.print_operand(slot)
        printer.print_string(")")


# The method


@irdl_op_definition
class MethodOp(IRDLOperation):
    """A method of the program.

    `arenas`: the byte size of each arena, entry 0 reserved and 0; absent before planning.
    `inputs`, `outputs`: the structures of the Python arguments and results, as the format's
    container metadata has them.

    ```mlir
    memory.method @forward attributes {arenas = array<i64: 0, 48>, outputs = "…"} { … }
    ```
    """

    name = "memory.method"

    sym_name = prop_def(SymbolNameConstraint())
    arenas = opt_prop_def(DenseArrayBase.constr(i64))
    inputs = opt_prop_def(StringAttr)
    outputs = opt_prop_def(StringAttr)
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


# Slot declarations


@irdl_op_definition
class PlannedOp(IRDLOperation):
    """A tensor in planned memory.

    `user_name`: the name that the program carries for it. `dynamic`: its sizes may change up to
    the type's. `arena` and `offset` (bytes) are absent before planning. `initial`: a mutable
    buffer, and the key or constant of the bytes that it starts with; it lives as long as the
    program.

    ```mlir
    %x = memory.planned "x" dynamic in 1 at 64 : !memory.slot<tensor<2x4xf32>>
    %k = memory.planned "cache" initial "cache" : !memory.slot<tensor<8x4xf32>>
    ```
    """

    name = "memory.planned"

    user_name = opt_prop_def(StringAttr)
    dynamic = opt_prop_def(UnitAttr)
    initial = opt_prop_def(Attribute)
    arena = opt_prop_def(IntegerAttr.constr(type=EqAttrConstraint(i64)))
    offset = opt_prop_def(IntegerAttr.constr(type=EqAttrConstraint(i64)))
    slot = result_def(_SLOT)

    assembly_format = (
        "($user_name^)? (`dynamic` $dynamic^)? (`initial` $initial^)? (`in` $arena^ `at` $offset)?"
        " attr-dict `:` type($slot)"
    )

    def __init__(
        self,
        type: TensorType,
        *,
        name: str | None = None,
        dynamic: bool = False,
        initial: Attribute | None = None,
        place: tuple[int, int] | None = None,
    ):
        """`place`: arena and byte offset."""
        super().__init__(
            properties={
                "user_name": None if name is None else StringAttr(name),
                "dynamic": UnitAttr() if dynamic else None,
                "initial": initial,
                "arena": None if place is None else IntegerAttr(place[0], i64),
                "offset": None if place is None else IntegerAttr(place[1], i64),
            },
            result_types=[SlotType(type)],
        )

    @property
    def place(self) -> tuple[int, int] | None:
        """Arena and byte offset, None before planning."""
        if self.arena is None or self.offset is None:
            return None
        return self.arena.value.data, self.offset.value.data

    def verify_(self) -> None:
        """Check that the slot is a tensor and its place is whole."""
        _verify_tensor(self)
        if (self.arena is None) != (self.offset is None):
            raise VerifyException("memory.planned: arena and offset come together")
        if (place := self.place) is not None and (place[0] < 1 or place[1] < 0):
            raise VerifyException(
                f"memory.planned: no arena {place[0]} at {place[1]}; arenas count from 1, bytes "
                "from 0"
            )


@irdl_op_definition
class UnplannedOp(IRDLOperation):
    """An input or output whose memory the caller supplies.

    ```mlir
    %x = memory.unplanned "x" dynamic : !memory.slot<tensor<2x4xf32>>
    ```
    """

    name = "memory.unplanned"

    user_name = opt_prop_def(StringAttr)
    dynamic = opt_prop_def(UnitAttr)
    slot = result_def(_SLOT)

    assembly_format = "($user_name^)? (`dynamic` $dynamic^)? attr-dict `:` type($slot)"

    def __init__(self, type: TensorType, *, name: str | None = None, dynamic: bool = False):
        super().__init__(
            properties={
                "user_name": None if name is None else StringAttr(name),
                "dynamic": UnitAttr() if dynamic else None,
            },
            result_types=[SlotType(type)],
        )

    def verify_(self) -> None:
        """Check that the slot is a tensor."""
        _verify_tensor(self)


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """A tensor of the program's constant segment.

    `value` is a key of the weights store or an `#edge.constant`. The slot may have another shape
    than the stored array, with as many bytes.

    ```mlir
    %w = memory.constant "fc.weight" : !memory.slot<tensor<2x4xf32>>
    %c = memory.constant #edge.constant<"0x0000803F" : tensor<f32>> : !memory.slot<tensor<f32>>
    ```
    """

    name = "memory.constant"

    value = prop_def(Attribute)
    slot = result_def(_SLOT)

    assembly_format = "$value attr-dict `:` type($slot)"

    def __init__(self, value: str | Attribute, type: TensorType):
        super().__init__(
            properties={"value": StringAttr(value) if isinstance(value, str) else value},
            result_types=[SlotType(type)],
        )

    def verify_(self) -> None:
        """Check that the slot is a tensor."""
        _verify_tensor(self)


@irdl_op_definition
class ViewOp(IRDLOperation):
    """A tensor in the storage of another one, `offset` bytes behind its start.

    The storage is planned, and the view gets its arena and offset; or it is a constant, and the
    view has the same bytes (the format addresses constants as a whole).

    ```mlir
    %v = memory.view %x : !memory.slot<tensor<8xf32>>
    %t = memory.view %x + 16 : !memory.slot<tensor<4xf32>>
    ```
    """

    name = "memory.view"

    source = operand_def(_SLOT)
    offset = opt_prop_def(IntegerAttr.constr(type=EqAttrConstraint(i64)))
    dynamic = opt_prop_def(UnitAttr)
    slot = result_def(_SLOT)

    assembly_format = (
        "custom<Slot>($source, type($source)) (`+` $offset^)? (`dynamic` $dynamic^)? attr-dict"
        " `:` type($slot)"
    )
    custom_directives = (Slot,)

    def __init__(
        self, source: SSAValue, type: TensorType, *, offset: int = 0, dynamic: bool = False
    ):
        super().__init__(
            operands=[source],
            properties={
                "offset": IntegerAttr(offset, i64) if offset else None,
                "dynamic": UnitAttr() if dynamic else None,
            },
            result_types=[SlotType(type)],
        )

    @property
    def byte_offset(self) -> int:
        """Bytes from the start of the source."""
        return 0 if self.offset is None else self.offset.value.data

    def verify_(self) -> None:
        """Check that the view lies inside its source."""
        type = _verify_tensor(self)
        if (source := tensor_of(self.source)) is None:
            raise VerifyException(f"memory.view: the source is a {self.source.type}, not a tensor")
        if isinstance(self.source.owner, UnplannedOp):
            raise VerifyException(
                "memory.view: the caller supplies the source's memory, so the format cannot name "
                "a second tensor in it; plan the source or copy it"
            )
        if self.byte_offset < 0 or self.byte_offset + tensor_bytes(type) > tensor_bytes(source):
            raise VerifyException(
                f"memory.view: {tensor_bytes(type)} bytes at {self.byte_offset} do not lie inside "
                f"the {tensor_bytes(source)} bytes of {source}"
            )
        constant = isinstance(storage_of(self.slot)[0].owner, ConstantOp)
        if constant and tensor_bytes(type) != tensor_bytes(source):
            raise VerifyException("memory.view: a view of a constant covers all of its bytes")


@irdl_op_definition
class ScalarOp(IRDLOperation):
    """A number or truth value; what a program starts with, where an instruction writes it.

    ```mlir
    %a = memory.scalar 1 : i64
    %b = memory.scalar 2.500000e+00 : f64
    %c = memory.scalar true
    ```
    """

    name = "memory.scalar"

    value = prop_def(_STATE)
    slot = result_def(_SLOT)

    def __init__(self, value: float | bool | IntegerAttr[I64 | I1] | FloatAttr[Float64Type]):
        attribute: IntegerAttr | FloatAttr
        match value:
            case bool():
                attribute = BoolAttr.from_bool(value)
            case int():
                attribute = IntegerAttr(value, i64)
            case float():
                attribute = FloatAttr(value, f64)
            case _:
                attribute = value
        super().__init__(properties={"value": attribute}, result_types=[SlotType(attribute.type)])

    @property
    def number(self) -> int | float | bool:
        """The value as a Python number, bool for `i1`."""
        value = cast("IntegerAttr[I64 | I1] | FloatAttr[Float64Type]", self.value)
        if isinstance(value, FloatAttr):
            return value.value.data
        return bool(value.value.data) if value.type == i1 else value.value.data

    @classmethod
    def parse(cls, parser: Parser) -> ScalarOp:
        """Parse the attribute; the slot has its type."""
        value = parser.parse_attribute()
        if not isinstance(value, IntegerAttr | FloatAttr):
            parser.raise_error("memory.scalar: expected a number, true or false")
        op = cls(cast("IntegerAttr[I64]", value))
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        """Print the attribute."""
        printer.print_string(" ")
        printer.print_attribute(self.value)
        printer.print_op_attributes(self.attributes)

    def verify_(self) -> None:
        """Check that the value has the slot's type."""
        if self.slot.type.content != self.value.type:
            raise VerifyException(
                f"memory.scalar: a value of {self.value.type} in a {self.slot.type}"
            )


@irdl_op_definition
class StringOp(IRDLOperation):
    """A string: `%s = memory.string "trunc"`."""

    name = "memory.string"

    value = prop_def(StringAttr)
    slot = result_def(EqAttrConstraint(SlotType(StringType())))

    assembly_format = "$value attr-dict"

    def __init__(self, value: str):
        super().__init__(
            properties={"value": StringAttr(value)}, result_types=[SlotType(StringType())]
        )


@irdl_op_definition
class NullOp(IRDLOperation):
    """An absent argument: `%n = memory.null`."""

    name = "memory.null"

    slot = result_def(EqAttrConstraint(SlotType(NoneType())))

    assembly_format = "attr-dict"

    def __init__(self):
        super().__init__(result_types=[SlotType(NoneType())])


@irdl_op_definition
class IntListOp(IRDLOperation):
    """A list of integer slots, read at each call: `%l = memory.int_list [%a, %b]`."""

    name = "memory.int_list"

    items = var_operand_def(EqAttrConstraint(SlotType(i64)))
    slot = result_def(EqAttrConstraint(SlotType(ListType(i64))))

    assembly_format = "custom<SlotItems>($items, type($items)) attr-dict"
    custom_directives = (SlotItems,)

    def __init__(self, items: Sequence[SSAValue]):
        super().__init__(operands=[items], result_types=[SlotType(ListType(i64))])


@irdl_op_definition
class DoubleListOp(IRDLOperation):
    """A list of floats: `%l = memory.double_list [5.000000e-01 : f64]`."""

    name = "memory.double_list"

    items = prop_def(ArrayAttr.constr(FloatAttr.constr(EqAttrConstraint(f64))))
    slot = result_def(EqAttrConstraint(SlotType(ListType(f64))))

    assembly_format = "$items attr-dict"

    def __init__(self, items: Sequence[float]):
        super().__init__(
            properties={"items": ArrayAttr([FloatAttr(x, f64) for x in items])},
            result_types=[SlotType(ListType(f64))],
        )


@irdl_op_definition
class BoolListOp(IRDLOperation):
    """A list of truth values: `%l = memory.bool_list [true, false]`."""

    name = "memory.bool_list"

    items = prop_def(ArrayAttr.constr(IntegerAttr.constr(type=EqAttrConstraint(i1))))
    slot = result_def(EqAttrConstraint(SlotType(ListType(i1))))

    assembly_format = "$items attr-dict"

    def __init__(self, items: Sequence[bool]):
        super().__init__(
            properties={"items": ArrayAttr([BoolAttr.from_bool(x) for x in items])},
            result_types=[SlotType(ListType(i1))],
        )


@irdl_op_definition
class TensorListOp(IRDLOperation):
    """A list of tensor slots: `%l = memory.tensor_list [%a, %b]`."""

    name = "memory.tensor_list"

    items = var_operand_def(_SLOT)
    slot = result_def(EqAttrConstraint(SlotType(TensorsType())))

    assembly_format = "custom<SlotItems>($items, type($items)) attr-dict"
    custom_directives = (SlotItems,)

    def __init__(self, items: Sequence[SSAValue]):
        super().__init__(operands=[items], result_types=[SlotType(TensorsType())])

    def verify_(self) -> None:
        """Check that the items are tensors."""
        _verify_items(self, self.items)


@irdl_op_definition
class OptionalTensorListOp(IRDLOperation):
    """A list of tensor slots and nones: `%l = memory.optional_tensor_list [%a, none]`.

    `present` says for each entry whether it is one of the operands.
    """

    name = "memory.optional_tensor_list"

    items = var_operand_def(_SLOT)
    present = prop_def(DenseArrayBase.constr(i1))
    slot = result_def(EqAttrConstraint(SlotType(OptionalTensorsType())))

    def __init__(self, items: Sequence[SSAValue | None]):
        super().__init__(
            operands=[[item for item in items if item is not None]],
            properties={
                "present": DenseArrayBase.from_list(i1, [int(item is not None) for item in items])
            },
            result_types=[SlotType(OptionalTensorsType())],
        )

    @property
    def entries(self) -> list[SSAValue | None]:
        """The list with its nones."""
        items = iter(self.items)
        return [next(items) if there else None for there in self.present.get_values()]

    @classmethod
    def parse(cls, parser: Parser) -> OptionalTensorListOp:
        """Parse `[%a, none]`."""

        def item() -> SSAValue | None:
            if parser.parse_optional_keyword("none"):
                return None
            operand, type = _parse_slot(parser)
            return parser.resolve_operand(operand, type)

        op = cls(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, item))
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        """Print `[%a, none]`."""

        def item(slot: SSAValue | None) -> None:
            printer.print_string("none") if slot is None else printer.print_operand(slot)

        printer.print_string(" ")
        with printer.in_square_brackets():
            printer.print_list(self.entries, item)
        printer.print_op_attributes(self.attributes)

    def verify_(self) -> None:
        """Check that the items are tensors and as many as are present."""
        _verify_items(self, self.items)
        if (present := sum(map(bool, self.present.get_values()))) != len(self.items):
            raise VerifyException(
                f"memory.optional_tensor_list: {len(self.items)} items, {present} of them present"
            )


@irdl_op_definition
class BeginOp(IRDLOperation):
    """Ends the declarations and names inputs and outputs, in order.

    ```mlir
    memory.begin ins(%x) outs(%y)
    ```
    """

    name = "memory.begin"

    inputs = var_operand_def(_SLOT)
    outputs = var_operand_def(_SLOT)

    traits = traits_def(MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = (
        "`ins` custom<Slots>($inputs, type($inputs)) `outs` custom<Slots>($outputs, type($outputs))"
        " attr-dict"
    )
    custom_directives = (Slots,)

    def __init__(self, inputs: Sequence[SSAValue], outputs: Sequence[SSAValue]):
        super().__init__(operands=[inputs, outputs])


# Instructions


@irdl_op_definition
class CallOp(IRDLOperation):
    """A kernel call.

    The instruction's arguments are the operands in schema order, the outs in schema order, and
    last the slot of the result: `returns`, or the out where it is the only one. So an out-variant
    with one out names only that; one with several outs, or with a list, returns a list slot; an
    operator without out arguments (`aten::sym_size.int`, `aten::copy_`) has only `returns`.

    ```mlir
    memory.call @"aten::add.out"(%a, %b, %alpha) outs(%o)
    memory.call @"aten::max.dim_max"(%a, %dim, %keep) outs(%v, %i) returns(%list)
    memory.call @"aten::sym_size.int"(%a, %dim) returns(%n)
    ```
    """

    name = "memory.call"

    operator = prop_def(SymbolNameConstraint())
    arguments = var_operand_def(_SLOT)
    outs = var_operand_def(_SLOT)
    returns = opt_operand_def(_SLOT)

    traits = traits_def(MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = (
        "$operator `` custom<Slots>($arguments, type($arguments)) custom<Outs>($outs, type($outs))"
        " custom<Returns>($returns, type($returns)) attr-dict"
    )
    custom_directives = (Slots, Outs, Returns)

    def __init__(
        self,
        operator: str,
        arguments: Sequence[SSAValue],
        outs: Sequence[SSAValue] = (),
        returns: SSAValue | None = None,
    ):
        super().__init__(
            operands=[arguments, outs, returns], properties={"operator": StringAttr(operator)}
        )

    @property
    def instruction_slots(self) -> list[SSAValue]:
        """The slots of the instruction, the result last."""
        slots = [*self.arguments, *self.outs]
        if self.returns is not None:
            return [*slots, self.returns]
        return [*slots, *self.outs] if len(self.outs) == 1 else slots

    def verify_(self) -> None:
        """Check that several outs come with a result slot."""
        if self.returns is not None:
            return
        list_out = any(isinstance(tensor_of(out), type(None)) for out in self.outs)
        if len(self.outs) > 1 or list_out:
            raise VerifyException(
                f"memory.call: {self.operator.data} has several outs or a list; add "
                "returns(%list) with a memory.tensor_list of them"
            )


@irdl_op_definition
class DelegateCallOp(IRDLOperation):
    """A call of a backend's payload, whose bytes are in the weights store.

    ```mlir
    memory.delegate_call "XnnpackBackend" "payload-key"(%a) outs(%o)
    ```
    """

    name = "memory.delegate_call"

    backend = prop_def(StringAttr)
    payload = prop_def(StringAttr)
    arguments = var_operand_def(_SLOT)
    outs = var_operand_def(_SLOT)

    traits = traits_def(MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = (
        "$backend $payload `` custom<Slots>($arguments, type($arguments))"
        " custom<Outs>($outs, type($outs)) attr-dict"
    )
    custom_directives = (Slots, Outs)

    def __init__(
        self,
        backend: str,
        payload: str,
        arguments: Sequence[SSAValue],
        outs: Sequence[SSAValue],
    ):
        super().__init__(
            operands=[arguments, outs],
            properties={"backend": StringAttr(backend), "payload": StringAttr(payload)},
        )


@irdl_op_definition
class MoveOp(IRDLOperation):
    """Rebinds a slot to what another one holds, sharing the tensor: `memory.move %from, %to`."""

    name = "memory.move"

    source = operand_def(_SLOT)
    target = operand_def(_SLOT)

    traits = traits_def(MemoryWriteEffect())
    assembly_format = (
        "custom<Slot>($source, type($source)) `,` custom<Slot>($target, type($target)) attr-dict"
    )
    custom_directives = (Slot,)

    def __init__(self, source: SSAValue, target: SSAValue):
        super().__init__(operands=[source, target])


@irdl_op_definition
class FreeOp(IRDLOperation):
    """Gives up the data of a tensor: `memory.free %x`."""

    name = "memory.free"

    target = operand_def(_SLOT)

    traits = traits_def(MemoryWriteEffect())
    assembly_format = "custom<Slot>($target, type($target)) attr-dict"
    custom_directives = (Slot,)

    def __init__(self, target: SSAValue):
        super().__init__(operands=[target])


@irdl_op_definition
class JumpOp(IRDLOperation):
    """Runs on into the next block: `memory.jump ^next`.

    The format has no unconditional jump: going elsewhere is `memory.jump_false` on a slot that
    holds false.
    """

    name = "memory.jump"

    next = successor_def()

    traits = traits_def(IsTerminator(), MemoryWriteEffect())
    assembly_format = "$next attr-dict"

    def __init__(self, next: Block):
        super().__init__(successors=[next])

    def verify_(self) -> None:
        """Check that the block is the next one."""
        _verify_falls_through(self, self.next)


@irdl_op_definition
class JumpFalseOp(IRDLOperation):
    """Jumps where the condition is false, else runs on into the next block.

    The condition is an `i1` slot, or a bool tensor, which counts as false where any element is.

    ```mlir
    memory.jump_false %c, ^target, ^next
    ```
    """

    name = "memory.jump_false"

    condition = operand_def(_SLOT)
    target = successor_def()
    next = successor_def()

    traits = traits_def(IsTerminator(), MemoryWriteEffect())
    assembly_format = "custom<Slot>($condition, type($condition)) `,` $target `,` $next attr-dict"
    custom_directives = (Slot,)

    def __init__(self, condition: SSAValue, target: Block, next: Block):
        super().__init__(operands=[condition], successors=[target, next])

    def verify_(self) -> None:
        """Check the condition's type and that the second block is the next one."""
        tensor = tensor_of(self.condition)
        type = cast(SlotType, self.condition.type).content if tensor is None else None
        if (tensor.element_type if tensor is not None else type) != i1:
            raise VerifyException(
                f"memory.jump_false: the condition is a {self.condition.type}, not i1 or a tensor "
                "of i1"
            )
        _verify_falls_through(self, self.next)


@irdl_op_definition
class EndOp(IRDLOperation):
    """Ends the method: `memory.end`."""

    name = "memory.end"

    traits = traits_def(IsTerminator(), MemoryWriteEffect())
    assembly_format = "attr-dict"

    def __init__(self):
        super().__init__()


def storage_of(slot: SSAValue) -> tuple[SSAValue, int]:
    """The slot that owns the memory of a tensor slot, and the byte offset in it."""
    offset = 0
    while isinstance(slot.owner, ViewOp):
        offset += slot.owner.byte_offset
        slot = slot.owner.source
    return slot, offset


def dim_order(slot: SSAValue) -> tuple[int, ...]:
    """The dim order of a tensor slot, outermost first."""
    type = tensor_of(slot)
    assert type is not None
    return order_of(type)


def _verify_tensor(op: SlotOp) -> TensorType:
    if (type := tensor_of(op.slot)) is None:
        raise VerifyException(f"{op.name}: the slot holds {op.slot.type}, not a tensor")
    return type


def _verify_items(op: Operation, items: Sequence[SSAValue]) -> None:
    for item in items:
        if tensor_of(item) is None:
            raise VerifyException(f"{op.name}: an item is a {item.type}, not a tensor")


def _verify_falls_through(op: Operation, next: Block) -> None:
    block = op.parent_block()
    if block is not None and block.next_block is not next:
        raise VerifyException(
            f"{op.name}: a method runs on into the block that comes next; jump elsewhere with "
            "memory.jump_false on a slot that holds false"
        )


SlotOp: TypeAlias = (
    PlannedOp
    | UnplannedOp
    | ConstantOp
    | ViewOp
    | ScalarOp
    | StringOp
    | NullOp
    | IntListOp
    | DoubleListOp
    | BoolListOp
    | TensorListOp
    | OptionalTensorListOp
)
"""The operations that declare a slot; each has one result, `slot`."""

SLOT_OPS: tuple[type[SlotOp], ...] = (
    PlannedOp,
    UnplannedOp,
    ConstantOp,
    ViewOp,
    ScalarOp,
    StringOp,
    NullOp,
    IntListOp,
    DoubleListOp,
    BoolListOp,
    TensorListOp,
    OptionalTensorListOp,
)

INSTRUCTION_OPS: tuple[type[IRDLOperation], ...] = (
    CallOp,
    DelegateCallOp,
    MoveOp,
    FreeOp,
    JumpOp,
    JumpFalseOp,
    EndOp,
)
"""The operations that run."""

Memory = Dialect(
    "memory",
    [MethodOp, *SLOT_OPS, BeginOp, *INSTRUCTION_OPS],
    [SlotType, ListType, StringType, TensorsType, OptionalTensorsType],
)
