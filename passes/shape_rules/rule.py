"""What rules of shapes are made of: the table, sizes that may be symbolic, and their checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from ...dialects.expr import Expr
from ...dialects.layout import dims_of
from ...dialects.schema_op import SchemaOp

Dim: TypeAlias = int | Expr | None
"""A size: a number, an expression, or None where it is not known."""
Dims: TypeAlias = tuple[Dim, ...]
Rule: TypeAlias = Callable[[SchemaOp], Sequence[Dims | None]]
"""The shapes of an operator's results, None where it is not known; raises ShapeError."""

RULES: dict[str, Rule] = {}


class ShapeError(Exception):
    """Shapes that do not fit each other."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for operators of the aten namespace."""

    def register(rule: Rule) -> Rule:
        for name in names:
            RULES[f"aten::{name}"] = rule
        return rule

    return register


def check(condition: bool, message: str) -> None:
    """Refuse shapes."""
    if not condition:
        raise ShapeError(message)


def shape_of(value: SSAValue) -> Dims:
    """The shape of a tensor value."""
    type = cast(TensorType[Attribute], value.type)
    if type.has_static_shape():
        return type.get_shape()
    return tuple(size_of(dim) for dim in dims_of(type))


def size_of(value: Any) -> Dim:
    """A size from a type or an argument."""
    if isinstance(value, Expr):
        constant = value.constant
        if constant is not None:
            return constant
        return None if "?" in value.symbols() else value
    return cast(int, value)


def operand_shape(op: SchemaOp, name: str) -> Dims:
    """The shape of a tensor argument."""
    return shape_of(cast(SSAValue, op.operand_of(name)))


def optional_shape(op: SchemaOp, name: str) -> Dims | None:
    """The shape of a tensor argument, None where it is absent."""
    value = cast(SSAValue | None, op.operand_of(name))
    return None if value is None else shape_of(value)


def sizes_of(op: SchemaOp, name: str) -> list[Dim]:
    """A list argument; empty where it is absent."""
    return [size_of(item) for item in cast(list[Any], op.value_of(name) or [])]


def same(a: Dim, b: Dim) -> bool:
    """Whether two sizes may be equal; sizes that differ by more than a number may be."""
    if a is None or b is None or a == b:
        return True
    if isinstance(a, int) and isinstance(b, int):
        return False
    difference = (Expr.of(a) - b).constant
    return difference is None or difference == 0


def same_shape(a: Dims, b: Dims) -> bool:
    """Whether two shapes may be equal."""
    return len(a) == len(b) and all(map(same, a, b))


def product_of(dims: Iterable[Dim]) -> Dim:
    """The product of sizes."""
    product: Dim = 1
    for dim in dims:
        if product is None or dim is None:
            return None
        if isinstance(product, int) and isinstance(dim, int):
            product *= dim
        else:
            product = size_of(Expr.of(product) * dim)
    return product


def broadcast(shapes: Sequence[Dims]) -> Dims:
    """The shape to which shapes broadcast."""
    rank = max(map(len, shapes), default=0)
    result: list[Dim] = []
    for position in range(-rank, 0):
        size: Dim = 1
        for dims in shapes:
            dim = dims[position] if -position <= len(dims) else 1
            if dim == 1:
                continue
            check(
                size == 1 or same(size, dim),
                f"the shapes {' and '.join(map(text, shapes))} do not broadcast",
            )
            if size == 1 or not isinstance(size, int):
                size = dim
        result.append(size)
    return tuple(result)


def text(dims: Dims) -> str:
    """A shape as messages show it: `[2, s0, ?]`."""
    return f"[{', '.join('?' if dim is None else str(dim) for dim in dims)}]"


def axis_of(dim: int, rank: int) -> int:
    """A dim counted from the front; a 0-d tensor counts as one dim."""
    check(-max(rank, 1) <= dim < max(rank, 1), f"there is no dim {dim} in {rank} dims")
    return dim % rank if rank else 0


def axes_of(op: SchemaOp, rank: int, name: str = "dim") -> list[int]:
    """The dims of a reduction, all for none."""
    dims = op.value_of(name)
    if isinstance(dims, int):
        dims = [dims]
    return [axis_of(dim, rank) for dim in cast(list[int], dims or range(rank))]
