"""What the planner asks of a family of kernels (convolutions, softmax, …), one a file.

Below are the answers that several families give: `halo = no_halo`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from xdsl.ir import SSAValue

from ...dialects.schema_op import SchemaOp
from .program_builder import ProgramBuilder
from .step import Step, Tensor, shape_of

Order = tuple[int, ...]
"""Dims from outermost to innermost, as they lie in memory."""

Halo = tuple[tuple[int, int], ...]
"""For each dim how many elements of zero padding stand before and after the data."""


class Family(Protocol):
    """A family of kernels; a module has these names at top level.

    All tensors of a step are static; `supports` sees the operation alone (types and properties).
    """

    OPERATIONS: tuple[type[SchemaOp], ...]
    """The edge operations that the family takes as the first of a step."""

    FUSES: bool
    """Whether elementwise operations can be fused behind one of its steps. The result may then lie
    over what they read: each element is written once, after theirs at its place were read."""

    @staticmethod
    def supports(op: SchemaOp) -> str | None:
        """Why an operation is not taken; None if it is."""
        ...

    @staticmethod
    def input_order(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
        """The dense order into which an operand must be copied first; None if it is fine as it
        lies. Constants are not asked about: the family packs them as it likes."""
        ...

    @staticmethod
    def halo(op: SchemaOp, operand: SSAValue) -> Halo | None:
        """The zeros that an operand must have around it, if any."""
        ...

    @staticmethod
    def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
        """The dim order in which the first result is best written; its strides may have gaps."""
        ...

    @staticmethod
    def lower(step: Step, program: ProgramBuilder) -> None:
        """Write the kernels and launches of a step."""
        ...


def any_strides(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
    """An `input_order`: operands are fine as they lie."""
    return None


def no_halo(op: SchemaOp, operand: SSAValue) -> Halo | None:
    """A `halo`: nothing is read outside of an operand."""
    return None


def row_major(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """An `output_order`: the result is dense in the order of its dims."""
    return tuple(range(len(shape_of(op.results[0]))))


def first_input_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """An `output_order`: the result lies as the first operand does."""
    return inputs[0].memory_order
