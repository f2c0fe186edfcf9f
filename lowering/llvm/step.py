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
    def memory_order(self) -> tuple[int, ...]:
        """The dims from the longest stride to the shortest; those of one element and those that are
        repeated stay where they are among their neighbours."""
        moving = [d for d, size in enumerate(self.shape) if size > 1 and self.strides[d]]
        ranked = iter(sorted(moving, key=lambda d: -abs(self.strides[d])))
        return tuple(next(ranked) if d in moving else d for d in range(len(self.shape)))

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


def tensor_type(value: SSAValue) -> TensorType[Attribute]:
    """The type of a value that is a tensor."""
    assert isinstance(value.type, TensorType)
    return cast("TensorType[Attribute]", value.type)


def shape_of(value: SSAValue) -> tuple[int, ...]:
    """The sizes of a tensor."""
    return tensor_type(value).get_shape()


def element_type(value: SSAValue) -> Attribute:
    """The element type of a tensor."""
    return tensor_type(value).element_type


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

    def broadcast(self, value: SSAValue) -> tuple[int, ...]:
        """The strides with which a value is read over the dims of the first result."""
        return self.tensors[value].broadcast(self.output.shape)

    def array(self, value: SSAValue) -> Array | None:
        """A constant's array, with the shape of its type; None for what is computed."""
        return self.constants.get(value)
