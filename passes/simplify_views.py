"""Removes views, permutes, expands, slices and concatenations that undo each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter
from xdsl.transforms.canonicalize import CanonicalizationRewritePattern

from ..dialects import edge
from ..dialects.aten import TABLE
from ..dialects.edge.folders import is_made_by
from ..dialects.expr import Expr
from ..dialects.layout import dims_of, layout_of, tensor_type
from ..dialects.schema_op import SchemaOp
from .elementwise import is_elementwise
from .movement import Movement, Step, compose
from .rewriting import Dispatch, OperatorPattern, folding, is_edge_operator, rewrite

_ELEMENTWISE = tuple(key for key, entry in TABLE.items() if is_elementwise(entry))


class SimplifyViewsPass(ModulePass):
    """Remove what moves elements to and fro: permutes that cancel, expands, slices, concatenations.

    Views cost nothing, the others copy. No rewrite makes a program copy more.

    Before:
    ```mlir
    %0 = edge.permute(%x, dims = [0, 2, 3, 1]) : (tensor<1x3x8x8xf32>) -> tensor<1x8x8x3xf32>
    %1 = edge.relu(%0) : (tensor<1x8x8x3xf32>) -> tensor<1x8x8x3xf32>
    %2 = edge.permute(%1, dims = [0, 3, 1, 2]) : (tensor<1x8x8x3xf32>) -> tensor<1x3x8x8xf32>
    ```
    After:
    ```mlir
    %2 = edge.relu(%x) : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
    ```
    """

    name = "simplify-views"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Apply all patterns until none fires."""
        patterns = Dispatch(
            [
                MergeMovements(),
                PermuteBeforeExpand(),
                DropExpand(),
                DropMaskExpand(),
                SliceOfCat(),
                CatOfSlices(),
                MoveOfFull(),
            ]
        )
        rewrite(op, folding(ctx, patterns, CanonicalizationRewritePattern()))


class MergeMovements(OperatorPattern):
    """`permute(view(permute(x)))` → `view(permute(view(x)))`, and → `view(x)` where nothing moves.

    The chain may be of any length, with elementwise operators of one tensor in it: they are
    applied first. It fires where fewer permutes are left.
    """

    KEYS = ("aten::permute", "aten::view")

    def rewrite_operator(self, op: SchemaOp, rewriter: PatternRewriter) -> None:
        """Match the last operator of the chain."""
        if not _is_plain(op.operands[0]) or not _is_plain(op.results[0]):
            return
        chain = _chain(op)
        for length in range(len(chain), 0, -1):
            part = chain[:length]
            permutes = [link for link in part if link.SCHEMA.key == "aten::permute"]
            if not permutes:
                return
            if part[-1].SCHEMA.key not in self.KEYS:
                continue
            source = part[-1].operands[0]
            movement = compose(_dims(source), [s for link in reversed(part) for s in _steps(link)])
            if movement is None:
                continue
            removed = sum(link is op or _dies_with(link, op, part) for link in permutes)
            if movement.is_view or removed > 1:
                builder = _Builder(source)
                builder.move(part, movement, _dims(op.results[0]))
                builder.replace(op, rewriter)
                return


def _chain(op: SchemaOp) -> list[SchemaOp]:
    """The operators that make the operand of `op`, last first, that move elements or map them."""
    chain = [op]
    while True:
        previous = chain[-1].operands[_mapped_operand(chain[-1])].owner
        if not isinstance(previous, Operation) or not is_edge_operator(previous):
            return chain
        if len(previous.results) != 1 or not _is_plain(previous.results[0]):
            return chain
        if previous.SCHEMA.key not in MergeMovements.KEYS:
            maps = previous.SCHEMA.key in _MAPS and _mapped_operand(previous) >= 0
            if not maps or not _dies_with(previous, op, chain):
                return chain
        if not _is_plain(previous.operands[max(0, _mapped_operand(previous))]):
            return chain
        chain.append(previous)


_MAPS = frozenset(_ELEMENTWISE)


def _mapped_operand(op: SchemaOp) -> int:
    """The operand that has the shape of the result, the others being 0-d; -1 where none is so."""
    if op.SCHEMA.key in MergeMovements.KEYS:
        return 0
    dims = _dims(op.results[0])
    found = [index for index, operand in enumerate(op.operands) if _dims(operand)]
    return found[0] if len(found) == 1 and _dims(op.operands[found[0]]) == dims else -1


def _dies_with(op: SchemaOp, last: SchemaOp, chain: Sequence[SchemaOp]) -> bool:
    """Whether an operator of a chain has no use but through `last`."""
    while op is not last:
        if not op.results[0].has_one_use():
            return False
        user = next(iter(op.results[0].uses)).operation
        if user not in chain:
            return False
        op = cast(SchemaOp, user)
    return True


def _steps(op: SchemaOp) -> list[Step]:
    match op.SCHEMA.key:
        case "aten::permute":
            return [("permute", cast(list[int], op.value_of("dims")))]
        case "aten::view":
            return [("view", _dims(op.results[0]))]
        case _:
            return []


class PermuteBeforeExpand(OperatorPattern):
    """`permute(expand(x))` → `expand(permute(x))`, which moves fewer elements."""

    KEYS = ("aten::permute",)

    def rewrite_operator(self, op: SchemaOp, rewriter: PatternRewriter) -> None:
        """Match the permute; the expand has no other use and adds no dims."""
        if not is_made_by(op.operands[0], "aten::expand") or not op.operands[0].has_one_use():
            return
        source = cast(SchemaOp, op.operands[0].owner).operands[0]
        order = cast(list[int], op.value_of("dims"))
        if len(_dims(source)) != len(order) or not _is_plain(source):
            return
        builder = _Builder(source)
        builder.permute(order)
        builder.expand(_dims(op.results[0]))
        builder.replace(op, rewriter)


class DropExpand(OperatorPattern):
    """`add(expand(x), y)` → `add(x, y)` where `y` has the shape: the operator broadcasts."""

    KEYS = _ELEMENTWISE

    def rewrite_operator(self, op: SchemaOp, rewriter: PatternRewriter) -> None:
        """Match the elementwise operator; the result's shape must stay."""
        operands = list(op.operands)
        for operand in dict.fromkeys(operands):
            if not is_made_by(operand, "aten::expand") or not _is_plain(operand):
                continue
            source = cast(SchemaOp, operand.owner).operands[0]
            narrow = [source if value is operand else value for value in operands]
            if _is_plain(source) and _broadcasts_to(narrow, _dims(op.results[0])):
                operands = narrow
        if operands != list(op.operands):
            rewriter.replace(op, _with_operands(op, operands))


def _broadcasts_to(operands: Sequence[SSAValue], dims: Sequence[Expr]) -> bool:
    """Whether some operand has each of the sizes, and the others have it or 1."""
    shapes = [_dims(operand) for operand in operands]
    if max(map(len, shapes)) != len(dims):
        return False
    for position in range(-len(dims), 0):
        sizes = {shape[position] for shape in shapes if -position <= len(shape)}
        if dims[position] not in sizes | {Expr.of(1)}:
            return False
    return True


class DropMaskExpand(OperatorPattern):
    """`scaled_dot_product_attention(q, k, v, expand(m))` → `scaled_dot_product_attention(…, m)`."""

    KEYS = ("aten::scaled_dot_product_attention",)

    def rewrite_operator(self, op: SchemaOp, rewriter: PatternRewriter) -> None:
        """Match the attention; its mask is broadcast to the scores [..., queries, keys]."""
        if len(op.operands) < 4 or not is_made_by(op.operands[3], "aten::expand"):
            return
        narrow = cast(SchemaOp, op.operands[3].owner).operands[0]
        wanted = _dims(op.operands[3])[-2:]
        # The last two dims stay as they are, so that kernels may rely on them.
        if _dims(narrow)[-2:] == wanted and len(wanted) == 2:
            rewriter.replace(op, _with_operands(op, [*op.operands[:3], narrow]))


class SliceOfCat(OperatorPattern):
    """`slice(cat([x, y], d), d, a, b)` → `slice(x, d, a, b)` where `x` has all of it."""

    KEYS = ("aten::slice.Tensor",)

    def rewrite_operator(self, op: SchemaOp, rewriter: PatternRewriter) -> None:
        """Match the slice; bounds and sizes are numbers."""
        if not is_made_by(op.operands[0], "aten::cat"):
            return
        cat = cast(SchemaOp, op.operands[0].owner)
        bounds = _bounds(op)
        if bounds is None or cast(int, cat.value_of("dim")) % _rank(op) != bounds[0]:
            return
        dim, start, end = bounds
        offset = 0
        for part in cat.operands:
            if len(_dims(part)) != _rank(op) or (size := _dims(part)[dim].constant) is None:
                return
            if offset <= start and end <= offset + size:
                builder = _Builder(part)
                builder.slice(dim, start - offset, end - offset)
                builder.replace(op, rewriter)
                return
            offset += size


class CatOfSlices(OperatorPattern):
    """`cat([x[a:b], x[b:c], y], d)` → `cat([x[a:c], y], d)`."""

    KEYS = ("aten::cat",)

    def rewrite_operator(self, op: SchemaOp, rewriter: PatternRewriter) -> None:
        """Match the concatenation; slices that others use are merged only if nothing else is."""
        dim = cast(int, op.value_of("dim")) % max(1, _rank(op))
        parts: list[_Builder] = []
        run: tuple[SSAValue, int, int] | None = None
        for operand in op.operands:
            piece = _piece(operand, dim)
            if run is not None and piece is not None and piece[0] is run[0] and piece[1] == run[2]:
                run = (run[0], run[1], piece[2])
                parts[-1] = _Builder(run[0])
                parts[-1].slice(dim, run[1], run[2])
            else:
                run = piece
                parts.append(_Builder(operand))
        shared = any(not operand.has_one_use() for operand in op.operands)
        if len(parts) == len(op.operands) or (shared and len(parts) > 1):
            return
        new_ops = [new for part in parts for new in part.ops]
        values = [part.value for part in parts]
        if len(values) == 1:
            rewriter.replace(op, new_ops, values)
        else:
            joined = type(op)(values, dim, result_types=op.result_types)
            rewriter.replace(op, [*new_ops, joined])


def _piece(value: SSAValue, dim: int) -> tuple[SSAValue, int, int] | None:
    """A slice on a dim: its source, start and end."""
    if not is_made_by(value, "aten::slice.Tensor") or not _is_plain(value):
        return None
    bounds = _bounds(cast(SchemaOp, value.owner))
    if bounds is None or bounds[0] != dim:
        return None
    return cast(SchemaOp, value.owner).operands[0], bounds[1], bounds[2]


class MoveOfFull(OperatorPattern):
    """`permute(full(s, n))` → `full(s', n)`: all elements are the same."""

    KEYS = ("aten::expand", "aten::permute", "aten::slice.Tensor", "aten::view")

    def rewrite_operator(self, op: SchemaOp, rewriter: PatternRewriter) -> None:
        """Match what moves; a view is free, so there the full has no other use."""
        if not is_made_by(op.operands[0], "aten::full"):
            return
        if op.SCHEMA.key == "aten::view" and not op.operands[0].has_one_use():
            return
        full = cast(SchemaOp, op.operands[0].owner)
        arguments = full.arguments() | {"size": _sizes(_dims(op.results[0]))}
        rewriter.replace(op, type(full)(**arguments, result_types=op.result_types))


class _Builder:
    """New operators on a value, one after the other; `ops` are not inserted yet."""

    def __init__(self, value: SSAValue) -> None:
        self.value = value
        self.ops: list[Operation] = []

    def view(self, dims: Sequence[Expr]) -> None:
        """Give it a shape."""
        if tuple(dims) != _dims(self.value):
            self._add("view", dims, _sizes(dims))

    def permute(self, order: Sequence[int]) -> None:
        """Reorder its dims."""
        if list(order) != sorted(order):
            dims = _dims(self.value)
            self._add("permute", [dims[dim] for dim in order], list(order))

    def expand(self, dims: Sequence[Expr]) -> None:
        """Broadcast it to a shape."""
        if tuple(dims) != _dims(self.value):
            self._add("expand", dims, _sizes(dims))

    def slice(self, dim: int, start: int, end: int) -> None:
        """Take a part of a dim."""
        dims = list(_dims(self.value))
        size = Expr.of(end - start)
        if dims[dim] != size:
            dims[dim] = size
            self._add("slice.Tensor", dims, dim, start, end)

    def move(self, chain: Sequence[SchemaOp], movement: Movement, dims: Sequence[Expr]) -> None:
        """Apply the elementwise operators of a chain, and the movement to a shape."""
        for op in reversed(chain):
            if op.SCHEMA.key not in MergeMovements.KEYS:
                operands = list(op.operands)
                operands[_mapped_operand(op)] = self.value
                element = _type(op.results[0]).element_type
                new = _with_operands(op, operands, tensor_type(element, _dims(self.value)))
                new.location = op.location
                self.ops.append(new)
                self.value = new.results[0]
        if not movement.is_view:
            self.view(movement.factors)
            self.permute(movement.order)
        self.view(dims)

    def replace(self, op: Operation, rewriter: PatternRewriter) -> None:
        """Put what was built in the place of `op`."""
        rewriter.replace(op, self.ops, [self.value])

    def _add(self, name: str, dims: Sequence[Expr], *arguments: Any) -> None:
        type = tensor_type(_type(self.value).element_type, dims)
        made = edge.OPERATORS[f"aten::{name}"](self.value, *arguments, result_types=[type])
        self.ops.append(made)
        self.value = made.results[0]


def _with_operands(
    op: SchemaOp, operands: Sequence[SSAValue], type: Attribute | None = None
) -> SchemaOp:
    """The same operator on other operands."""
    types = op.result_types if type is None else [type]
    return op.__class__.create(
        operands=operands, result_types=types, properties=op.properties.copy()
    )


def _type(value: SSAValue) -> TensorType[Attribute]:
    return cast(TensorType[Attribute], value.type)


def _dims(value: SSAValue) -> tuple[Expr, ...]:
    return dims_of(_type(value))


def _rank(op: SchemaOp) -> int:
    return _type(op.results[0]).get_num_dims()


def _is_plain(value: SSAValue) -> bool:
    """Whether a tensor has the default dim order, in which a view is free."""
    return layout_of(_type(value)).order is None


def _sizes(dims: Sequence[Expr]) -> list[Any]:
    return [dim if (c := dim.constant) is None else c for dim in dims]


def _bounds(op: SchemaOp) -> tuple[int, int, int] | None:
    """Dim, start and end of a slice of step 1 with numbers for bounds."""
    dim, start, end, step = (op.value_of(name) for name in ("dim", "start", "end", "step"))
    if step != 1 or not isinstance(start, int) or not isinstance(end, int) or start < 0:
        return None
    size = end - start
    if _dims(op.results[0])[cast(int, dim)] != Expr.of(size):
        return None
    return cast(int, dim) % _rank(op), start, end
