"""The slots of one method and the calls on them, as the conversion to memory makes them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from xdsl.ir import Attribute, Block, Operation, SSAValue

from ..dialects import memory
from ..dialects.expr import Atom, Expr
from ..dialects.schema import Argument
from ..dialects.schema_values import COMPLEX_NUMBER, to_attribute
from ..runtime.dtypes import BY_NAME

_INT = Argument("", "int")
_SCALAR = Argument("", "Scalar")

_ARITHMETIC = {
    "floordiv": "executorch_prim::floordiv.Scalar",
    "mod": "executorch_prim::mod.Scalar",
    "min": "executorch_prim::sym_min.Scalar",
    "max": "executorch_prim::sym_max.Scalar",
}


class UnknownSymbolError(Exception):
    """A symbol that neither an input nor an operation before its use has given a value."""


class MethodSlots:
    """Declarations in value-table order, and calls in the order in which they run."""

    def __init__(self) -> None:
        self.declarations: list[Operation] = []
        self.blocks = [Block()]
        """The instructions; declarations are to stand before those of the first block."""
        self._literals: dict[Any, SSAValue] = {}
        self._sizes: dict[Expr, SSAValue] = {}
        self._size_lists: dict[str, SSAValue] = {}
        self._sources: dict[str, tuple[SSAValue, int, int, int]] = {}

    def declare(
        self, op: memory.SlotOp, source: Operation | None = None, hint: str | None = None
    ) -> SSAValue:
        """Add a declaration, with the location of what it is for."""
        if source is not None:
            op.location = source.location
        op.slot.name_hint = hint
        self.declarations.append(op)
        return op.slot

    def call(self, call: Operation, source: Operation | None = None) -> None:
        """Add an instruction, with the location of what it does."""
        if source is not None:
            call.location = source.location
        self.blocks[-1].add_op(call)

    def start(self, block: Block) -> None:
        """Go on in a new block, behind the others."""
        self.blocks.append(block)

    @contextmanager
    def scope(self) -> Generator[None]:
        """What runs inside may not have run afterwards, so sizes are to be computed again then."""
        sizes, lists, sources = self._sizes, self._size_lists, self._sources
        self._sizes, self._size_lists, self._sources = dict(sizes), dict(lists), dict(sources)
        try:
            yield
        finally:
            self._sizes, self._size_lists, self._sources = sizes, lists, sources

    def literal(self, argument: Argument, value: Any) -> SSAValue:
        """The slot of a constant, tagged by its schema type; equal constants share one."""
        kind = argument.base if argument.is_list and argument.base in ("float", "bool") else ""
        key = (kind, type(value).__name__, str(value))
        if isinstance(value, Expr):
            return self.size(value)
        if isinstance(value, list) and any(isinstance(i, Expr) for i in cast(list[Any], value)):
            if (text := str(cast(list[Any], value))) not in self._size_lists:
                self._size_lists[text] = self.declare(self._literal_op(argument, value))
            return self._size_lists[text]
        if key not in self._literals:
            self._literals[key] = self.declare(self._literal_op(argument, value))
        return self._literals[key]

    def _literal_op(self, argument: Argument, value: Any) -> memory.SlotOp:
        if value is None:
            return memory.NullOp()
        if isinstance(value, Attribute):
            return memory.ScalarOp(BY_NAME[str(value)].code)
        if isinstance(value, complex):
            # The format's numbers are real: kernels get a 0-d tensor.
            attribute = to_attribute(_SCALAR, value)
            assert attribute is not None
            return memory.ConstantOp(attribute, COMPLEX_NUMBER)
        if not argument.is_list:
            return memory.StringOp(value) if isinstance(value, str) else memory.ScalarOp(value)
        match argument.base:
            case "float":
                return memory.DoubleListOp(value)
            case "bool":
                return memory.BoolListOp(value)
            case _:
                return memory.IntListOp([self.literal(_INT, number) for number in value])

    def bind_sizes(self, slot: SSAValue, dims: Sequence[Expr]) -> None:
        """Let the sizes of an input give the symbols that they determine."""
        for index, dim in enumerate(dims):
            linear = dim.linear()
            if linear is not None and (linear[0] not in self._sources or linear[1:] == (1, 0)):
                symbol, factor, offset = linear
                self._sources[symbol] = (slot, index, factor, offset)

    def bind_size(self, symbol: str, slot: SSAValue, dim: int) -> None:
        """Let a size of a tensor be a symbol."""
        self._sources.setdefault(symbol, (slot, dim, 1, 0))

    def bind_number(self, symbol: str, slot: SSAValue) -> None:
        """Let a number be a symbol."""
        self._sizes[Expr.of(symbol)] = slot

    def bind_new_sizes(self, slot: SSAValue, dims: Sequence[Expr]) -> None:
        """Let the sizes of a result, once it is computed, give the symbols that no input has."""
        if any(dim.symbols() - self._sources.keys() for dim in dims):
            self.bind_sizes(slot, dims)

    def knows(self, expr: Expr) -> bool:
        """Whether all symbols of a size have values."""
        return all(s in self._sources or Expr.of(s) in self._sizes for s in expr.symbols())

    def size(self, expr: Expr) -> SSAValue:
        """The slot of a size, computed by the program where it is first needed."""
        if (constant := expr.constant) is not None:
            return self.literal(_INT, constant)
        if expr not in self._sizes:
            self._sizes[expr] = self._sum(expr)
        return self._sizes[expr]

    def _sum(self, expr: Expr) -> SSAValue:
        total: SSAValue | None = None
        for atoms, coefficient in expr.terms:
            term = self.literal(_INT, coefficient)
            for index, atom in enumerate(atoms):
                value = self._atom(atom)
                first = index == 0 and coefficient == 1
                term = value if first else self._compute("executorch_prim::mul.Scalar", term, value)
            total = (
                term if total is None else self._compute("executorch_prim::add.Scalar", total, term)
            )
        assert total is not None, "an expression without terms is a constant"
        return total

    def _atom(self, atom: Atom) -> SSAValue:
        expr = Expr((((atom,), 1),))
        if expr not in self._sizes:
            if isinstance(atom, str):
                self._sizes[expr] = self._symbol(atom)
            else:
                left, right = (self.size(argument) for argument in atom.arguments)
                self._sizes[expr] = self._compute(_ARITHMETIC[atom.function], left, right)
        return self._sizes[expr]

    def _symbol(self, symbol: str) -> SSAValue:
        """`(size - offset) // factor` of the input that determines a symbol."""
        if symbol not in self._sources:
            raise UnknownSymbolError(symbol)
        slot, index, factor, offset = self._sources[symbol]
        value = self._compute("aten::sym_size.int", slot, self.literal(_INT, index))
        if offset:
            shift = self.literal(_INT, offset)
            value = self._compute("executorch_prim::sub.Scalar", value, shift)
        if factor != 1:
            divisor = self.literal(_INT, factor)
            value = self._compute("executorch_prim::floordiv.Scalar", value, divisor)
        return value

    def _compute(self, operator: str, *operands: SSAValue) -> SSAValue:
        result = self.declare(memory.ScalarOp(0))
        self.call(memory.CallOp(operator, operands, returns=result))
        return result
