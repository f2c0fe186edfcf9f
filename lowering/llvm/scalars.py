"""Scalar operations between the loops of a kernel."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, i64
from xdsl.ir import Operation, SSAValue

from .body import Body
from .kernel_builder import KernelBuilder


class Scalars(Body):
    """The operations of a `Body`, added where a kernel is being built.

    ```python
    s = Scalars(k)
    place = s.index(s.unary(math.FloorOp, x))
    ```
    """

    def __init__(self, k: KernelBuilder) -> None:
        super().__init__([])
        self._k = k

    def op(self, op: Operation) -> SSAValue:
        """Add an operation to the kernel."""
        return self._k.insert(op).results[0]

    def index(self, a: SSAValue) -> SSAValue:
        """A float as an index, truncated."""
        return self.op(arith.IndexCastOp(self.cast(a, i64), IndexType()))
