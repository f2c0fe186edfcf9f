"""From the edge dialect to value slots and kernel calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from xdsl.context import Context
from xdsl.dialects.builtin import (
    DictionaryAttr,
    ModuleOp,
    StringAttr,
    TensorType,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import VerifyException

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
    functions,
    mutations,
)
from ..dialects.layout import (
    LayoutAttr,
    dims_of,
)
from ..dialects.schema import Argument
from ..dialects.schema_op import SchemaOp
from .alias_offset import alias_offset
from .memory_control_flow import ControlFlowConverter
from .method_slots import MethodSlots, UnknownSymbolError
from .size_entry import input_sizes
from .value_slots import ValueSlots
from .write_back import write_back


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
        self._slots = MethodSlots()
        self._values = ValueSlots(function, self._slots)
        self._control_flow = ControlFlowConverter(self._slots, self._values, self._convert_known)

    @property
    def problems(self) -> list[Diagnostic]:
        """What was found so far."""
        return self._values.problems

    def convert(self) -> memory.MethodOp:
        """The method of the function."""
        function = self._function
        inputs = self._values.inputs()
        outputs: list[SSAValue] = []
        for op in function.body.block.ops:
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
        values = [self._values[value] for value in op.arguments]
        targets: list[SSAValue] = []
        for mark, value in zip(marks, op.arguments, strict=False):
            if isinstance(mark, int) and not 0 <= mark < len(inputs):
                self._values.refuse(op, f"changes argument {mark}; there are {len(inputs)}")
                return []
            buffer = isinstance(mark, str)
            targets.append(self._values.buffer(mark, value) if buffer else inputs[mark])
            held = memory.tensor_of(targets[-1])
            if held is None or held != memory.tensor_of(self._values[value]):
                message = f"gives {mark!r}, a {held}, a new value of type {value.type}"
                self._values.refuse(op, message)
        outputs = write_back(self._slots, targets, values[: len(marks)], values[len(marks) :])
        return [inputs[mark] for mark in marks if isinstance(mark, int)] + outputs

    def _convert_known(self, op: Operation) -> None:
        """Convert an operation; its results have slots afterwards, whatever is wrong with it."""
        try:
            self._convert(op)
        except UnknownSymbolError as error:
            message = f"takes the size {error}, which nothing gives"
            self._values.refuse(op, message, "add an edge.symbol")
        except VerifyException as error:
            self._values.refuse(op, str(error))
        if self.problems:
            self._values.fill(op.results)

    def _convert(self, op: Operation) -> None:
        match op:
            case WeightOp():
                self._constant(op, op.key.data, op.result)
            case ConstantOp():
                self._constant(op, op.value, op.result)
            case StateOp():
                self._values[op.result] = self._values.buffer(op.buffer.data, op.result)
            case SymbolOp():
                self._bind_symbol(op)
            case LiteralOp():
                self._values[op.result] = (
                    self._slots.size(op.number)
                    if isinstance(op.number, Expr)
                    else self._values.number(op.result.type, op.value)
                )
            case ToLayoutOp():
                self._to_layout(op)
            case DelegateCallOp():
                self._delegate_call(op)
            case ControlFlowOp():
                self._control_flow.convert(op)
            case CompareOp():
                self._compare(op)
            case LogicOp():
                self._logic(op)
            case RegionOp():
                self._values.refuse(op, "is not compiled yet", "run lower-delegates first")
            case SchemaOp() if op.dialect_name() == "edge":
                if not self._alias(op):
                    self._kernel_call(op)
            case _:
                self._values.refuse(
                    op, "has no place in a program", "run convert-aten-to-edge first"
                )

    def _bind_symbol(self, op: SymbolOp) -> None:
        symbol, slot = op.symbol.data, self._values[op.source]
        if op.dim is None:
            self._slots.bind_number(symbol, slot)
        else:
            self._slots.bind_size(symbol, slot, op.dim.value.data)

    def _constant(self, op: Operation, value: str | Attribute, result: SSAValue) -> None:
        slot = memory.ConstantOp(value, cast(TensorType[Attribute], result.type))
        self._values[result] = self._slots.declare(slot, op, result.name_hint)

    def _alias(self, op: SchemaOp) -> bool:
        """Share the storage of the operand where the result is a block of it."""
        offset = alias_offset(op)
        if offset is None:
            return False
        source = self._values[op.operands[0]]
        result = op.results[0]
        if offset and not _is_planned(source):
            return False
        view = memory.ViewOp(source, cast(TensorType[Attribute], result.type), offset=offset)
        self._values[result] = self._slots.declare(view, op, result.name_hint)
        return True

    def _kernel_call(self, op: SchemaOp) -> None:
        if op.ENTRY.out is None:
            self._values.refuse(op, "has no out variant in the program format", "")
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
        slots = outs = [self._values.tensor(result, op) for result in op.results]
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
        outs = [self._values.tensor(result, op) for result in op.outputs]
        arguments = [self._values[value] for value in op.inputs]
        specs = [(key, value.encode()) for key, value in op.option_values.items()]
        call = memory.DelegateCallOp(op.backend.data, op.payload.data, arguments, outs, specs)
        self._slots.call(call, op)
        for result, slot in zip(op.outputs, outs, strict=True):
            self._slots.bind_new_sizes(slot, dims_of(cast(TensorType[Attribute], result.type)))

    def _number_call(self, op: SchemaOp, name: str, arguments: Sequence[SSAValue]) -> None:
        """An operator that takes a number out of a tensor."""
        slot = self._values.number(op.results[0].type, None)
        self._values[op.results[0]] = slot
        self._slots.call(memory.CallOp(name, arguments, returns=slot), op)

    def _compare(self, op: CompareOp) -> None:
        name = op.predicate.data
        operands = [self._slots.literal(Argument("", "Scalar"), side) for side in op.sides]
        # The format has no `ne`.
        operator = f"executorch_prim::{'eq' if name == 'ne' else name}.Scalar"
        slot = self._scalar_call(operator, operands, op)
        if name == "ne":
            slot = self._scalar_call("executorch_prim::sym_not.Scalar", [slot], op)
        self._values[op.result] = slot

    def _logic(self, op: LogicOp) -> None:
        inputs = [self._values[value] for value in op.inputs]
        match op.operator.data:
            case "not":
                slot = self._scalar_call("executorch_prim::sym_not.Scalar", inputs, op)
            case operator:
                # `a and b` is `b if a else False`.
                known = self._slots.literal(Argument("", "bool"), operator == "or")
                choices = [inputs[1], known] if operator == "and" else [known, inputs[1]]
                name = "executorch_prim::sym_ite.Scalar"
                slot = self._scalar_call(name, [inputs[0], *choices], op)
        self._values[op.result] = slot

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
        source = self._values[op.input]
        out = self._values.tensor(op.result, op)
        name = "dim_order_ops::_to_dim_order_copy.out"
        self._slots.call(memory.CallOp(name, [source, false, orders], [out]), op)

    def _tensor_argument(self, argument: Argument, value: Any) -> SSAValue:
        if value is None:
            return self._slots.literal(argument, None)
        if isinstance(value, SSAValue):
            return self._values[value]
        items = [None if item is None else self._values[item] for item in value]
        op: memory.SlotOp
        if argument.item_optional:
            op = memory.OptionalTensorListOp(items)
        else:
            op = memory.TensorListOp(cast(Sequence[SSAValue], items))
        return self._slots.declare(op, None, None)


_INTS = Argument("", "int", is_list=True)


def _is_planned(slot: SSAValue) -> bool:
    storage, _ = memory.storage_of(slot)
    return isinstance(storage.owner, memory.PlannedOp)


def _text(attribute: Attribute | None) -> str | None:
    return attribute.data if isinstance(attribute, StringAttr) else None
