"""Builds the body of one kernel: an insertion point that loops move."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue

from ...dialects import kernel

Op = TypeVar("Op", bound=Operation)


class KernelBuilder:
    """Builds a `kernel.func`; `arguments` are its pointers, `task` the index of the task.

    ```python
    with k.loop(56) as y:
        k.insert(kernel.TileOp(k.at(k.arguments[0], [(y, 448)]), …))
    ```
    """

    def __init__(self, name: str, pointers: Sequence[Attribute]) -> None:
        self.func = kernel.FuncOp(name, [*pointers, IndexType()])
        *arguments, task = self.func.body.block.args
        self.arguments: list[SSAValue] = list(arguments)
        self.task: SSAValue = task
        task.name_hint = "task"
        self._blocks: list[Block] = [self.func.body.block]

    def insert(self, op: Op) -> Op:
        """Add an operation at the end of the innermost loop."""
        self._blocks[-1].add_op(op)
        return op

    @contextmanager
    def loop(self, count: int, limit: SSAValue | None = None) -> Generator[SSAValue]:
        """A loop from 0 to a count, or to a run-time `limit`; gives its index."""
        op = self.insert(kernel.ForOp(count, limit))
        self._blocks.append(op.body.block)
        yield op.index
        self._blocks.pop().add_op(kernel.YieldOp())

    def at(
        self, pointer: SSAValue, terms: Sequence[tuple[SSAValue, int]] = (), offset: int = 0
    ) -> SSAValue:
        """A pointer moved by indices times strides, in elements."""
        terms = [(index, stride) for index, stride in terms if stride]
        if not terms and not offset:
            return pointer
        indices, strides = [index for index, _ in terms], [stride for _, stride in terms]
        return self.insert(kernel.AdvanceOp(pointer, indices, strides, offset)).result

    def index(self, terms: Sequence[tuple[SSAValue, int]], offset: int = 0) -> SSAValue:
        """A sum of indices times numbers."""
        total = self._number(offset) if offset or not terms else None
        for index, factor in terms:
            if factor != 1:
                index = self.insert(arith.MuliOp(index, self._number(factor))).result
            total = index if total is None else self.insert(arith.AddiOp(total, index)).result
        assert total is not None
        return total

    def _number(self, value: int) -> SSAValue:
        return self.insert(arith.ConstantOp(IntegerAttr(value, IndexType()))).result

    def split(self, position: SSAValue, sizes: Sequence[int]) -> list[SSAValue]:
        """The coordinates of a position, row-major."""
        return list(self.insert(kernel.DelinearizeOp(position, sizes)).coordinates)

    def chunk(self, task: SSAValue, size: int, total: int) -> SSAValue:
        """How many of `total` items fall to a task that takes `size` of them."""
        return self.insert(kernel.ChunkOp(task, size, total)).count

    def finish(self) -> kernel.FuncOp:
        """The complete function."""
        kernel.terminate(self.func)
        return self.func
