"""The slots that the values of a function have in a program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import cast

from xdsl.dialects.builtin import (
    NoneType,
    StringAttr,
    TensorType,
    f64,
    i1,
    i64,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from ..dialects import memory
from ..dialects.diagnostic import Diagnostic
from ..dialects.edge.ops import literal_type
from ..dialects.function import VALUE, input_names, output_names, symbol_ranges
from ..dialects.layout import dims_of, order_of, tensor_type, upper_bounds
from ..dialects.schema_values import from_attribute
from .method_slots import MethodSlots

_ZEROS: dict[Attribute, float | bool] = {i64: 0, f64: 0.0, i1: False}
"""What a number starts as, by its type."""


class ValueSlots:
    """Makes the slot of each value; `problems` holds what can have none.

    `reserved` holds the slots that values are to have, if they get slots of their own.
    """

    def __init__(self, function: FuncOp, slots: MethodSlots) -> None:
        self._function = function
        self._slots = slots
        self._ranges = symbol_ranges(function)
        self._slot_of: dict[SSAValue, SSAValue] = {}
        self._names = _output_names(function)
        self._buffers: dict[str, SSAValue] = {}
        self.reserved: dict[SSAValue, SSAValue] = {}
        self.problems: list[Diagnostic] = []

    def __getitem__(self, value: SSAValue) -> SSAValue:
        return self._slot_of[value]

    def __setitem__(self, value: SSAValue, slot: SSAValue) -> None:
        self._slot_of[value] = slot

    def refuse(self, op: Operation, message: str, advice: str = "") -> None:
        """Note a problem with an operation."""
        self.problems.append(Diagnostic.at(op, message, advice))

    def fill(self, values: Iterable[SSAValue]) -> None:
        """Let values that have no slot, because of a problem, have an empty one.

        So what uses them can be converted, and has its own problems found.
        """
        for value in values:
            if value not in self._slot_of:
                self._slot_of[value] = self._slots.declare(memory.NullOp())

    def inputs(self) -> list[SSAValue]:
        """The slots of the function's arguments."""
        names = input_names(self._function)
        for index, (argument, name) in enumerate(zip(self._function.args, names, strict=True)):
            if name:
                self._names[argument] = name
            try:
                self._input(argument, index)
            except VerifyException as error:
                self.refuse(self._function, f"argument {index}: {error}")
        self.fill(self._function.args)
        return [self._slot_of[argument] for argument in self._function.args]

    def new(self, value: SSAValue, source: Operation, *, stacked: bool = False) -> SSAValue:
        """A slot for the value that an operation gives; see `tensor`."""
        if isinstance(value.type, TensorType):
            return self.tensor(value, source, stacked=stacked)
        slot = self._slot_of[value] = self.number(value.type)
        return slot

    def tensor(
        self, value: SSAValue, source: Operation | None, *, stacked: bool = False
    ) -> SSAValue:
        """A planned slot for a tensor value, as large as its sizes can become.

        One that is `stacked` row by row has another size after each.
        """
        type = cast(TensorType[Attribute], value.type)
        bound = self._bound(type, source or self._function)
        dynamic = stacked or not type.has_static_shape()
        reserved = self.reserved.pop(value, None)
        if reserved is not None and _holds(reserved, bound, dynamic):
            self._slot_of[value] = reserved
            return reserved
        op = memory.PlannedOp(bound, name=self._names.get(value), dynamic=dynamic)
        slot = self._slots.declare(op, source, value.name_hint)
        self._slot_of[value] = slot
        return slot

    def number(self, type: Attribute, value: Attribute | None = None) -> SSAValue:
        """A slot of its own for a number that goes in or out; VerifyException for another type."""
        if isinstance(type, NoneType):
            return self._slots.declare(memory.NullOp())
        if type not in _ZEROS:
            raise VerifyException(f"no program can have a value of type {type}")
        if value is None:
            return self._slots.declare(memory.ScalarOp(_ZEROS[type]))
        number = from_attribute(value)
        if not isinstance(number, int | float) or literal_type(number) != type:
            raise VerifyException(f"{value} is no value of type {type}")
        return self._slots.declare(memory.ScalarOp(number))

    def buffer(self, name: str, value: SSAValue) -> SSAValue:
        """The slot of a mutable buffer that has the type of a value."""
        if name not in self._buffers:
            type = cast(TensorType[Attribute], value.type)
            slot = memory.PlannedOp(type, name=name, initial=StringAttr(name))
            hint = name.replace(".", "_")
            hint = hint if SSAValue.is_valid_name(hint) else value.name_hint
            self._buffers[name] = self._slots.declare(slot, None, hint)
        return self._buffers[name]

    def largest_sizes(self, value: SSAValue, source: Operation) -> Sequence[int]:
        """What the sizes of a tensor can become."""
        return self._bound(cast(TensorType[Attribute], value.type), source).get_shape()

    def _input(self, argument: SSAValue, index: int) -> None:
        if isinstance(argument.type, TensorType):
            slot = self.tensor(argument, None)
            self._slots.bind_sizes(slot, dims_of(cast(TensorType[Attribute], argument.type)))
            return
        attributes = self._function.arg_attrs
        value = None if attributes is None else attributes.data[index].data.get(VALUE)
        self._slot_of[argument] = self.number(argument.type, value)

    def _bound(self, type: TensorType[Attribute], op: Operation) -> TensorType[Attribute]:
        """The type with every size at its upper bound."""
        if type.has_static_shape():
            return type
        bounds = upper_bounds(type, self._ranges)
        if not all(isinstance(bound, int) for bound in bounds):
            message = f"has the type {type}, and a size without an upper bound"
            self.refuse(op, message, self._bound_advice(type))
            bounds = [0 if isinstance(bound, float) else bound for bound in bounds]
        return tensor_type(type.element_type, cast(list[int], bounds), order_of(type))

    def _bound_advice(self, type: TensorType[Attribute]) -> str:
        """What to write in the model for a size without a bound."""
        of_inputs = {s for a in self._function.args for s in _size_symbols(a.type)}
        unbounded = {s for s in _size_symbols(type) if self._ranges.get(s, (0, inf))[1] == inf}
        if unbounded <= of_inputs:
            return 'give every dynamic dim one: Dim("name", max=…)'
        return "its data decides it: say in the model what it is at most, torch._check(size <= N)"


def _output_names(function: FuncOp) -> dict[SSAValue, str]:
    """The users' names of the values that a function returns."""
    names: dict[SSAValue, str] = {}
    last = function.body.block.last_op
    if isinstance(last, ReturnOp):
        for value, name in zip(last.arguments, output_names(function), strict=True):
            if name:
                names.setdefault(value, name)
    return names


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
