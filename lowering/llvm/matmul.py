"""Matrix products: linear layers, and mm, bmm, addmm, baddbmm, addmv and matmul of any rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import f32
from xdsl.ir import Region, SSAValue

from ...dialects import edge
from ...dialects.schema_op import SchemaOp
from .body import Body
from .dots import launch_dots
from .elementwise import Epilogue, epilogue
from .family import any_strides, no_halo, row_major
from .product import Axis, Finish, Operands, Product, launch_product, pack, panel_columns
from .program_builder import ProgramBuilder
from .step import Array, Step, Tensor, element_type, shape_of

OPERATIONS = (
    edge.LinearOp,
    edge.MmOp,
    edge.BmmOp,
    edge.AddmmOp,
    edge.BaddbmmOp,
    edge.AddmvOp,
    edge.MatmulOp,
)
FUSES = True

input_order = any_strides
halo = no_halo
output_order = row_major


def supports(op: SchemaOp) -> str | None:
    """Products of f32."""
    for value in op.operands:
        if element_type(value) != f32:
            return f"matrix products of {element_type(value)}"
    return None


@dataclass(frozen=True)
class _Factors:
    """The operands of a product: A [..., M, K] and B [..., K, N], `added` and its factors.

    `squeezed` are the dims of [..., M, N] that the result lacks, counted from the end.
    """

    a: SSAValue
    b: SSAValue
    added: SSAValue | None = None
    beta: float = 1.0
    alpha: float = 1.0
    transposed: bool = False
    squeezed: tuple[int, ...] = ()


def _factors(op: SchemaOp) -> _Factors:
    match op:
        case edge.LinearOp():
            squeezed = _lacking(op.input, op.weight)
            return _Factors(op.input, op.weight, op.bias, transposed=True, squeezed=squeezed)
        case edge.AddmmOp() | edge.BaddbmmOp() | edge.AddmvOp():
            added, a, b = op.operands
            beta, alpha = (float(cast(float, op.value_of(name))) for name in ("beta", "alpha"))
            squeezed = (-1,) if isinstance(op, edge.AddmvOp) else ()
            return _Factors(a, b, added, beta, alpha, squeezed=squeezed)
        case _:
            a, b = op.operands
            return _Factors(a, b, squeezed=_lacking(a, b))


def _lacking(a: SSAValue, b: SSAValue) -> tuple[int, ...]:
    """The dims of the product that vectors do not have."""
    return tuple(dim for dim, value in ((-2, a), (-1, b)) if len(shape_of(value)) == 1)


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch of tiles; B packed at compile time if it is known."""
    factors = _factors(step.op)
    fused = epilogue(step)
    shape = _with_ones(step.output.shape, factors.squeezed, 1)
    *batch, m, n = shape
    a = _matrix(step.tensor(factors.a), front=True)
    b = _matrix(step.tensor(factors.b), front=factors.transposed)
    if factors.transposed:
        b = _swapped(b)
    inner = a.shape[-1]
    c_strides = _with_ones(step.output.strides, factors.squeezed, 0)
    a_strides = a.broadcast((*batch, m, inner))
    b_strides = b.broadcast((*batch, inner, n))

    extras = list(fused.extras)
    rows = [step.broadcast(extra) for extra in extras]
    array = step.array(factors.b)
    dots = n == 1 or (m == 1 and array is None and b_strides[-1] != 1)
    dots = dots and a_strides[-1] == b_strides[-2] == 1
    added = factors.added if factors.beta else None
    bias = None if dots else _bias(step, factors, program)
    mixes = factors.alpha != 1 or (factors.added is not None and bias is None)
    if added is not None and bias is None:
        extras.insert(0, added)
        rows.insert(0, step.broadcast(added))
    extra_strides = [_with_ones(row, factors.squeezed, 0) for row in rows]

    beta = factors.beta if added is not None and bias is None else None
    mix = (factors.alpha, beta) if mixes else None

    def region() -> Region:
        return fused.region() if mix is None else _mixed(fused, *mix)

    finish = Finish(region, (mix, fused.key))
    pointers = tuple(program.pointer(extra) for extra in extras)
    if dots:
        axes = _dot_axes(shape, a_strides, b_strides, c_strides, extra_strides)
        operands = Operands(
            program.pointer(factors.a),
            program.pointer(factors.b),
            program.pointer(step.results[0]),
            extras=pointers,
        )
        launch_dots(program, axes, inner, operands, finish)
        return
    matrices: Array | None = None
    b_axes = b_strides[:-2]
    if array is not None:
        matrices, b_axes = _constant_matrices(array, factors.transposed, len(batch))
    axes = tuple(
        Axis(
            shape[dim],
            a_strides[dim],
            b_axes[dim] if dim < len(batch) else 0,
            0,
            c_strides[dim],
            tuple(row[dim] for row in extra_strides),
        )
        for dim in range(len(shape) - 1)
    )
    product = Product(
        axes,
        n,
        inner,
        a_step=a_strides[-1],
        b_step=None if array is not None else b_strides[-2],
        b_column=1 if array is not None else b_strides[-1] if n > 1 else 1,
        c_column=c_strides[-1],
        extra_columns=tuple(row[-1] for row in extra_strides),
        has_bias=bias is not None,
    )
    if matrices is not None:
        columns = panel_columns(product, program.target)
        b_pointer = program.weight(pack(matrices, columns), f32)
    else:
        b_pointer = program.pointer(factors.b)
    operands = Operands(
        program.pointer(factors.a),
        b_pointer,
        program.pointer(step.results[0]),
        bias,
        pointers,
    )
    launch_product(program, "matmul", product, operands, finish)


def _dot_axes(
    shape: Sequence[int],
    a: Sequence[int],
    b: Sequence[int],
    c: Sequence[int],
    extras: Sequence[Sequence[int]],
) -> list[Axis]:
    """All dims of the result; A stays the same along the last one, B along that before."""
    rank = len(shape)
    return [
        Axis(
            shape[dim],
            0 if dim == rank - 1 else a[dim],
            0 if dim == rank - 2 else b[dim],
            0,
            c[dim],
            tuple(strides[dim] for strides in extras),
        )
        for dim in range(rank)
    ]


def _matrix(tensor: Tensor, front: bool) -> Tensor:
    """A vector as a matrix: one row, or one column."""
    if len(tensor.shape) > 1:
        return tensor
    if front:
        return Tensor(tensor.element, (1, *tensor.shape), (0, *tensor.strides))
    return Tensor(tensor.element, (*tensor.shape, 1), (*tensor.strides, 0))


def _swapped(tensor: Tensor) -> Tensor:
    """The matrix transposed."""
    return Tensor(tensor.element, tensor.shape[::-1], tensor.strides[::-1])


def _with_ones(values: Sequence[int], squeezed: Sequence[int], value: int) -> tuple[int, ...]:
    """Sizes or strides of a result, with those of the dims that it lacks."""
    result = list(values)
    for dim in sorted(squeezed, reverse=True):
        result.insert(len(result) + 1 + dim, value)
    return tuple(result)


def _constant_matrices(array: Array, transposed: bool, batch: int) -> tuple[Array, tuple[int, ...]]:
    """B as matrices [..., K, N] side by side, and their strides along the batch dims."""
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    elif transposed:
        array = array.T
    *own, inner, columns = array.shape
    strides: list[int] = []
    step = inner * columns
    for size in reversed(own):
        strides.insert(0, 0 if size == 1 else step)
        step *= size
    return array, (0,) * (batch - len(own)) + tuple(strides)


def _bias(step: Step, factors: _Factors, program: ProgramBuilder) -> SSAValue | None:
    """What is added, as numbers that the sums begin with: one for each column, side by side."""
    value = factors.added
    if value is None or factors.squeezed or factors.alpha != 1 or factors.beta != 1:
        return None
    strides = step.broadcast(value)
    if any(s for s, size in zip(strides[:-1], step.output.shape, strict=False) if size > 1):
        return None
    if strides[-1] != 1 and step.output.shape[-1] > 1:
        return None
    return program.pointer(value)


def _mixed(fused: Epilogue, alpha: float, beta: float | None) -> Region:
    """An epilogue for alpha * sum + beta * added, where `added` is the first extra; without beta
    nothing is added."""

    def mix(body: Body, values: Sequence[SSAValue]) -> SSAValue:
        total = _scaled(body, values[0], alpha)
        return total if beta is None else body.add(total, _scaled(body, values[1], beta))

    return fused.after([f32] if beta is None else [f32, f32], mix)


def _scaled(body: Body, value: SSAValue, factor: float) -> SSAValue:
    return value if factor == 1 else body.multiply(value, factor)
