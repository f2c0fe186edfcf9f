"""Folds batch norms with known statistics into the convolutions and linear layers before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard, cast

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter

from ..dialects.context import weights_of
from ..dialects.location import fuse_locations
from ..dialects.schema_op import SchemaOp
from ..dialects.weights import WeightsStore
from .evaluate.arrays import Array, known_array
from .fold_constants import constant_op
from .rewriting import Dispatch, OperatorPattern, is_edge_operator, rewrite

_PRODUCERS = ("aten::convolution", "aten::linear")


class FoldBatchNormPass(ModulePass):
    """Fold batch norms with known statistics into the convolution or linear layer before them.

    The new weight and bias are computed in f64 and rounded once. A batch norm stays where its
    operand is used elsewhere, or where a parameter is not known at compile time.

    Before:
    ```mlir
    %0 = edge.convolution(%x, %w, …) : (…) -> tensor<1x16x8x8xf32>
    %1, %mean, %rstd = edge._native_batch_norm_legit_no_training(%0, %gamma, %beta, %m, %v, …) : …
    ```
    After:
    ```mlir
    %1 = edge.convolution(%x, %w_scaled, %b_shifted, …) : (…) -> tensor<1x16x8x8xf32>
    ```
    """

    name = "fold-batch-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Fold what can be folded; the new tensors go into the weights store of the context."""
        rewrite(op, Dispatch([FoldBatchNorm(weights_of(ctx))]))


@dataclass
class FoldBatchNorm(OperatorPattern):
    """`batch_norm(conv(x, w, b))` → `conv(x, w * s, (b - mean) * s + beta)`.

    `s = gamma / sqrt(var + eps)`, one factor an output channel.
    """

    KEYS = ("aten::_native_batch_norm_legit_no_training",)

    weights: WeightsStore

    def rewrite_operator(self, op: SchemaOp, rewriter: PatternRewriter) -> None:
        """Match the batch norm."""
        producer = op.operands[0].owner
        if any(result.uses for result in op.results[1:]) or not _is_foldable(producer, op):
            return
        weight_value = producer.operands[1]
        bias_value = cast(SSAValue | None, producer.operand_of("bias"))
        weight = known_array(weight_value, self.weights)
        bias = None if bias_value is None else known_array(bias_value, self.weights)
        affine = _scale_and_shift(op, self.weights)
        if weight is None or affine is None or (bias is None and bias_value is not None):
            return
        scale, shift = affine
        with np.errstate(all="ignore"):
            new_weight = _scaled(weight, scale, producer).astype(weight.dtype)
            if bias is not None:
                shift = bias.astype(np.float64) * scale + shift
            new_bias = shift.astype(weight.dtype)
        if not np.isfinite(new_weight).all() or not np.isfinite(new_bias).all():
            return  # A variance of zero, or a factor beyond the dtype: the kernel knows better.
        weight_type = cast(TensorType[Attribute], weight_value.type)
        bias_type = TensorType(weight_type.element_type, new_bias.shape)
        weight_op = constant_op(new_weight, weight_type, self.weights)
        bias_op = constant_op(new_bias, bias_type, self.weights)
        arguments = producer.arguments()
        arguments |= {"weight": weight_op.results[0], "bias": bias_op.results[0]}
        folded = type(producer)(**arguments, result_types=producer.result_types)
        for part in (weight_op, bias_op, folded):
            part.location = fuse_locations([producer, op])
        folded.results[0].name_hint = producer.results[0].name_hint
        weight_op.results[0].name_hint = weight_value.name_hint
        if bias_value is not None:
            bias_op.results[0].name_hint = bias_value.name_hint
        rewriter.replace(op, [weight_op, bias_op, folded], [folded.results[0], None, None])


def _is_foldable(producer: object, norm: SchemaOp) -> TypeGuard[SchemaOp]:
    """Whether the batch norm is all that uses the result of a layer with its channels in dim 1."""
    if not isinstance(producer, Operation) or not is_edge_operator(producer):
        return False
    if producer.SCHEMA.key not in _PRODUCERS or not producer.results[0].has_one_use():
        return False
    type = cast(TensorType[Attribute], norm.operands[0].type)
    return producer.SCHEMA.key == "aten::convolution" or type.get_num_dims() == 2


def _scale_and_shift(norm: SchemaOp, weights: Mapping[str, Array]) -> tuple[Array, Array] | None:
    """What a batch norm does as `x * scale + shift`, in f64; None if something is not known."""
    parameters: dict[str, Array] = {}
    for name in ("weight", "bias", "running_mean", "running_var"):
        value = cast(SSAValue | None, norm.operand_of(name))
        if value is None:
            continue
        array = known_array(value, weights)
        if array is None:
            return None
        parameters[name] = array.astype(np.float64)
    with np.errstate(all="ignore"):
        scale = 1 / np.sqrt(parameters["running_var"] + cast(float, norm.value_of("eps")))
        scale = scale * parameters.get("weight", np.float64(1))
        return scale, parameters.get("bias", np.float64(0)) - parameters["running_mean"] * scale


def _scaled(weight: Array, scale: Array, producer: SchemaOp) -> Array:
    """The weight times a factor for each output channel, in f64.

    The output channels are the weight's first dim; those of a transposed convolution are its
    second dim within each group of its first: `[groups * in, out, …]`.
    """
    wide = weight.astype(np.float64)
    if producer.SCHEMA.key == "aten::convolution" and producer.value_of("transposed"):
        groups = cast(int, producer.value_of("groups"))
        by_group = wide.reshape(groups, -1, *wide.shape[1:])
        factors = scale.reshape(groups, 1, -1, *[1] * (wide.ndim - 2))
        return (by_group * factors).reshape(wide.shape)
    return wide * scale.reshape(-1, *[1] * (wide.ndim - 1))
