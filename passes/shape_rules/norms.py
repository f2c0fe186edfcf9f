"""Normalization: shapes of statistics, scales and shifts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...dialects.schema_op import SchemaOp
from .rule import (
    Dim,
    Dims,
    check,
    operand_shape,
    optional_shape,
    rule,
    same_shape,
    sizes_of,
    text,
)


@rule("layer_norm", "native_layer_norm", "rms_norm")
def _layer_norm(op: SchemaOp) -> Sequence[Dims | None]:
    source, shape = operand_shape(op, "input"), tuple(sizes_of(op, "normalized_shape"))
    lead = len(source) - len(shape)
    check(
        lead >= 0 and same_shape(source[lead:], shape),
        f"the input {text(source)} does not end with normalized_shape = {text(shape)}",
    )
    for name in ("weight", "bias") if op.SCHEMA.name != "rms_norm" else ("weight",):
        given = optional_shape(op, name)
        if given is not None:
            fits = same_shape(given, shape)
            check(fits, f"the {name} {text(given)} does not fit {text(shape)}")
    statistics = (*source[:lead], *[1] * len(shape))
    return [source, statistics, statistics]


@rule("group_norm", "native_group_norm")
def _group_norm(op: SchemaOp) -> Sequence[Dims | None]:
    source = operand_shape(op, "input")
    check(len(source) >= 2, f"expected at least 2 dims, got {text(source)}")
    _check_channels(op, source[1], ("weight", "bias"))
    return [source]


@rule("_native_batch_norm_legit_no_training", "_native_batch_norm_legit.no_stats")
def _batch_norm(op: SchemaOp) -> Sequence[Dims | None]:
    source = operand_shape(op, "input")
    check(len(source) >= 2, f"expected at least 2 dims, got {text(source)}")
    names = [a.name for a in op.kept_arguments() if a.is_tensor and a.name != "input"]
    _check_channels(op, source[1], names)
    return [source]


def _check_channels(op: SchemaOp, channels: Dim, names: Iterable[str]) -> None:
    for name in names:
        given = optional_shape(op, name)
        if given is not None:
            fits = same_shape(given, (channels,))
            check(fits, f"the {name} {text(given)} does not fit {channels} channels")
