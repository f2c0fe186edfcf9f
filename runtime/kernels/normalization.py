"""Batch, layer, group and RMS normalization; semantics of `torch.nn.functional.<name>`.

Narrow floats are computed in f32. Rows are worked through in cache-sized blocks, and what is
constant of a batch normalization becomes one factor and one offset a channel at load.
"""

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ..errors import ProgramError
from .promotion import compute_dtype
from .shapes import fit
from .steps import Steps, merged, planned_kernel

BLOCK = 1 << 15
"""Elements of a block of rows."""


class Work:
    """`x` and `out` as arrays [rows, *] of the compute dtype; copies where they are not.

    `close` must be called after the last step; it brings a copied result to `out`.
    """

    def __init__(self, x: Any, out: Any, shape: tuple[int, ...], steps: Steps) -> None:
        self.dtype = compute_dtype(out.dtype)
        self.out, self.steps = out, steps
        result = merged(out, shape) if out.dtype == self.dtype else None
        self.direct = result is not None
        self.result: Any = result if self.direct else np.empty(shape, self.dtype)
        source = merged(x, shape) if x.dtype == self.dtype else None
        if source is None:
            steps.copy(self.result.reshape(x.shape), x)
            source = self.result
        self.source: Any = source

    def close(self) -> None:
        """Append the copy to `out`, if there is need of one."""
        if not self.direct:
            self.steps.copy(self.out, self.result.reshape(self.out.shape))


def _row_blocks(rows: int, size: int) -> list[slice]:
    step = max(1, BLOCK // max(1, size))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def _normalize(
    x: Any,
    out: Any,
    rows: int,
    eps: float,
    affine: tuple[tuple[int, ...], Any, Any],
    steps: Steps,
    moments: tuple[Any, Any] | None = None,
    center: bool = True,
) -> None:
    """Append steps that normalize each of `rows` equal parts of `x`, then scale and shift it.

    `affine` is (shape of a row, weight, bias), the latter None or broadcastable to that shape.
    `moments` are two outs, `rows` elements each, for the mean and 1 / sqrt(variance + eps). Without
    `center` the mean is not subtracted (RMS normalization).
    """
    if x.size == 0:
        for moment, value in zip(moments or (), (0, np.nan), strict=False):
            steps.add(moment.fill, value)
        return
    shape, weight, bias = affine
    size = prod(shape)
    work = Work(x, out, (rows, size), steps)
    factors = [None if a is None else steps.operand(a) for a in (weight, bias)]
    means, scales = np.empty((rows, 1), work.dtype), np.empty((rows, 1), work.dtype)
    # Eager's kernel of narrow floats does not subtract the mean first.
    fused = center and out.dtype != work.dtype
    parts = _row_blocks(rows, size)
    squares = np.empty((parts[0].stop, size), work.dtype)
    count, epsilon, one = (np.array(number, work.dtype) for number in (size, eps, 1))
    for part in parts:
        values, result, mean, scale = (
            work.source[part],
            work.result[part],
            means[part],
            scales[part],
        )
        square = squares[: part.stop - part.start]
        if center:
            steps.add(np.add.reduce, values, 1, None, mean, True)
            steps.add(np.divide, mean, count, mean)
            centered = square if fused else result
            steps.add(np.subtract, values, mean, centered)
        else:
            centered = values
        steps.add(np.multiply, centered, centered, square)
        steps.add(np.add.reduce, square, 1, None, scale, True)
        steps.add(np.divide, scale, count, scale)
        steps.add(np.add, scale, epsilon, scale)
        steps.add(np.sqrt, scale, scale)
        steps.add(np.divide, one, scale, scale)
        if fused:
            steps.add(_scale_and_shift_rows, values, mean, scale, result)
        else:
            steps.add(np.multiply, centered, scale, result)
        place = result.reshape(-1, *shape)
        for function, factor in zip((np.multiply, np.add), factors, strict=True):
            if factor is not None:
                steps.add(function, place, factor, place)
    for moment, value in zip(moments or (), (means, scales), strict=False):
        steps.copy(moment, value.reshape(moment.shape))
    work.close()


def _scale_and_shift_rows(values: Any, mean: Any, scale: Any, out: Any) -> None:
    """`scale * values - scale * mean`, rounded once behind the difference (which f64 emulates)."""
    wide = np.multiply(values, scale, dtype=np.float64)
    np.subtract(wide, scale * mean, out=out, casting="unsafe")


# --- layer and RMS normalization ------------------------------------------------------------------


def _outer(x: Any, normalized_shape: Sequence[int]) -> tuple[int, ...]:
    rank = len(normalized_shape)
    if x.ndim < rank or x.shape[x.ndim - rank :] != tuple(normalized_shape):
        raise ProgramError(
            f"normalized shape {list(normalized_shape)} is not the end of {list(x.shape)}"
        )
    return x.shape[: x.ndim - rank]


def _layer_norm(
    x: Any, normalized_shape: Any, weight: Any, bias: Any, eps: float, *outs: Any
) -> Any:
    steps = Steps()
    outer = _outer(x, normalized_shape)
    shape = (*outer, *(1,) * len(normalized_shape))
    results = tuple(
        fit(out, wanted) for out, wanted in zip(outs, (x.shape, shape, shape), strict=False)
    )
    affine = (tuple(normalized_shape), weight, bias)
    moments = (results[1], results[2]) if len(results) == 3 else None
    _normalize(x, results[0], prod(outer), eps, affine, steps, moments)
    return steps, results


def _layer_norm_composite(
    x: Any, normalized_shape: Any, weight: Any, bias: Any, eps: float, cudnn: bool, out: Any
) -> Any:
    return _layer_norm(x, normalized_shape, weight, bias, eps, out)


def _rms_norm(x: Any, normalized_shape: Any, weight: Any, eps: float | None, out: Any) -> Any:
    steps = Steps()
    outer = _outer(x, normalized_shape)
    out = fit(out, x.shape)
    # The epsilon of the dtype that is computed in, as PyTorch has it.
    eps = float(np.finfo(compute_dtype(x.dtype)).eps) if eps is None else eps
    affine = (tuple(normalized_shape), weight, None)
    _normalize(x, out, prod(outer), eps, affine, steps, center=False)
    return steps, (out,)


# --- group normalization --------------------------------------------------------------------------


def _group_norm(x: Any, weight: Any, bias: Any, groups: int, eps: float, *outs: Any) -> Any:
    steps = Steps()
    batch, channels = x.shape[:2]
    if channels % groups:
        raise ProgramError(f"{channels} channels do not split into {groups} groups")
    moments = (batch, groups)
    results = tuple(
        fit(out, wanted) for out, wanted in zip(outs, (x.shape, moments, moments), strict=False)
    )
    size = channels // groups * prod(x.shape[2:])
    weight, bias = (
        None if a is None else a.reshape(groups, channels // groups, 1) for a in (weight, bias)
    )
    if x.size == 0:
        for moment, value in zip(results[1:], (0, np.nan), strict=False):
            steps.add(moment.fill, value)
        return steps, results
    inner = prod(x.shape[2:])
    if compute_dtype(results[0].dtype) == results[0].dtype and results[0].flags.c_contiguous:
        target = results[0]
    else:
        target = np.empty(x.shape, compute_dtype(results[0].dtype))
    saved = (results[1], results[2]) if len(results) == 3 else None
    _normalize(x, target, batch * groups, eps, ((size,), None, None), steps, saved)
    place = target.reshape(batch, groups, channels // groups, inner)
    for function, factor in ((np.multiply, weight), (np.add, bias)):
        if factor is not None:
            steps.add(function, place, steps.operand(factor), place)
    if target is not results[0]:
        steps.copy(results[0], target)
    return steps, results


def _native_group_norm(
    x: Any, weight: Any, bias: Any, n: int, c: int, hxw: int, group: int, eps: float, *outs: Any
) -> Any:
    return _group_norm(x, weight, bias, group, eps, *outs)


def _group_norm_composite(
    x: Any, groups: int, weight: Any, bias: Any, eps: float, cudnn: bool, out: Any
) -> Any:
    return _group_norm(x, weight, bias, groups, eps, out)


# --- batch normalization --------------------------------------------------------------------------


def _channels(x: Any) -> tuple[int, ...]:
    if x.ndim < 2:
        raise ProgramError(f"batch normalization of a {x.ndim}-d tensor; expected 2-d or more")
    return (x.shape[0], x.shape[1], prod(x.shape[2:]))


def _scale_and_shift(
    mean: Any, inverse: Any, weight: Any, bias: Any, scale: Any, shift: Any
) -> None:
    """`scale` and `shift` [C, 1], so that `x * scale + shift` is the normalization."""
    scale, shift = scale[:, 0], shift[:, 0]
    wide: Any = {"dtype": scale.dtype, "casting": "unsafe"}
    np.multiply(inverse, 1 if weight is None else weight, scale, **wide)
    np.multiply(mean, scale, shift, **wide)
    np.subtract(0 if bias is None else bias, shift, shift, **wide)


def _inverse(variance: Any, eps: float, out: Any) -> None:
    np.add(variance, out.dtype.type(eps), out=out, casting="unsafe")
    np.sqrt(out, out)
    np.divide(out.dtype.type(1), out, out)


def _apply(x: Any, out: Any, scale: Any, shift: Any, steps: Steps) -> None:
    if x.size == 0:
        return
    batch, channels, size = _channels(x)
    work = Work(x, out, (batch, channels, size), steps)
    for part in _row_blocks(channels, size * batch):
        source, target = work.source[:, part], work.result[:, part]
        steps.add(np.multiply, source, scale[part], target)
        steps.add(np.add, target, shift[part], target)
    work.close()


def _batch_norm_eval(
    x: Any, weight: Any, bias: Any, mean: Any, variance: Any, eps: float, out: Any
) -> tuple[Steps, Any]:
    steps = Steps()
    out = fit(out, x.shape)
    dtype = compute_dtype(out.dtype)
    channels = _channels(x)[1]
    scale, shift = np.empty((channels, 1), dtype), np.empty((channels, 1), dtype)
    inverse = np.empty(channels, dtype)
    prepare = (
        partial(_inverse, variance, eps, inverse),
        partial(_scale_and_shift, mean, inverse, weight, bias, scale, shift),
    )
    changing = any(a is not None and a.flags.writeable for a in (weight, bias, mean, variance))
    for call in prepare:
        if changing:
            steps.add(call)
        else:
            call()
    _apply(x, out, scale, shift, steps)
    return steps, out


def _batch_norm_train(
    x: Any,
    weight: Any,
    bias: Any,
    running: tuple[Any, Any] | None,
    momentum: float,
    eps: float,
    out: Any,
    save_mean: Any,
    save_inverse: Any,
    updated: tuple[Any, Any] | None = None,
) -> tuple[Steps, tuple[Any, ...]]:
    """Normalization by the statistics of the batch, which go into `updated`, averaged."""
    steps = Steps()
    batch, channels, size = _channels(x)
    out = fit(out, x.shape)
    save_mean, save_inverse = fit(save_mean, (channels,)), fit(save_inverse, (channels,))
    dtype = compute_dtype(out.dtype)
    scale, shift = np.empty((channels, 1), dtype), np.empty((channels, 1), dtype)

    def measure() -> None:
        axes = (0, *range(2, x.ndim))
        values = x.astype(dtype)
        mean, variance = values.mean(axis=axes), values.var(axis=axes)
        count = batch * size
        fresh = (mean, variance * (count / (count - 1) if count > 1 else np.nan))
        if save_mean.dtype not in (dtype, np.float16):
            # Where the statistics are bf16, so is eager's sum of squares; that of f16 is not.
            squares = (variance * dtype.type(count)).astype(save_mean.dtype)
            variance = squares / save_mean.dtype.type(count)
            fresh = (mean.astype(save_mean.dtype), squares / save_mean.dtype.type(count - 1))
        inverse = np.empty(channels, dtype)
        _inverse(variance, eps, inverse)
        np.copyto(save_mean, mean, casting="unsafe")
        np.copyto(save_inverse, inverse, casting="unsafe")
        # As in eager, what is saved in half precision is what counts.
        _scale_and_shift(save_mean, save_inverse, weight, bias, scale, shift)
        if running is not None and updated is not None:
            for old, new, target in zip(running, fresh, updated, strict=True):
                average = old.astype(np.float64) * (1 - momentum) + momentum * new
                np.copyto(target, average, casting="unsafe")

    steps.add(measure)
    _apply(x, out, scale, shift, steps)
    return steps, (out, save_mean, save_inverse, *(updated or ()))


def _no_training(
    x: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    momentum: float,
    eps: float,
    *outs: Any,
) -> Any:
    steps, out = _batch_norm_eval(x, weight, bias, mean, variance, eps, outs[0])
    # Without training the saved statistics are empty.
    return steps, (out, *(fit(saved, (0,)) for saved in outs[1:]))


def _no_stats(
    x: Any, weight: Any, bias: Any, training: bool, momentum: float, eps: float, *outs: Any
) -> Any:
    if not training:
        raise ProgramError("batch normalization needs running statistics when it is not training")
    return _batch_norm_train(x, weight, bias, None, momentum, eps, *outs)


def _legit(
    x: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    training: bool,
    momentum: float,
    eps: float,
    *outs: Any,
) -> Any:
    """`_native_batch_norm_legit.out` updates the running statistics it is given."""
    if not training:
        return _no_training(x, weight, bias, mean, variance, momentum, eps, *outs)
    running = (mean, variance) if mean is not None else None
    steps, results = _batch_norm_train(
        x, weight, bias, running, momentum, eps, *outs, updated=running
    )
    return steps, results[:3]


def _functional(
    x: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    training: bool,
    momentum: float,
    eps: float,
    *outs: Any,
) -> Any:
    *saved, mean_out, variance_out = outs
    updated = (fit(mean_out, mean.shape), fit(variance_out, variance.shape))
    if training:
        return _batch_norm_train(
            x, weight, bias, (mean, variance), momentum, eps, *saved, updated=updated
        )
    steps, results = _no_training(x, weight, bias, mean, variance, momentum, eps, *saved)
    for target, value in zip(updated, (mean, variance), strict=True):
        steps.copy(target, value)
    return steps, (*results, *updated)


def _batch_norm_composite(
    x: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    training: bool,
    momentum: float,
    eps: float,
    cudnn: bool,
    out: Any,
) -> Any:
    if not training:
        return _no_training(x, weight, bias, mean, variance, momentum, eps, out)
    # The statistics are as wide as the parameters.
    kept = next((a.dtype for a in (weight, bias, mean, variance) if a is not None), x.dtype)
    channels = np.empty(_channels(x)[1], kept)
    outs = (out, channels, channels.copy())
    steps, results = _legit(x, weight, bias, mean, variance, True, momentum, eps, *outs)
    return steps, results[:1]


# --- names ----------------------------------------------------------------------------------------


planned_kernel("aten::native_layer_norm.out", _layer_norm)
planned_kernel("aten::layer_norm.out", _layer_norm_composite)
planned_kernel("aten::rms_norm.out", _rms_norm)
planned_kernel("aten::native_group_norm.out", _native_group_norm)
planned_kernel("aten::group_norm.out", _group_norm_composite)
planned_kernel("aten::batch_norm.out", _batch_norm_composite)
planned_kernel("aten::_native_batch_norm_legit_no_training.out", _no_training)
planned_kernel("aten::_native_batch_norm_legit.no_stats_out", _no_stats)
planned_kernel("aten::_native_batch_norm_legit.out", _legit)
planned_kernel("aten::native_batch_norm.out", _legit)
planned_kernel("aten::_native_batch_norm_legit_functional.out", _functional)
