"""From the edge dialect to value slots and kernel calls."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any, cast

from xdsl.context import Context
from xdsl.dialects.builtin import (
    DictionaryAttr,
    ModuleOp,
    NoneType,
    StringAttr,
    TensorType,
    f64,
    i1,
    i64,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from ..dialects import memory
from ..dialects.control_flow import ControlFlowOp
from ..dialects.delegate import CallOp as DelegateCallOp
from ..dialects.delegate import RegionOp
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from ..dialects.edge.ops import (
    ConstantOp,
    LiteralOp,
    StateOp,
    SymbolOp,
    ToLayoutOp,
    WeightOp,
)
from ..dialects.edge.predicates import CompareOp, LogicOp
from ..dialects.expr import Expr
from ..dialects.function import (
    INPUTS,
    OUTPUTS,
    SYMBOLS,
    VALUE,
    functions,
    input_names,
    mutations,
    output_names,
    symbol_ranges,
)
from ..dialects.layout import (
    LayoutAttr,
    dims_of,
    layout_of,
    order_of,
    tensor_type,
    upper_bounds,
)
from ..dialects.schema import Argument
from ..dialects.schema_op import SchemaOp, is_schema_op
from .memory_control_flow import ControlFlowConverter
from .method_slots import MethodSlots, UnknownSymbolError
from .size_entry import input_sizes
from .write_back import write_back

_ALIGNMENT = 16


class ConvertEdgeToMemoryPass(ModulePass):
    """Convert edge functions to methods of the memory dialect.

    Every value becomes a slot, every operator a call of its out variant. Views share the storage of
    what they view and need no instruction; so do slices that are one block of memory. A mutable
    buffer is a slot with an initial state; new values of buffers and of mutated inputs are copied
    into their slots at the end (`update-in-place` removes copies).

    Before:
    ```mlir
    func.func @forward(%x: tensor<2x4xf32>) -> tensor<8xf32> {
      %0 = edge.relu(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32>
      %1 = edge.view(%0, size = [8]) : (tensor<2x4xf32>) -> tensor<8xf32>
      func.return %1 : tensor<8xf32>
    }
    ```
    After:
    ```mlir
    memory.method @forward {
      %x = memory.planned : !memory.slot<tensor<2x4xf32>>
      %0 = memory.planned : !memory.slot<tensor<2x4xf32>>
      %1 = memory.view %0 : !memory.slot<tensor<8xf32>>
      memory.begin ins(%x) outs(%1)
      memory.call @"aten::relu.out"(%x) outs(%0)
      memory.end
    }
    ```
    """

    name = "convert-edge-to-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Convert every function of the module."""
        problems: list[Diagnostic] = []
        for function in list(functions(op)):
            converter = _MethodConverter(function)
            method = converter.convert()
            problems.extend(converter.problems)
            if not problems:
                Rewriter.replace_op(function, method, [])
        if problems:
            raise DiagnosticsError(problems)


class _MethodConverter:
    """Converts one function; `problems` holds what has no place in a program."""

    def __init__(self, function: FuncOp) -> None:
        self._function = function
        self._ranges = symbol_ranges(function)
        self._slots = MethodSlots()
        self._slot_of: dict[SSAValue, SSAValue] = {}
        self._names: dict[SSAValue, str] = {}
        self._buffers: dict[str, SSAValue] = {}
        self._reserved: dict[SSAValue, SSAValue] = {}
        self._control_flow = ControlFlowConverter(
            self._slots,
            self._slot_of,
            self._reserved,
            self._convert_known,
            self._new_slot,
            self._largest_sizes,
        )
        self.problems: list[Diagnostic] = []

    def convert(self) -> memory.MethodOp:
        """The method of the function."""
        function = self._function
        block = function.body.block
        self._name_outputs(block)
        inputs = [
            self._input(argument, name, index)
            for index, (argument, name) in enumerate(
                zip(block.args, input_names(function), strict=True)
            )
        ]
        outputs: list[SSAValue] = []
        for op in block.ops:
            if not isinstance(op, ReturnOp):
                self._convert_known(op)
            elif not self.problems:
                outputs = self._return(op, inputs)
        begin = memory.BeginOp(inputs, outputs)
        self._slots.call(memory.EndOp())
        first, *others = self._slots.blocks
        calls = [op.detach() or op for op in list(first.ops)]
        entry = Block([*self._slots.declarations, begin, *calls])
        method = memory.MethodOp(
            function.sym_name.data,
            Region([entry, *others]),
            inputs=_text(function.attributes.get(INPUTS)),
            outputs=_text(function.attributes.get(OUTPUTS)),
        )
        if (sizes := input_sizes(function)) is not None:
            method.symbols = cast(DictionaryAttr, function.attributes[SYMBOLS])
            method.sizes = sizes
        return method

    def _return(self, op: ReturnOp, inputs: Sequence[SSAValue]) -> list[SSAValue]:
        """The outputs, behind those inputs that have new values; these are written back."""
        marks = mutations(self._function)
        values = [self._slot_of[value] for value in op.arguments]
        targets: list[SSAValue] = []
        for mark, value in zip(marks, op.arguments, strict=False):
            if isinstance(mark, int) and not 0 <= mark < len(inputs):
                self._refuse(op, f"changes argument {mark}; there are {len(inputs)}", "")
                return []
            targets.append(self._buffer(mark, value) if isinstance(mark, str) else inputs[mark])
            held = memory.tensor_of(targets[-1])
            if held is None or held != memory.tensor_of(self._slot_of[value]):
                self._refuse(op, f"gives {mark!r}, a {held}, a new value of type {value.type}", "")
        outputs = write_back(self._slots, targets, values[: len(marks)], values[len(marks) :])
        return [inputs[mark] for mark in marks if isinstance(mark, int)] + outputs

    def _buffer(self, name: str, value: SSAValue) -> SSAValue:
        """The slot of a mutable buffer that has the type of a value."""
        if name not in self._buffers:
            type = cast(TensorType[Attribute], value.type)
            slot = memory.PlannedOp(type, name=name, initial=StringAttr(name))
            hint = name.replace(".", "_")
            hint = hint if SSAValue.is_valid_name(hint) else value.name_hint
            self._buffers[name] = self._slots.declare(slot, None, hint)
        return self._buffers[name]

    def _name_outputs(self, block: Block) -> None:
        last = block.last_op
        if isinstance(last, ReturnOp):
            for value, name in zip(last.arguments, output_names(self._function), strict=True):
                if name:
                    self._names.setdefault(value, name)

    def _new_slot(self, value: SSAValue, source: Operation, stacked: bool) -> SSAValue:
        if isinstance(value.type, TensorType):
            return self._tensor_slot(value, source, stacked)
        slot = self._slot_of[value] = self._scalar_slot(value.type, None)
        return slot

    def _largest_sizes(self, value: SSAValue, source: Operation) -> Sequence[int]:
        return self._bound(cast(TensorType[Attribute], value.type), source).get_shape()

    def _tensor_slot(
        self, value: SSAValue, source: Operation | None, stacked: bool = False
    ) -> SSAValue:
        """A planned slot for a tensor value, as large as its sizes can become.

        One that is `stacked` row by row has another size after each.
        """
        type = cast(TensorType[Attribute], value.type)
        bound = self._bound(type, source or self._function)
        dynamic = stacked or not type.has_static_shape()
        reserved = self._reserved.pop(value, None)
        if reserved is not None and _holds(reserved, bound, dynamic):
            self._slot_of[value] = reserved
            return reserved
        op = memory.PlannedOp(bound, name=self._names.get(value), dynamic=dynamic)
        slot = self._slots.declare(op, source, value.name_hint)
        self._slot_of[value] = slot
        return slot

    def _bound(self, type: TensorType[Attribute], op: Operation) -> TensorType[Attribute]:
        """The type with every size at its upper bound."""
        if type.has_static_shape():
            return type
        bounds = upper_bounds(type, self._ranges)
        if not all(isinstance(bound, int) for bound in bounds):
            self._refuse(
                op,
                f"has the type {type}, and a size without an upper bound",
                self._bound_advice(type),
            )
            bounds = [0 if isinstance(bound, float) else bound for bound in bounds]
        return tensor_type(type.element_type, cast(list[int], bounds), order_of(type))

    def _bound_advice(self, type: TensorType[Attribute]) -> str:
        """What to write in the model for a size without a bound."""
        of_inputs = {s for a in self._function.args for s in _size_symbols(a.type)}
        unbounded = {s for s in _size_symbols(type) if self._ranges.get(s, (0, inf))[1] == inf}
        if unbounded <= of_inputs:
            return 'give every dynamic dim one: Dim("name", max=…)'
        return "its data decides it: say in the model what it is at most, torch._check(size <= N)"

    def _input(self, argument: SSAValue, name: str, index: int) -> SSAValue:
        if name:
            self._names[argument] = name
        if isinstance(argument.type, TensorType):
            slot = self._tensor_slot(argument, None)
            self._slots.bind_sizes(slot, dims_of(cast(TensorType[Attribute], argument.type)))
            return slot
        attributes = self._function.arg_attrs
        value = None if attributes is None else attributes.data[index].data.get(VALUE)
        slot = self._scalar_slot(argument.type, value)
        self._slot_of[argument] = slot
        return slot

    def _scalar_slot(self, type: Attribute, value: Attribute | None) -> SSAValue:
        """A slot of its own for a number that goes in or out."""
        if isinstance(type, NoneType):
            return self._slots.declare(memory.NullOp(), None, None)
        if value is None:
            default: dict[Attribute, float | bool] = {i64: 0, f64: 0.0, i1: False}
            return self._slots.declare(memory.ScalarOp(default[type]), None, None)
        return self._slots.declare(memory.ScalarOp(cast(Any, value)), None, None)

    def _convert_known(self, op: Operation) -> None:
        try:
            self._convert(op)
        except UnknownSymbolError as error:
            self._refuse(op, f"takes the size {error}, which nothing gives", "add an edge.symbol")

    def _convert(self, op: Operation) -> None:
        match op:
            case WeightOp():
                self._constant(op, op.key.data, op.result)
            case ConstantOp():
                self._constant(op, op.value, op.result)
            case StateOp():
                self._slot_of[op.result] = self._buffer(op.buffer.data, op.result)
            case SymbolOp():
                self._bind_symbol(op)
            case LiteralOp():
                self._slot_of[op.result] = (
                    self._slots.size(op.number)
                    if isinstance(op.number, Expr)
                    else self._scalar_slot(op.result.type, op.value)
                )
            case ToLayoutOp():
                self._to_layout(op)
            case DelegateCallOp():
                self._delegate_call(op)
            case ControlFlowOp():
                if all(value in self._slot_of for value in op.operands):
                    self._control_flow.convert(op)
            case CompareOp():
                self._compare(op)
            case LogicOp():
                self._logic(op)
            case RegionOp():
                self._refuse(op, "is not compiled yet", "run lower-delegates first")
            case SchemaOp() if op.dialect_name() == "edge":
                if not self._alias(op):
                    self._kernel_call(op)
            case _:
                self._refuse(op, "has no place in a program", "run convert-aten-to-edge first")

    def _bind_symbol(self, op: SymbolOp) -> None:
        symbol, slot = op.symbol.data, self._slot_of[op.source]
        if op.dim is None:
            self._slots.bind_number(symbol, slot)
        else:
            self._slots.bind_size(symbol, slot, op.dim.value.data)

    def _constant(self, op: Operation, value: str | Attribute, result: SSAValue) -> None:
        slot = memory.ConstantOp(value, cast(TensorType[Attribute], result.type))
        self._slot_of[result] = self._slots.declare(slot, op, result.name_hint)

    def _alias(self, op: SchemaOp) -> bool:
        """Share the storage of the operand where the result is a block of it."""
        offset = alias_offset(op)
        if offset is None:
            return False
        source = self._slot_of[op.operands[0]]
        result = op.results[0]
        if offset and not _is_planned(source):
            return False
        view = memory.ViewOp(source, cast(TensorType[Attribute], result.type), offset=offset)
        self._slot_of[result] = self._slots.declare(view, op, result.name_hint)
        return True

    def _kernel_call(self, op: SchemaOp) -> None:
        if op.ENTRY.out is None:
            self._refuse(op, "has no out variant in the program format", "")
            return
        arguments = [
            self._tensor_argument(argument, value)
            if argument.is_tensor
            else self._slots.literal(argument, value)
            for argument, value in op.kernel_arguments()
        ]
        if not isinstance(op.results[0].type, TensorType):
            self._number_call(op, op.ENTRY.out, arguments)
            return
        slots = outs = [self._tensor_slot(result, op) for result in op.results]
        returns = None
        if any(result.is_list for result in op.SCHEMA.results):
            returns = self._slots.declare(memory.TensorListOp(outs), op, None)
            outs = [self._slots.declare(memory.TensorListOp(outs), op, None)]
        elif len(outs) > 1:
            returns = self._slots.declare(memory.TensorListOp(outs), op, None)
        self._slots.call(memory.CallOp(op.ENTRY.out, arguments, outs, returns), op)
        for result, slot in zip(op.results, slots, strict=True):
            self._slots.bind_new_sizes(slot, dims_of(cast(TensorType[Attribute], result.type)))

    def _delegate_call(self, op: DelegateCallOp) -> None:
        outs = [self._tensor_slot(result, op) for result in op.outputs]
        arguments = [self._slot_of[value] for value in op.inputs]
        specs = [(key, value.encode()) for key, value in op.option_values.items()]
        call = memory.DelegateCallOp(op.backend.data, op.payload.data, arguments, outs, specs)
        self._slots.call(call, op)
        for result, slot in zip(op.outputs, outs, strict=True):
            self._slots.bind_new_sizes(slot, dims_of(cast(TensorType[Attribute], result.type)))

    def _number_call(self, op: SchemaOp, name: str, arguments: Sequence[SSAValue]) -> None:
        """An operator that takes a number out of a tensor."""
        slot = self._scalar_slot(op.results[0].type, None)
        self._slot_of[op.results[0]] = slot
        self._slots.call(memory.CallOp(name, arguments, returns=slot), op)

    def _compare(self, op: CompareOp) -> None:
        name = op.predicate.data
        operands = [self._slots.literal(Argument("", "Scalar"), side) for side in op.sides]
        # The format has no `ne`.
        operator = f"executorch_prim::{'eq' if name == 'ne' else name}.Scalar"
        slot = self._scalar_call(operator, operands, op)
        if name == "ne":
            slot = self._scalar_call("executorch_prim::sym_not.Scalar", [slot], op)
        self._slot_of[op.result] = slot

    def _logic(self, op: LogicOp) -> None:
        inputs = [self._slot_of[value] for value in op.inputs]
        match op.operator.data:
            case "not":
                slot = self._scalar_call("executorch_prim::sym_not.Scalar", inputs, op)
            case operator:
                # `a and b` is `b if a else False`.
                known = self._slots.literal(Argument("", "bool"), operator == "or")
                choices = [inputs[1], known] if operator == "and" else [known, inputs[1]]
                name = "executorch_prim::sym_ite.Scalar"
                slot = self._scalar_call(name, [inputs[0], *choices], op)
        self._slot_of[op.result] = slot

    def _scalar_call(self, operator: str, operands: Sequence[SSAValue], op: Operation) -> SSAValue:
        """The slot of a truth value that an instruction computes."""
        slot = self._slots.declare(memory.ScalarOp(False), op)
        self._slots.call(memory.CallOp(operator, operands, returns=slot), op)
        return slot

    def _to_layout(self, op: ToLayoutOp) -> None:
        null = self._slots.literal(Argument("", "int"), None)
        false = self._slots.literal(Argument("", "bool"), False)
        layout = op.result.type.encoding
        order = layout.data.order if isinstance(layout, LayoutAttr) else None
        orders = null if order is None else self._slots.literal(_INTS, list(order))
        source = self._slot_of[op.input]
        out = self._tensor_slot(op.result, op)
        name = "dim_order_ops::_to_dim_order_copy.out"
        self._slots.call(memory.CallOp(name, [source, false, orders], [out]), op)

    def _tensor_argument(self, argument: Argument, value: Any) -> SSAValue:
        if value is None:
            return self._slots.literal(argument, None)
        if isinstance(value, SSAValue):
            return self._slot_of[value]
        items = [None if item is None else self._slot_of[item] for item in value]
        op: memory.SlotOp
        if argument.item_optional:
            op = memory.OptionalTensorListOp(items)
        else:
            op = memory.TensorListOp(cast(Sequence[SSAValue], items))
        return self._slots.declare(op, None, None)

    def _refuse(self, op: Operation, message: str, advice: str) -> None:
        self.problems.append(Diagnostic.at(op, message, advice))


_INTS = Argument("", "int", is_list=True)


def alias_offset(op: SchemaOp) -> int | None:
    """Where in its operand's memory the result lies, in bytes; None where it must be computed."""
    if not is_schema_op(op, "aten::view", "aten::slice.Tensor") or len(op.results) != 1:
        return None
    source = cast(TensorType[Attribute], op.operands[0].type)
    result = cast(TensorType[Attribute], op.results[0].type)
    if not source.has_static_shape() or not result.has_static_shape():
        # A tensor whose size changes needs a call that sets it.
        return None
    if layout_of(source).order is not None or layout_of(result).order is not None:
        return None
    if is_schema_op(op, "aten::view"):
        return 0
    if op.value_of("step") != 1:
        return None
    dim, start = cast(int, op.value_of("dim")), op.value_of("start")
    shape = source.get_shape()
    if any(size != 1 for size in shape[:dim]) or not isinstance(start, int):
        return None
    row = memory.tensor_bytes(result) // max(1, result.get_shape()[dim])
    return None if start * row % _ALIGNMENT else start * row


def _size_symbols(type: Attribute) -> set[str]:
    if not isinstance(type, TensorType):
        return set()
    dims = dims_of(cast(TensorType[Attribute], type))
    return {symbol for dim in dims for symbol in dim.symbols()}


def _holds(slot: SSAValue, type: TensorType[Attribute], dynamic: bool) -> bool:
    """Whether a planned slot is one for tensors of a type."""
    op = slot.owner
    planned = isinstance(op, memory.PlannedOp) and (op.dynamic is not None) == dynamic
    return planned and memory.tensor_of(slot) == type


def _is_planned(slot: SSAValue) -> bool:
    storage, _ = memory.storage_of(slot)
    return isinstance(storage.owner, memory.PlannedOp)


def _text(attribute: Attribute | None) -> str | None:
    return attribute.data if isinstance(attribute, StringAttr) else None
