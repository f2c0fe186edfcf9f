"""Computes at compile time what depends on weights and constants only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from ..dialects.constant import element_bytes
from ..dialects.context import weights_of
from ..dialects.edge.folders import is_made_by
from ..dialects.edge.ops import ConstantOp, WeightOp
from ..dialects.function import functions
from ..dialects.layout import ExprAttr, ExprsAttr
from ..dialects.schema_op import RANDOM, SchemaOp
from ..dialects.weights import WeightsStore
from .evaluate.arrays import Array, constant_attribute, known_array
from .evaluate.operation import evaluate_operation, has_kernel

INLINE_ELEMENTS = 64
"""Constants up to this many elements stand in the text."""

MAX_GROWTH = 1 << 16
"""Bytes by which a folded result may exceed its operands: the program stores it."""

_NOT_FOLDED = RANDOM | {"aten::empty.memory_format", "aten::empty_strided", "aten::view"}


class FoldConstantsPass(ModulePass):
    """Compute operators on weights and constants, with the kernels of the interpreter.

    Results that are much larger than their operands stay computed at run time.

    Before:
    ```mlir
    %w = edge.weight "fc.weight" : tensor<2x4xf32>
    %0 = edge.permute(%w, dims = [1, 0]) : (tensor<2x4xf32>) -> tensor<4x2xf32>
    ```
    After:
    ```mlir
    %0 = edge.weight "sha256:5d1c…" : tensor<4x2xf32>
    ```
    """

    name = "fold-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Fold every function of the module, operands before their users."""
        for function in functions(op):
            fold_constants(function, weights_of(ctx))


def fold_constants(function: FuncOp, weights: WeightsStore) -> None:
    """Fold a function, and erase the constants that nothing uses."""
    for inner in list(function.walk()):
        if isinstance(inner, SchemaOp) and inner.dialect_name() == "edge":
            _fold(inner, weights)
    for inner in reversed(list(function.walk())):
        if _is_dead_constant(inner):
            Rewriter.erase_op(inner)


def _fold(op: SchemaOp, weights: WeightsStore) -> None:
    if op.SCHEMA.key in _NOT_FOLDED:
        return
    if any(isinstance(value, ExprAttr | ExprsAttr) for value in op.properties.values()):
        return
    if not all(isinstance(type, TensorType) for type in op.result_types):
        return
    types = cast(list[TensorType[Attribute]], op.result_types)
    if not all(type.has_static_shape() for type in types):
        return
    values: dict[SSAValue, Array] = {}
    for operand in op.operands:
        array = _known(operand, weights)
        if array is None:
            return
        values[operand] = array
    # Asked late, because it imports the kernel's family.
    if not has_kernel(op):
        return
    if _result_bytes(op) > sum(a.nbytes for a in values.values()) + MAX_GROWTH:
        return
    for result, array in zip(op.results, evaluate_operation(op, values, {}), strict=True):
        if result.uses:
            replacement = constant_op(array, cast(TensorType[Attribute], result.type), weights)
            replacement.location = op.location
            replacement.results[0].name_hint = result.name_hint
            Rewriter.insert_op(replacement, InsertPoint.before(op))
            result.replace_all_uses_with(replacement.results[0])
    Rewriter.erase_op(op)


def constant_op(
    array: Array, type: TensorType[Attribute], weights: WeightsStore
) -> ConstantOp | WeightOp:
    """The operation that yields an array: in the text if it is small, else a new weight."""
    if array.size <= INLINE_ELEMENTS:
        return ConstantOp(constant_attribute(array, type))
    return WeightOp(weights.put(array), type)


def _known(value: SSAValue, weights: Mapping[str, Array]) -> Array | None:
    """The array of a value, seen through views, which cost nothing and are not folded."""
    if is_made_by(value, "aten::view"):
        source = _known(cast(Operation, value.owner).operands[0], weights)
        return None if source is None else source.reshape(_shape(value))
    return known_array(value, weights)


def _shape(value: SSAValue) -> tuple[int, ...]:
    return cast(TensorType[Attribute], value.type).get_shape()


def _result_bytes(op: SchemaOp) -> int:
    total = 0
    for result in op.results:
        elements = 1
        for size in _shape(result):
            elements *= size
        total += elements * element_bytes(cast(TensorType[Attribute], result.type).element_type)
    return total


def _is_dead_constant(op: Operation) -> bool:
    view = isinstance(op, SchemaOp) and op.SCHEMA.key == "aten::view"
    return (view or isinstance(op, ConstantOp | WeightOp)) and not op.results[0].uses
