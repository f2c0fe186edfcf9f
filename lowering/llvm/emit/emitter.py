"""Writes the LLVM IR text of one function: names, blocks, loops, vectors.

Vectors are explicit and the text goes to code generation without any pass over it, so what is
written here is what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

from xdsl.ir import Block, Operation, Region, SSAValue

from ....dialects.diagnostic import Diagnostic, DiagnosticsError
from ..target import Target
from .value import Value, element_of, intrinsic_suffix, literal, memory_element, vector_type

Op = TypeVar("Op", bound=Operation)
Handler: TypeAlias = Callable[["Emitter", Op], None]
Index: TypeAlias = "int | Value"

HANDLERS: dict[type[Operation], Handler[Operation]] = {}
"""What writes each operation of a kernel."""


def handles(kind: type[Op]) -> Callable[[Handler[Op]], Handler[Op]]:
    """Register the handler of an operation; it binds the operation's results."""

    def register(handler: Handler[Op]) -> Handler[Op]:
        HANDLERS[kind] = handler  # pyright: ignore[reportArgumentType]
        return handler

    return register


class Emitter:
    """The text of a function as it grows.

    ```python
    def body(i: Value, sums: list[Value]) -> list[Value]:
        x = e.load(e.gep(p, "float", i), "float", 16)
        return [e.fma(x, x, sums[0])]

    (total,) = e.loop(8, body, [e.zero("float", 16)])
    ```
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.lines: list[str] = []
        self.allocations: list[str] = []
        """Lines ahead of all others."""
        self.declarations: set[str] = set()
        """What the module must declare besides the function."""
        self._values: dict[SSAValue, Value] = {}
        self._count = 0
        self.has_masks = target.vector_bytes == 64
        """Whether masked loads and stores cost nothing; only AVX-512 is so wide."""
        self._fma = "llvm.fma" if target.has_fma else "llvm.fmuladd"

    # Text

    def name(self) -> str:
        """A fresh SSA name."""
        self._count += 1
        return f"%v{self._count}"

    def label(self) -> str:
        """A fresh block label."""
        self._count += 1
        return f"b{self._count}"

    def emit(self, text: str) -> None:
        """An instruction without result."""
        self.lines.append(f"  {text}")

    def begin(self, label: str) -> None:
        """Begin a block."""
        self.lines.append(f"{label}:")

    def op(self, text: str, element: str, lanes: int = 1) -> Value:
        """An instruction whose result has this type: `e.op("sext i32 %3 to i64", "i64")`."""
        name = self.name()
        self.lines.append(f"  {name} = {text}")
        return Value(name, element, lanes)

    # What IR values have become

    def bind(self, value: SSAValue, emitted: Value) -> None:
        """Say what a value of the kernel is in the text."""
        self._values[value] = emitted

    def get(self, value: SSAValue) -> Value:
        """What a value of the kernel is in the text."""
        return self._values[value]

    # Constants and vectors

    def constant(self, value: float, element: str = "float") -> Value:
        """A literal; as an operand it may stand for a vector."""
        return literal(value, element)

    def zero(self, element: str, lanes: int = 1) -> Value:
        """Zeros as a value of this very type (what a loop carries needs it)."""
        return Value("zeroinitializer", element, lanes) if lanes > 1 else literal(0, element)

    def splat(self, value: Value, lanes: int) -> Value:
        """A scalar in every lane; a vector stays as it is."""
        if value.lanes == lanes:
            return value
        assert value.lanes == 1, f"{value} has not {lanes} lanes"
        if value.is_literal:
            return Value(f"splat ({value.typed})", value.element, lanes)
        type = vector_type(value.element, lanes)
        first = self.op(f"insertelement {type} poison, {value.typed}, i32 0", value.element, lanes)
        return self.op(
            f"shufflevector {type} {first.text}, {type} poison, <{lanes} x i32> zeroinitializer",
            value.element,
            lanes,
        )

    def narrow(self, splat: Value, lanes: int) -> Value:
        """A value that is the same in all lanes, in more or fewer lanes."""
        if 1 < splat.lanes != lanes:
            splat = self.extract(splat, 0)
        return self.splat(splat, lanes)

    def extract(self, vector: Value, lane: int) -> Value:
        """One lane of a vector."""
        if vector.lanes == 1:
            return vector
        return self.op(f"extractelement {vector.typed}, i32 {lane}", vector.element)

    def insert(self, vector: Value, scalar: Value, lane: int) -> Value:
        """A vector with one lane replaced."""
        text = f"insertelement {vector.typed}, {scalar.typed}, i32 {lane}"
        return self.op(text, vector.element, vector.lanes)

    def shuffle(self, a: Value, b: Value | None, lanes: Sequence[int]) -> Value:
        """Lanes of `a`, then of `b`, picked by number."""
        second = f"{a.type} poison" if b is None else b.typed
        mask = ", ".join(f"i32 {lane}" for lane in lanes)
        text = f"shufflevector {a.typed}, {second}, <{len(lanes)} x i32> <{mask}>"
        return self.op(text, a.element, len(lanes))

    def same_lanes(self, *values: Value) -> list[Value]:
        """The values, scalars splatted to the lanes of the vectors among them."""
        lanes = max(value.lanes for value in values)
        return [self.splat(value, lanes) for value in values]

    # Arithmetic (on scalars or vectors; scalars among vectors are splatted)

    def binary(self, name: str, a: Value, b: Value) -> Value:
        """An instruction of two operands of one type: `fadd`, `mul`, `and`, `shl`, ….."""
        a, b = self.same_lanes(a, b)
        return self.op(f"{name} {a.typed}, {b.text}", a.element, a.lanes)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a * b + c, rounded once."""
        return self.intrinsic(self._fma, a, b, c)

    def compare(self, predicate: str, a: Value, b: Value) -> Value:
        """`fcmp` or `icmp` by the elements' type: `olt`, `uno`, `eq`, `slt`."""
        a, b = self.same_lanes(a, b)
        kind = "fcmp" if a.is_float else "icmp"
        return self.op(f"{kind} {predicate} {a.typed}, {b.text}", "i1", a.lanes)

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """a where the condition holds, else b."""
        condition, a, b = self.same_lanes(condition, a, b)
        return self.op(f"select {condition.typed}, {a.typed}, {b.typed}", a.element, a.lanes)

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger one; nan where either is nan."""
        return self._extreme("gt", a, b)

    def minimum(self, a: Value, b: Value) -> Value:
        """The smaller one; nan where either is nan."""
        return self._extreme("lt", a, b)

    def _extreme(self, order: str, a: Value, b: Value) -> Value:
        if not a.is_float:
            unsigned = a.element == "i1"
            return self.select(self.compare(f"{'u' if unsigned else 's'}{order}", a, b), a, b)
        if b.is_literal:
            a, b = b, a
        # One instruction, which gives b where either is nan. A literal a is none.
        result = self.select(self.compare(f"o{order}", a, b), a, b)
        if a.is_literal:
            return result
        return self.select(self.compare("uno", a, a), a, result)

    def negate(self, a: Value) -> Value:
        """-a, of floats or integers."""
        if a.is_float:
            return self.op(f"fneg {a.typed}", a.element, a.lanes)
        return self.binary("sub", literal(0, a.element), a)

    def invert(self, a: Value) -> Value:
        """All bits flipped; `not` of a bool."""
        ones = literal(1 if a.element == "i1" else -1, a.element)
        return self.binary("xor", a, ones)

    def convert(self, name: str, value: Value, element: str) -> Value:
        """A cast instruction: `sitofp`, `fptosi`, `zext`, `bitcast`, …"""
        type = vector_type(element, value.lanes)
        return self.op(f"{name} {value.typed} to {type}", element, value.lanes)

    def intrinsic(self, name: str, *operands: Value) -> Value:
        """An intrinsic that is overloaded on the one type of its operands and result."""
        operands = tuple(self.same_lanes(*operands))
        element, lanes = operands[0].element, operands[0].lanes
        return self.call(f"{name}.{intrinsic_suffix(element, lanes)}", element, lanes, *operands)

    def call(self, name: str, element: str, lanes: int, *operands: Value) -> Value:
        """Call a declared function with a result; literals must have the lanes that it takes."""
        text = self._call(name, vector_type(element, lanes), operands)
        return self.op(text, element, lanes)

    def call_void(self, name: str, *operands: Value) -> None:
        """Call a declared function without a result."""
        self.emit(self._call(name, "void", operands))

    def _call(self, name: str, result: str, operands: Sequence[Value]) -> str:
        types = ", ".join(operand.type for operand in operands)
        self.declarations.add(f"declare {result} @{name}({types})")
        return f"call {result} @{name}({', '.join(operand.typed for operand in operands)})"

    def reduce(self, combination: str, vector: Value) -> Value:
        """One scalar of a vector's lanes, by halves: `add`, `mul`, `max`, `min`."""
        while vector.lanes > 2:
            half = vector.lanes // 2
            assert vector.lanes == 2 * half, "vectors have powers of two of lanes"
            low = self.shuffle(vector, None, range(half))
            high = self.shuffle(vector, None, range(half, 2 * half))
            vector = self.combine(combination, low, high)
        if vector.lanes == 1:
            return vector
        return self.combine(combination, self.extract(vector, 0), self.extract(vector, 1))

    def combine(self, combination: str, a: Value, b: Value) -> Value:
        """a and b by a reduction's combination: `add`, `mul`, `max`, `min`."""
        match combination:
            case "max":
                return self.maximum(a, b)
            case "min":
                return self.minimum(a, b)
            case _:
                return self.binary(f"f{combination}" if a.is_float else combination, a, b)

    # Memory

    def gep(self, pointer: Value, element: str, index: Index) -> Value:
        """The address so many elements on."""
        if isinstance(index, int):
            if index == 0:
                return pointer
            index = literal(index, "i64")
        element = memory_element(element)
        return self.op(f"getelementptr {element}, ptr {pointer.text}, {index.typed}", "ptr")

    def load(
        self, pointer: Value, element: str, lanes: int = 1, mask: Value | None = None
    ) -> Value:
        """Elements side by side; a mask's lanes that are off are not read and give zero.
        Bools are bytes in memory and i1 here."""
        memory = memory_element(element)
        type, bytes = vector_type(memory, lanes), self._alignment(memory)
        if mask is None:
            value = self.op(f"load {type}, ptr {pointer.text}, align {bytes}", memory, lanes)
        else:
            name = f"llvm.masked.load.{intrinsic_suffix(memory, lanes)}.p0"
            value = self._masked(name, memory, lanes, pointer, bytes, mask)
        return self.compare("ne", value, literal(0, "i8")) if element == "i1" else value

    def _masked(
        self, name: str, element: str, lanes: int, pointer: Value, bytes: int, mask: Value
    ) -> Value:
        type = vector_type(element, lanes)
        self.declarations.add(f"declare {type} @{name}(ptr, {mask.type}, {type})")
        text = (
            f"call {type} @{name}(ptr align {bytes} {pointer.text}, {mask.typed},"
            f" {type} zeroinitializer)"
        )
        return self.op(text, element, lanes)

    def store(self, value: Value, pointer: Value, mask: Value | None = None) -> None:
        """Write elements side by side; lanes that are off in the mask are left as they are."""
        if value.element == "i1":
            value = self.convert("zext", value, "i8")
        bytes = self._alignment(value.element)
        if mask is None:
            self.emit(f"store {value.typed}, ptr {pointer.text}, align {bytes}")
            return
        name = f"llvm.masked.store.{intrinsic_suffix(value.element, value.lanes)}.p0"
        self.declarations.add(f"declare void @{name}({value.type}, ptr, {mask.type})")
        self.emit(
            f"call void @{name}({value.typed}, ptr align {bytes} {pointer.text}, {mask.typed})"
        )

    @staticmethod
    def _alignment(element: str) -> int:
        return Value("", element).bits // 8

    def allocate(self, element: str, count: int) -> Value:
        """Memory on the stack, one place for all rounds of the loops around."""
        name = self.name()
        self.allocations.append(f"  {name} = alloca {element}, i64 {count}, align 64")
        return Value(name, "ptr")

    def mask(self, count: int, lanes: int) -> Value:
        """A constant mask whose first lanes are on."""
        bits = ", ".join(f"i1 {int(lane < count)}" for lane in range(lanes))
        return Value(f"<{bits}>", "i1", lanes)

    def prefetch(self, pointer: Value, locality: int = 3, write: bool = False) -> None:
        """Fetch a line into the cache, for reading or to be written."""
        self.declarations.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        how = f"i32 {int(write)}, i32 {locality}, i32 1"
        self.emit(f"call void @llvm.prefetch.p0(ptr {pointer.text}, {how})")

    # Index arithmetic

    def multiply(self, index: Value, factor: int) -> Value:
        """An index times a number."""
        if index.is_literal:
            return literal(int(index.text) * factor, "i64")
        return index if factor == 1 else self.binary("mul nsw", index, literal(factor, "i64"))

    def add(self, a: Value, b: Index) -> Value:
        """The sum of two indices."""
        b = literal(b, "i64") if isinstance(b, int) else b
        if b.text == "0":
            return a
        if a.text == "0":
            return b
        return self.binary("add nsw", a, b)

    # Control flow

    def loop(
        self,
        limit: Index,
        body: Callable[[Value, list[Value]], Sequence[Value]],
        carried: Sequence[Value] = (),
        step: int = 1,
    ) -> list[Value]:
        """Indices from 0 below `limit`, `step` apart. `carried` values go into the body, what it
        returns goes into the next round; the last round's come out.

        A loop of one round is just its body. A run-time limit may be zero.
        """
        if isinstance(limit, int):
            if limit <= 0:
                return list(carried)
            if limit <= step:
                return list(body(literal(0, "i64"), list(carried)))
            limit = literal(limit, "i64")
        before, head, latch, after = (self.label() for _ in range(4))
        self.emit(f"br label %{before}")
        self.begin(before)
        if limit.is_literal:
            self.emit(f"br label %{head}")
        else:
            some = self.compare("sgt", limit, literal(0, "i64"))
            self.emit(f"br i1 {some.text}, label %{head}, label %{after}")
        self.begin(head)
        index = Value(self.name(), "i64")
        inner = [Value(self.name(), value.element, value.lanes) for value in carried]
        phis = len(self.lines)
        results = list(body(index, inner))
        assert [value.type for value in results] == [value.type for value in carried]
        self.emit(f"br label %{latch}")
        self.begin(latch)
        following = self.binary("add nuw nsw", index, literal(step, "i64"))
        more = self.compare("slt", following, limit)
        self.emit(f"br i1 {more.text}, label %{head}, label %{after}")
        self.lines[phis:phis] = [
            f"  {index.text} = phi i64 [0, %{before}], [{following.text}, %{latch}]",
            *(
                f"  {value.text} = phi {value.type}"
                f" [{first.text}, %{before}], [{last.text}, %{latch}]"
                for value, first, last in zip(inner, carried, results, strict=True)
            ),
        ]
        self.begin(after)
        if limit.is_literal:
            return results
        return [
            self.op(
                f"phi {last.type} [{first.text}, %{before}], [{last.text}, %{latch}]",
                last.element,
                last.lanes,
            )
            for first, last in zip(carried, results, strict=True)
        ]

    def when(self, condition: Value, body: Callable[[], None]) -> None:
        """Run the body if a scalar condition holds."""
        then, after = self.label(), self.label()
        self.emit(f"br i1 {condition.text}, label %{then}, label %{after}")
        self.begin(then)
        body()
        self.emit(f"br label %{after}")
        self.begin(after)

    # Regions

    def block(self, block: Block) -> None:
        """Write the operations of a block, without its terminator.

        Raises DiagnosticsError for one that there is no code for.
        """
        for op in block.ops:
            if op is not block.last_op:
                handler = HANDLERS.get(type(op))
                if handler is None:
                    raise DiagnosticsError(
                        [Diagnostic.at(op, "there is no code for it in kernels")]
                    )
                handler(self, op)

    def apply_body(self, region: Region, arguments: Sequence[Value], lanes: int) -> list[Value]:
        """Write a region of scalar operations for these arguments, and give what it yields.

        The arguments are vectors of `lanes` (or scalars, which stand for all lanes alike); what
        the region yields is splatted to `lanes`. Scalars from outside the region may be used in it.
        """
        block = region.block
        assert block.last_op is not None
        for argument, value in zip(block.args, arguments, strict=True):
            self.bind(argument, value)
        self.block(block)
        return [self.splat(self.get(value), lanes) for value in block.last_op.operands]

    @contextmanager
    def captures(self, region: Region, lanes: int) -> Generator[None]:
        """Ahead of a loop: inside, the scalars that a region uses from outside are vectors."""
        saved: dict[SSAValue, Value] = {}
        for op in region.block.ops:
            for operand in op.operands:
                if operand in self._values and operand.owner.parent_region() is not region:
                    saved.setdefault(operand, self._values[operand])
        for operand, value in saved.items():
            self._values[operand] = self.narrow(value, lanes)
        yield
        self._values |= saved

    def element(self, value: SSAValue) -> str:
        """LLVM's name of the type of a value of the kernel."""
        return element_of(value.type)
