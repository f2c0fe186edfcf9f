"""Convolutions of one to three spatial dimensions: arguments, shapes, and the choice of algorithm.

All names share one implementation, semantics of `torch.convolution`; the algorithms are in
dense_convolution.py and depthwise_convolution.py. Narrow floats are computed in f32.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ProgramError
from . import dense_convolution, depthwise_convolution
from .convolution_problem import Problem
from .promotion import compute_dtype
from .shapes import fit
from .steps import Steps, planned_kernel


def plan(
    x: Any,
    weight: Any,
    bias: Any,
    stride: Sequence[int],
    padding: Sequence[int] | str,
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    out: Any,
) -> tuple[Steps, tuple[Any, ...]]:
    """The steps of a convolution and its result: `out`, or a new array if `out` has another shape.

    `x` is [N, C, *sizes] or [C, *sizes], `weight` [O, C / groups, *kernel], transposed
    [C, O / groups, *kernel]; the lists have one entry for each spatial dimension, or one for all.
    `padding` may be "valid" or "same".
    """
    rank = weight.ndim - 2
    if not 1 <= rank <= 3 or x.ndim not in (rank + 1, rank + 2):
        raise ProgramError(
            f"a convolution of {x.ndim}-d input with {weight.ndim}-d weight is not supported; "
            "expected 1 to 3 spatial dimensions in both"
        )
    unbatched = x.ndim == rank + 1
    image = x[None] if unbatched else x
    channels = weight.shape[0] if transposed else weight.shape[1] * groups
    if image.shape[1] != channels or weight.shape[0] % groups:
        raise ProgramError(
            f"input {list(x.shape)} and weight {list(weight.shape)} do not fit with {groups} groups"
        )
    steps_, gaps = _each(stride, rank), _each(dilation, rank)
    spans = tuple(gap * (k - 1) for gap, k in zip(gaps, weight.shape[2:], strict=True))
    before, around = _pads(padding, spans)
    dims = zip(image.shape[2:], spans, steps_, around, _each(output_padding, rank), strict=True)
    if transposed:
        sizes = tuple((n - 1) * s - a + span + extra + 1 for n, span, s, a, extra in dims)
    else:
        sizes = tuple((n + a - span - 1) // s + 1 for n, span, s, a, _ in dims)
    if min(sizes) < 1:
        raise ProgramError(
            f"kernel {list(weight.shape[2:])} is larger than the padded input {list(x.shape)}"
        )
    features = weight.shape[1] * groups if transposed else weight.shape[0]
    shape = (image.shape[0], features, *sizes)
    out = fit(out, shape[1:] if unbatched else shape)
    steps = Steps()
    problem = Problem(
        image,
        weight,
        bias,
        steps_,
        before,
        gaps,
        groups,
        out[None] if unbatched else out,
        compute_dtype(out.dtype),
    )
    if out.size:
        _algorithm(problem, transposed)(problem, steps)
    return steps, (out,)


def _algorithm(problem: Problem, transposed: bool) -> Callable[[Problem, Steps], None]:
    if transposed:
        return dense_convolution.transposed
    if problem.groups > 1 and problem.weight.shape[1] == 1:
        if depthwise_convolution.suits_bands(problem):
            return depthwise_convolution.banded
        return depthwise_convolution.shifted
    if dense_convolution.is_pointwise(problem):
        return dense_convolution.pointwise
    return dense_convolution.unfolded


def _each(values: Sequence[int], rank: int) -> tuple[int, ...]:
    return tuple(values) * rank if len(values) == 1 else tuple(values)


def _pads(
    padding: Sequence[int] | str, spans: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Padding before each dimension, and before and after together."""
    if padding == "same":
        return tuple(span // 2 for span in spans), spans
    if padding == "valid":
        return (0,) * len(spans), (0,) * len(spans)
    assert not isinstance(padding, str), padding
    before = _each(padding, len(spans))
    if min(before) < 0:
        raise ProgramError(f"padding {list(before)} is negative")
    return before, tuple(2 * pad for pad in before)


def _forward(
    x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int, out: Any
) -> tuple[Steps, tuple[Any, ...]]:
    return plan(x, weight, bias, stride, padding, dilation, False, [0], groups, out)


def _transposed(
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
    out: Any,
) -> tuple[Steps, tuple[Any, ...]]:
    return plan(x, weight, bias, stride, padding, dilation, True, output_padding, groups, out)


planned_kernel("aten::convolution.out", plan)
for _name in ("conv1d.out", "conv2d.out", "conv3d.out"):
    planned_kernel(f"aten::{_name}", _forward)
for _name in ("conv1d.padding_out", "conv2d.padding_out", "conv3d.padding_out"):
    planned_kernel(f"aten::{_name}", _forward)
for _name in ("conv_transpose1d.out", "conv_transpose2d.input_out", "conv_transpose3d.input_out"):
    planned_kernel(f"aten::{_name}", _transposed)
