"""The values of the nodes of a graph, and the block that their operations are added to."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import (
    InputKind,
    InputSpec,
)
from torch.fx import Node
from xdsl.dialects.builtin import (
    TensorType,
    f32,
    f64,
    i64,
)
from xdsl.ir import Attribute, Block, BlockArgument, Operation, SSAValue

from ...dialects.aten.numbers import NumberOp
from ...dialects.edge.ops import LiteralOp, StateOp, SymbolOp, WeightOp
from ...dialects.layout import named_symbols
from ...dialects.schema import Argument
from ...dialects.schema_values import Value
from .buffers import MutableBuffers, stored_tensor
from .control_flow import truth_value
from .float_numbers import FloatNumbers
from .graph_nodes import is_float_arithmetic, is_symbol, is_unbacked
from .locations import node_location
from .problems import Problems
from .types import ELEMENT_TYPES, SymbolNames, UnsupportedValue
from .weight_keys import WeightKeys


class GraphValues:
    """Values by node. Weights and constants get their operation where they are first used."""

    def __init__(
        self,
        program: ExportedProgram,
        weights: WeightKeys,
        buffers: MutableBuffers,
        problems: Problems,
    ) -> None:
        self._program = program
        self._weights = weights
        self._buffers = buffers
        self.problems = problems
        self.symbols = SymbolNames()
        self.block = self._entry = Block()
        """Where operations are added; the function's own, or that of a region."""
        self.pending: dict[Node, InputSpec] = {}
        """The weights, buffers and constants among the graph's inputs."""
        self._values: dict[Node, SSAValue | list[SSAValue]] = {}
        self._types: dict[Any, Attribute] = {}
        self._definitions: dict[str, tuple[SSAValue, int | None]] = {}
        self._around: Node | None = None

    def __contains__(self, node: Node) -> bool:
        return node in self._values

    def __getitem__(self, node: Node) -> SSAValue | list[SSAValue]:
        return self._values[node]

    def __setitem__(self, node: Node, value: SSAValue | list[SSAValue]) -> None:
        self._values[node] = value

    @contextmanager
    def region(self, user: Node) -> Generator[Block]:
        """A block of its own for what is added meanwhile: a region of the operation of `user`."""
        outer = self.block, self._definitions, self._around
        self.block, self._definitions = Block(), {}
        self._around = self._around or user
        try:
            yield self.block
        finally:
            self.block, self._definitions, self._around = outer

    def type_of(self, node: Node, value: Any) -> Attribute:
        """The type of a value of a node; one that has none is a problem."""
        key = (value.dtype, tuple(map(str, value.shape))) if isinstance(value, torch.Tensor) else 0
        if key and key in self._types:
            return self._types[key]
        try:
            type = self.symbols.type_of(value)
        except UnsupportedValue as error:
            self.problems.add(
                str(node.target), node, f"produces {error}, which has no type here", ""
            )
            return TensorType(i64, [])
        if key:
            self._types[key] = type
        return type

    def argument_of(self, node: Node, type: Attribute) -> BlockArgument:
        """A new argument of the block, for a placeholder."""
        argument = self.block.insert_arg(type, len(self.block.args))
        argument.name_hint = hint_of(node.name)
        return argument

    def add(self, op: Operation, node: Node) -> None:
        """Add an operation with the location of a node."""
        op.location = node_location(node, self._around)
        self.block.add_op(op)

    def value(self, node: Node, user: Node) -> SSAValue:
        """The value of a tensor node; weights are read where they are first used."""
        if node not in self._values:
            spec = self.pending[node]
            name = cast(str, spec.target)
            tensor = self._stored(spec)
            type = cast(TensorType[Attribute], self.type_of(node, tensor))
            buffer = self._buffers.find(name, tensor)
            op = (
                WeightOp(self._weights.key(name, tensor), type)
                if buffer is None
                else StateOp(buffer, type)
            )
            op.result.name_hint = hint_of(name.replace(".", "_"))
            self.add(op, user)
            self._values[node] = op.result
        return cast(SSAValue, self._values[node])

    def _stored(self, spec: InputSpec) -> torch.Tensor:
        lifted = spec.kind is InputKind.CONSTANT_TENSOR
        return stored_tensor(self._program, cast(str, spec.target), lifted=lifted)

    def operand(self, value: Any, user: Node) -> SSAValue:
        """The value of what a branch, a loop or a yield takes: a tensor, a number, a condition."""
        meta = value.meta.get("val") if isinstance(value, Node) else value
        if isinstance(value, Node) and isinstance(meta, torch.Tensor):
            return self.value(value, user)
        if isinstance(value, Node) and value in self._values:
            return cast(SSAValue, self._values[value])
        if isinstance(meta, torch.SymBool):
            return truth_value(meta, self.symbols, lambda op: self.add(op, user))
        op = LiteralOp(self.symbols.expr(meta) if isinstance(meta, torch.SymInt) else meta)
        self.add(op, user)
        return op.result

    def note_symbols(self, node: Node, result: Any, values: Sequence[SSAValue]) -> None:
        """Remember which values give symbols that depend on data: numbers, and sizes."""
        metas = cast(list[Any], result) if isinstance(result, list | tuple) else [result]
        for value, meta in zip(values, metas, strict=True):
            if isinstance(meta, torch.SymInt | torch.SymFloat):
                if is_symbol(meta):
                    self._definitions.setdefault(str(self.symbols.expr(meta)), (value, None))
                continue
            for dim, size in enumerate(meta.shape if isinstance(meta, torch.Tensor) else ()):
                if isinstance(size, torch.SymInt) and is_symbol(size) and is_unbacked(size):
                    self._definitions.setdefault(str(self.symbols.expr(size)), (value, dim))

    def define_symbols(self) -> None:
        """Say where those symbols come from that attributes name, and the inputs that are such."""
        named = {
            s
            for op in self.block.walk()
            for value in op.properties.values()
            for s in named_symbols(value)
        }
        for symbol, (value, dim) in self._definitions.items():
            owner = value.owner
            if symbol not in named and (
                isinstance(owner, Operation) or self.block is not self._entry
            ):
                continue
            if isinstance(owner, Operation) and owner.parent is self.block:
                self.block.insert_op_after(SymbolOp(symbol, value, dim), owner)
            elif (first := self.block.first_op) is not None:
                self.block.insert_op_before(SymbolOp(symbol, value, dim), first)

    def argument(self, node: Node, argument: Argument, value: Any) -> Any:
        """What an operation takes for an argument of a node; UnsupportedValue for what it cannot.

        Raises KeyError for the result of a node that could not be imported.
        """
        if not argument.is_tensor:
            return self._constant(value)
        if argument.is_list:
            return [None if v is None else self._tensor(node, v) for v in value]
        return None if value is None else self._tensor(node, value)

    def _tensor(self, node: Node, value: Any) -> SSAValue:
        if isinstance(value, Node) and isinstance(value.meta.get("val"), torch.Tensor):
            return self.value(value, node)
        if isinstance(value, Node) and is_float_arithmetic(value.meta.get("val")):
            return self._float_tensor(node, value)
        number = NumberOp(self._constant(value))
        self.add(number, node)
        return number.result

    def _float_tensor(self, node: Node, number: Node) -> SSAValue:
        """The value of arithmetic on run-time numbers, for a user that takes a tensor."""
        result = node.meta["val"]
        double = isinstance(result, torch.Tensor) and result.dtype is torch.float64
        numbers = FloatNumbers(self.symbols, lambda op: self.add(op, node))
        return numbers.tensor(number.meta["val"].node.expr, f64 if double else f32)

    def _constant(self, value: Any) -> Value:
        if isinstance(value, Node):
            value = value.meta["val"]
        match value:
            case torch.SymInt() | torch.SymFloat():
                return self.symbols.expr(value)
            case torch.dtype() if value in ELEMENT_TYPES:
                return ELEMENT_TYPES[value]
            case list() | tuple():
                return [self._constant(item) for item in cast(list[Any], value)]
            case None | bool() | int() | float() | complex() | str():
                return value
            case _:
                raise UnsupportedValue(f"the {type(value).__name__} {value}")

    def constant_tensor(self, node: Node) -> torch.Tensor | None:
        """The tensor of an input that no run changes, None for all other nodes."""
        spec = self.pending.get(node)
        if spec is None:
            return None
        tensor = self._stored(spec)
        known = self._buffers.find(cast(str, spec.target), tensor) is None
        return tensor if known else None


def hint_of(name: str) -> str | None:
    """The name as one that a value can have, None where it is none."""
    return name if SSAValue.is_valid_name(name) else None
