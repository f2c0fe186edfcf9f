"""One step of a planned region: an operation, what is fused behind it, and where its data lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeAlias, cast

from numpy.typing import NDArray
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from ...dialects.schema_op import SchemaOp

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """How a tensor lies in memory: element type, sizes, and for each dim the stride in elements.

    Strides may be 0 (broadcast), negative (flipped) or leave gaps (slices, halos).
    """

    element: Attribute
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether it is dense and in row-major order; dims of size 1 do not matter."""
        return all(
            size == 1 or stride == dense
            for size, stride, dense in zip(
                self.shape, self.strides, dense_strides(self.shape), strict=True
            )
        )

    def broadcast(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The strides with which it is read as a tensor of a larger shape, by PyTorch's rules."""
        new = len(shape) - len(self.shape)
        assert new >= 0
        own = [
            0 if size == 1 else stride
            for size, stride in zip(self.shape, self.strides, strict=True)
        ]
        return (0,) * new + tuple(own)


def dense_strides(shape: Sequence[int], order: Sequence[int] | None = None) -> tuple[int, ...]:
    """The strides of a dense tensor whose dims stand in memory in this order, outermost first."""
    strides = [0] * len(shape)
    step = 1
    for dim in reversed(order if order is not None else range(len(shape))):
        strides[dim] = step
        step *= max(1, shape[dim])
    return tuple(strides)


def dense_tensor(type: Attribute, order: Sequence[int] | None = None) -> Tensor:
    """A tensor of a static type, dense in a dim order."""
    assert isinstance(type, TensorType)
    tensor = cast("TensorType[Attribute]", type)
    shape = tensor.get_shape()
    return Tensor(tensor.element_type, shape, dense_strides(shape, order))


@dataclass(frozen=True)
class Step:
    """An operation of the edge dialect, and the elementwise ones that run on its result in place.

    `fused` are applied in order to the operation's first result, before anything is stored. They
    may form any graph: an operand is the operation's first result, that of an earlier fused one
    (possibly several times), or a value that is known before the step and broadcasts to the shape
    of the first result, which all of them have. Only the last one's result is stored.
    `tensors` says where every value that the step reads or writes lies; `constants` holds the
    arrays of those that are known now. `results` are the values that the step makes: the last
    fused one's (or the operation's own) first.
    """

    op: SchemaOp
    fused: tuple[SchemaOp, ...]
    tensors: Mapping[SSAValue, Tensor]
    constants: Mapping[SSAValue, Array] = field(default_factory=dict[SSAValue, Array])

    @property
    def results(self) -> list[SSAValue]:
        """The values that the step makes."""
        results: list[SSAValue] = list(self.op.results)
        if self.fused:
            results[0] = self.fused[-1].results[0]
        return results

    @property
    def output(self) -> Tensor:
        """Where the first result lies."""
        return self.tensors[self.results[0]]

    def tensor(self, value: SSAValue) -> Tensor:
        """Where a value lies."""
        return self.tensors[value]

    def array(self, value: SSAValue) -> Array | None:
        """A constant's array, with the shape of its type; None for what is computed."""
        return self.constants.get(value)
