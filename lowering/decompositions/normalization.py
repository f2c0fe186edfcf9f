"""Normalizations, by the native operators that also return statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import ml_dtypes
from xdsl.ir import SSAValue

from ...dialects.expr import Expr
from ...dialects.layout import tensor_type
from ...dialects.schema_op import SchemaOp
from ...passes.evaluate.arrays import numpy_dtype
from ..edge_builder import EdgeBuilder, shape_values
from .calls import binary, dims, element, product, reduce, unary
from .conversions import in_full_precision
from .registry import decomposition


@decomposition("layer_norm")
def layer_norm(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """The first result of `native_layer_norm`."""
    arguments = cast(dict[str, Any], op.arguments())
    value: SSAValue = arguments["input"]
    shape: list[Any] = arguments["normalized_shape"]
    sizes = dims(value)
    outer = len(sizes) - len(shape)
    statistic = tensor_type(_statistics(op), [*sizes[:outer], *[1] * len(shape)])
    return builder.results(
        "aten::native_layer_norm",
        value, shape, arguments["weight"], arguments["bias"], arguments["eps"],
        types=[op.results[0].type, statistic, statistic],
    )[:1]  # fmt: skip


@decomposition("group_norm")
def group_norm(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """The first result of `native_group_norm`."""
    arguments = cast(dict[str, Any], op.arguments())
    value: SSAValue = arguments["input"]
    batch, channels, *spatial = dims(value)
    groups: int = arguments["num_groups"]
    statistic = tensor_type(_statistics(op), [batch, groups])
    sizes = shape_values([batch, channels, product(spatial)])
    return builder.results(
        "aten::native_group_norm",
        value, arguments["weight"], arguments["bias"], *sizes, groups, arguments["eps"],
        types=[op.results[0].type, statistic, statistic],
    )[:1]  # fmt: skip


def _statistics(op: SchemaOp) -> Any:
    """The dtype of mean and deviation: that of the scale where there is one."""
    weight = op.operand_of("weight")
    return element(weight if isinstance(weight, SSAValue) else op.operands[0])


@decomposition("rms_norm")
@in_full_precision
def rms_norm(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`x * rsqrt(mean(x²) + eps) * w`."""
    arguments = cast(dict[str, Any], op.arguments())
    value: SSAValue = arguments["input"]
    axes = range(-len(arguments["normalized_shape"]), 0)
    eps: float | None = arguments["eps"]
    if eps is None:
        eps = float(cast(Any, ml_dtypes.finfo)(numpy_dtype(element(value))).eps)
    square = binary(builder, "mul.Tensor", value, value)
    mean = reduce(builder, "mean.dim", square, axes)
    factor = unary(builder, "rsqrt", unary(builder, "add.Scalar", mean, eps))
    result = binary(builder, "mul.Tensor", value, factor)
    if arguments["weight"] is not None:
        result = binary(builder, "mul.Tensor", result, arguments["weight"])
    return [result]


@decomposition("_native_batch_norm_legit_functional")
def batch_norm_training(op: SchemaOp, builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Batch norm by the statistics of the batch, and the running ones moved towards them."""
    arguments = cast(dict[str, Any], op.arguments())
    value: SSAValue = arguments["input"]
    weight, bias, eps = arguments["weight"], arguments["bias"], arguments["eps"]
    running: list[SSAValue] = [arguments["running_mean"], arguments["running_var"]]
    if not arguments["training"]:
        results = builder.results(
            "aten::_native_batch_norm_legit_no_training",
            value, weight, bias, *running, arguments["momentum"], eps,
            types=op.result_types[:3],
        )  # fmt: skip
        return [*results, *running]
    results = builder.results(
        "aten::_native_batch_norm_legit.no_stats",
        value, weight, bias, True, arguments["momentum"], eps,
        types=op.result_types[:3],
    )  # fmt: skip
    axes = [axis for axis in range(len(dims(value))) if axis != 1]
    channels: tuple[Expr, ...] = (dims(value)[1],)
    variance = builder.result(
        "aten::var.correction", value, axes, correction=1,
        type=tensor_type(element(value), channels),
    )  # fmt: skip
    statistics = [results[1], variance]
    moved: list[SSAValue] = []
    for old, new in zip(running, statistics, strict=True):
        new = builder.cast(builder.view(new, channels), element(old))
        kept = unary(builder, "mul.Scalar", old, 1 - arguments["momentum"])
        moved.append(binary(builder, "add.Tensor", kept, new, alpha=arguments["momentum"]))
    return [*results, *moved]
