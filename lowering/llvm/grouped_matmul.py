"""Products of groups of rows with a matrix each, as mixtures of experts have them.

Where the groups end is known only at run time: their rows are taken a few at a time, then one by
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects import arith
from xdsl.dialects.builtin import f32, i32, i64
from xdsl.ir import SSAValue

from ...dialects import edge, kernel
from ...dialects.custom_operator import custom_operation
from ...dialects.schema_op import SchemaOp
from .copying import fill_tensor
from .family import Order, no_halo, row_major
from .indices import Index, load_index
from .kernel_builder import KernelBuilder
from .product import Axis, Operands, Product, insert_product
from .program_builder import ProgramBuilder
from .step import Step, Tensor, dense_strides, element_type, shape_of
from .tasks import parts

_GROUPED = edge.OPERATORS["aten::_grouped_mm"]
_FALLBACK = custom_operation(
    "edge",
    "transformers::grouped_mm_fallback(Tensor input, Tensor weight, Tensor offs) -> Tensor",
)
OPERATIONS: tuple[type[SchemaOp], ...] = (_GROUPED, _FALLBACK)
FUSES = False

halo = no_halo
output_order = row_major

_RATE = 15_000
"""Operations of a lane in a microsecond."""
_ROWS = 8
"""Rows of a group that are multiplied at once."""
_COLUMNS = 64
"""Columns that a task has at least."""


def _operands(op: SchemaOp) -> tuple[SSAValue, SSAValue, SSAValue | None]:
    """The rows [T, K], the matrices [E, K, N], and where the groups end [E]."""
    names = ("self", "mat2", "offs") if isinstance(op, _GROUPED) else ("input", "weight", "offs")
    rows, matrices, ends = (cast("SSAValue | None", op.operand_of(name)) for name in names)
    assert rows is not None and matrices is not None
    return rows, matrices, ends


def supports(op: SchemaOp) -> str | None:
    """Groups of rows, in f32."""
    rows, matrices, ends = _operands(op)
    if ends is None or len(shape_of(rows)) != 2 or len(shape_of(matrices)) != 3:
        return "the groups are not of rows"
    if isinstance(op, _GROUPED) and op.operand_of("bias") is not None:
        return "a bias is added"
    for value in (rows, matrices, op.results[0]):
        if element_type(value) != f32:
            return f"matrix products of {element_type(value)}"
    return None if element_type(ends) in (i32, i64) else f"indices of {element_type(ends)}"


def input_order(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
    """The columns of a matrix must be side by side."""
    matrix = operand is _operands(op)[1] and tensor.strides[2] != 1
    return (0, 1, 2) if matrix else None


def lower(step: Step, program: ProgramBuilder) -> None:
    """Zeros for the rows behind the last group; then tasks are matrices, or parts of their
    columns."""
    rows, matrices, ends = _operands(step.op)
    assert ends is not None
    a, b, c = step.tensor(rows), step.tensor(matrices), step.output
    if step.array(matrices) is not None:
        b = Tensor(b.element, b.shape, dense_strides(b.shape))
    experts, depth, columns = b.shape
    total, end_stride = a.shape[0], step.tensor(ends).strides[0]
    time = 2.0 * total * depth * columns / (program.target.lanes(32) * _RATE)
    panels = columns // _COLUMNS if columns % _COLUMNS == 0 else 1
    groups = parts(panels, time, even=True, copies=experts)
    own = columns // groups
    target = program.pointer(step.results[0])
    fill_tensor(program, target, c, 0.0)

    def product(count: int) -> Product:
        axis = Axis(count, a.strides[0], 0, 0, c.strides[0])
        return Product(
            (axis,), own, depth, a_step=a.strides[1], b_step=b.strides[1], c_column=c.strides[1]
        )

    def build(k: KernelBuilder) -> None:
        x, matrix, limits, status, y = k.arguments
        expert, part = k.split(k.task, (experts, groups))
        begin, end = _group(k, limits, end_stride, expert, total, status)
        size = k.insert(arith.SubiOp(end, begin)).result
        step_size = k.index([], _ROWS)
        blocks = k.insert(arith.DivUIOp(size, step_size)).result
        left = k.insert(arith.RemUIOp(size, step_size)).result
        own_matrix = k.at(matrix, [(expert, b.strides[0]), (part, own)])

        def multiply(count: int, terms: Sequence[tuple[SSAValue, int]]) -> None:
            row = k.index([(begin, 1), *terms])
            operands = Operands(
                k.at(x, [(row, a.strides[0])]),
                own_matrix,
                k.at(y, [(row, c.strides[0]), (part, own * c.strides[1])]),
            )
            insert_product(k, product(count), operands, program.target)

        with k.loop(0, blocks) as index:
            multiply(_ROWS, [(index, _ROWS)])
        with k.loop(0, left) as index:
            multiply(1, [(blocks, _ROWS), (index, 1)])

    arguments = [program.pointer(value) for value in (rows, matrices, ends)]
    arguments += [program.status(), target]
    key = (a, b, c, end_stride, groups)
    program.launch("grouped", key, arguments, experts * groups, build)


def _group(
    k: KernelBuilder,
    limits: SSAValue,
    stride: int,
    expert: SSAValue,
    total: int,
    status: SSAValue,
) -> tuple[SSAValue, SSAValue]:
    """The first row of a group and that behind its last one, within the rows that there are."""
    zero, one = k.index([], 0), k.index([], 1)

    def load(index: SSAValue) -> SSAValue:
        return load_index(
            k, k.at(limits, [(index, stride)]), Index(total + 1, 0, (), False), status
        )

    before = k.insert(arith.MaxSIOp(k.insert(arith.SubiOp(expert, one)).result, zero)).result
    first = k.insert(arith.CmpiOp(expert, zero, "eq")).result
    begin = k.insert(arith.SelectOp(first, zero, load(before))).result
    end = load(expert)
    ascending = k.insert(arith.CmpiOp(begin, end, "sle")).result
    k.insert(kernel.RequireOp(ascending, status))
    return begin, k.insert(arith.MaxSIOp(begin, end)).result
